/*
 * The table as such: what it must have, what it has, making it. The table that is wanted stands here once, as data: what
 * DescribeTable tells is compared with it, CreateTable and UpdateTable are written from it, and so are the templates.
 */
#ifndef BACKENDS_DYNAMODB_TABLE_H
#define BACKENDS_DYNAMODB_TABLE_H

#include "backends/dynamodb/client.h"

/* At run time. */

/*
 * The slot ensure_schema: one DescribeTable. Never makes anything. Errors: CANNOT_OPEN (there is
 * no such table, or it is another one; the message says what is missing and which command mends it), BUSY (it is being
 * made), and those of a request.
 */
mastra_status ddb_table_check(struct ddb_client *client, mastra_error *error);

/*
 * Which global secondary indexes can be queried now: bit n of *ret is gsi<n>. Asks the table once, and again later while an
 * index of it is being made. Errors: those of ddb_table_check.
 */
mastra_status ddb_table_indexes(struct ddb_client *client, unsigned *ret, mastra_error *error);

/* In how many segments the table is best scanned, as far as is known of its size. */
#define DDB_SEGMENTS_MOST 8
size_t ddb_table_segments(const struct ddb_client *client);

/* A request was refused because an index or the table is missing: the next one who asks looks again. */
void ddb_table_forget(struct ddb_client *client);

/* What is wanted. */

#define DDB_KEY_NAME_SIZE 16

/* "gsi1" */
void ddb_index_name(unsigned number, char out[DDB_KEY_NAME_SIZE]);

/* "pk" and "sk" of the table (number 0), "gsi1pk" and "gsi1sk" of the first index, all of them texts. */
void ddb_key_name(unsigned number, bool range, char out[DDB_KEY_NAME_SIZE]);

/* The number of the index of that name; 0 when it is none of ours. */
unsigned ddb_index_number(mastra_str name);

#define DDB_BILLING    "PAY_PER_REQUEST"
#define DDB_PROJECTION "ALL"

/* What is there. */

enum ddb_state {
    DDB_MISSING,
    DDB_MAKING, /* CREATING, UPDATING of a table that cannot be used, or an index that is being filled */
    DDB_ACTIVE, /* a table that is UPDATING can be used and counts as this */
    DDB_DELETING,
    DDB_AWAY, /* archived, or without access to its key */
};

/* An index as DescribeTable tells it. */
struct ddb_index {
    mastra_str name;
    mastra_str hash_key;
    mastra_str range_key; /* absent: none */
    bool strings;         /* both keys are texts */
    bool all;             /* of every item it has all attributes */
    enum ddb_state state;
    mastra_str status; /* "ACTIVE" */
    bool backfilling;
    int64_t items; /* MASTRA_INTEGER_NONE: not told */
    int64_t bytes;
};

/* Texts and indexes live in the arena. */
struct ddb_description {
    enum ddb_state state;
    mastra_str status;
    mastra_str hash_key;
    mastra_str range_key;
    bool strings;
    const struct ddb_index *indexes;
    size_t index_count;
    int64_t read_units; /* what is paid for all the time; 0: each request is paid for */
    int64_t write_units;
    bool encrypted; /* with a key in KMS */
    bool updating;
    int64_t items;
    int64_t bytes;
};

/* Asks; a table that is not there is no error: its state is MISSING. Errors: those of a request, OUT_OF_MEMORY. */
mastra_status ddb_table_describe(struct ddb_client *client, struct ms_arena *arena,
                                 struct ddb_description *ret, mastra_error *error);

/* The index gsi<number>; NULL when there is none. */
const struct ddb_index *ddb_find_index(const struct ddb_description *table, unsigned number);

/* What is wrong with the keys of a table, or with an index, for people: NULL when they are as they should be. */
const char *ddb_table_wrong(const struct ddb_description *table);
const char *ddb_index_wrong(const struct ddb_index *index, unsigned number);

/* Changing. */

/*
 * The body of a request that names the table, creates it with gsi1 to gsi<indexes>, adds gsi<number> to it (with as many
 * units as the table has that was found), or drops it.
 */
void ddb_put_table_name(struct ms_buf *body, const char *table);
void ddb_put_create_table(struct ms_buf *body, const char *table, unsigned indexes, bool encrypted);
void ddb_put_create_index(struct ms_buf *body, const char *table, unsigned number,
                          const struct ddb_description *found);
void ddb_put_delete_index(struct ms_buf *body, const char *table, unsigned number);

/*
 * Sends one request with that JSON text; it may be sent again when its answer is lost. On success the answer stands in
 * the call; after an error of the service call->code is its name. To be released in any case.
 */
mastra_status ddb_table_send(struct ddb_client *client, const char *operation, const struct ms_buf *body,
                             struct ms_service_call *call, mastra_error *error);

/* Whether a call was answered with that error. */
static inline bool ddb_refused_as(const struct ms_service_call *call, const char *code)
{
    return call->end == MS_HTTP_ANSWERED && strcmp(call->code, code) == 0;
}

/* The slots of index management; see src/store/backend.h. `session` is one of any mode. */
mastra_status ddb_create_index(struct ms_session *session, const struct ms_index_wish *wish,
                               mastra_error *error);
mastra_status ddb_drop_index(struct ms_session *session, mastra_str name, mastra_error *error);
mastra_status ddb_list_indexes(struct ms_session *session, mastra_str table, mastra_str name,
                               struct ms_arena *arena, struct ms_rows *ret, mastra_error *error);

#endif
