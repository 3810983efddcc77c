#include "backends/sqlite/counts.h"

#include "backends/sqlite/sqlite.h"
#include "base/error.h"

/* Direct-mapped: a thread that falls on another's slot takes its place. */
#define SLOTS 1024

/* Which messages: those of a thread, or those of them that are a resource's. */
struct count_key {
    mastra_str thread;
    mastra_str resource; /* absent: any */
};

struct count_slot {
    char *memory; /* holds the key's texts; NULL: the slot is free */
    struct count_key key;
    bool known;      /* else somebody counts, and `total` is what was added meanwhile */
    uint64_t ticket; /* of whoever counts */
    int64_t total;
};

struct change {
    struct count_key key; /* the resource absent when the row has none */
    int64_t rows;
};

/* What a transaction has done so far. */
struct change_list {
    struct ms_heap *heap;
    struct change *items; /* each with its texts in `memory` of its own */
    size_t count;
    size_t room;
    bool unclear; /* a part was undone, or memory was out: what is kept must be forgotten at commit */
};

static bool same_text(mastra_str a, mastra_str b)
{
    if (!a.ptr || !b.ptr) {
        return a.ptr == b.ptr;
    }
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool same_key(const struct count_key *a, const struct count_key *b)
{
    return same_text(a->thread, b->thread) && same_text(a->resource, b->resource);
}

/* Both texts in one block; NULL when memory is out. */
static char *copy_key(struct ms_heap *heap, const struct count_key *key, struct count_key *ret)
{
    char *memory = ms_heap_alloc(heap, key->thread.len + key->resource.len + 1);

    if (!memory) {
        return NULL;
    }
    memcpy(memory, key->thread.ptr, key->thread.len);
    if (key->resource.len > 0) {
        memcpy(memory + key->thread.len, key->resource.ptr, key->resource.len);
    }
    ret->thread = (mastra_str){memory, key->thread.len};
    ret->resource = (mastra_str){key->resource.ptr ? memory + key->thread.len : NULL, key->resource.len};
    return memory;
}

/* The slots. */

static uint64_t hash_text(uint64_t hash, mastra_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static struct count_slot *slot_of(struct sqlite_counts *counts, const struct count_key *key)
{
    uint64_t hash = hash_text(hash_text(UINT64_C(14695981039346656037), key->thread), key->resource);

    return &counts->slots[(hash >> 32) % SLOTS];
}

static void empty_slot(struct sqlite_counts *counts, struct count_slot *slot)
{
    ms_heap_release(counts->heap, slot->memory);
    slot->memory = NULL;
}

static void forget_all(struct sqlite_counts *counts)
{
    for (size_t i = 0; i < SLOTS; i++) {
        empty_slot(counts, &counts->slots[i]);
    }
}

static void adjust(struct sqlite_counts *counts, const struct count_key *key, int64_t rows)
{
    struct count_slot *slot = slot_of(counts, key);

    if (slot->memory && same_key(&slot->key, key)) {
        slot->total += rows;
    }
}

/* The changes of a transaction. */

static void clear_changes(struct change_list *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        /* The key's texts stand in one block, which begins with the thread. */
        ms_heap_release(changes->heap, (char *)(uintptr_t)changes->items[i].key.thread.ptr);
    }
    changes->count = 0;
    changes->unclear = false;
}

#ifdef SQLITE_ENABLE_PREUPDATE_HOOK
/* Room for one more; NULL when memory is out. */
static struct change *next_change(struct change_list *changes)
{
    if (changes->count == changes->room) {
        size_t room = changes->room ? changes->room * 2 : 16;
        struct change *grown = ms_heap_realloc(changes->heap, changes->items, room * sizeof *grown);

        if (!grown) {
            return NULL;
        }
        changes->items = grown;
        changes->room = room;
    }
    return changes->items ? &changes->items[changes->count] : NULL;
}

static void add_change(struct change_list *changes, const struct count_key *key, int64_t rows)
{
    struct change *last = changes->count > 0 ? &changes->items[changes->count - 1] : NULL;

    if (last && same_key(&last->key, key)) {
        last->rows += rows;
        return;
    }
    last = next_change(changes);
    if (!last || !copy_key(changes->heap, key, &last->key)) {
        changes->unclear = true;
        return;
    }
    last->rows = rows;
    changes->count++;
}

static mastra_str text_of(sqlite3_value *value)
{
    mastra_str text = {(const char *)sqlite3_value_text(value), 0};

    text.len = text.ptr ? (size_t)sqlite3_value_bytes(value) : 0;
    return text;
}

typedef int (*row_value_fn)(sqlite3 *db, int column, sqlite3_value **ret);

static void note_row(struct sqlite_counts *counts, sqlite3 *db, row_value_fn value_of, int64_t rows)
{
    sqlite3_value *thread = NULL;
    sqlite3_value *resource = NULL;
    struct count_key key;

    if (counts->thread_column < 0 || value_of(db, counts->thread_column, &thread) != SQLITE_OK ||
        value_of(db, counts->resource_column, &resource) != SQLITE_OK) {
        counts->changes->unclear = true;
        return;
    }
    key.thread = text_of(thread);
    key.resource = text_of(resource);
    if (key.thread.ptr) {
        add_change(counts->changes, &key, rows);
    }
}

/* Called for every row that the writer changes, by the thread that writes. */
static void before_change(void *arg, sqlite3 *db, int operation, const char *database, const char *table,
                          sqlite3_int64 old_rowid, sqlite3_int64 new_rowid)
{
    struct sqlite_counts *counts = arg;

    (void)database;
    (void)old_rowid;
    (void)new_rowid;
    if (strcmp(table, ms_entity(MS_MESSAGE)->table) != 0) {
        return;
    }
    if (operation != SQLITE_INSERT) {
        note_row(counts, db, sqlite3_preupdate_old, -1);
    }
    if (operation != SQLITE_DELETE) {
        note_row(counts, db, sqlite3_preupdate_new, 1);
    }
}

static void follow(struct sqlite_counts *counts)
{
    sqlite3_preupdate_hook(counts->writer->db, before_change, counts);
}

#define CAN_FOLLOW true
#else
static void follow(struct sqlite_counts *counts)
{
    (void)counts;
}

#define CAN_FOLLOW false
#endif

/* Beginning and end. */

void sqlite_counts_init(struct sqlite_counts *counts)
{
    memset(counts, 0, sizeof *counts);
    counts->stamp = SQLITE_STAMP_NONE + 1;
    counts->thread_column = -1;
    pthread_mutex_init(&counts->lock, NULL);
}

mastra_status sqlite_counts_keep(struct sqlite_counts *counts, struct ms_heap *heap, mastra_error *error)
{
    if (!CAN_FOLLOW) {
        return MASTRA_OK;
    }
    counts->heap = heap;
    counts->slots = ms_heap_calloc(heap, SLOTS * sizeof *counts->slots);
    counts->changes = ms_heap_calloc(heap, sizeof *counts->changes);
    if (!counts->slots || !counts->changes) {
        return ms_error_oom(error);
    }
    counts->changes->heap = heap;
    return MASTRA_OK;
}

void sqlite_counts_release(struct sqlite_counts *counts)
{
    if (counts->slots) {
        forget_all(counts);
    }
    if (counts->changes) {
        clear_changes(counts->changes);
        ms_heap_release(counts->heap, counts->changes->items);
    }
    if (counts->heap) {
        ms_heap_release(counts->heap, counts->slots);
        ms_heap_release(counts->heap, counts->changes);
    }
    pthread_mutex_destroy(&counts->lock);
}

void sqlite_counts_attach(struct sqlite_counts *counts, struct connection *writer)
{
    counts->writer = writer;
    if (counts->heap) {
        follow(counts);
    }
}

/* The writer. */

/* Asks the writer, which nobody else uses, whether others have committed since the last look; forgets all then.
 * Returns whether what is kept is what the file holds now. */
static bool look_for_others(struct sqlite_counts *counts)
{
    int64_t version = 0;

    if (sqlite_data_version(counts->writer, &version) && counts->version_known &&
        version == counts->version) {
        return true;
    }
    counts->version_known = sqlite_data_version(counts->writer, &counts->version);
    counts->thread_column = -1;
    counts->stamp++;
    forget_all(counts);
    return false;
}

static void set_state(struct sqlite_counts *counts, enum writer_state state)
{
    pthread_mutex_lock(&counts->lock);
    counts->state = state;
    pthread_mutex_unlock(&counts->lock);
}

void sqlite_counts_use(struct sqlite_counts *counts)
{
    if (counts->heap) {
        set_state(counts, WRITER_BUSY);
    }
}

bool sqlite_counts_try_use(struct sqlite_counts *counts)
{
    if (!counts->heap) {
        return true;
    }
    if (pthread_mutex_trylock(&counts->lock) != 0) {
        return false;
    }
    counts->state = WRITER_BUSY;
    pthread_mutex_unlock(&counts->lock);
    return true;
}

void sqlite_counts_alone(struct sqlite_counts *counts)
{
    if (!counts->heap) {
        return;
    }
    pthread_mutex_lock(&counts->lock);
    look_for_others(counts);
    if (counts->thread_column < 0) {
        sqlite_find_columns(counts->writer, &counts->thread_column, &counts->resource_column);
    }
    counts->state = WRITER_ALONE;
    pthread_mutex_unlock(&counts->lock);
}

void sqlite_counts_dropped(struct sqlite_counts *counts)
{
    if (counts->heap) {
        clear_changes(counts->changes);
        set_state(counts, WRITER_IDLE);
    }
}

void sqlite_counts_table_changed(struct sqlite_counts *counts)
{
    if (counts->heap) {
        counts->changes->unclear = true;
        counts->thread_column = -1;
    }
}

void sqlite_counts_undone(struct sqlite_counts *counts)
{
    if (counts->heap && counts->changes->count > 0) {
        counts->changes->unclear = true;
    }
}

void sqlite_counts_before_commit(struct sqlite_counts *counts)
{
    if (counts->heap) {
        pthread_mutex_lock(&counts->lock);
    }
}

void sqlite_counts_after_commit(struct sqlite_counts *counts, bool committed)
{
    struct change_list *changes = counts->changes;

    if (!counts->heap) {
        return;
    }
    counts->stamp++;
    if (!committed || changes->unclear) {
        forget_all(counts);
    }
    for (size_t i = 0; i < changes->count; i++) {
        struct count_key any = {changes->items[i].key.thread, {NULL, 0}};

        adjust(counts, &any, changes->items[i].rows);
        if (changes->items[i].key.resource.ptr) {
            adjust(counts, &changes->items[i].key, changes->items[i].rows);
        }
    }
    clear_changes(changes);
    /* After a failure the writer is still to be rolled back: readers may not use it until it is given back. */
    counts->state = committed ? WRITER_IDLE : WRITER_BUSY;
    pthread_mutex_unlock(&counts->lock);
}

/* Readers. */

/* The snapshot first, then the look: when nobody has committed until then, nobody had when the snapshot began. */
uint64_t sqlite_counts_pin(struct sqlite_counts *counts, struct connection *reader, bool *ret_again)
{
    uint64_t stamp = SQLITE_STAMP_NONE;

    *ret_again = false;
    if (!counts->heap) {
        return stamp;
    }
    pthread_mutex_lock(&counts->lock);
    if (counts->state != WRITER_BUSY && sqlite_pin(reader)) {
        if (counts->state == WRITER_ALONE || look_for_others(counts)) {
            stamp = counts->stamp;
        } else {
            *ret_again = true;
        }
    }
    pthread_mutex_unlock(&counts->lock);
    return stamp;
}

/* The key of a query that asks for all messages of one thread, or for a resource's among them. */
static bool key_of(const struct ms_query *query, struct count_key *key)
{
    memset(key, 0, sizeof *key);
    if (query->entity->id != MS_MESSAGE) {
        return false;
    }
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];

        if (predicate->compare != MS_EQUAL) {
            return false;
        }
        if (predicate->column == MS_MESSAGE_THREAD_ID && !key->thread.ptr) {
            key->thread = predicate->text;
        } else if (predicate->column == MS_MESSAGE_RESOURCE_ID && !key->resource.ptr) {
            key->resource = predicate->text;
        } else {
            return false;
        }
    }
    return key->thread.ptr != NULL;
}

static enum count_source take_total(struct sqlite_counts *counts, const struct count_key *key,
                                    int64_t *ret_total, uint64_t *ret_ticket)
{
    struct count_slot *slot = slot_of(counts, key);

    if (slot->memory && same_key(&slot->key, key)) {
        *ret_total = slot->total;
        return slot->known ? TOTAL_TAKEN : TOTAL_COUNT_ONLY;
    }
    empty_slot(counts, slot);
    slot->memory = copy_key(counts->heap, key, &slot->key);
    slot->known = false;
    slot->ticket++;
    slot->total = 0;
    *ret_ticket = slot->ticket;
    return slot->memory ? TOTAL_COUNT : TOTAL_COUNT_ONLY;
}

enum count_source sqlite_counts_get(struct sqlite_counts *counts, const struct ms_query *query,
                                    uint64_t stamp, int64_t *ret_total, uint64_t *ret_ticket)
{
    enum count_source source = TOTAL_COUNT_ONLY;
    struct count_key key;

    if (stamp == SQLITE_STAMP_NONE || !key_of(query, &key)) {
        return TOTAL_COUNT_ONLY;
    }
    pthread_mutex_lock(&counts->lock);
    /* Unless something was committed since the snapshot began. */
    if (stamp == counts->stamp) {
        source = take_total(counts, &key, ret_total, ret_ticket);
    }
    pthread_mutex_unlock(&counts->lock);
    return source;
}

void sqlite_counts_put(struct sqlite_counts *counts, const struct ms_query *query, uint64_t ticket,
                       int64_t total)
{
    struct count_slot *slot;
    struct count_key key;

    key_of(query, &key);
    pthread_mutex_lock(&counts->lock);
    slot = slot_of(counts, &key);
    if (slot->memory && same_key(&slot->key, &key) && slot->ticket == ticket && !slot->known) {
        slot->total += total;
        slot->known = true;
        if (total < 0) {
            empty_slot(counts, slot);
        }
    }
    pthread_mutex_unlock(&counts->lock);
}
