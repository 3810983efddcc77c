#include "backends/dynamodb/table.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

/* Bits of client->indexes besides those of the indexes. */
#define KNOWN         (1u << 30) /* the table was looked at */
#define CHANGING      (1u << 31) /* and will be again: an index is being made */

#define ALL_INDEXES   (((2u << DDB_INDEXES_MOST) - 1) & ~1u)
#define LOOK_AGAIN_NS (INT64_C(30) * 1000000000)

/* A scan of more than this is divided. */
#define SEGMENT_BYTES (INT64_C(16) << 20)

/* What is wanted. */

void ddb_index_name(unsigned number, char out[DDB_KEY_NAME_SIZE])
{
    snprintf(out, DDB_KEY_NAME_SIZE, "gsi%u", number);
}

void ddb_key_name(unsigned number, bool range, char out[DDB_KEY_NAME_SIZE])
{
    const char *end = range ? "sk" : "pk";

    if (number == 0) {
        snprintf(out, DDB_KEY_NAME_SIZE, "%s", end);
    } else {
        snprintf(out, DDB_KEY_NAME_SIZE, "gsi%u%s", number, end);
    }
}

unsigned ddb_index_number(mastra_str name)
{
    char known[DDB_KEY_NAME_SIZE];

    for (unsigned i = 1; i <= DDB_INDEXES_MOST; i++) {
        ddb_index_name(i, known);
        if (strlen(known) == name.len && memcmp(known, name.ptr, name.len) == 0) {
            return i;
        }
    }
    return 0;
}

static void put_definitions(struct ms_buf *body, unsigned from, unsigned to)
{
    ms_buf_add_text(body, ",\"AttributeDefinitions\":[");
    for (unsigned i = from; i <= to; i++) {
        for (int range = 0; range < 2; range++) {
            char key[DDB_KEY_NAME_SIZE];

            ddb_key_name(i, range != 0, key);
            ms_buf_printf(body, "%s{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}",
                          i == from && !range ? "" : ",", key);
        }
    }
    ms_buf_add_char(body, ']');
}

static void put_key_schema(struct ms_buf *body, unsigned number)
{
    char hash[DDB_KEY_NAME_SIZE];
    char range[DDB_KEY_NAME_SIZE];

    ddb_key_name(number, false, hash);
    ddb_key_name(number, true, range);
    ms_buf_printf(body,
                  "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
                  "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
                  hash, range);
}

/* Without its closing brace. */
static void put_index(struct ms_buf *body, unsigned number)
{
    char name[DDB_KEY_NAME_SIZE];

    ddb_index_name(number, name);
    ms_buf_printf(body, "{\"IndexName\":\"%s\",", name);
    put_key_schema(body, number);
    ms_buf_add_text(body, ",\"Projection\":{\"ProjectionType\":\"" DDB_PROJECTION "\"}");
}

void ddb_put_table_name(struct ms_buf *body, const char *table)
{
    ms_json_put_key(body, "TableName");
    ms_json_put_string(body, mastra_str_of(table));
}

void ddb_put_create_table(struct ms_buf *body, const char *table, unsigned indexes, bool encrypted)
{
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, table);
    ms_buf_add_text(body, ",\"BillingMode\":\"" DDB_BILLING "\"");
    put_definitions(body, 0, indexes);
    ms_buf_add_char(body, ',');
    put_key_schema(body, 0);
    ms_buf_add_text(body, ",\"GlobalSecondaryIndexes\":[");
    for (unsigned i = 1; i <= indexes; i++) {
        ms_buf_add_text(body, i > 1 ? "," : "");
        put_index(body, i);
        ms_buf_add_char(body, '}');
    }
    ms_buf_add_text(body, encrypted ? "],\"SSESpecification\":{\"Enabled\":true}}" : "]}");
}

void ddb_put_create_index(struct ms_buf *body, const char *table, unsigned number,
                          const struct ddb_description *found)
{
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, table);
    put_definitions(body, number, number);
    ms_buf_add_text(body, ",\"GlobalSecondaryIndexUpdates\":[{\"Create\":");
    put_index(body, number);
    if (found->read_units > 0 && found->write_units > 0) {
        ms_buf_printf(body,
                      ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":%" PRId64
                      ",\"WriteCapacityUnits\":%" PRId64 "}",
                      found->read_units, found->write_units);
    }
    ms_buf_add_text(body, "}}]}");
}

void ddb_put_delete_index(struct ms_buf *body, const char *table, unsigned number)
{
    char name[DDB_KEY_NAME_SIZE];

    ddb_index_name(number, name);
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, table);
    ms_buf_printf(body, ",\"GlobalSecondaryIndexUpdates\":[{\"Delete\":{\"IndexName\":\"%s\"}}]}", name);
}

/* Reading what DescribeTable tells. */

static bool get_text(mastra_str object, const char *name, struct ms_arena *arena, mastra_str *ret)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));

    *ret = (mastra_str){NULL, 0};
    return ms_json_kind(raw) != MS_JSON_STRING || ms_json_unescape_arena(raw, arena, ret, NULL);
}

static int64_t get_count(mastra_str object, const char *name)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));
    int64_t count = MASTRA_INTEGER_NONE;

    if (ms_json_kind(raw) == MS_JSON_NUMBER && !ms_json_int(raw, &count)) {
        count = MASTRA_INTEGER_NONE;
    }
    return count;
}

static bool is_word(mastra_str text, const char *word)
{
    return text.ptr && strcmp(text.ptr, word) == 0;
}

/* Walks an array; an absent one has no elements. */
static struct ms_json_iter iterate(mastra_str object, const char *name)
{
    mastra_str array = ms_json_member(object, mastra_str_of(name));
    struct ms_json_iter iter;

    ms_json_iter_init(&iter, ms_json_kind(array) == MS_JSON_ARRAY ? array : (mastra_str)MASTRA_STR("[]"));
    return iter;
}

static bool get_keys(mastra_str object, struct ms_arena *arena, mastra_str *hash, mastra_str *range)
{
    struct ms_json_iter iter = iterate(object, "KeySchema");
    mastra_str element;

    *hash = *range = (mastra_str){NULL, 0};
    while (ms_json_next(&iter, NULL, &element)) {
        mastra_str type;

        if (!get_text(element, "KeyType", arena, &type) ||
            !get_text(element, "AttributeName", arena, is_word(type, "HASH") ? hash : range)) {
            return false;
        }
    }
    return true;
}

/* Whether an attribute is defined as text. False in *ret_ok: memory is out. */
static bool is_text(mastra_str table, mastra_str name, struct ms_arena *arena, bool *ret_ok)
{
    struct ms_json_iter iter = iterate(table, "AttributeDefinitions");
    mastra_str element;

    while (ms_json_next(&iter, NULL, &element)) {
        mastra_str defined;
        mastra_str type;

        if (!get_text(element, "AttributeName", arena, &defined) ||
            !get_text(element, "AttributeType", arena, &type)) {
            *ret_ok = false;
            return false;
        }
        if (name.ptr && is_word(defined, name.ptr)) {
            return is_word(type, "S");
        }
    }
    return false;
}

static enum ddb_state state_of(mastra_str status, bool backfilling)
{
    if (is_word(status, "CREATING") || backfilling) {
        return DDB_MAKING;
    }
    /* "UPDATING" is usable. A table whose status is not told is as good as one that is active. */
    if (!status.ptr || is_word(status, "ACTIVE") || is_word(status, "UPDATING")) {
        return DDB_ACTIVE;
    }
    return is_word(status, "DELETING") ? DDB_DELETING : DDB_AWAY;
}

static bool read_index(mastra_str table, mastra_str object, struct ms_arena *arena, struct ddb_index *index)
{
    mastra_str projection = ms_json_member(object, mastra_str_of("Projection"));
    mastra_str type = {NULL, 0};
    bool ok = get_text(object, "IndexName", arena, &index->name) &&
              get_keys(object, arena, &index->hash_key, &index->range_key) &&
              get_text(projection, "ProjectionType", arena, &type) &&
              get_text(object, "IndexStatus", arena, &index->status);

    index->strings =
        ok && is_text(table, index->hash_key, arena, &ok) && is_text(table, index->range_key, arena, &ok);
    index->all = is_word(type, "ALL");
    index->backfilling = ms_json_kind(ms_json_member(object, mastra_str_of("Backfilling"))) == MS_JSON_TRUE;
    index->state = state_of(index->status, index->backfilling);
    index->items = get_count(object, "ItemCount");
    index->bytes = get_count(object, "IndexSizeBytes");
    return ok;
}

static bool read_indexes(mastra_str table, struct ms_arena *arena, struct ddb_description *ret)
{
    struct ms_json_iter iter = iterate(table, "GlobalSecondaryIndexes");
    mastra_str array = ms_json_member(table, mastra_str_of("GlobalSecondaryIndexes"));
    struct ddb_index *indexes = ms_arena_calloc(arena, (ms_json_count(array) + 1) * sizeof *indexes);
    mastra_str element;

    if (!indexes) {
        return false;
    }
    ret->indexes = indexes;
    while (ms_json_next(&iter, NULL, &element)) {
        if (!read_index(table, element, arena, &indexes[ret->index_count++])) {
            return false;
        }
    }
    return true;
}

static bool read_table(mastra_str table, struct ms_arena *arena, struct ddb_description *ret)
{
    mastra_str encryption = ms_json_member(table, mastra_str_of("SSEDescription"));
    mastra_str units = ms_json_member(table, mastra_str_of("ProvisionedThroughput"));
    mastra_str encrypted = {NULL, 0};
    bool ok = get_text(table, "TableStatus", arena, &ret->status) &&
              get_keys(table, arena, &ret->hash_key, &ret->range_key) &&
              get_text(encryption, "Status", arena, &encrypted) && read_indexes(table, arena, ret);

    ret->strings =
        ok && is_text(table, ret->hash_key, arena, &ok) && is_text(table, ret->range_key, arena, &ok);
    ret->state = state_of(ret->status, false);
    ret->updating = is_word(ret->status, "UPDATING");
    ret->encrypted =
        is_word(encrypted, "ENABLED") || is_word(encrypted, "ENABLING") || is_word(encrypted, "UPDATING");
    ret->read_units = get_count(units, "ReadCapacityUnits");
    ret->write_units = get_count(units, "WriteCapacityUnits");
    ret->items = get_count(table, "ItemCount");
    ret->bytes = get_count(table, "TableSizeBytes");
    return ok;
}

mastra_status ddb_table_send(struct ddb_client *client, const char *operation, const struct ms_buf *body,
                             struct ms_service_call *call, mastra_error *error)
{
    mastra_status status;

    *call = (struct ms_service_call){.operation = operation, .repeatable = true};
    if (body->failed) {
        return ms_error_oom(error);
    }
    call->body = ms_buf_view(body);
    status = ms_service_send(&client->service, call, 1, 1, ddb_client_deadline(client), error);
    if (status == MASTRA_OK && !ms_service_call_ok(call)) {
        status = ms_service_call_error(call, error);
    }
    return status;
}

mastra_status ddb_table_describe(struct ddb_client *client, struct ms_arena *arena,
                                 struct ddb_description *ret, mastra_error *error)
{
    struct ms_service_call call;
    struct ms_buf body;
    mastra_status status;

    *ret = (struct ddb_description){.state = DDB_MISSING};
    ms_buf_init(&body, client->heap, 0);
    ms_buf_add_char(&body, '{');
    ddb_put_table_name(&body, client->settings.table);
    ms_buf_add_char(&body, '}');
    status = ddb_table_send(client, "DescribeTable", &body, &call, error);
    if (status != MASTRA_OK && ddb_refused_as(&call, "ResourceNotFoundException")) {
        status = MASTRA_OK;
    } else if (status == MASTRA_OK) {
        mastra_str answer = {NULL, 0};

        ms_json_check(call.answer, &answer, NULL);
        if (!read_table(ms_json_member(answer, mastra_str_of("Table")), arena, ret)) {
            status = ms_error_oom(error);
        }
    }
    ms_service_call_release(&client->service, &call);
    ms_buf_release(&body);
    return status;
}

/* Comparing. */

const struct ddb_index *ddb_find_index(const struct ddb_description *table, unsigned number)
{
    char name[DDB_KEY_NAME_SIZE];

    ddb_index_name(number, name);
    for (size_t i = 0; i < table->index_count; i++) {
        if (is_word(table->indexes[i].name, name)) {
            return &table->indexes[i];
        }
    }
    return NULL;
}

static bool keys_fit(unsigned number, mastra_str hash, mastra_str range)
{
    char wanted_hash[DDB_KEY_NAME_SIZE];
    char wanted_range[DDB_KEY_NAME_SIZE];

    ddb_key_name(number, false, wanted_hash);
    ddb_key_name(number, true, wanted_range);
    return is_word(hash, wanted_hash) && is_word(range, wanted_range);
}

const char *ddb_table_wrong(const struct ddb_description *table)
{
    if (!keys_fit(0, table->hash_key, table->range_key)) {
        return "its key is not pk (HASH) and sk (RANGE)";
    }
    return table->strings ? NULL : "its keys pk and sk are not both texts (S)";
}

const char *ddb_index_wrong(const struct ddb_index *index, unsigned number)
{
    if (!keys_fit(number, index->hash_key, index->range_key)) {
        return "its key is not that of its name with pk (HASH) and sk (RANGE)";
    }
    if (!index->strings) {
        return "its keys are not both texts (S)";
    }
    return index->all ? NULL : "it does not project all attributes";
}

/* At run time. */

/* " with: mastra-store dynamodb-setup --table agents --region us-east-1" */
static void put_command(const struct ddb_client *client, char *out, size_t size)
{
    const char *endpoint = client->settings.endpoint;
    mastra_str region = ms_buf_view(&client->service.region);

    snprintf(out, size, "mastra-store dynamodb-setup --table %s --region %.*s%s%s", client->settings.table,
             (int)region.len, region.ptr, endpoint ? " --endpoint " : "", endpoint ? endpoint : "");
}

static mastra_status refuse_missing(const struct ddb_client *client, mastra_error *error)
{
    char command[320];

    put_command(client, command, sizeof command);
    return ms_error_set(error, MASTRA_CANNOT_OPEN,
                        "there is no DynamoDB table \"%.64s\", or none that can be seen; make it with: %s",
                        client->settings.table, command);
}

static mastra_status refuse_busy(const struct ddb_client *client, const char *part, mastra_str status,
                                 mastra_error *error)
{
    ms_error_set(error, MASTRA_BUSY, "%s of DynamoDB table \"%.64s\" cannot be used yet: it is %s", part,
                 client->settings.table, status.ptr ? status.ptr : "being made");
    error->retriable = true;
    return MASTRA_BUSY;
}

static mastra_status refuse_wrong(const struct ddb_client *client, const char *part, const char *wrong,
                                  mastra_error *error)
{
    return ms_error_set(error, MASTRA_CANNOT_OPEN,
                        "%s%sDynamoDB table \"%.64s\" is not one that can be used: %s; take another table",
                        part, part[0] ? " of " : "", client->settings.table, wrong);
}

/* "gsi1 and gsi2" */
static mastra_status refuse_lacking(const struct ddb_client *client, const struct ddb_description *table,
                                    mastra_error *error)
{
    char lacking[DDB_INDEXES_LEAST * (DDB_KEY_NAME_SIZE + 8)] = "";
    char command[320];
    size_t len = 0;

    for (unsigned i = 1; i <= DDB_INDEXES_LEAST; i++) {
        char name[DDB_KEY_NAME_SIZE];

        ddb_index_name(i, name);
        if (!ddb_find_index(table, i)) {
            len += (size_t)snprintf(lacking + len, sizeof lacking - len, "%s%s", len ? " and " : "", name);
        }
    }
    put_command(client, command, sizeof command);
    return ms_error_set(error, MASTRA_CANNOT_OPEN,
                        "DynamoDB table \"%.64s\" lacks its index %s; add it with: %s",
                        client->settings.table, lacking, command);
}

static mastra_status judge_index(const struct ddb_client *client, const struct ddb_index *index,
                                 unsigned number, mastra_error *error)
{
    char name[DDB_KEY_NAME_SIZE];
    const char *wrong = ddb_index_wrong(index, number);

    ddb_index_name(number, name);
    if (wrong) {
        return refuse_wrong(client, name, wrong, error);
    }
    return index->state == DDB_ACTIVE ? MASTRA_OK : refuse_busy(client, name, index->status, error);
}

static mastra_status judge(const struct ddb_client *client, const struct ddb_description *table,
                           mastra_error *error)
{
    const char *wrong;

    if (table->state == DDB_MISSING) {
        return refuse_missing(client, error);
    }
    wrong = ddb_table_wrong(table);
    if (wrong) {
        return refuse_wrong(client, "", wrong, error);
    }
    if (table->state != DDB_ACTIVE) {
        return refuse_busy(client, "the whole", table->status, error);
    }
    for (unsigned i = 1; i <= DDB_INDEXES_LEAST; i++) {
        const struct ddb_index *index = ddb_find_index(table, i);
        mastra_status status =
            index ? judge_index(client, index, i, error) : refuse_lacking(client, table, error);

        if (status != MASTRA_OK) {
            return status;
        }
    }
    return MASTRA_OK;
}

/* The indexes that can be queried, of those that are as they should be. */
static unsigned usable_of(const struct ddb_description *table)
{
    unsigned bits = KNOWN;

    for (unsigned i = 1; i <= DDB_INDEXES_MOST; i++) {
        const struct ddb_index *index = ddb_find_index(table, i);

        if (!index || ddb_index_wrong(index, i)) {
            continue;
        }
        if (index->state == DDB_ACTIVE) {
            bits |= 1u << i;
        } else if (index->state == DDB_MAKING) {
            bits |= CHANGING;
        }
    }
    return bits;
}

static mastra_status look(struct ddb_client *client, mastra_error *error)
{
    struct ms_arena *arena = ms_arena_new(client->heap, 0);
    struct ddb_description table;
    mastra_status status;

    if (!arena) {
        return ms_error_oom(error);
    }
    status = ddb_table_describe(client, arena, &table, error);
    if (status == MASTRA_OK) {
        status = judge(client, &table, error);
    }
    if (status == MASTRA_OK) {
        atomic_store(&client->looked_ns, ms_clock_monotonic_ns());
        atomic_store(&client->bytes, table.bytes);
        atomic_store(&client->indexes, usable_of(&table));
    }
    ms_arena_free(arena);
    return status;
}

mastra_status ddb_table_check(struct ddb_client *client, mastra_error *error)
{
    return look(client, error);
}

mastra_status ddb_table_indexes(struct ddb_client *client, unsigned *ret, mastra_error *error)
{
    unsigned bits = atomic_load(&client->indexes);
    mastra_status status = MASTRA_OK;

    if (!(bits & KNOWN) ||
        ((bits & CHANGING) && ms_clock_monotonic_ns() - atomic_load(&client->looked_ns) > LOOK_AGAIN_NS)) {
        status = look(client, error);
    }
    if (status == MASTRA_OK) {
        *ret = atomic_load(&client->indexes) & ALL_INDEXES;
    }
    return status;
}

/* Other endpoints than AWS, which are small and near, gain nothing: DynamoDB Local looks for each segment through the whole
 * table. */
size_t ddb_table_segments(const struct ddb_client *client)
{
    const struct ddb_settings *settings = &client->settings;
    int64_t bytes = atomic_load(&client->bytes);
    size_t segments = bytes > 0 ? (size_t)(bytes / SEGMENT_BYTES) + 1 : 1;

    if (settings->scan_segments > 0) {
        return settings->scan_segments;
    }
    segments = settings->endpoint ? 1 : segments;
    segments = segments < settings->parallel ? segments : settings->parallel;
    return segments < DDB_SEGMENTS_MOST ? segments : DDB_SEGMENTS_MOST;
}

void ddb_table_forget(struct ddb_client *client)
{
    atomic_store(&client->indexes, 0);
}
