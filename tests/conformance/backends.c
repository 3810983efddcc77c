#include "conformance/conformance.h"

#include <stdlib.h>
#include <string.h>

static bool always(void)
{
    return true;
}

#define TRAIT_RELATIONAL (TRAIT_CASED | TRAIT_INDEXES | TRAIT_CLOCK | TRAIT_DOUBLES)
#define SQLITE_TRAITS                                                                                        \
    (TRAIT_ORPHANS | TRAIT_RAW_JSON | TRAIT_LARGE | TRAIT_NUL | TRAIT_RELATIONAL | TRAIT_SQLITE)
#define POSTGRES_TRAITS                                                                                      \
    (TRAIT_JSONB | TRAIT_LARGE | TRAIT_KEEPS | TRAIT_SHARED | TRAIT_RELATIONAL | TRAIT_POSTGRES)
#define DSQL_TRAITS (TRAIT_RAW_JSON | TRAIT_KEEPS | TRAIT_SHARED | TRAIT_RELATIONAL | TRAIT_DSQL)
#define DYNAMODB_TRAITS                                                                                      \
    (TRAIT_ORPHANS | TRAIT_RAW_JSON | TRAIT_NUL | TRAIT_KEEPS | TRAIT_SHARED | TRAIT_DYNAMODB)

const struct backend conformance_backends[] = {
    {"sqlite-file", "LIBSQL", SQLITE_TRAITS | TRAIT_KEEPS | TRAIT_SHARED | TRAIT_FILE, always,
     place_file_begin, place_file_begin},
    {"sqlite-memory", "LIBSQL", SQLITE_TRAITS, always, place_memory_begin, place_memory_begin},
    {"postgres", "PG", POSTGRES_TRAITS, place_postgres_available, place_postgres_begin,
     place_postgres_begin_fresh},
    {"dsql", "DSQL", DSQL_TRAITS, place_dsql_available, place_dsql_begin, place_dsql_begin_fresh},
    {"dynamodb", "DYNAMODB", DYNAMODB_TRAITS, place_dynamodb_available, place_dynamodb_begin,
     place_dynamodb_begin},
};
const size_t conformance_backend_count = sizeof(conformance_backends) / sizeof(conformance_backends[0]);

bool conformance_wanted(const char *name)
{
    const char *word = getenv("CASES");
    return !word || strstr(name, word);
}
