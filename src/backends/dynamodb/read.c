/* The slots that read. */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/write.h"

#include "base/error.h"
#include "base/str.h"
#include "schema/form.h"

/* What is to be remembered of a row that was read with a lock; `item` NULL: there was nothing under the key. */
static mastra_status note_seen(struct ddb_session *session, const struct ms_entity *entity,
                               const struct ms_key *key, const struct ms_item_row *row, mastra_error *error)
{
    struct ms_arena *arena = ddb_session_arena(session, error);
    struct ddb_seen *seen = arena ? ms_arena_calloc(arena, sizeof *seen) : NULL;
    struct ms_item_seen *item = seen ? &seen->item : NULL;

    if (!seen) {
        return ms_error_oom(error);
    }
    seen->entity = entity;
    seen->there = row != NULL;
    if (row) {
        *item = row->seen;
        seen->record = row->record;
    }
    if (!ms_arena_str(arena, key->partition, &item->key.partition) ||
        !ms_arena_str(arena, key->sort, &item->key.sort)) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        if (!ms_arena_str(arena, item->witnesses[i], &item->witnesses[i])) {
            return ms_error_oom(error);
        }
    }
    seen->next = session->seen;
    session->seen = seen;
    return MASTRA_OK;
}

mastra_status ddb_get(struct ms_session *base, const struct ms_entity *entity, const mastra_str *key,
                      bool lock, struct ms_arena *arena, void **ret, mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    struct ms_item_row row = {0};
    struct ms_key item;
    bool there = false;
    mastra_status status = ms_key_of_texts(entity, key, arena, &item, error);

    *ret = NULL;
    if (status == MASTRA_INVALID_ARGUMENT && !lock) {
        return MASTRA_OK; /* no row can have such a key */
    }
    if (status == MASTRA_OK && lock) {
        ddb_take_turn(session, &item);
    }
    if (status == MASTRA_OK) {
        status = ddb_fetch_item(session, entity, &item, arena, &row, &there, error);
    }
    if (status == MASTRA_OK && row.record && ms_key_is(entity, key, row.record)) {
        *ret = row.record;
    }
    if (status == MASTRA_OK && lock) {
        status = note_seen(session, entity, &item, there ? &row : NULL, error);
    }
    return status;
}

/* What a list is made from. */
struct listing {
    struct ddb_session *session;
    struct ms_query query; /* the one that is answered, in the direction in which it is read */
    struct ddb_plan plan;
    struct ddb_fetch fetch;
    struct ms_match_row *anchor;
    struct ddb_count *beside; /* see struct ddb_fetch */
    struct ms_arena *arena;
    bool reversed; /* the rows are to be turned round */
};

/* The side's anchor, as it is now; it bounds what is read in the order's column. */
static mastra_status find_anchor(struct listing *listing, mastra_error *error)
{
    struct ms_query *query = &listing->query;
    const struct ms_entity *entity = query->entity;
    const struct ms_column *column = &entity->columns[query->order];
    struct ms_item_row row = {0};
    struct ms_key key;
    bool there = false;
    mastra_status status;

    if (query->side == MS_SIDE_ALL) {
        return MASTRA_OK;
    }
    status = ms_key_of_texts(entity, query->anchor, listing->arena, &key, error);
    if (status == MASTRA_OK) {
        status = ddb_fetch_item(listing->session, entity, &key, listing->arena, &row, &there, error);
    }
    if (status != MASTRA_OK || !row.record || !ms_key_is(entity, query->anchor, row.record)) {
        return status;
    }
    listing->anchor = ms_arena_alloc(listing->arena, sizeof *listing->anchor);
    if (!listing->anchor) {
        return ms_error_oom(error);
    }
    *listing->anchor = ddb_match_row(&row);
    if (column->type == MS_TIMESTAMP && !row.seen.odd_time.ptr && !query->grouped &&
        query->where_count < MS_QUERY_PREDICATES && *ms_field_time(column, row.record) != MASTRA_TIME_NONE) {
        ms_query_time(query, query->side == MS_SIDE_UP_TO ? MS_AT_MOST : MS_AT_LEAST, query->order,
                      *ms_field_time(column, row.record));
    }
    return MASTRA_OK;
}

/* How many of the first rows must be read so that the window is among them. */
static int64_t needed(const struct listing *listing)
{
    const struct ms_query *query = &listing->query;

    if (query->limit == MS_NO_LIMIT || query->grouped || !listing->plan.ordered || ms_match_relates(query)) {
        return MS_NO_LIMIT;
    }
    return query->offset > INT64_MAX - query->limit ? MS_NO_LIMIT : query->offset + query->limit;
}

/* A page near the end is read from there, when it is known where that is. */
static void turn_round(struct listing *listing)
{
    struct ms_query *query = &listing->query;
    int64_t rest = query->known_total - query->offset;

    if (query->known_total < 0 || query->limit == MS_NO_LIMIT || query->side != MS_SIDE_ALL || rest <= 0 ||
        rest >= query->offset) {
        return;
    }
    query->descending = !query->descending;
    if (query->limit > rest) {
        query->limit = rest;
    }
    query->offset = rest - query->limit;
    listing->reversed = true;
}

static mastra_status plan_listing(struct listing *listing, struct ddb_session *session,
                                  const struct ms_query *query, struct ms_arena *arena, mastra_error *error)
{
    mastra_status status;

    *listing = (struct listing){.session = session, .query = *query, .arena = arena};
    turn_round(listing);
    status = find_anchor(listing, error);
    if (status == MASTRA_OK && listing->query.side != MS_SIDE_ALL && !listing->anchor) {
        return MASTRA_OK; /* nothing lies on either side of what is not there */
    }
    return status == MASTRA_OK ? ddb_plan_query(session, &listing->query, arena, &listing->plan, error)
                               : status;
}

static mastra_status fetch_listing(struct listing *listing, int64_t need, mastra_error *error)
{
    uint64_t columns = ms_match_columns(&listing->query);

    listing->fetch = (struct ddb_fetch){.session = listing->session,
                                        .query = &listing->query,
                                        .plan = &listing->plan,
                                        .arena = listing->arena,
                                        .columns = columns,
                                        .anchor = listing->anchor,
                                        .need = need,
                                        .beside = listing->beside};
    return ddb_fetch(&listing->fetch, error);
}

static mastra_status note_rows(struct listing *listing, mastra_error *error)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; listing->fetch.rows && i < listing->fetch.count && status == MASTRA_OK; i++) {
        const struct ms_item_row *row = &listing->fetch.rows[i];

        status = note_seen(listing->session, listing->query.entity, &row->seen.key, row, error);
    }
    return status;
}

/* Rows of the same table with the same value as one that was read, for which the relation holds. */
static mastra_status fetch_relatives(struct listing *listing, struct ms_match_set *set, mastra_error *error)
{
    const struct ms_query *query = &listing->query;
    struct ms_match_row *all = NULL;
    size_t count = 0;

    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];
        const struct ms_column *column = &query->entity->columns[predicate->column];
        mastra_str *values = ms_arena_alloc(listing->arena, (set->count + 1) * sizeof *values);
        struct ms_match_row *grown;
        struct listing related;
        mastra_status status;

        if (predicate->compare != MS_RELATED && predicate->compare != MS_UNRELATED) {
            continue;
        }
        if (!values) {
            return ms_error_oom(error);
        }
        struct ms_query asked;

        ms_query_init_on(&asked, query->entity);
        for (size_t j = 0; j < set->count; j++) {
            values[j] = *ms_field_str(column, set->rows[j].record);
        }
        ms_query_any_of(&asked, predicate->column, values, set->count);
        asked.where[asked.where_count++] = *predicate->related;
        asked.columns = ms_match_columns(query) | MS_BIT(predicate->related->column);
        status = plan_listing(&related, listing->session, &asked, listing->arena, error);
        if (status == MASTRA_OK) {
            status = fetch_listing(&related, MS_NO_LIMIT, error);
        }
        grown = status == MASTRA_OK
                    ? ms_arena_alloc(listing->arena, (count + related.fetch.count + 1) * sizeof *grown)
                    : NULL;
        if (!grown) {
            return status == MASTRA_OK ? ms_error_oom(error) : status;
        }
        if (count > 0) {
            memcpy(grown, all, count * sizeof *grown);
        }
        for (size_t j = 0; j < related.fetch.count; j++) {
            grown[count + j] = ddb_match_row(&related.fetch.rows[j]);
        }
        all = grown;
        count += related.fetch.count;
    }
    set->relatives = all;
    set->relative_count = count;
    return MASTRA_OK;
}

/* What was fetched, to be matched. */
static mastra_status gather(struct listing *listing, struct ms_match_set *set, mastra_error *error)
{
    *set = (struct ms_match_set){.count = listing->fetch.count,
                                 .done = listing->plan.exact,
                                 .anchor = listing->anchor,
                                 .arena = listing->arena};
    set->rows = ms_arena_alloc(listing->arena, (set->count + 1) * sizeof *set->rows);
    if (!set->rows) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < set->count; i++) {
        set->rows[i] = ddb_match_row(&listing->fetch.rows[i]);
    }
    return ms_match_relates(&listing->query) && set->count > 0 ? fetch_relatives(listing, set, error)
                                                               : MASTRA_OK;
}

static void reverse(struct ms_rows *rows)
{
    for (size_t i = 0; i < rows->count / 2; i++) {
        void *swapped = rows->items[i];

        rows->items[i] = rows->items[rows->count - 1 - i];
        rows->items[rows->count - 1 - i] = swapped;
    }
}

static mastra_status finish(struct listing *listing, struct ms_match_set *set, struct ms_rows *ret,
                            mastra_error *error)
{
    if (!ms_match_rows(&listing->query, 0, set, ret)) {
        return ms_error_oom(error);
    }
    if (listing->reversed) {
        reverse(ret);
    }
    return MASTRA_OK;
}

mastra_status ddb_list(struct ms_session *base, const struct ms_query *query, struct ms_arena *arena,
                       struct ms_rows *ret, mastra_error *error)
{
    struct ms_match_set set;
    struct listing listing;
    mastra_status status = plan_listing(&listing, ddb_session_of(base), query, arena, error);

    *ret = (struct ms_rows){NULL, 0};
    if (status == MASTRA_OK && query->lock && listing.plan.count > 0) {
        const struct ms_key first = {listing.plan.range[0].partition, listing.plan.range[0].low};

        ddb_take_turn(listing.session, &first);
    }
    if (status == MASTRA_OK) {
        status = fetch_listing(&listing, needed(&listing), error);
    }
    if (status == MASTRA_OK && query->lock) {
        status = note_rows(&listing, error);
    }
    if (status == MASTRA_OK) {
        status = gather(&listing, &set, error);
    }
    return status == MASTRA_OK ? finish(&listing, &set, ret, error) : status;
}

/* Reads everything that may match, and no more of it than is looked at. */
static mastra_status count_rows(struct listing *listing, int64_t *ret, mastra_error *error)
{
    struct ms_match_set set;
    mastra_status status = fetch_listing(listing, MS_NO_LIMIT, error);

    if (status == MASTRA_OK) {
        status = gather(listing, &set, error);
    }
    if (status == MASTRA_OK && !ms_match_filter(&listing->query, &set)) {
        status = ms_error_oom(error);
    }
    *ret = status == MASTRA_OK ? (int64_t)set.count : 0;
    return status;
}

mastra_status ddb_count(struct ms_session *base, const struct ms_query *query, int64_t *ret,
                        mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    struct ms_arena *arena = ms_arena_new(session->owner->base.client.heap, 0);
    struct ms_query all = *query;
    struct listing listing;
    mastra_status status;

    if (!arena) {
        return ms_error_oom(error);
    }
    all.columns = ms_entity_keys(query->entity);
    all.side = MS_SIDE_ALL;
    all.offset = 0;
    all.limit = MS_NO_LIMIT;
    all.known_total = -1;
    all.order = query->entity->created;
    status = plan_listing(&listing, session, &all, arena, error);
    if (status == MASTRA_OK && ddb_can_filter(&all, &listing.plan)) {
        status = ddb_fetch_count(session, &all, &listing.plan, ret, error);
    } else if (status == MASTRA_OK) {
        status = count_rows(&listing, ret, error);
    }
    ms_arena_free(arena);
    return status;
}

/* The whole of what the predicates select is read, so that it needs no counting. */
static mastra_status whole_page(struct listing *listing, struct ms_rows *ret, int64_t *ret_total,
                                mastra_error *error)
{
    struct ms_match_set set;
    mastra_status status = fetch_listing(listing, MS_NO_LIMIT, error);

    if (status == MASTRA_OK) {
        status = gather(listing, &set, error);
    }
    if (status == MASTRA_OK && !ms_match_filter(&listing->query, &set)) {
        status = ms_error_oom(error);
    }
    if (status != MASTRA_OK) {
        return status;
    }
    *ret_total = (int64_t)set.count;
    return finish(listing, &set, ret, error);
}

/*
 * The count is asked for together with a page from the beginning that is known to be full, since a list that was longer than
 * its page mostly still is. Where nothing is known it waits for the page: of one that is not full it need not be asked
 * for at all. What is known is a hint, kept by a hash: a wrong one costs a request.
 */
static uint64_t page_hash(const struct listing *listing)
{
    const struct ddb_plan *plan = &listing->plan;
    mastra_str place = plan->kind == DDB_PLAN_SCAN ? plan->prefix.partition : plan->range[0].partition;

    return ms_str_hash(MS_HASH_START ^ (uint64_t)listing->query.limit ^ plan->index, place) | 1;
}

static bool is_longer(const struct listing *listing)
{
    uint64_t hash = page_hash(listing);

    return atomic_load_explicit(&listing->session->owner->longer[hash / 2 % DDB_LONGER],
                                memory_order_relaxed) == hash;
}

static void note_longer(const struct listing *listing, bool longer)
{
    uint64_t hash = page_hash(listing);
    _Atomic uint64_t *slot = &listing->session->owner->longer[hash / 2 % DDB_LONGER];

    if (longer != is_longer(listing)) {
        atomic_store_explicit(slot, longer ? hash : 0, memory_order_relaxed);
    }
}

/* Page and count in requests at the same time. */
static mastra_status page_and_count(struct listing *listing, struct ms_rows *ret, int64_t *ret_total,
                                    mastra_error *error)
{
    struct ms_match_set set;
    struct ddb_count counting;
    mastra_status status =
        ddb_count_begin(&counting, listing->session, &listing->query, &listing->plan, error);

    listing->beside = &counting;
    if (status == MASTRA_OK) {
        status = fetch_listing(listing, needed(listing), error);
    }
    if (status == MASTRA_OK) {
        status = ddb_count_finish(&counting, error);
    }
    *ret_total = counting.total;
    ddb_count_end(&counting);
    if (status == MASTRA_OK) {
        status = gather(listing, &set, error);
    }
    return status == MASTRA_OK ? finish(listing, &set, ret, error) : status;
}

/* The page first; a count unless it tells the total. */
static mastra_status page_then_count(struct listing *listing, struct ms_rows *ret, int64_t *ret_total,
                                     mastra_error *error)
{
    struct ms_match_set set;
    mastra_status status = fetch_listing(listing, needed(listing), error);

    if (status == MASTRA_OK) {
        status = gather(listing, &set, error);
    }
    if (status == MASTRA_OK) {
        status = finish(listing, &set, ret, error);
    }
    *ret_total = (int64_t)ret->count;
    return status == MASTRA_OK && *ret_total == listing->query.limit
               ? ddb_fetch_count(listing->session, &listing->query, &listing->plan, ret_total, error)
               : status;
}

/* Rows may come and go between the two requests: what was seen counts. */
static void settle_total(const struct listing *listing, const struct ms_rows *rows, int64_t *total)
{
    int64_t seen = listing->query.offset + (int64_t)rows->count;

    if (rows->count > 0 && *total < seen) {
        *total = seen;
    }
}

mastra_status ddb_page(struct ms_session *base, const struct ms_query *query, struct ms_arena *arena,
                       struct ms_rows *ret, int64_t *ret_total, mastra_error *error)
{
    struct ms_query known = *query;
    struct listing listing;
    bool from_front;
    mastra_status status;

    known.known_total = -1;
    status = plan_listing(&listing, ddb_session_of(base), &known, arena, error);
    *ret = (struct ms_rows){NULL, 0};
    *ret_total = 0;
    if (status != MASTRA_OK) {
        return status;
    }
    if (known.limit == 0) {
        return ddb_count(base, query, ret_total, error);
    }
    if (needed(&listing) == MS_NO_LIMIT || !ddb_can_filter(&known, &listing.plan)) {
        return whole_page(&listing, ret, ret_total, error);
    }
    from_front = known.side == MS_SIDE_ALL && !known.lock && known.offset <= known.limit;
    if (from_front && is_longer(&listing)) {
        status = page_and_count(&listing, ret, ret_total, error);
    } else if (from_front && known.offset == 0) {
        status = page_then_count(&listing, ret, ret_total, error);
    } else {
        from_front = false;
        status = ddb_count(base, query, ret_total, error);
        known.known_total = *ret_total;
        status = status == MASTRA_OK && known.offset < *ret_total ? ddb_list(base, &known, arena, ret, error)
                                                                  : status;
    }
    if (status == MASTRA_OK && from_front) {
        settle_total(&listing, ret, ret_total);
        note_longer(&listing, *ret_total >= known.limit);
    }
    return status;
}

mastra_status ddb_select(struct ddb_session *session, const struct ms_query *query, struct ms_arena *arena,
                         struct ms_item_row **ret, size_t *ret_count, mastra_error *error)
{
    struct ms_query all = *query;
    struct listing listing;
    mastra_status status;

    all.columns = ms_entity_keys(query->entity);
    all.side = MS_SIDE_ALL;
    all.offset = 0;
    all.limit = MS_NO_LIMIT;
    status = plan_listing(&listing, session, &all, arena, error);
    if (status == MASTRA_OK) {
        status = fetch_listing(&listing, MS_NO_LIMIT, error);
    }
    *ret = listing.fetch.rows;
    *ret_count = listing.fetch.count;
    return status;
}
