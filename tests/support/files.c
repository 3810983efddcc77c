#include "support/files.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Noreturn void give_up(const char *what, const char *path)
{
    fprintf(stderr, "cannot %s %s\n", what, path);
    abort();
}

char *test_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        give_up("format", format);
    return text;
}

char *test_dir_new(void)
{
    const char *base = getenv("TMPDIR");
    char *path = test_format("%s/mastra-test-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path))
        give_up("make", path);
    return path;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void test_dir_remove(char *path)
{
    if (path)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

char *test_file_read(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info))
        give_up("read", path);
    size_t size = (size_t)info.st_size;
    char *text = malloc(size + 1);
    if (!text || fread(text, 1, size, file) != size)
        give_up("read", path);
    text[size] = '\0';
    fclose(file);
    if (ret_len)
        *ret_len = size;
    return text;
}

void test_file_write(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, len, file) != len || fclose(file))
        give_up("write", path);
}
