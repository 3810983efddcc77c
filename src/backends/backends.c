#include "backends/sqlite/sqlite.h"
#if MASTRA_WITH_POSTGRES
#include "backends/postgres/postgres.h"
#endif
#if MASTRA_WITH_DSQL
#include "backends/dsql/dsql.h"
#endif
#if MASTRA_WITH_AWS
#include "backends/dynamodb/dynamodb.h"
#endif

static const struct {
    const char *scheme;
    const struct ms_backend_ops *ops;
} backends[] = {
    {"file", &ms_sqlite_ops},
#if MASTRA_WITH_POSTGRES
    {"postgresql", &ms_postgres_ops}, {"postgres", &ms_postgres_ops},
#endif
#if MASTRA_WITH_DSQL
    {"dsql", &ms_dsql_ops},
#endif
#if MASTRA_WITH_AWS
    {"dynamodb", &ms_dynamodb_ops},
#endif
};

const struct ms_backend_ops *ms_backend_find(mastra_str scheme)
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (strlen(backends[i].scheme) == scheme.len &&
            memcmp(backends[i].scheme, scheme.ptr, scheme.len) == 0) {
            return backends[i].ops;
        }
    }
    return NULL;
}

/* Several schemes may name one backend: it counts where it stands first. */
static bool stands_before(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (backends[i].ops == backends[index].ops) {
            return true;
        }
    }
    return false;
}

const char *mastra_backend_at(size_t index)
{
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (!stands_before(i) && index-- == 0) {
            return backends[i].ops->name;
        }
    }
    return NULL;
}
