/*
 * Surveys: a Scan, in segments side by side, that keeps of every record no more than where it stands and what it comes by.
 * Pages are then read by BatchGetItem. Of keys, what all of a kind begin with is kept once.
 */
#include "backends/dynamodb/fetch.h"
#include "backends/dynamodb/item_scan.h"
#include "backends/dynamodb/table.h"
#include "base/error.h"
#include "base/str.h"
#include "schema/form.h"
#include "store/record.h"

#include <stdlib.h>

/* Proofs and times of all kinds. */
#define NAMES_MOST  (2 * MS_ENTITY_COUNT)

/* Records may be long, and nothing is known of their length: so many are read first. */
#define ROWS_FIRST  25
#define ROWS_GROWTH 4
#define ROWS_MOST   1000

/* Of what is asked for at once: answers stand in memory twice for a moment. */
#define CHUNK_BYTES ((size_t)1 << 20)

struct noted {
    struct noted *next;
    mastra_time time;
    int64_t sequence;
    uint16_t partition; /* the length of what follows the prefix */
    uint16_t sort;
    char text[];
};

/* The rows of an entity. */
struct kind {
    const struct ms_entity *entity; /* NULL: it was not asked for */
    struct ms_key prefix;
    uint8_t time;
    size_t time_name;
    size_t proof_name;
    struct noted *first; /* while they come */
    struct noted **rows; /* then in their order */
    size_t count;
    size_t chunk; /* so many are read at once next */
    size_t bytes; /* of a row, as far as it was seen; 0: none was */
};

struct ms_survey {
    struct ms_arena *arena;
    struct kind kinds[MS_ENTITY_COUNT];
    const char *names[NAMES_MOST]; /* of attributes that are looked at */
    size_t name_count;
};

static size_t name_number(struct ms_survey *survey, const char *name)
{
    size_t number = 0;

    while (number < survey->name_count && strcmp(survey->names[number], name) != 0) {
        number++;
    }
    if (number == survey->name_count) {
        survey->names[survey->name_count++] = name;
    }
    return number;
}

static mastra_status add_kind(struct ms_survey *survey, enum ms_entity_id id, uint8_t time,
                              mastra_error *error)
{
    const struct ms_entity *entity = ms_entity(id);
    struct kind *kind = &survey->kinds[id];

    kind->entity = entity;
    kind->time = time;
    kind->time_name = name_number(survey, ms_item_attribute(entity, time));
    kind->proof_name = name_number(survey, entity->item->proof);
    kind->chunk = ROWS_FIRST;
    return ms_key_prefix(entity, survey->arena, &kind->prefix, error);
}

/* Taking. */

struct reader {
    struct ms_survey *survey;
    bool memory_out;
};

/* What is looked at of an item. */
struct item {
    struct ms_key key;
    mastra_str type;
    mastra_str version;
    int64_t sequence;
    struct ms_scan_value values[NAMES_MOST];
};

static bool is(mastra_str text, const char *name)
{
    return ms_str_compare(text, mastra_str_of(name)) == 0;
}

static bool begins_with(mastra_str text, mastra_str prefix)
{
    return text.len >= prefix.len && memcmp(text.ptr, prefix.ptr, prefix.len) == 0;
}

static void look_at(const struct ms_survey *survey, struct item *item, mastra_str name,
                    const struct ms_scan_value *value)
{
    bool string = value->kind == MS_SCAN_STRING;

    if (string && is(name, "pk")) {
        item->key.partition = value->text;
    } else if (string && is(name, "sk")) {
        item->key.sort = value->text;
    } else if (string && is(name, "__edb_e__")) {
        item->type = value->text;
    } else if (string && is(name, "__edb_v__")) {
        item->version = value->text;
    } else if (is(name, MS_ITEM_SEQUENCE)) {
        item->sequence = ms_item_integer(value, 0);
    }
    for (size_t i = 0; i < survey->name_count; i++) {
        if (is(name, survey->names[i])) {
            item->values[i] = *value;
        }
    }
}

/* The kind of record that an item is; NULL: none that is wanted. */
static struct kind *kind_of(struct ms_survey *survey, const struct item *item)
{
    if (!is(item->version, "1")) {
        return NULL;
    }
    for (size_t i = 0; i < MS_ENTITY_COUNT; i++) {
        struct kind *kind = &survey->kinds[i];

        if (kind->entity && is(item->type, kind->entity->item->type) &&
            begins_with(item->key.partition, kind->prefix.partition) &&
            begins_with(item->key.sort, kind->prefix.sort)) {
            return item->values[kind->proof_name].kind != MS_SCAN_NONE ? kind : NULL;
        }
    }
    return NULL;
}

static bool note(struct ms_survey *survey, struct kind *kind, const struct item *item)
{
    size_t partition = item->key.partition.len - kind->prefix.partition.len;
    size_t sort = item->key.sort.len - kind->prefix.sort.len;
    struct noted *noted = ms_arena_alloc(survey->arena, sizeof *noted + partition + sort);

    if (!noted || partition > UINT16_MAX || sort > UINT16_MAX) {
        return false;
    }
    noted->time = ms_item_time(&item->values[kind->time_name]);
    noted->sequence = item->sequence;
    noted->partition = (uint16_t)partition;
    noted->sort = (uint16_t)sort;
    memcpy(noted->text, item->key.partition.ptr + kind->prefix.partition.len, partition);
    memcpy(noted->text + partition, item->key.sort.ptr + kind->prefix.sort.len, sort);
    noted->next = kind->first;
    kind->first = noted;
    kind->count++;
    return true;
}

static bool read_item(struct ms_scan *scan, void *arg)
{
    struct reader *reader = arg;
    struct item item = {.key = {{"", 0}, {"", 0}}};
    struct ms_scan_value value;
    struct kind *kind;
    bool first = true;
    mastra_str name;

    while (ms_scan_member(scan, &first, &name)) {
        ms_scan_value(scan, &value);
        look_at(reader->survey, &item, name, &value);
    }
    kind = kind_of(reader->survey, &item);
    reader->memory_out = kind && !note(reader->survey, kind, &item);
    return !reader->memory_out;
}

/* A part of the Scan. */
struct segment {
    struct ms_buf next; /* where it goes on, as JSON */
    bool done;
};

static void put_scan(struct ddb_session *session, const struct ms_survey *survey,
                     const struct segment *segment, size_t number, size_t count, struct ms_buf *body)
{
    ddb_put_head(session->owner, body);
    ms_buf_add_text(body,
                    ",\"ConsistentRead\":true,\"ProjectionExpression\":\"pk,sk,#e,#v," MS_ITEM_SEQUENCE);
    for (size_t i = 0; i < survey->name_count; i++) {
        ms_buf_printf(body, ",#n%zu", i);
    }
    ms_buf_add_text(body, "\",\"ExpressionAttributeNames\":{\"#e\":\"__edb_e__\",\"#v\":\"__edb_v__\"");
    for (size_t i = 0; i < survey->name_count; i++) {
        ms_buf_printf(body, ",\"#n%zu\":\"%s\"", i, survey->names[i]);
    }
    ms_buf_add_char(body, '}');
    ddb_put_segment(body, number, count);
    if (segment->next.len > 0) {
        ms_buf_add_text(body, ",\"ExclusiveStartKey\":");
        ms_buf_add_str(body, ms_buf_view(&segment->next));
    }
    ms_buf_add_char(body, '}');
}

static mastra_status take_answer(struct ddb_session *session, struct ms_survey *survey,
                                 struct segment *segment, const struct ms_service_call *call,
                                 mastra_error *error)
{
    struct reader reader = {.survey = survey};
    struct ms_scan_rest rest = {.counted = 0};
    struct ms_arena *arena;
    struct ms_scan scan;
    mastra_status status = MASTRA_OK;

    if (!ms_service_call_ok(call)) {
        return ddb_call_failed(session->owner, call, error);
    }
    arena = ms_arena_new(session->owner->base.client.heap, call->answer.len + 1);
    scan.at = arena ? ddb_answer_copy(call, arena, error) : NULL;
    if (!scan.at) {
        ms_arena_free(arena);
        return ms_error_oom(error);
    }
    scan.end = scan.at + call->answer.len;
    if (!ms_scan_answer(&scan, read_item, &reader, &rest)) {
        status = reader.memory_out ? ms_error_oom(error)
                                   : ms_error_set(error, MASTRA_INTERNAL, "DynamoDB's answer is no object");
    }
    ms_buf_cut(&segment->next, 0);
    segment->done = !rest.last_key.ptr;
    if (status == MASTRA_OK && !segment->done) {
        ms_buf_add_str(&segment->next, rest.last_key);
        status = segment->next.failed == MASTRA_OK ? MASTRA_OK : ms_error_oom(error);
    }
    ms_arena_free(arena);
    return status;
}

/* One more page of every segment that is not done. */
static mastra_status scan_round(struct ddb_session *session, struct ms_survey *survey,
                                struct segment *segments, size_t count, mastra_error *error)
{
    struct ddb_batch batch;
    mastra_status status = MASTRA_OK;
    size_t at = 0;

    ddb_batch_init(&batch, session->owner);
    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        struct ms_buf *body = segments[i].done ? NULL : ddb_batch_add(&batch, "Scan", true, error);

        if (body) {
            put_scan(session, survey, &segments[i], i, count, body);
        } else if (!segments[i].done) {
            status = MASTRA_OUT_OF_MEMORY;
        }
    }
    if (status == MASTRA_OK) {
        status = ddb_batch_send(&batch, 0, session->deadline_ns, error);
    }
    for (size_t i = 0; i < count && status == MASTRA_OK; i++) {
        if (!segments[i].done) {
            status = take_answer(session, survey, &segments[i], &batch.calls[at++], error);
        }
    }
    ddb_batch_release(&batch);
    return status;
}

static mastra_status scan(struct ddb_session *session, struct ms_survey *survey, mastra_error *error)
{
    struct segment segments[DDB_SEGMENTS_MOST];
    size_t count = ddb_table_segments(&session->owner->base.client);
    mastra_status status = MASTRA_OK;
    bool open = true;

    for (size_t i = 0; i < count; i++) {
        segments[i].done = false;
        ms_buf_init(&segments[i].next, session->owner->base.client.heap, 0);
    }
    while (status == MASTRA_OK && open) {
        ddb_renew_deadline(session);
        status = scan_round(session, survey, segments, count, error);
        open = false;
        for (size_t i = 0; i < count; i++) {
            open = open || !segments[i].done;
        }
    }
    for (size_t i = 0; i < count; i++) {
        ms_buf_release(&segments[i].next);
    }
    return status;
}

/* Null counts as the latest. */
static int compare_noted(const void *left, const void *right)
{
    const struct noted *a = *(struct noted *const *)left;
    const struct noted *b = *(struct noted *const *)right;
    mastra_str a_text = {a->text, (size_t)a->partition + a->sort};
    mastra_str b_text = {b->text, (size_t)b->partition + b->sort};

    if (a->time != b->time) {
        return a->time == MASTRA_TIME_NONE || (b->time != MASTRA_TIME_NONE && a->time > b->time) ? 1 : -1;
    }
    if (a->sequence != b->sequence) {
        return a->sequence > b->sequence ? 1 : -1;
    }
    return ms_str_compare(a_text, b_text);
}

static mastra_status put_in_order(struct ms_survey *survey, mastra_error *error)
{
    for (size_t i = 0; i < MS_ENTITY_COUNT; i++) {
        struct kind *kind = &survey->kinds[i];
        size_t at = 0;

        if (kind->count == 0) {
            continue;
        }
        kind->rows = ms_arena_alloc(survey->arena, kind->count * sizeof(struct noted *));
        if (!kind->rows) {
            return ms_error_oom(error);
        }
        for (struct noted *noted = kind->first; noted; noted = noted->next) {
            kind->rows[at++] = noted;
        }
        qsort(kind->rows, kind->count, sizeof(struct noted *), compare_noted);
    }
    return MASTRA_OK;
}

static void drop(struct ms_survey *survey)
{
    ms_arena_free(survey->arena);
}

static mastra_status take(struct ms_session *base, uint32_t entities, const uint8_t *times,
                          struct ms_survey **ret, mastra_error *error)
{
    struct ddb_session *session = ddb_session_of(base);
    struct ms_arena *arena = ms_arena_new(session->owner->base.client.heap, 0);
    struct ms_survey *survey = arena ? ms_arena_calloc(arena, sizeof *survey) : NULL;
    unsigned indexes = 0;
    mastra_status status = survey ? MASTRA_OK : ms_error_oom(error);

    *ret = NULL;
    if (survey) {
        survey->arena = arena;
        /* The answer tells how large the table is. */
        status = ddb_table_indexes(&session->owner->base.client, &indexes, error);
    }
    for (int e = 0; e < MS_ENTITY_COUNT && status == MASTRA_OK; e++) {
        if (entities & (UINT32_C(1) << e)) {
            status = add_kind(survey, (enum ms_entity_id)e, times[e], error);
        }
    }
    if (status == MASTRA_OK) {
        status = scan(session, survey, error);
    }
    if (status == MASTRA_OK) {
        status = put_in_order(survey, error);
    }
    if (status != MASTRA_OK) {
        ms_arena_free(arena);
        return status;
    }
    *ret = survey;
    return MASTRA_OK;
}

static int64_t count_rows(const struct ms_survey *survey, enum ms_entity_id id)
{
    return (int64_t)survey->kinds[id].count;
}

/* Pages. */

/* Whether a row may match, as far as its time tells: what was young is not old now. */
static bool may_match(const struct kind *kind, const struct ms_query *query, const struct noted *noted)
{
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];

        if (predicate->column == kind->time && predicate->compare == MS_BEFORE &&
            (noted->time == MASTRA_TIME_NONE || noted->time >= predicate->time)) {
            return false;
        }
    }
    return true;
}

static bool join_key(struct ms_arena *arena, mastra_str prefix, const char *text, size_t len, mastra_str *ret)
{
    char *joined = ms_arena_bytes(arena, prefix.len + len + 1);

    if (!joined) {
        return false;
    }
    memcpy(joined, prefix.ptr, prefix.len);
    memcpy(joined + prefix.len, text, len);
    joined[prefix.len + len] = '\0';
    *ret = (mastra_str){joined, prefix.len + len};
    return true;
}

/* The keys of the next rows, at most `most`; *at goes behind them. */
static mastra_status next_keys(const struct kind *kind, const struct ms_query *query, size_t most,
                               int64_t *at, struct ms_arena *arena, struct ddb_plan *plan,
                               mastra_error *error)
{
    *plan = (struct ddb_plan){.kind = DDB_PLAN_KEYS};
    plan->range = ms_arena_calloc(arena, most * sizeof *plan->range);
    if (!plan->range) {
        return ms_error_oom(error);
    }
    for (; (size_t)*at < kind->count && plan->count < most; ++*at) {
        const struct noted *noted = kind->rows[*at];
        struct ms_key_range *range = &plan->range[plan->count];

        if (!may_match(kind, query, noted)) {
            continue;
        }
        if (!join_key(arena, kind->prefix.partition, noted->text, noted->partition, &range->partition) ||
            !join_key(arena, kind->prefix.sort, noted->text + noted->partition, noted->sort, &range->low)) {
            return ms_error_oom(error);
        }
        range->sort = MS_SORT_EQUAL;
        plan->count++;
    }
    return MASTRA_OK;
}

/* How many rows are read at once: few until it is known how long they are. */
static size_t chunk_of(const struct kind *kind, size_t room, size_t bytes_left)
{
    size_t chunk = kind->chunk < room ? kind->chunk : room;
    size_t bytes = bytes_left < CHUNK_BYTES ? bytes_left : CHUNK_BYTES;

    if (kind->bytes > 0 && chunk > bytes / kind->bytes) {
        chunk = bytes / kind->bytes;
    }
    return chunk > 0 ? chunk : 1;
}

static void learn(struct kind *kind, size_t rows, size_t bytes)
{
    if (rows > 0) {
        kind->bytes = bytes / rows;
    }
    kind->chunk *= kind->chunk < ROWS_MOST ? ROWS_GROWTH : 1;
}

static size_t bytes_of(const struct ms_entity *entity, const struct ms_item_row *rows, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += entity->size + ms_record_bytes(entity, rows[i].record, ms_entity_all(entity));
    }
    return bytes;
}

static mastra_status fill_page(struct ddb_fetch *fetch, struct kind *kind, size_t room, int64_t *at,
                               mastra_error *error)
{
    const struct ms_query *query = fetch->query;
    size_t most_bytes = query->most_bytes > 0 ? query->most_bytes : SIZE_MAX;
    mastra_status status = MASTRA_OK;
    size_t bytes = 0;

    while (status == MASTRA_OK && (size_t)*at < kind->count && fetch->count < room && bytes < most_bytes) {
        size_t chunk = chunk_of(kind, room - fetch->count, most_bytes - bytes);
        size_t before = fetch->count;
        struct ddb_plan plan;

        status = next_keys(kind, query, chunk, at, fetch->arena, &plan, error);
        if (status != MASTRA_OK || plan.count == 0) {
            break;
        }
        fetch->plan = &plan;
        ddb_renew_deadline(fetch->session);
        status = ddb_fetch(fetch, error);
        if (status == MASTRA_OK) {
            size_t more = bytes_of(query->entity, fetch->rows + before, fetch->count - before);

            bytes += more;
            learn(kind, fetch->count - before, more);
        }
    }
    return status;
}

static mastra_status read_page(struct ms_session *base, struct ms_survey *survey, enum ms_entity_id id,
                               const struct ms_query *query, int64_t *at, struct ms_arena *arena,
                               struct ms_rows *ret, mastra_error *error)
{
    struct kind *kind = &survey->kinds[id];
    size_t room = query->limit == MS_NO_LIMIT ? SIZE_MAX : (size_t)query->limit;
    struct ddb_fetch fetch = {.session = ddb_session_of(base),
                              .query = query,
                              .arena = arena,
                              .columns = ms_match_columns(query),
                              .need = MS_NO_LIMIT};
    mastra_status status = fill_page(&fetch, kind, room, at, error);
    struct ms_match_set set = {.count = fetch.count, .arena = arena};

    *ret = (struct ms_rows){NULL, 0};
    if (status != MASTRA_OK) {
        return status;
    }
    set.rows = ms_arena_alloc(arena, (set.count + 1) * sizeof *set.rows);
    if (!set.rows) {
        return ms_error_oom(error);
    }
    /* A walk goes by the times that were noted, in whichever form they are stored. */
    for (size_t i = 0; i < set.count; i++) {
        set.rows[i] =
            (struct ms_match_row){.record = fetch.rows[i].record, .sequence = fetch.rows[i].seen.sequence};
    }
    return ms_match_rows(query, 0, &set, ret) ? MASTRA_OK : ms_error_oom(error);
}

const struct ms_survey_ops ddb_survey_ops = {
    .take = take,
    .count = count_rows,
    .page = read_page,
    .drop = drop,
};
