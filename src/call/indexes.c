/* Operations on indexes: arguments, results, handlers. */
#include "domains/indexes.h"
#include "call/common.h"

#include "base/error.h"

/* createIndex */

static const mastra_create_index_args create_blank = MASTRA_CREATE_INDEX_INIT;

#define CREATE(field) offsetof(mastra_create_index_args, field)
static const struct ms_arg create_table[] = {
    {.name = "name", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT, .offset = CREATE(name)},
    {.name = "table", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED | MS_ARG_LEFT, .offset = CREATE(table)},
    {.name = "columns",
     .type = MS_ARG_TEXTS,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = CREATE(columns),
     .also = CREATE(column_count),
     .about = "each may end in ASC or DESC"},
    {.name = "unique", .type = MS_ARG_BOOLEAN, .offset = CREATE(unique), .standard = "false"},
    {.name = "concurrent",
     .type = MS_ARG_BOOLEAN,
     .offset = CREATE(concurrent),
     .about = "keep no writers out; SQLite ignores it",
     .standard = "true"},
    {.name = "where",
     .type = MS_ARG_TEXT,
     .offset = CREATE(where),
     .about = "SQL, trusted: refused unless the store allows raw SQL"},
    {.name = "method",
     .type = MS_ARG_TEXT,
     .offset = CREATE(method),
     .about = "SQLite ignores it",
     .standard = "\"btree\""},
    {.name = "opclass", .type = MS_ARG_TEXT, .offset = CREATE(opclass), .about = "SQLite ignores it"},
    {.name = "storage", .type = MS_ARG_OBJECT, .offset = CREATE(storage), .about = "SQLite ignores it"},
    {.name = "tablespace", .type = MS_ARG_TEXT, .offset = CREATE(tablespace), .about = "SQLite ignores it"},
};
#undef CREATE

static mastra_status put_null(struct ms_buf *out, mastra_status status)
{
    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "null");
    }
    return status;
}

static mastra_status create_index(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const mastra_create_index_args *create = args;

    if (create->where.ptr && !ms_call_allows_raw_sql(call)) {
        ms_error_set(&call->error, MASTRA_DENIED,
                     "where is SQL, which calls by name may carry only in a store opened with allow_raw_sql");
        ms_error_copy(call->error.field, sizeof call->error.field, mastra_str_of("where"));
        return ms_call_reason(&call->error, "RAW_SQL_DENIED", "USER");
    }
    return put_null(out, ms_create_index(call, create));
}

/* listIndexes, describeIndex, dropIndex */

struct name_args {
    mastra_str name;
};

static const struct name_args name_blank = {{NULL, 0}};

static const struct ms_arg list_table[] = {
    {.name = "tableName",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_BARE,
     .offset = offsetof(struct name_args, name),
     .about = "absent: all tables"},
    {.name = "table",
     .type = MS_ARG_TEXT,
     .offset = offsetof(struct name_args, name),
     .about = "another name of tableName"},
};

static const struct ms_arg one_table[] = {
    {.name = "indexName",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_BARE | MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct name_args, name)},
    {.name = "name",
     .type = MS_ARG_TEXT,
     .offset = offsetof(struct name_args, name),
     .about = "another name of indexName"},
};

#define INDEX_MEMBERS                                                                                        \
    {.name = "name", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED},                                         \
        {.name = "table", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED},                                    \
        {.name = "columns", .type = MS_ARG_TEXTS, .flags = MS_ARG_REQUIRED, .about = "without expressions"}, \
        {.name = "unique", .type = MS_ARG_BOOLEAN, .flags = MS_ARG_REQUIRED},                                \
        {.name = "size",                                                                                     \
         .type = MS_ARG_TEXT,                                                                                \
         .flags = MS_ARG_REQUIRED | MS_ARG_NULLABLE,                                                         \
         .about = "such as 128 KB"},                                                                         \
    {                                                                                                        \
        .name = "definition", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED                                  \
    }

#define COUNT_MEMBER(what)                                                                                   \
    {                                                                                                        \
        .name = (what), .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED | MS_ARG_NULLABLE,                  \
        .about = "null where the database does not count, as SQLite"                                         \
    }

static const struct ms_arg list_members[] = {INDEX_MEMBERS};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUPS, .members = list_members, .member_count = MS_COUNT(list_members)};

static const struct ms_arg describe_members[] = {
    INDEX_MEMBERS,
    {.name = "method", .type = MS_ARG_TEXT, .flags = MS_ARG_REQUIRED},
    COUNT_MEMBER("scans"),
    COUNT_MEMBER("tuples_read"),
    COUNT_MEMBER("tuples_fetched"),
    {.name = "items", .type = MS_ARG_INTEGER, .about = "DynamoDB: how many, as of some hours ago"},
    {.name = "status", .type = MS_ARG_TEXT, .about = "DynamoDB: ACTIVE, CREATING..."},
};
static const struct ms_arg describe_result = {
    .type = MS_ARG_GROUP, .members = describe_members, .member_count = MS_COUNT(describe_members)};

static void put_text_member(struct ms_buf *out, const char *name, mastra_str text)
{
    ms_json_put_key(out, name);
    ms_put_text(out, text);
}

static void put_index(struct ms_buf *out, const mastra_index *index)
{
    put_text_member(out, "name", index->name);
    ms_buf_add_char(out, ',');
    put_text_member(out, "table", index->table);
    ms_buf_add_text(out, ",\"columns\":[");
    for (size_t i = 0; i < index->column_count; i++) {
        ms_buf_add_text(out, i ? "," : "");
        ms_put_text(out, index->columns[i]);
    }
    ms_buf_add_text(out, "],\"unique\":");
    ms_json_put_bool(out, index->unique);
    ms_buf_add_char(out, ',');
    put_text_member(out, "size", index->disk_size);
    ms_buf_add_char(out, ',');
    put_text_member(out, "definition", index->definition);
}

static mastra_status list_indexes(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_index_list *list = NULL;
    mastra_status status = ms_list_indexes(call, ((const struct name_args *)args)->name, &list);

    if (status == MASTRA_OK) {
        ms_buf_add_char(out, '[');
        for (size_t i = 0; i < mastra_index_list_count(list); i++) {
            ms_buf_add_text(out, i ? ",{" : "{");
            put_index(out, mastra_index_list_at(list, i));
            ms_buf_add_char(out, '}');
        }
        ms_buf_add_char(out, ']');
    }
    mastra_index_list_free(list);
    return status;
}

static void put_count(struct ms_buf *out, const char *name, int64_t count)
{
    ms_buf_add_char(out, ',');
    ms_json_put_key(out, name);
    if (count == MASTRA_INTEGER_NONE) {
        ms_buf_add_text(out, "null");
    } else {
        ms_json_put_int(out, count);
    }
}

static mastra_status describe_index(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_index_list *list = NULL;
    mastra_status status = ms_describe_index(call, ((const struct name_args *)args)->name, &list);

    if (status == MASTRA_OK) {
        const mastra_index *index = mastra_index_list_at(list, 0);

        ms_buf_add_char(out, '{');
        put_index(out, index);
        ms_buf_add_char(out, ',');
        put_text_member(out, "method", index->method);
        put_count(out, "scans", index->scans);
        put_count(out, "tuples_read", index->tuples_read);
        put_count(out, "tuples_fetched", index->tuples_fetched);
        if (index->items != MASTRA_INTEGER_NONE) {
            put_count(out, "items", index->items);
        }
        if (index->status.ptr) {
            ms_buf_add_char(out, ',');
            put_text_member(out, "status", index->status);
        }
        ms_buf_add_char(out, '}');
    }
    mastra_index_list_free(list);
    return status;
}

static mastra_status drop_index(struct ms_call *call, const void *args, struct ms_buf *out)
{
    return put_null(out, ms_drop_index(call, ((const struct name_args *)args)->name));
}

/* The operations. */

static const struct ms_operation operations[] = {
    {MS_OPERATION("indexes", create_index, "Creates an index unless there is one of that name.", create_table,
                  create_blank, ms_result_null, NULL,
                  "{\"name\":\"idx_threads_resource\",\"table\":\"mastra_threads\","
                  "\"columns\":[\"resourceId\",\"updatedAt DESC\"]}",
                  MS_FAILS(NOT_FOUND) | MS_FAILS(CONFLICT) | MS_FAILS(DENIED))},
    {MS_OPERATION("indexes", list_indexes, "Lists the indexes of one table or of all.", list_table,
                  name_blank, list_result, NULL, "{\"tableName\":\"mastra_threads\"}", 0)},
    {MS_OPERATION("indexes", describe_index, "Describes one index.", one_table, name_blank, describe_result,
                  NULL, "{\"indexName\":\"idx_threads_resource\"}", MS_FAILS(NOT_FOUND))},
    {MS_OPERATION("indexes", drop_index, "Drops an index, when there is one.", one_table, name_blank,
                  ms_result_null, NULL, "{\"indexName\":\"idx_threads_resource\"}", 0)},
};

const struct ms_operation_set ms_index_operations = {operations, MS_COUNT(operations)};
