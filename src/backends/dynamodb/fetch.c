#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/table.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/str.h"
#include "schema/form.h"

/* Of BatchGetItem. */
#define KEYS_MOST        100

/* Where items are thrown away after they were read, a page is at least so long. */
#define SIEVED_LEAST     100

/* More rows than this need no limit: an answer is a page of 1 MB in any case. */
#define LIMIT_MOST       10000

/* Days that are read side by side when it cannot be told how many will do. */
#define DAYS_AT_ONCE     8

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MOST_MS  5000

/* One range, and how far it has been read. */
struct cursor {
    const struct ms_key_range *range; /* NULL: a segment of the scan */
    size_t segment;
    size_t segments;
    mastra_str next; /* raw JSON; absent: from the beginning */
    int64_t limit;   /* of the next page; MS_NO_LIMIT */
    int64_t matched;
    const struct ms_item_row *edge; /* which completes what is needed */
    bool done;
};

char *ddb_answer_copy(const struct ms_service_call *call, struct ms_arena *arena, mastra_error *error)
{
    char *text = ms_arena_bytes(arena, call->answer.len + 1);

    if (!text) {
        ms_error_oom(error);
        return NULL;
    }
    memcpy(text, call->answer.ptr, call->answer.len);
    text[call->answer.len] = '\0';
    return text;
}

/* Projections. */

struct projection {
    struct ms_buf *body;
    unsigned count;
};

static void project(struct projection *names, const char *name)
{
    if (name) {
        ms_buf_printf(names->body, names->count > 0 ? ",\"#p%u\":\"%s\"" : "\"#p%u\":\"%s\"", names->count,
                      name);
        names->count++;
    }
}

/* What is read of every item besides its columns. */
static void project_marks(struct projection *names, const struct ms_entity *entity)
{
    project(names, "pk");
    project(names, "sk");
    project(names, "__edb_e__");
    project(names, "__edb_v__");
    project(names, MS_ITEM_SEQUENCE);
    project(names, MS_ITEM_EMPTY);
    project(names, MS_ITEM_PARTS);
    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        const char *witness = entity->item->witnesses[i];

        if (witness && strcmp(witness, MS_ITEM_REVISION) != 0 && strcmp(witness, entity->item->proof) != 0) {
            project(names, witness);
        }
    }
    if (strcmp(entity->item->proof, MS_ITEM_REVISION) != 0) {
        project(names, entity->item->proof);
    }
    project(names, MS_ITEM_REVISION);
}

/* Whether an attribute of that name is read in any case. */
static bool is_mark(const struct ms_entity *entity, const char *name)
{
    for (size_t i = 0; i < MS_ITEM_WITNESSES; i++) {
        if (entity->item->witnesses[i] && strcmp(entity->item->witnesses[i], name) == 0) {
            return true;
        }
    }
    return strcmp(entity->item->proof, name) == 0;
}

/* Only some attributes are wanted: ,"ExpressionAttributeNames":{...},"ProjectionExpression":"..." */
static void put_projection(struct ms_buf *body, const struct ms_entity *entity, uint64_t columns)
{
    struct projection names = {.body = body};

    if ((columns & ms_entity_fields(entity)) == ms_entity_fields(entity)) {
        return;
    }
    ms_buf_add_text(body, ",\"ExpressionAttributeNames\":{");
    project_marks(&names, entity);
    for (uint8_t i = 0; i < entity->column_count; i++) {
        const char *name = ms_item_attribute(entity, i);

        if ((columns & MS_BIT(i)) && !is_mark(entity, name)) {
            project(&names, name);
        }
    }
    ms_buf_add_text(body, "},\"ProjectionExpression\":\"");
    for (unsigned i = 0; i < names.count; i++) {
        ms_buf_printf(body, i > 0 ? ",#p%u" : "#p%u", i);
    }
    ms_buf_add_char(body, '"');
}

/* Rows. */

static bool reserve(struct ddb_fetch *fetch, size_t more)
{
    size_t room = fetch->room ? fetch->room * 2 : 64;
    struct ms_item_row *grown;

    if (fetch->count + more <= fetch->room) {
        return true;
    }
    if (room < fetch->count + more) {
        room = fetch->count + more;
    }
    grown = ms_arena_alloc(fetch->arena, room * sizeof *grown);
    if (!grown) {
        return false;
    }
    if (fetch->count > 0) {
        memcpy(grown, fetch->rows, fetch->count * sizeof *grown);
    }
    fetch->rows = grown;
    fetch->room = room;
    return true;
}

/* Whether a row lies on the query's side of the anchor, which is meant in ascending order. */
static bool on_side(const struct ddb_fetch *fetch, const struct ms_item_row *row)
{
    struct ms_match_row found = ddb_match_row(row);
    int order;

    if (fetch->query->side == MS_SIDE_ALL) {
        return true;
    }
    if (!fetch->anchor) {
        return false;
    }
    order = ms_match_compare(fetch->query, &found, fetch->anchor);
    order = fetch->query->descending ? -order : order;
    return fetch->query->side == MS_SIDE_UP_TO ? order <= 0 : order > 0;
}

static bool counts(const struct ddb_fetch *fetch, const struct ms_item_row *row)
{
    return row->record && ms_match(fetch->query, fetch->plan->exact, row->record) && on_side(fetch, row);
}

struct ms_match_row ddb_match_row(const struct ms_item_row *row)
{
    return (struct ms_match_row){row->record, row->seen.sequence, row->seen.odd_time};
}

/* Whether two rows differ in what the query orders by. */
static bool differ(const struct ms_query *query, const struct ms_item_row *a, const struct ms_item_row *b)
{
    const struct ms_match_row left = ddb_match_row(a);
    const struct ms_match_row right = ddb_match_row(b);

    return ms_match_order(query, &left, &right) != 0;
}

/* Takes the rows of an answer that count. */
static mastra_status take_rows(struct ddb_fetch *fetch, struct cursor *cursor, struct ms_items *items,
                               mastra_error *error)
{
    const struct ms_item_row *last = NULL;
    mastra_status status = fetch->heads ? MASTRA_OK
                                        : ddb_join_parts(fetch->session, fetch->query->entity, items->rows,
                                                         items->count, fetch->arena, error);

    if (status != MASTRA_OK) {
        return status;
    }
    if (!reserve(fetch, items->count)) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < items->count; i++) {
        if (items->rows[i].record) {
            last = &items->rows[i];
        }
        if (!counts(fetch, &items->rows[i])) {
            continue;
        }
        fetch->rows[fetch->count++] = items->rows[i];
        if (cursor && ++cursor->matched == fetch->need) {
            cursor->edge = &items->rows[i];
        }
    }
    if (cursor && cursor->edge && last && fetch->plan->ordered && differ(fetch->query, cursor->edge, last)) {
        cursor->done = true;
    }
    return MASTRA_OK;
}

static mastra_status read_answer(struct ddb_fetch *fetch, const struct ms_service_call *call,
                                 struct ms_items *items, mastra_error *error)
{
    char *text;

    if (!ms_service_call_ok(call)) {
        return ddb_call_failed(fetch->session->owner, call, error);
    }
    text = ddb_answer_copy(call, fetch->arena, error);
    return text ? ms_items_read(fetch->query->entity, fetch->columns, text, call->answer.len, fetch->arena,
                                items, error)
                : MASTRA_OUT_OF_MEMORY;
}

/* By ranges. */

static void put_start(struct ms_buf *body, const struct cursor *cursor)
{
    if (cursor->limit != MS_NO_LIMIT) {
        ms_buf_add_text(body, ",\"Limit\":");
        ms_buf_add_int(body, cursor->limit);
    }
    if (cursor->next.ptr) {
        ms_buf_add_text(body, ",\"ExclusiveStartKey\":");
        ms_buf_add_str(body, cursor->next);
    }
}

static void put_query(struct ddb_fetch *fetch, const struct cursor *cursor, struct ms_buf *body)
{
    ddb_put_head(fetch->session->owner, body);
    ddb_put_range(body, fetch->plan, cursor->range);
    put_projection(body, fetch->query->entity, fetch->columns);
    if (fetch->plan->index == 0) {
        ms_buf_add_text(body, ",\"ConsistentRead\":true");
    }
    if (fetch->plan->ordered && fetch->query->descending) {
        ms_buf_add_text(body, ",\"ScanIndexForward\":false");
    }
    ms_buf_add_text(body, ",\"ExpressionAttributeValues\":{");
    ddb_put_range_values(body, cursor->range);
    ms_buf_add_char(body, '}');
    put_start(body, cursor);
    ms_buf_add_char(body, '}');
}

static void put_prefix_values(struct ms_buf *body, const struct ms_key *prefix)
{
    ms_buf_add_text(body, "\":k0\":");
    ddb_put_string(body, prefix->partition);
    ms_buf_add_text(body, ",\":k1\":");
    ddb_put_string(body, prefix->sort);
}

#define SCAN_FILTER "begins_with(pk, :k0) AND begins_with(sk, :k1)"

void ddb_put_segment(struct ms_buf *body, size_t number, size_t count)
{
    if (count > 1) {
        ms_buf_printf(body, ",\"Segment\":%zu,\"TotalSegments\":%zu", number, count);
    }
}

static void put_scan(struct ddb_fetch *fetch, const struct cursor *cursor, struct ms_buf *body)
{
    ddb_put_head(fetch->session->owner, body);
    put_projection(body, fetch->query->entity, fetch->columns);
    ms_buf_add_text(body, ",\"ConsistentRead\":true,\"FilterExpression\":\"" SCAN_FILTER
                          "\",\"ExpressionAttributeValues\":{");
    put_prefix_values(body, &fetch->plan->prefix);
    ms_buf_add_char(body, '}');
    ddb_put_segment(body, cursor->segment, cursor->segments);
    put_start(body, cursor);
    ms_buf_add_char(body, '}');
}

/* How many rows of a page are asked for: those that are needed and one that tells that no more are. */
static int64_t first_limit(const struct ddb_fetch *fetch)
{
    const struct ms_query *query = fetch->query;
    uint64_t all = query->where_count == 0 ? 0 : MS_BIT(query->where_count) - 1;
    bool sieved = (fetch->plan->answered & all) != all || query->side != MS_SIDE_ALL;

    if (fetch->need == MS_NO_LIMIT || fetch->need > LIMIT_MOST || !fetch->plan->ordered) {
        return MS_NO_LIMIT;
    }
    if (!sieved) {
        return fetch->need + 1;
    }
    return fetch->need < SIEVED_LEAST / 4 ? SIEVED_LEAST : fetch->need * 4;
}

/* Reads one more page of every cursor from `first` on that is not done, at most `most` of them. */
static mastra_status read_round(struct ddb_fetch *fetch, struct cursor *cursors, size_t count, size_t most,
                                mastra_error *error)
{
    struct ddb_batch batch;
    mastra_status status = MASTRA_OK;
    size_t at = 0;
    size_t own;

    ddb_batch_init(&batch, fetch->session->owner);
    for (size_t i = 0; i < count && batch.count < most && status == MASTRA_OK; i++) {
        struct ms_buf *body;

        if (cursors[i].done) {
            continue;
        }
        body = ddb_batch_add(&batch, cursors[i].range ? "Query" : "Scan", true, error);
        status = body ? MASTRA_OK : MASTRA_OUT_OF_MEMORY;
        if (body && cursors[i].range) {
            put_query(fetch, &cursors[i], body);
        } else if (body) {
            put_scan(fetch, &cursors[i], body);
        }
    }
    own = batch.count;
    if (status == MASTRA_OK && fetch->beside) {
        status = ddb_count_ask(fetch->beside, &batch, error);
    }
    if (status == MASTRA_OK) {
        status = ddb_batch_send(&batch, 0, fetch->session->deadline_ns, error);
    }
    if (status == MASTRA_OK && fetch->beside) {
        status = ddb_count_take(fetch->beside, &batch, own, error);
    }
    for (size_t i = 0; i < count && at < own && status == MASTRA_OK; i++) {
        struct ms_items items = {0};

        if (cursors[i].done) {
            continue;
        }
        status = read_answer(fetch, &batch.calls[at++], &items, error);
        cursors[i].next = items.last_key;
        cursors[i].done = !items.last_key.ptr;
        if (cursors[i].limit != MS_NO_LIMIT) {
            cursors[i].limit *= 2;
        }
        if (status == MASTRA_OK) {
            status = take_rows(fetch, &cursors[i], &items, error);
        }
    }
    ddb_batch_release(&batch);
    return status;
}

/* Whether the ranges that were read completely have all that is needed; those behind them cannot add to it. */
static bool has_enough(const struct ddb_fetch *fetch, const struct cursor *cursors, size_t count,
                       bool *ret_all)
{
    int64_t matched = 0;

    *ret_all = true;
    for (size_t i = 0; i < count; i++) {
        if (!cursors[i].done) {
            *ret_all = false;
            return false;
        }
        matched += cursors[i].matched;
        if (fetch->plan->in_turn && fetch->need != MS_NO_LIMIT && matched >= fetch->need) {
            return true;
        }
    }
    return false;
}

static mastra_status fetch_ranges(struct ddb_fetch *fetch, mastra_error *error)
{
    bool scan = fetch->plan->kind == DDB_PLAN_SCAN;
    size_t count = scan ? ddb_table_segments(&fetch->session->owner->base.client) : fetch->plan->count;
    struct cursor *cursors = ms_arena_calloc(fetch->arena, count * sizeof *cursors);
    bool stepwise = fetch->plan->in_turn && fetch->need != MS_NO_LIMIT;
    size_t most = stepwise ? 1 : SIZE_MAX;
    mastra_status status = MASTRA_OK;
    bool all = false;

    if (!cursors) {
        return ms_error_oom(error);
    }
    for (size_t i = 0; i < count; i++) {
        cursors[i].range = scan ? NULL : &fetch->plan->range[i];
        cursors[i].segment = i;
        cursors[i].segments = count;
        cursors[i].limit = first_limit(fetch);
        cursors[i].done = fetch->need == 0;
    }
    while (status == MASTRA_OK && !has_enough(fetch, cursors, count, &all) && !all) {
        status = read_round(fetch, cursors, count, most, error);
        ddb_renew_deadline(fetch->session);
        most = stepwise && most < DAYS_AT_ONCE ? most * 2 : most;
    }
    return status;
}

/* By keys. */

static struct ms_key key_of(const struct ms_key_range *range)
{
    return (struct ms_key){range->partition, range->low};
}

static void put_get(struct ddb_fetch *fetch, const struct ms_key *key, struct ms_buf *body)
{
    ddb_put_head(fetch->session->owner, body);
    ms_buf_add_text(body, ",\"ConsistentRead\":true,\"Key\":");
    ms_item_write_key(body, key);
    put_projection(body, fetch->query->entity, fetch->columns);
    ms_buf_add_char(body, '}');
}

static void put_get_many(struct ddb_fetch *fetch, size_t from, size_t count, struct ms_buf *body)
{
    ms_buf_add_text(body, "{\"RequestItems\":{\"");
    ms_buf_add_text(body, fetch->session->owner->base.client.settings.table);
    ms_buf_add_text(body, "\":{\"ConsistentRead\":true");
    put_projection(body, fetch->query->entity, fetch->columns);
    ms_buf_add_text(body, ",\"Keys\":[");
    for (size_t i = 0; i < count; i++) {
        struct ms_key key = key_of(&fetch->plan->range[from + i]);

        if (i > 0) {
            ms_buf_add_char(body, ',');
        }
        ms_item_write_key(body, &key);
    }
    ms_buf_add_text(body, "]}}");
    if (fetch->session->owner->base.client.settings.count_capacity) {
        ms_buf_add_text(body, ",\"ReturnConsumedCapacity\":\"TOTAL\"");
    }
    ms_buf_add_char(body, '}');
}

/* Asks once more for what an answer has left out. */
static mastra_status add_rest(struct ddb_batch *batch, const struct ms_items *items, mastra_error *error)
{
    struct ms_buf *body;

    if (!items->unprocessed.ptr) {
        return MASTRA_OK;
    }
    body = ddb_batch_add(batch, "BatchGetItem", true, error);
    if (!body) {
        return MASTRA_OUT_OF_MEMORY;
    }
    ms_buf_add_text(body, "{\"RequestItems\":");
    ms_buf_add_str(body, items->unprocessed);
    ms_buf_add_char(body, '}');
    return MASTRA_OK;
}

static mastra_status add_gets(struct ddb_fetch *fetch, struct ddb_batch *batch, mastra_error *error)
{
    const struct ddb_plan *plan = fetch->plan;

    if (plan->count == 1) {
        struct ms_buf *body = ddb_batch_add(batch, "GetItem", true, error);
        struct ms_key key = key_of(&plan->range[0]);

        if (!body) {
            return MASTRA_OUT_OF_MEMORY;
        }
        put_get(fetch, &key, body);
        return MASTRA_OK;
    }
    for (size_t from = 0; from < plan->count; from += KEYS_MOST) {
        size_t count = plan->count - from < KEYS_MOST ? plan->count - from : KEYS_MOST;
        struct ms_buf *body = ddb_batch_add(batch, "BatchGetItem", true, error);

        if (!body) {
            return MASTRA_OUT_OF_MEMORY;
        }
        put_get_many(fetch, from, count, body);
    }
    return MASTRA_OK;
}

/* The requests of one round, of `batch` from `from` on. What they leave out is asked for in the next one. */
static mastra_status get_round(struct ddb_fetch *fetch, struct ddb_batch *batch, size_t from,
                               mastra_error *error)
{
    size_t end = batch->count;
    size_t found = fetch->count;
    mastra_status status = ddb_batch_send(batch, from, fetch->session->deadline_ns, error);

    for (size_t i = from; i < end && status == MASTRA_OK; i++) {
        struct ms_items items = {0};

        status = read_answer(fetch, &batch->calls[i], &items, error);
        if (status == MASTRA_OK) {
            status = take_rows(fetch, NULL, &items, error);
        }
        if (status == MASTRA_OK) {
            status = add_rest(batch, &items, error);
        }
    }
    if (fetch->count > found) {
        ddb_renew_deadline(fetch->session);
    }
    return status;
}

static mastra_status fetch_keys(struct ddb_fetch *fetch, mastra_error *error)
{
    int64_t backoff_ms = BACKOFF_FIRST_MS;
    struct ddb_batch batch;
    mastra_status status;
    size_t from = 0;

    ddb_batch_init(&batch, fetch->session->owner);
    status = add_gets(fetch, &batch, error);
    while (status == MASTRA_OK && from < batch.count) {
        size_t round = from;

        if (from > 0) {
            ms_clock_sleep_us((int64_t)ms_random_below((uint64_t)backoff_ms * 1000));
            backoff_ms = backoff_ms * 2 < BACKOFF_MOST_MS ? backoff_ms * 2 : BACKOFF_MOST_MS;
        }
        if (from > 0 && ms_clock_monotonic_ns() >= fetch->session->deadline_ns) {
            status = ms_error_set(error, MASTRA_BUSY, "BatchGetItem: the table gives less than is asked for");
            error->retriable = true;
            break;
        }
        from = batch.count;
        status = get_round(fetch, &batch, round, error);
    }
    ddb_batch_release(&batch);
    return status;
}

mastra_status ddb_fetch(struct ddb_fetch *fetch, mastra_error *error)
{
    switch (fetch->plan->kind) {
    case DDB_PLAN_KEYS:
        return fetch_keys(fetch, error);
    case DDB_PLAN_RANGES:
    case DDB_PLAN_SCAN:
        return fetch_ranges(fetch, error);
    default:
        return MASTRA_OK;
    }
}

mastra_status ddb_fetch_item_plain(struct ddb_session *session, const struct ms_entity *entity,
                                   const struct ms_key *key, struct ms_arena *arena, struct ms_item_row *ret,
                                   bool *ret_there, mastra_error *error)
{
    struct ms_query query = {.entity = entity};
    struct ddb_fetch fetch = {
        .session = session, .query = &query, .arena = arena, .columns = ms_entity_fields(entity)};
    struct ms_items items = {0};
    struct ddb_batch batch;
    struct ms_buf *body;
    mastra_status status;

    *ret_there = false;
    ddb_batch_init(&batch, session->owner);
    body = ddb_batch_add(&batch, "GetItem", true, error);
    if (!body) {
        ddb_batch_release(&batch);
        return MASTRA_OUT_OF_MEMORY;
    }
    put_get(&fetch, key, body);
    status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    if (status == MASTRA_OK) {
        status = read_answer(&fetch, &batch.calls[0], &items, error);
    }
    ddb_batch_release(&batch);
    if (status == MASTRA_OK && items.count > 0) {
        *ret = items.rows[0];
        *ret_there = true;
    }
    return status;
}

mastra_status ddb_fetch_item(struct ddb_session *session, const struct ms_entity *entity,
                             const struct ms_key *key, struct ms_arena *arena, struct ms_item_row *ret,
                             bool *ret_there, mastra_error *error)
{
    mastra_status status = ddb_fetch_item_plain(session, entity, key, arena, ret, ret_there, error);

    if (status != MASTRA_OK || !*ret_there) {
        return status;
    }
    status = ddb_join_parts(session, entity, ret, 1, arena, error);
    *ret_there = ret->seen.key.partition.ptr != NULL;
    return status;
}
