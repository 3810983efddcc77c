#include "domains/indexes.h"

#include "domains/check.h"
#include "domains/result.h"
#include "domains/tables.h"

#include "base/error.h"

#include <stdio.h>
#include <strings.h>

#define FIELD_SIZE         64
#define INDEX_COLUMNS_MOST 32

/* Which columns, and which way each goes. */

static bool is_blank_char(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* "createdAt DESC": the name, and what stands behind it. */
static void split(mastra_str spec, mastra_str *name, mastra_str *rest)
{
    size_t len = 0;

    while (spec.len > 0 && is_blank_char(spec.ptr[spec.len - 1])) {
        spec.len--;
    }
    while (spec.len > 0 && is_blank_char(spec.ptr[0])) {
        spec.ptr++;
        spec.len--;
    }
    while (len < spec.len && !is_blank_char(spec.ptr[len])) {
        len++;
    }
    *name = (mastra_str){spec.ptr, len};
    while (len < spec.len && is_blank_char(spec.ptr[len])) {
        len++;
    }
    *rest = (mastra_str){spec.ptr ? spec.ptr + len : NULL, spec.len - len};
}

static bool is_word(mastra_str text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* A unit's argument. */
struct index_work {
    struct ms_index_wish wish;
    mastra_str columns[INDEX_COLUMNS_MOST];
    bool descending[INDEX_COLUMNS_MOST];
};

static mastra_status take_columns(struct index_work *work, const mastra_create_index_args *args,
                                  mastra_error *error)
{
    char field[FIELD_SIZE];

    if (args->column_count == 0 || !args->columns) {
        return ms_error_argument(error, "columns", mastra_str_of(NULL), "must name a column");
    }
    if (args->column_count > INDEX_COLUMNS_MOST) {
        return ms_error_set(error, MASTRA_LIMIT_EXCEEDED, "columns names %zu columns; the most is %d",
                            args->column_count, INDEX_COLUMNS_MOST);
    }
    for (size_t i = 0; i < args->column_count; i++) {
        mastra_str rest;

        snprintf(field, sizeof field, "columns[%zu]", i);
        split(args->columns[i], &work->columns[i], &rest);
        work->descending[i] = is_word(rest, "desc");
        if (rest.len > 0 && !work->descending[i] && !is_word(rest, "asc")) {
            return ms_error_argument(error, field, args->columns[i], "must be a column, then ASC or DESC");
        }
        if (ms_check_identifier(error, field, work->columns[i]) != MASTRA_OK) {
            return MASTRA_INVALID_ARGUMENT;
        }
    }
    work->wish.columns = work->columns;
    work->wish.descending = work->descending;
    work->wish.column_count = args->column_count;
    return MASTRA_OK;
}

/* Options that are part of a statement where a database knows them. */

bool ms_is_closed_expression(mastra_str text)
{
    size_t depth = 0;
    char quote = '\0'; /* what ends the quoted part that we are in */

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char next = i + 1 < text.len ? text.ptr[i + 1] : '\0';

        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"' || c == '`') {
            quote = c;
        } else if (c == '[') {
            quote = ']';
        } else if (c == '(') {
            depth++;
        } else if (c == ')' && depth-- == 0) {
            return false;
        } else if (c == ';' || c == '\0' || (c == '-' && next == '-') || (c == '/' && next == '*')) {
            return false;
        }
    }
    return !quote && depth == 0;
}

static mastra_status check_where(mastra_error *error, mastra_str where)
{
    mastra_status status = ms_check_text(error, "where", where);

    if (status == MASTRA_OK && where.ptr && (ms_is_blank(where) || !ms_is_closed_expression(where))) {
        return ms_error_argument(error, "where", where, "must be a single expression");
    }
    return status;
}

static mastra_status check_optional(mastra_error *error, const char *field, mastra_str name)
{
    return name.ptr ? ms_check_identifier(error, field, name) : MASTRA_OK;
}

/* {"fillfactor":70}: names, each with a number, true, false or a name. */
static mastra_status check_storage(mastra_error *error, mastra_str given, mastra_str *ret)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;
    mastra_status status = ms_check_json(error, "storage", given, true, ret);

    if (status != MASTRA_OK || !ret->ptr) {
        return status;
    }
    ms_json_iter_init(&iter, *ret);
    while (status == MASTRA_OK && ms_json_next(&iter, &key, &value)) {
        enum ms_json_kind kind = ms_json_kind(value);
        mastra_str name = {key.ptr + 1, key.len - 2};

        status = ms_check_identifier(error, "storage", name);
        if (status == MASTRA_OK && kind == MS_JSON_STRING) {
            mastra_str word = {value.ptr + 1, value.len - 2};

            status = ms_check_identifier(error, "storage", word);
        } else if (status == MASTRA_OK && kind != MS_JSON_NUMBER && kind != MS_JSON_TRUE &&
                   kind != MS_JSON_FALSE) {
            status = ms_error_argument(error, "storage", value, "must hold numbers, names, true or false");
        }
    }
    return status;
}

static mastra_status check_options(struct ms_index_wish *wish, const mastra_create_index_args *args,
                                   mastra_error *error)
{
    mastra_status status = check_where(error, args->where);

    if (status == MASTRA_OK) {
        status = check_optional(error, "method", args->method);
    }
    if (status == MASTRA_OK) {
        status = check_optional(error, "opclass", args->opclass);
    }
    if (status == MASTRA_OK) {
        status = check_optional(error, "tablespace", args->tablespace);
    }
    if (status == MASTRA_OK) {
        status = check_storage(error, args->storage, &wish->storage);
    }
    return status;
}

/* createIndex */

/* The columns as the table spells them. */
static mastra_status find_columns(struct ms_unit *unit, const struct ms_entity *table,
                                  struct index_work *work)
{
    for (size_t i = 0; i < work->wish.column_count; i++) {
        char field[FIELD_SIZE];
        int found = 0;

        while (found < table->column_count && !is_word(work->columns[i], table->columns[found].name)) {
            found++;
        }
        if (found == table->column_count) {
            snprintf(field, sizeof field, "columns[%zu]", i);
            return ms_error_argument(unit->error, field, work->columns[i], "is no column of the table");
        }
    }
    return MASTRA_OK;
}

static mastra_status create(struct ms_unit *unit, void *arg)
{
    struct index_work *work = arg;
    const struct ms_entity *table = NULL;
    mastra_status status = ms_unit_describe_table(unit, work->wish.table, &table);

    if (status == MASTRA_OK && !table) {
        return ms_no_table(unit->error, work->wish.table);
    }
    if (status == MASTRA_OK) {
        status = find_columns(unit, table, work);
    }
    return status == MASTRA_OK ? ms_unit_create_index(unit, &work->wish) : status;
}

mastra_status ms_create_index(struct ms_call *call, const mastra_create_index_args *given)
{
    mastra_create_index_args args = MASTRA_CREATE_INDEX_INIT;
    struct index_work work;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    work.wish = (struct ms_index_wish){.name = args.name,
                                       .table = args.table,
                                       .unique = args.unique,
                                       .concurrent = args.concurrent,
                                       .where = args.where,
                                       .method = args.method,
                                       .opclass = args.opclass,
                                       .tablespace = args.tablespace};
    status = ms_check_object_name(&call->error, "name", args.name);
    if (status == MASTRA_OK) {
        status = ms_check_object_name(&call->error, "table", args.table);
    }
    if (status == MASTRA_OK) {
        status = take_columns(&work, &args, &call->error);
    }
    if (status == MASTRA_OK) {
        status = check_options(&work.wish, &args, &call->error);
    }
    return status == MASTRA_OK ? ms_transact(call, create, &work, NULL) : status;
}

/* listIndexes, describeIndex */

struct list_work {
    mastra_str table;
    mastra_str name;
    struct ms_list *list;
};

static mastra_status list(struct ms_unit *unit, void *arg)
{
    static const mastra_page one_page = {.per_page = MASTRA_PER_PAGE_ALL};
    struct list_work *work = arg;
    struct ms_rows rows = {NULL, 0};
    char place[MS_PLACE_SIZE];
    mastra_status status = ms_unit_list_indexes(unit, work->table, work->name, &rows);

    if (status != MASTRA_OK) {
        return status;
    }
    if (work->name.ptr && rows.count == 0) {
        ms_unit_place(unit, place, sizeof place);
        return ms_error_set(unit->error, MASTRA_NOT_FOUND, "Index \"%.*s\" not found in %s",
                            (int)work->name.len, work->name.ptr, place);
    }
    work->list = ms_list_new(unit->arena, rows.items, rows.count, one_page);
    return work->list ? MASTRA_OK : ms_error_oom(unit->error);
}

static mastra_status run_list(struct ms_call *call, struct list_work *work, mastra_index_list **ret)
{
    struct ms_arena *arena = NULL;
    mastra_status status = ms_read(call, MS_READ_ONE, list, work, &arena);

    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_index_list *)work->list, ret);
    }
    return status;
}

mastra_status ms_list_indexes(struct ms_call *call, mastra_str table, mastra_index_list **ret)
{
    struct list_work work = {.table = table};
    mastra_status status = table.ptr ? ms_check_object_name(&call->error, "tableName", table) : MASTRA_OK;

    return status == MASTRA_OK ? run_list(call, &work, ret) : status;
}

mastra_status ms_describe_index(struct ms_call *call, mastra_str name, mastra_index_list **ret)
{
    struct list_work work = {.name = name};
    mastra_status status = ms_check_object_name(&call->error, "indexName", name);

    return status == MASTRA_OK ? run_list(call, &work, ret) : status;
}

size_t mastra_index_list_count(const mastra_index_list *indexes)
{
    return indexes ? indexes->list.count : 0;
}

const mastra_index *mastra_index_list_at(const mastra_index_list *indexes, size_t index)
{
    return indexes && index < indexes->list.count ? indexes->list.items[index] : NULL;
}

void mastra_index_list_free(mastra_index_list *indexes)
{
    ms_list_free(indexes ? &indexes->list : NULL);
}

/* dropIndex */

static mastra_status drop(struct ms_unit *unit, void *arg)
{
    return ms_unit_drop_index(unit, *(const mastra_str *)arg);
}

mastra_status ms_drop_index(struct ms_call *call, mastra_str name)
{
    mastra_status status = ms_check_object_name(&call->error, "indexName", name);

    return status == MASTRA_OK ? ms_transact(call, drop, &name, NULL) : status;
}
