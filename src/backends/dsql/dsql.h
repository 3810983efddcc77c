/*
 * The Aurora DSQL backend: the PostgreSQL backend with another dialect, another way to connect, and limits. What differs
 * in statements and DDL is told by its flavour (struct pg_flavour); what differs otherwise stands in this folder.
 */
#ifndef BACKENDS_DSQL_DSQL_H
#define BACKENDS_DSQL_DSQL_H

#include "backends/postgres/postgres.h"

#include <mastra/dsql.h>

/* What the service allows, in one transaction and in one place. */
#define DSQL_ROWS_MOST  3000
#define DSQL_VALUE_MOST ((size_t)1024 * 1024)
#define DSQL_ROW_MOST   ((size_t)2 * 1024 * 1024)
#define DSQL_KEY_MOST   1024

/* Of a transaction's 10 MiB, overheads that nobody tells take a part. */
#define DSQL_BYTES_MOST ((size_t)8 * 1024 * 1024)

/* A call that does not fit into one transaction is done in parts of at most this size. */
#define DSQL_PART_ROWS  1000
#define DSQL_PART_BYTES ((size_t)4 * 1024 * 1024)

struct dsql {
    struct postgres postgres; /* first */
    int64_t patience_ms;      /* for how long a part is tried again */
    bool wait_for_indexes;
};

extern const struct ms_backend_ops ms_dsql_ops;
extern const struct pg_flavour dsql_flavour;
extern const struct ms_dialect dsql_dialect;

/* connect.c */

/* What the options of mastra_open_dsql come to, those of the URL not yet among them. */
mastra_dsql_options dsql_given_options(const struct ms_config *config);

/* How each new connection is made: a pool's connect_arg. */
struct dsql_door;

/* Reads where to connect, as whom and with whose credentials. To be released by pg_connect_ops.release. */
mastra_status dsql_door_new(struct ms_config *config, struct dsql_door **ret, mastra_error *error);
void dsql_door_free(struct dsql_door *door); /* NULL is allowed */

/* The keywords of all connections: for struct pg_defaults. */
mastra_status dsql_door_keywords(void *arg, struct ms_config *config, struct pg_keywords *keywords,
                                 mastra_error *error);
extern const struct pg_connect_ops dsql_connect_ops;

/* limits.c */

/* Refuses what no row can hold. */
mastra_status dsql_check_writes(const struct ms_write *first, mastra_error *error);

/* About how many bytes of its transaction a write takes. */
size_t dsql_write_size(const struct ms_write *write);

/* commit.c */
mastra_status dsql_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                         mastra_error *error);
mastra_status dsql_commit(struct ms_session *session, mastra_error *error);

/* jobs.c */

/* Waits for all indexes of the cluster that are being built. */
mastra_status dsql_wait_for_jobs(struct postgres *backend, mastra_error *error);

/* Has an index built and waits for it; one that takes longer than a statement may goes on being built. */
mastra_status dsql_build_index(struct pg_session *session, const struct ms_buf *sql,
                               const struct ms_index_wish *wish, mastra_error *error);

/* outcome.c */

/* A commit's answer was not heard: whether the rows are as it would have left them. MASTRA_OK when they are; an error that is
 * retriable when they are not; UNKNOWN_OUTCOME when rows do not tell. */
mastra_status dsql_look_up(struct ms_backend *backend, const struct ms_write *first, mastra_error *error);

static inline struct dsql *dsql_of(const struct ms_backend *backend)
{
    return (struct dsql *)(uintptr_t)backend;
}

#endif
