#include "conformance/conformance.h"

#include "support/files.h"

#include <stdlib.h>

static void file_begin(struct place *place)
{
    place->directory = test_dir_new();
    place->url = test_format("file:%s/store.db", place->directory);
}

static void memory_begin(struct place *place)
{
    place->directory = NULL;
    place->url = test_format(":memory:");
}

static void place_end(struct place *place)
{
    free(place->url);
    test_dir_remove(place->directory);
}

#define SQLITE_TRAITS (TRAIT_ORPHANS | TRAIT_RAW_JSON | TRAIT_LARGE)

const struct backend conformance_backends[] = {
    {"sqlite-file", "LIBSQL", SQLITE_TRAITS | TRAIT_KEEPS | TRAIT_SHARED, file_begin, place_end},
    {"sqlite-memory", "LIBSQL", SQLITE_TRAITS, memory_begin, place_end},
};
const size_t conformance_backend_count = sizeof(conformance_backends) / sizeof(conformance_backends[0]);
