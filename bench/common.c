#include "contestant.h"

#include <mastra/mastra.h>

#include <stdio.h>
#include <time.h>

double bench_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *bench_content(void)
{
    static const char before[] = "{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"";
    static const char after[] = "\"}]}";
    static char content[BENCH_CONTENT_SIZE + 1];
    size_t fill = BENCH_CONTENT_SIZE - (sizeof before - 1) - (sizeof after - 1);

    if (!content[0]) {
        memcpy(content, before, sizeof before - 1);
        memset(content + sizeof before - 1, 'x', fill);
        memcpy(content + sizeof before - 1 + fill, after, sizeof after);
    }
    return content;
}

int64_t bench_time(void)
{
    static int64_t last = 1767225600000;

    return ++last;
}

bool bench_complain(const char *who, const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", who, what);
    return false;
}

bool bench_make_tables(const char *path)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char url[512];

    snprintf(url, sizeof url, "file:%s", path);
    if (mastra_open(url, NULL, &store, &error) != MASTRA_OK || mastra_init(store, &error) != MASTRA_OK) {
        mastra_close(store, NULL);
        return bench_complain("tables", error.message);
    }
    mastra_close(store, NULL);
    return true;
}
