/*
 * Runs a fuzz target over stored inputs: fuzz-x FILE|FOLDER... A sanitizer or an abort says which one is at
 * fault; the name of each is printed before it runs only when MASTRA_REPLAY_VERBOSE is set.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

/* The input is in a block of exactly its size, so that reading past it shows. */
static int replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);
    int failed = !file || !data || fread(data, 1, size, file) != size;
    if (failed) {
        perror(path);
    } else {
        if (getenv("MASTRA_REPLAY_VERBOSE"))
            fprintf(stderr, "%s\n", path);
        LLVMFuzzerTestOneInput(data, size);
        replayed++;
    }
    if (file)
        fclose(file);
    free(data);
    return failed;
}

static int replay(const char *path);

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        perror(path);
        return 1;
    }
    int failed = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        char inner[4096];
        if (entry->d_name[0] == '.')
            continue;
        int len = snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        failed |= len < 0 || (size_t)len >= sizeof(inner) || replay(inner);
    }
    closedir(folder);
    return failed;
}

static int replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        perror(path);
        return 1;
    }
    return S_ISDIR(info.st_mode) ? replay_folder(path) : replay_file(path, (size_t)info.st_size);
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    printf("%zu inputs replayed\n", replayed);
    return failed || !replayed;
}
