#include "backends/postgres/pool_internal.h"
#include "backends/postgres/postgres.h"

#include <libpq-fe.h>

/* Direct-mapped: a list that falls on another's slot takes its place. */
#define SLOTS         16
#define KEY_MOST      200
#define SNAPSHOT_MOST 128 /* longer where many write at a time: then it would not last anyhow */
#define OLDEST_SERVER 130000

struct slot {
    size_t key_len; /* 0: the slot is free */
    char key[KEY_MOST];
    int64_t total;
    char snapshot[SNAPSHOT_MOST];
};

struct pg_totals {
    struct slot slots[SLOTS];
};

struct key {
    char bytes[KEY_MOST];
    size_t len;
};

static bool add(struct key *key, const void *bytes, size_t len)
{
    if (len > sizeof key->bytes - key->len) {
        return false;
    }
    memcpy(key->bytes + key->len, bytes, len);
    key->len += len;
    return true;
}

/* The one text that the column is compared with; absent: it is more than that. */
static mastra_str single_text(const struct ms_predicate *predicate)
{
    if (predicate->compare == MS_EQUAL) {
        return predicate->text;
    }
    return predicate->compare == MS_ANY_OF && predicate->set_count == 1 ? predicate->set[0]
                                                                        : mastra_str_of(NULL);
}

/* Messages of a thread, or those of them that are a resource's. False: other queries. */
static bool key_of(const struct pg_session *session, const struct ms_query *query, struct key *ret)
{
    uint32_t scope = session->owner->base.scope;

    ret->len = 0;
    if (query->entity != ms_entity(MS_MESSAGE) || query->where_count == 0 || query->side != MS_SIDE_ALL ||
        !add(ret, &scope, sizeof scope)) {
        return false;
    }
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];
        mastra_str text = single_text(predicate);

        if (!text.ptr || !add(ret, &predicate->column, sizeof predicate->column) ||
            !add(ret, &text.len, sizeof text.len) || !add(ret, text.ptr, text.len)) {
            return false;
        }
    }
    return true;
}

static size_t slot_of(const struct key *key)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < key->len; i++) {
        hash = (hash ^ (unsigned char)key->bytes[i]) * 16777619u;
    }
    return (hash >> 16) % SLOTS;
}

bool pg_total_fits(const struct pg_session *session, const struct ms_query *query)
{
    const struct pg_connection *connection = session->connection;
    struct key key;

    /* Behind a transaction pooler the server may be another one each time, or the same after a crash. */
    return session->owner->flavour->dialect->snapshot && connection->statements &&
           PQserverVersion(connection->pg) >= OLDEST_SERVER && key_of(session, query, &key);
}

bool pg_total_find(const struct pg_session *session, const struct ms_query *query, struct pg_total *ret)
{
    const struct pg_totals *totals = session->connection->totals;
    const struct slot *slot;
    struct key key;

    if (!totals || !pg_total_fits(session, query) || !key_of(session, query, &key)) {
        return false;
    }
    slot = &totals->slots[slot_of(&key)];
    if (slot->key_len != key.len || memcmp(slot->key, key.bytes, key.len) != 0) {
        return false;
    }
    *ret = (struct pg_total){slot->total, slot->snapshot};
    return true;
}

void pg_total_note(struct pg_session *session, const struct ms_query *query, int64_t total,
                   mastra_str snapshot)
{
    struct pg_connection *connection = session->connection;
    struct slot *slot;
    struct key key;

    if (!pg_total_fits(session, query) || !key_of(session, query, &key)) {
        return;
    }
    if (!connection->totals) {
        /* Without memory for it the next page is counted again. */
        connection->totals = ms_heap_calloc(connection->pool->heap, sizeof *connection->totals);
    }
    if (!connection->totals) {
        return;
    }
    slot = &connection->totals->slots[slot_of(&key)];
    memcpy(slot->key, key.bytes, key.len);
    slot->key_len = total >= PG_LONG_LIST ? key.len : 0;
    slot->total = total;
    snapshot.len = snapshot.len < SNAPSHOT_MOST ? snapshot.len : 0;
    memcpy(slot->snapshot, snapshot.len > 0 ? snapshot.ptr : "", snapshot.len);
    slot->snapshot[snapshot.len] = '\0';
}

void pg_totals_drop(struct pg_connection *connection)
{
    ms_heap_release(connection->pool->heap, connection->totals);
    connection->totals = NULL;
}
