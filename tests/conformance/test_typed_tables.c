/* The typed C interface of tables, indexes and pruning: every function once. */
#include "conformance/typed.h"

#include "support/files.h"

#define NONE ((mastra_str){NULL, 0})

static mastra_table_column column(const char *name, mastra_column_type type)
{
    mastra_table_column column = MASTRA_TABLE_COLUMN_INIT;
    column.name = mastra_str_of(name);
    column.type = type;
    return column;
}

static void create_notes(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_create_table_args args = MASTRA_CREATE_TABLE_INIT;
    mastra_table_column id = column("id", MASTRA_COLUMN_TEXT);
    mastra_table_column n = column("n", MASTRA_COLUMN_INTEGER);
    const mastra_table_column *columns[] = {&id, &n};
    id.nullable = MASTRA_NULLABLE_NO;
    id.primary_key = true;
    n.nullable = MASTRA_NULLABLE_YES;
    args.table_name = S("notes");
    args.columns = columns;
    args.column_count = 2;
    OK(mastra_create_table(store, &args, &error));
}

static bool has(mastra_store *store, const char *table, const char *name)
{
    mastra_error error = MASTRA_ERROR_INIT;
    bool found = false;
    OK(mastra_has_column(store, mastra_str_of(table), mastra_str_of(name), &found, &error));
    return found;
}

/* The row with these keys, as text, to be released. */
static char *load(mastra_store *store, const char *keys)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    size_t len = 0;
    OK(mastra_load(store, S("notes"), mastra_str_of(keys), &json, &len, &error));
    assert_int_equal(strlen(json), len);
    return json;
}

static void assert_row(mastra_store *store, const char *keys, const char *expected)
{
    char *json = load(store, keys);
    assert_string_equal(json, expected);
    mastra_json_free(json);
}

static void table_round(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    create_notes(store);
    create_notes(store);
    assert_true(has(store, "notes", "n"));
    assert_false(has(store, "notes", "N"));
    OK(mastra_insert(store, S("notes"), S(" {\"id\":\"a\",\"n\":1,\"x\":2} "), &error));
    OK(mastra_batch_insert(store, S("notes"), S("[{\"id\":\"b\",\"n\":1},{\"id\":\"c\"}]"), &error));
    assert_row(store, "{\"n\":1}", "{\"id\":\"b\",\"n\":1}");
    assert_row(store, "{\"id\":\"c\"}", "{\"id\":\"c\",\"n\":null}");
    assert_row(store, "{\"id\":\"d\"}", "null");
    OK(mastra_load(store, S("notes"), S("{\"id\":\"a\"}"), NULL, NULL, &error));
    OK(mastra_clear_table(store, S("notes"), &error));
    assert_row(store, "{\"id\":\"a\"}", "null");
    OK(mastra_drop_table(store, S("notes"), &error));
    assert_false(has(store, "notes", "n"));
    OK(mastra_has_column(store, S("notes"), S("n"), NULL, &error));
}

static void composite_key(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_create_table_args args = MASTRA_CREATE_TABLE_INIT;
    mastra_table_column a = column("a", MASTRA_COLUMN_TEXT);
    mastra_table_column b = column("b", MASTRA_COLUMN_TEXT);
    mastra_table_column v = column("v", (mastra_column_type)77);
    const mastra_table_column *columns[] = {&a, &b, &v};
    const mastra_str key[] = {S("b"), S("a")};
    args.table_name = S("notes");
    args.columns = columns;
    args.column_count = 3;
    args.composite_primary_key = key;
    args.composite_primary_key_count = 2;
    OK(mastra_create_table(store, &args, &error));
    OK(mastra_batch_insert(store, S("notes"),
                           S("[{\"a\":\"x\",\"b\":\"y\",\"v\":\"1\"},{\"a\":\"x\",\"b\":\"y\",\"v\":\"2\"}]"),
                           &error));
    assert_row(store, "{\"a\":\"x\"}", "{\"a\":\"x\",\"b\":\"y\",\"v\":\"2\"}");
    assert_row(store, "{\"v\":\"1\"}", "null");
}

static void altered(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_alter_table_args args = MASTRA_ALTER_TABLE_INIT;
    mastra_table_column more = column("more", MASTRA_COLUMN_FLOAT);
    const mastra_table_column *columns[] = {&more};
    const mastra_str names[] = {S("more"), S("other")};
    args.table_name = S("notes");
    args.columns = columns;
    args.column_count = 1;
    args.if_not_exists = names;
    args.if_not_exists_count = 2;
    assert_int_equal(mastra_alter_table(store, &args, &error), MASTRA_NOT_FOUND);
    create_notes(store);
    OK(mastra_alter_table(store, &args, &error));
    OK(mastra_alter_table(store, &args, &error));
    assert_true(has(store, "notes", "more"));
}

/* Rows come as JSON text, which need not be JSON. */
static void bad_rows(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    const char *const records[] = {"", "{", "[]", "null", "{\"id\":1}", "\xff"};
    create_notes(store);
    for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
        assert_int_equal(mastra_insert(store, S("notes"), mastra_str_of(records[i]), &error),
                         MASTRA_INVALID_ARGUMENT);
        assert_int_equal(strncmp(error.field, "record", 6), 0);
    }
    assert_int_equal(mastra_insert(store, S("notes"), NONE, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_batch_insert(store, S("notes"), S("{}"), &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_batch_insert(store, NONE, S("[]"), &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "tableName");
    assert_int_equal(mastra_load(store, S("notes"), S("[]"), NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_load(NULL, S("notes"), S("{}"), NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_create_table(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_alter_table(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_create_index(store, NULL, &error), MASTRA_INVALID_ARGUMENT);
}

static mastra_status create_index(mastra_store *store, const char *name, const char *where,
                                  mastra_error *error)
{
    mastra_create_index_args args = MASTRA_CREATE_INDEX_INIT;
    const mastra_str columns[] = {S("title"), S(" createdAt\tDesc ")};
    args.name = mastra_str_of(name);
    args.table = S("mastra_threads");
    args.columns = columns;
    args.column_count = 2;
    args.where = mastra_str_of(where);
    return mastra_create_index(store, &args, error);
}

/* How many of a table's indexes are its keys'. */
static size_t key_indexes(const struct typed *typed)
{
    return typed->backend->traits & TRAIT_POSTGRES ? 1 : 0;
}

static void index_round(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_index_list *list = NULL;
    OK(create_index(store, "idx", NULL, &error));
    OK(mastra_describe_index(store, S("idx"), &list, &error));
    assert_int_equal(mastra_index_list_count(list), 1);
    const mastra_index *index = mastra_index_list_at(list, 0);
    assert_int_equal(index->size, sizeof(mastra_index));
    assert_str(index->name, "idx");
    assert_str(index->table, "mastra_threads");
    assert_int_equal(index->column_count, 2);
    assert_str(index->columns[1], "createdAt");
    assert_false(index->unique);
    assert_str(index->method, "btree");
    assert_int_equal(index->scans,
                     ((struct typed *)*state)->backend->traits & TRAIT_POSTGRES ? 0 : MASTRA_INTEGER_NONE);
    assert_null(mastra_index_list_at(list, 1));
    mastra_index_list_free(list);
    OK(mastra_list_indexes(store, S("mastra_threads"), &list, &error));
    assert_int_equal(mastra_index_list_count(list), 2 + key_indexes(*state));
    mastra_index_list_free(list);
    OK(mastra_list_indexes(store, NONE, NULL, &error));
    OK(mastra_drop_index(store, S("idx"), &error));
    assert_int_equal(mastra_describe_index(store, S("idx"), &list, &error), MASTRA_NOT_FOUND);
    assert_int_equal(mastra_index_list_count(NULL), 0);
    mastra_index_list_free(NULL);
}

/* The typed function takes SQL; what is not one expression is refused all the same. */
static void partial_index(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    const char *const wrong[] = {"",
                                 " ",
                                 "1;",
                                 "1); DROP TABLE mastra_threads; SELECT (1",
                                 "1) --",
                                 "1 -- x",
                                 "1) /*",
                                 "1 /* x */",
                                 "title = 'x",
                                 "(1",
                                 "1 UNION SELECT 1",
                                 "no_such_column = 1",
                                 "title = ?",
                                 "id IN (SELECT id FROM mastra_messages)",
                                 "random() > 0",
                                 "\xff"};
    mastra_index_list *list = NULL;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(create_index(store, "idx", wrong[i], &error), MASTRA_INVALID_ARGUMENT);
        assert_string_equal(error.field, "where");
    }
    /* Where there are no indexes on part of the rows, that is what is wrong with every condition. */
    if (((struct typed *)*state)->backend->traits & TRAIT_DSQL) {
        assert_int_equal(create_index(store, "idx", "title IS NOT NULL", &error), MASTRA_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "partial indexes"));
        return;
    }
    OK(create_index(store, "idx", "title <> ';--/*' AND (\"resourceId\" = 'a''b' OR id IS NOT NULL)",
                    &error));
    OK(mastra_describe_index(store, S("idx"), &list, &error));
    assert_non_null(strstr(mastra_index_list_at(list, 0)->definition.ptr, " WHERE ("));
    assert_non_null(strstr(mastra_index_list_at(list, 0)->definition.ptr, "';--/*'"));
    mastra_index_list_free(list);
    OK(mastra_list_indexes(store, S("mastra_threads"), &list, &error));
    assert_int_equal(mastra_index_list_count(list), 2 + key_indexes(*state));
    mastra_index_list_free(list);
}

static mastra_status call_with_where(const struct typed *typed, bool allow, mastra_error *ret_error)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_store *store = NULL;
    options.allow_raw_sql = allow;
    OK(mastra_open(typed->place.url, &options, &store, &error));
    mastra_status status = mastra_call(
        store, "createIndex",
        S("{\"name\":\"i\",\"table\":\"mastra_threads\",\"columns\":[\"id\"],\"where\":\"id > 'a'\"}"), NULL,
        NULL, ret_error);
    OK(mastra_close(store, &error));
    return status;
}

static void raw_sql_by_name(void **state)
{
    const struct typed *typed = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    char *id = test_format("MASTRA_STORAGE_%s_INDEX_CREATE_RAW_SQL_DENIED", typed->backend->error_store);
    assert_int_equal(call_with_where(typed, false, &error), MASTRA_DENIED);
    assert_string_equal(error.id, id);
    free(id);
    assert_string_equal(error.category, "USER");
    /* Not every database has such indexes; then that is said, and not that it is denied. */
    assert_int_equal(call_with_where(typed, true, &error),
                     typed->backend->traits & TRAIT_DSQL ? MASTRA_INVALID_ARGUMENT : MASTRA_OK);
}

/* A program that was compiled before the option was there does not get it. */
static void older_options(void **state)
{
    const struct typed *typed = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    options.allow_raw_sql = true;
    options.size = offsetof(mastra_options, allow_raw_sql);
    OK(mastra_open(typed->place.url, &options, &store, &error));
    assert_int_equal(
        mastra_call(store, "createIndex",
                    S("{\"name\":\"i\",\"table\":\"mastra_threads\",\"columns\":[\"id\"],\"where\":\"1\"}"),
                    NULL, NULL, &error),
        MASTRA_DENIED);
    mastra_close(store, NULL);
}

static void pruned(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_prune_args args = MASTRA_PRUNE_INIT;
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    mastra_thread old = typed_thread("old", 1000);
    mastra_thread young = typed_thread("young", 5000);
    OK(mastra_save_thread(store, &old, NULL, &error));
    OK(mastra_save_thread(store, &young, NULL, &error));
    args.threads = 5000;
    args.resources = 5000;
    OK(mastra_prune(store, &args, &report, &error));
    assert_int_equal(report.size, sizeof(report));
    assert_int_equal(report.threads, 1);
    assert_int_equal(report.messages, 0);
    assert_int_equal(report.resources, 0);
    assert_int_equal(report.scorers, MASTRA_INTEGER_NONE);
    OK(mastra_prune(store, &args, NULL, &error));
    OK(mastra_prune(store, NULL, &report, &error));
    assert_int_equal(report.threads, MASTRA_INTEGER_NONE);
    args.batch_size = 100001;
    report.threads = 77;
    assert_int_equal(mastra_prune(store, &args, &report, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "batchSize");
    assert_int_equal(report.threads, 77);
}

/* What an older report has no room for is not written. */
static void older_report(void **state)
{
    mastra_store *store = ((struct typed *)*state)->store;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_prune_args args = MASTRA_PRUNE_INIT;
    mastra_prune_report report = MASTRA_PRUNE_REPORT_INIT;
    args.threads = 5000;
    args.messages = 5000;
    report.size = offsetof(mastra_prune_report, messages);
    report.messages = 77;
    OK(mastra_prune(store, &args, &report, &error));
    assert_int_equal(report.threads, 0);
    assert_int_equal(report.messages, 77);
    args.size = offsetof(mastra_prune_args, messages);
    report.size = sizeof(report);
    OK(mastra_prune(store, &args, &report, &error));
    assert_int_equal(report.messages, 0); /* of the threads alone */
}

/* Lists stay when the store is gone. */
static void outliving(void **state)
{
    struct typed *typed = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_index_list *list = NULL;
    OK(mastra_list_indexes(typed->store, NONE, &list, &error));
    OK(mastra_close(typed->store, &error));
    typed->store = NULL;
    assert_true(mastra_index_list_count(list) > 0);
    assert_non_null(mastra_index_list_at(list, 0)->definition.ptr);
    mastra_index_list_free(list);
}

static const struct typed_test tests[] = {
    {"a table, from creation to drop", table_round, 0},
    {"a composite key; a type that is not known", composite_key, 0},
    {"columns added", altered, 0},
    {"rows that are no JSON, nothing given", bad_rows, 0},
    {"an index, from creation to drop", index_round, TRAIT_INDEXES},
    {"indexes on part of the rows", partial_index, TRAIT_INDEXES},
    {"SQL in calls by name needs leave", raw_sql_by_name, TRAIT_INDEXES},
    {"options without that leave", older_options, 0},
    {"pruning", pruned, 0},
    {"older arguments and reports", older_report, 0},
    {"lists of a closed store", outliving, 0},
};

int main(void)
{
    return typed_main("typed tables", tests, sizeof(tests) / sizeof(tests[0]));
}
