/*
 * The DynamoDB backend: entities as items of one table, which Mastra's own adapter can use at the same time. How the
 * table is reached and what it has stands in client.h and table.h, what an item looks like in key.h and item.h.
 */
#ifndef BACKENDS_DYNAMODB_DYNAMODB_H
#define BACKENDS_DYNAMODB_DYNAMODB_H

#include "backends/dynamodb/client.h"
#include "backends/dynamodb/item.h"
#include "backends/dynamodb/wire.h"

#include <pthread.h>

/*
 * Units of one store that are going to change the same row take turns, for without a lock on the server all but one of
 * them would run in vain. Who may come next goes by tickets. A session has at most one turn, and asks for it before it
 * holds anything: nobody waits in a circle.
 */
#define DDB_TURNS  32
#define DDB_LONGER 256

struct ddb_turn {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next;
    uint64_t serving;
};

struct dynamodb {
    struct ddb_backend base;    /* first */
    atomic_uint most_items;     /* of a transaction; what the endpoint takes, once it has refused more */
    _Atomic int64_t ahead_ms;   /* what the service's clock is ahead of ours, as far as its answers tell */
    _Atomic uint64_t last_date; /* the last day in the book of days of which this store knows */
    struct ddb_turn turns[DDB_TURNS];
    _Atomic uint64_t longer[DDB_LONGER]; /* pages that were full when they were read last, see ddb_page */
};

/* A row that a unit has asked for with a lock: what it writes holds only as long as the row is as it was then. */
struct ddb_seen {
    struct ddb_seen *next;
    const struct ms_entity *entity;
    bool there;               /* some item, even if it was no record of the entity, or another's */
    struct ms_item_seen item; /* its key, whether it is there or not */
    const void *record;       /* NULL: none */
};

struct ddb_session {
    struct ms_session session; /* first */
    struct dynamodb *owner;
    enum ms_session_mode mode;
    struct ms_arena *arena; /* for what outlives a call of a slot; NULL until it is needed */
    struct ddb_seen *seen;
    const struct ms_write *writes;
    int64_t deadline_ns;
    struct ddb_turn *turn; /* NULL: none was taken */
};

extern const struct ms_backend_ops ms_dynamodb_ops;

/* survey.c */
extern const struct ms_survey_ops ddb_survey_ops;

/* session.c */
mastra_status ddb_begin(struct ms_backend *base, enum ms_session_mode mode, struct ms_session **ret,
                        mastra_error *error);
void ddb_rollback(struct ms_session *session);
mastra_status ddb_clock(struct ms_session *session, mastra_time *ret, mastra_error *error);
mastra_status ddb_apply(struct ms_session *session, const struct ms_write *first, bool *ret_begun,
                        mastra_error *error);
/* Waits until the session's turn has come to change that item; it lasts until the session ends. */
void ddb_take_turn(struct ddb_session *session, const struct ms_key *key);

/* The time of a call is that of one request: what takes many, one after another, gets it anew for each. */
void ddb_renew_deadline(struct ddb_session *session);
/* The session's own arena; NULL when memory is out (error is set). */
struct ms_arena *ddb_session_arena(struct ddb_session *session, mastra_error *error);

/* read.c */
mastra_status ddb_get(struct ms_session *session, const struct ms_entity *entity, const mastra_str *key,
                      bool lock, struct ms_arena *arena, void **ret, mastra_error *error);
mastra_status ddb_list(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                       struct ms_rows *ret, mastra_error *error);
mastra_status ddb_count(struct ms_session *session, const struct ms_query *query, int64_t *ret,
                        mastra_error *error);
mastra_status ddb_page(struct ms_session *session, const struct ms_query *query, struct ms_arena *arena,
                       struct ms_rows *ret, int64_t *ret_total, mastra_error *error);

/* commit.c */
mastra_status ddb_commit(struct ms_session *session, mastra_error *error);
/* Does a list of writes at once. */
mastra_status ddb_write(struct ddb_session *session, const struct ms_write *first, mastra_error *error);

/* foreign.c: tables that are not in the catalogue */
mastra_status ddb_describe_table(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                 const struct ms_entity **ret, mastra_error *error);
mastra_status ddb_ensure_table(struct ms_session *session, const struct ms_entity *entity, uint64_t columns,
                               mastra_error *error);
mastra_status ddb_drop_table(struct ms_session *session, mastra_str table, mastra_error *error);

static inline struct ddb_session *ddb_session_of(struct ms_session *session)
{
    return (struct ddb_session *)session;
}

static inline struct dynamodb *dynamodb_of(struct ms_backend *backend)
{
    return (struct dynamodb *)backend;
}

#endif
