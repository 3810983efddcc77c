/* What a unit writes, as operations on items: at most one for each item, each with its condition. */
#ifndef BACKENDS_DYNAMODB_WRITE_H
#define BACKENDS_DYNAMODB_WRITE_H

#include "backends/dynamodb/dynamodb.h"
#include "base/random.h"

/* The attribute of an item that tells which attempt wrote it last, of those that wrote it under a condition and alone:
 * so the outcome of one whose answer was lost can be looked up. */
#define DDB_ATTEMPT "mastra_try"

enum ddb_op_kind {
    DDB_OP_CHECK,  /* nothing is written: the condition must hold */
    DDB_OP_UPDATE, /* UpdateItem */
    DDB_OP_DELETE,
    DDB_OP_PUT, /* a part of a large record: no record names it so far */
};

enum ddb_condition {
    DDB_ANY,    /* none */
    DDB_SEEN,   /* the item is as `seen` has it */
    DDB_NEW,    /* there is none; else the unit conflicts with what was there before */
    DDB_THERE,  /* there is one; otherwise the operation is to have no effect */
    DDB_PLAIN,  /* the same, and it does not stand in parts */
    DDB_EXPECT, /* there is one; otherwise the unit fails with NOT_FOUND */
};

struct ddb_op {
    enum ddb_op_kind kind;
    enum ddb_condition condition;
    bool bulk;  /* one of many that a query has selected: it may be done by itself */
    bool after; /* what is left over when all others were done: a part that no record names any longer */
    bool drop;  /* nothing is to be done */
    bool added; /* it came with another one, whose record stands in parts */
    bool whole; /* of UPDATE: nothing of the item that is there is to remain */
    enum ms_write_kind what;
    const struct ms_entity *entity;
    const void *record;
    uint64_t columns; /* of a patch */
    int64_t sequence;
    struct ms_key key;
    const struct ddb_seen *seen;
    const struct ms_item_part *part;
    size_t place; /* in the unit's order */
    size_t bytes; /* about what it writes */
    size_t at;    /* its text: the members of its request */
    size_t len;
};

struct ddb_touch {
    struct ms_key key;
    const struct ms_entity *entity;
    const mastra_str *ids;
    uint8_t column;
    mastra_time time;
};

/*
 * Who creates a record with more that belongs to it than one transaction takes. The record comes last, so that there is
 * nothing that tells others to keep away: an item beside it does, until the record is there. What is written
 * meanwhile bears the claim's mark; should it never be completed, the next who claims the key takes that away.
 */
struct ddb_claim {
    bool held;
    const struct ms_entity *entity; /* of the record */
    struct ms_key key;
    char mark[MS_UUID_LEN + 1];
    bool wrote;    /* something that bears the mark */
    bool doubtful; /* a request may have been done, or be done yet */
};

struct ddb_work {
    struct ddb_session *session;
    struct ms_arena *arena;
    struct ddb_op *ops;
    size_t count;
    size_t room;
    struct ddb_touch *touches;
    size_t touch_count;
    size_t touch_room;
    struct ddb_claim claim;
    mastra_time now;
    bool touched; /* the touches went with the writes, and were done */
    bool unsure;  /* a row was not there, or stands in parts: nothing was written */
    struct ms_buf texts;
    char attempt[MS_UUID_LEN + 1]; /* tells the writes of this attempt from those of others */
};

/* Adds an operation at the end; NULL: memory is out (error is set). */
struct ddb_op *ddb_work_add(struct ddb_work *work, const struct ms_entity *entity, enum ms_write_kind what,
                            mastra_error *error);
/* Adds the deletion of the parts that an item names. `record` has its key. */
mastra_status ddb_work_drop_parts(struct ddb_work *work, const struct ms_entity *entity, const void *record,
                                  const struct ms_item_seen *item, mastra_error *error);

/* Finds the operations and the touches of a unit; those of a query are selected now. */
mastra_status ddb_work_collect(struct ddb_work *work, const struct ms_write *first, mastra_error *error);

/* Drops what need not be done, as far as is known; nothing remains when nothing is written. */
void ddb_work_settle(struct ddb_work *work);

/*
 * look.c: reads the rows that are to be patched and were not read so far, where it matters how they are: several writes
 * depend on whether they are there, index keys are made of more than the patch, or they stand in parts. `all`: in any
 * case. What cannot be patched becomes a whole record.
 */
mastra_status ddb_work_look(struct ddb_work *work, bool all, mastra_error *error);

/* Whether records of the entity may stand in parts. */
bool ddb_may_have_parts(const struct dynamodb *backend, const struct ms_entity *entity);

int ddb_key_compare(const struct ms_key *a, const struct ms_key *b);
void ddb_copy_columns(const struct ms_entity *entity, void *to, const void *from, uint64_t columns);

/* Writes the texts of all operations, and adds those of the parts of large records. */
mastra_status ddb_work_render(struct ddb_work *work, mastra_error *error);

/* Appends an update of a change: its members up to the condition, whose names and values may follow. */
void ddb_put_update(const struct dynamodb *backend, struct ms_buf *body, const struct ms_item_change *change,
                    enum ddb_condition condition, const struct ms_entity *entity,
                    const struct ddb_seen *seen);

/* single.c */

/* The members of an operation's request, rendered. */
mastra_str ddb_op_text(const struct ddb_work *work, const struct ddb_op *op);
/* Whether it depends on nothing that was there before. */
bool ddb_is_free(const struct ddb_op *op);
/* The error of a write that did not go well: UNKNOWN_OUTCOME where it may have taken effect. */
bool ddb_is_unknown(const struct ms_service_call *call); /* whether it may have been done, or be done yet */
mastra_status ddb_write_failed(struct ddb_work *work, const struct ms_service_call *call,
                               mastra_error *error);
/* The error of an operation whose condition did not hold. */
mastra_status ddb_refused(const struct ddb_op *op, mastra_error *error);
mastra_status ddb_add_single(struct ddb_work *work, struct ddb_batch *batch, const struct ddb_op *op,
                             mastra_error *error);
/* Sends one by itself; if its answer is lost, it is looked up. */
mastra_status ddb_send_single(struct ddb_work *work, const struct ddb_op *op, mastra_error *error);
/* Sends requests that are writes, and the touches where they can be beside them. */
mastra_status ddb_send_writes(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error);

/* send.c */

/* Sends them all. *ret_smaller: the endpoint takes fewer items in a transaction than was thought, and has refused it. */
mastra_status ddb_send(struct ddb_work *work, bool *ret_smaller, mastra_error *error);
/* Sends requests that need not be done together, until nothing of them is left undone. A condition that does not hold
 * is no error. */
mastra_status ddb_send_bulk(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error);
/* How many items a transaction takes, as far as is known. */
unsigned ddb_most_items(const struct ddb_work *work);

/* Whether one transaction takes all operations, which have been rendered, and in how many rounds they go otherwise. */
bool ddb_fits(const struct ddb_work *work);
size_t ddb_rounds(const struct ddb_work *work);
void ddb_put_capacity(const struct ddb_work *work, struct ms_buf *body);

/* Sends operations as one transaction. *ret_smaller as above. */
mastra_status ddb_send_transaction(struct ddb_work *work, const struct ddb_op *ops, size_t count,
                                   bool *ret_smaller, mastra_error *error);

/* claim.c: whether an operation creates a record that nobody else must create meanwhile. */
bool ddb_claims(const struct ddb_op *op);
/* Whether what it writes has to bear the claim's mark. */
bool ddb_claim_marks(const struct ddb_work *work, const struct ddb_op *op);
/* Takes the claim on a record; CONFLICT when somebody else has it, or the record is there. All operations have to be
 * rendered anew. */
mastra_status ddb_claim_take(struct ddb_work *work, const struct ddb_op *claimed, mastra_error *error);
/* Writes the record, and the claim is gone. */
mastra_status ddb_claim_complete(struct ddb_work *work, const struct ddb_op *claimed, mastra_error *error);
/* Gives up a claim that may be held; what was written under it is for the next one to take away, who waits for a moment
 * after a failure that may have left requests under way. */
void ddb_claim_abandon(struct ddb_work *work, mastra_status failure);

/*
 * commit.c: adds the requests for the touches. They go beside writes that depend on nothing, whose failure nothing but the
 * service can cause: then a row may have been touched for nothing. After the others otherwise.
 */
mastra_status ddb_add_touches(struct ddb_work *work, struct ddb_batch *batch, mastra_error *error);
/* Notes whether those of a batch, from number `from` on, were done; what was not is done again afterwards. */
void ddb_take_touches(struct ddb_work *work, const struct ddb_batch *batch, size_t from);

/* All items that a query's predicates select, with their keys. */
mastra_status ddb_select(struct ddb_session *session, const struct ms_query *query, struct ms_arena *arena,
                         struct ms_item_row **ret, size_t *ret_count, mastra_error *error);

#endif
