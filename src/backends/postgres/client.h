/* What every backend that speaks to PostgreSQL begins with: how it connects, and where. */
#ifndef BACKENDS_POSTGRES_CLIENT_H
#define BACKENDS_POSTGRES_CLIENT_H

#include "backends/postgres/pool.h"
#include "store/backend.h"

struct pg_guards;

/* The first part of the backend's own struct. All but `base` is set by pg_backend_connect. */
struct pg_backend {
    struct ms_backend base; /* first */
    struct ms_heap *heap;
    const struct ms_log *log;
    struct pg_client client;
    char *schema;
    uint32_t scope;           /* of its prepared statements */
    struct pg_guards *guards; /* NULL: run locks are leases only */
};

/* What is filled in where neither URL nor options say anything. */
struct pg_defaults {
    struct pg_pool_settings settings;
    const char *schema;
    /* How the keywords are found; NULL: pg_read_keywords. `arg` is the settings' connect_arg. */
    mastra_status (*keywords)(void *arg, struct ms_config *config, struct pg_keywords *keywords,
                              mastra_error *error);
    bool leases_only; /* run locks have no guards */
};

extern const struct pg_defaults pg_postgres_defaults;

/*
 * Reads where and how to connect from the URL or from the options that mastra_open_postgres hands over
 * (config->special), refuses what nobody understands (so that the backend reads its own parameters before), and becomes a
 * user of a pool, a new one or the program's. The defaults' connect_arg is let go in any case, when the pool goes or before.
 * pg_backend_disconnect must follow, after a failure as well. Errors:
 * INVALID_ARGUMENT, OUT_OF_MEMORY, INTERNAL.
 */
mastra_status pg_backend_connect(struct pg_backend *backend, struct ms_config *config,
                                 const struct pg_defaults *defaults, mastra_error *error);
void pg_backend_disconnect(struct pg_backend *backend);

/* The slot `interrupt` of all of them, by which the backends are known that begin with this struct. */
void pg_backend_interrupt(struct ms_backend *backend);

/* settings.c: the same for a flavour that finds its keywords by itself. The settings hold the defaults. */
mastra_status pg_read_pool_settings(struct ms_config *config, struct pg_pool_settings *settings,
                                    mastra_error *error);
mastra_status pg_read_schema(struct ms_config *config, const char *fallback, struct ms_heap *heap, char **ret,
                             mastra_error *error);
mastra_status pg_read_keywords(struct ms_config *config, struct pg_keywords *keywords, mastra_error *error);

/* lock.c: the slots for run locks, and their part of the backend. */
extern const struct ms_guard_ops pg_guard_ops;

struct pg_guards *pg_guards_new(struct pg_backend *backend);
void pg_guards_free(struct pg_guards *guards); /* NULL is allowed */

static inline struct pg_backend *pg_backend_of(const struct ms_backend *backend)
{
    return (struct pg_backend *)(uintptr_t)backend;
}

#endif
