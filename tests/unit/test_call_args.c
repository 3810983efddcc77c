/* Arguments and records: JSON to C structs and back. */
#include "unit/base_support.h"

#include "base/buf.h"
#include "base/json.h"
#include "call/call.h"
#include "call/records.h"

struct fixture {
    struct ms_heap *heap;
    struct ms_arena *arena;
    struct ms_buf buf;
    mastra_error error;
    struct ms_reader reader;
    char text[4096];
};

static int set_up(void **state)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    struct fixture *f = calloc(1, sizeof *f);

    if (!f) {
        return -1;
    }
    f->heap = ms_heap_new(NULL);
    f->arena = ms_arena_new(f->heap, 0);
    ms_buf_init(&f->buf, f->heap, 0);
    f->error = blank;
    f->reader = (struct ms_reader){f->arena, &f->error};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    ms_buf_release(&f->buf);
    ms_arena_free(f->arena);
    ms_heap_unref(f->heap);
    free(f);
    return 0;
}

/* JSON written with ' for ", checked. Valid until the next call. */
static mastra_str json(struct fixture *f, const char *text)
{
    size_t len = strlen(text);
    mastra_str value = {f->text, len};

    assert_true(len < sizeof f->text);
    for (size_t i = 0; i < len; i++) {
        f->text[i] = text[i];
        if (text[i] == '\'') {
            f->text[i] = '"';
        }
    }
    assert_true(ms_json_check(value, &value, NULL));
    return value;
}

/* Reads the arguments of an operation into its struct. */
static mastra_status read_args(struct fixture *f, const char *name, const char *args, void *out)
{
    static const mastra_error blank = MASTRA_ERROR_INIT;
    const struct ms_operation *operation = ms_operation_find(mastra_str_of(name));

    assert_non_null(operation);
    memcpy(out, operation->blank, operation->size);
    f->error = blank;
    return ms_args_read(&f->reader, operation->args, operation->arg_count, json(f, args), out);
}

static void assert_refused(struct fixture *f, const char *name, const char *args, const char *field,
                           const char *message)
{
    /* As large as the largest args struct, with room to spare. */
    union {
        long long align;
        char room[1024];
    } out;

    assert_int_equal(read_args(f, name, args, &out), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(f->error.field, field);
    assert_string_equal(f->error.message, message);
}

/* Arguments. */

static void test_all_arguments_of_a_list(void **state)
{
    struct fixture *f = *state;
    mastra_list_messages_args args;

    assert_int_equal(
        read_args(f, "listMessages",
                  "{'threadId':['a','\\u0062'],'resourceId':'r','unknown':{'x':1},"
                  "'include':[{'id':'m'},{'id':'n','withPreviousMessages':2,'withNextMessages':3}],"
                  "'filter':{'dateRange':{'start':'1970-01-01T00:00:01Z','end':2000,"
                  "'startExclusive':true},'metadata':{'k': 1}},"
                  "'page':2,'perPage':10,'orderBy':{'field':'createdAt','direction':'DESC'},"
                  "'includeTotal':false}",
                  &args),
        MASTRA_OK);
    assert_int_equal(args.thread_id_count, 2);
    assert_str(args.thread_ids[0], "a");
    assert_str(args.thread_ids[1], "b");
    assert_str(args.resource_id, "r");
    assert_int_equal(args.include_count, 2);
    assert_str(args.include[0]->id, "m");
    assert_int_equal(args.include[0]->with_previous, 0);
    assert_str(args.include[1]->id, "n");
    assert_int_equal(args.include[1]->with_previous, 2);
    assert_int_equal(args.include[1]->with_next, 3);
    assert_int_equal(args.start_date, 1000);
    assert_int_equal(args.end_date, 2000);
    assert_true(args.start_exclusive);
    assert_false(args.end_exclusive);
    assert_str(args.metadata, "{\"k\": 1}");
    assert_int_equal(args.page, 2);
    assert_int_equal(args.per_page, 10);
    assert_int_equal(args.order_by, MASTRA_ORDER_CREATED_AT);
    assert_int_equal(args.direction, MASTRA_DESCENDING);
    assert_true(args.skip_total);
}

static void test_null_and_nothing_are_absent(void **state)
{
    static const char *const empty[] = {
        "{}", "null",
        ("{'threadId':null,'resourceId':null,'include':null,'filter':null,'page':null,'perPage':null,"
         "'orderBy':null,'includeTotal':null}"),
        "{'filter':{'dateRange':null,'metadata':null},'orderBy':{'field':null}}"};
    struct fixture *f = *state;
    static const mastra_list_messages_args blank = MASTRA_LIST_MESSAGES_INIT;
    mastra_list_messages_args args;

    for (size_t i = 0; i < COUNT(empty); i++) {
        assert_int_equal(read_args(f, "listMessages", empty[i], &args), MASTRA_OK);
        assert_memory_equal(&args, &blank, sizeof args);
    }
}

static void test_forms_of_thread_id(void **state)
{
    struct fixture *f = *state;
    mastra_list_messages_args args;

    assert_int_equal(read_args(f, "listMessages", "{'threadId':'one'}", &args), MASTRA_OK);
    assert_int_equal(args.thread_id_count, 1);
    assert_str(args.thread_ids[0], "one");
    assert_int_equal(read_args(f, "listMessages", "{'threadId':[]}", &args), MASTRA_OK);
    assert_int_equal(args.thread_id_count, 0);
    assert_int_equal(read_args(f, "listMessages", "{'threadId':''}", &args), MASTRA_OK);
    assert_non_null(args.thread_ids[0].ptr);
    assert_int_equal(args.thread_ids[0].len, 0);
}

static void test_per_page(void **state)
{
    struct fixture *f = *state;
    mastra_list_threads_args args;

    assert_int_equal(read_args(f, "listThreads", "{'perPage':false}", &args), MASTRA_OK);
    assert_int_equal(args.per_page, MASTRA_PER_PAGE_ALL);
    assert_int_equal(read_args(f, "listThreads", "{'perPage':0}", &args), MASTRA_OK);
    assert_int_equal(args.per_page, 0);
    assert_int_equal(read_args(f, "listThreads", "{'perPage':5.0}", &args), MASTRA_OK);
    assert_int_equal(args.per_page, 5);
    /* The sign is for the domain to judge. */
    assert_int_equal(read_args(f, "listThreads", "{'perPage':-1}", &args), MASTRA_OK);
    assert_int_equal(args.per_page, -1);
}

static void test_unknown_orders_are_no_error(void **state)
{
    static const char *const odd[] = {"{'orderBy':{'field':'title','direction':'sideways'}}",
                                      "{'orderBy':{'field':1,'direction':true}}", "{'orderBy':'createdAt'}",
                                      "{'orderBy':[]}"};
    struct fixture *f = *state;
    mastra_list_threads_args args;

    for (size_t i = 0; i < COUNT(odd); i++) {
        assert_int_equal(read_args(f, "listThreads", odd[i], &args), MASTRA_OK);
        assert_int_equal(args.order_by, MASTRA_ORDER_DEFAULT);
        assert_int_equal(args.direction, MASTRA_DIRECTION_DEFAULT);
    }
    assert_int_equal(
        read_args(f, "listThreads", "{'orderBy':{'field':'updatedAt','direction':'asc'}}", &args), MASTRA_OK);
    assert_int_equal(args.order_by, MASTRA_ORDER_UPDATED_AT);
    assert_int_equal(args.direction, MASTRA_ASCENDING);
}

static void test_a_list_given_bare(void **state)
{
    struct ids {
        const mastra_str *ids;
        size_t count;
    } args;
    struct fixture *f = *state;

    assert_int_equal(read_args(f, "deleteMessages", "['a','b']", &args), MASTRA_OK);
    assert_int_equal(args.count, 2);
    assert_str(args.ids[1], "b");
    assert_int_equal(read_args(f, "deleteMessages", "{'messageIds':['c']}", &args), MASTRA_OK);
    assert_str(args.ids[0], "c");
    assert_int_equal(read_args(f, "deleteMessages", "[]", &args), MASTRA_OK);
    assert_int_equal(args.count, 0);
    assert_non_null(args.ids);
}

static void test_a_record_given_bare(void **state)
{
    struct fixture *f = *state;
    mastra_score score;

    /* A score has a member "score" itself; only an object there is the record. */
    assert_int_equal(read_args(f, "saveScore", "{'score':0.5,'runId':'r'}", &score), MASTRA_OK);
    assert_true(score.score == 0.5);
    assert_str(score.run_id, "r");
    assert_int_equal(read_args(f, "saveScore", "{'score':{'score':2,'runId':'q'},'runId':'r'}", &score),
                     MASTRA_OK);
    assert_true(score.score == 2);
    assert_str(score.run_id, "q");
    assert_int_equal(read_args(f, "saveScore", "{'score':null,'output':null}", &score), MASTRA_OK);
    assert_true(isnan(score.score));
    assert_str(score.output, "null");
    assert_refused(f, "saveScore", "[]", "score", "score must be an object, got \"[]\"");
}

static void test_later_members_win(void **state)
{
    struct fixture *f = *state;
    mastra_list_threads_args args;

    assert_int_equal(read_args(f, "listThreads", "{'page':1,'page':2}", &args), MASTRA_OK);
    assert_int_equal(args.page, 2);
    /* The filter is read after the older form beside it. */
    assert_int_equal(read_args(f, "listThreads", "{'filter':{'resourceId':'f'},'resourceId':'o'}", &args),
                     MASTRA_OK);
    assert_str(args.resource_id, "f");
}

/* What updateThread and updateMessages read their arguments into begin with these; there is more behind them. */
union thread_update_args {
    mastra_thread_patch patch;
    char room[1024];
};

union message_update_args {
    struct {
        const mastra_message_patch *const *patches;
        size_t count;
    } list;
    char room[1024];
};

static void test_patches_know_what_was_given(void **state)
{
    struct fixture *f = *state;
    union thread_update_args args;
    const mastra_thread_patch *patch = &args.patch;

    assert_int_equal(read_args(f, "updateThread", "{'id':'t'}", &args), MASTRA_OK);
    assert_int_equal(patch->set, 0);
    assert_int_equal(read_args(f, "updateThread", "{'id':'t','title':null,'metadata':{'a':1}}", &args),
                     MASTRA_OK);
    assert_int_equal(patch->set, MASTRA_THREAD_SET_TITLE | MASTRA_THREAD_SET_METADATA);
    assert_null(patch->values.title.ptr);
    assert_str(patch->values.metadata, "{\"a\":1}");
    assert_str(patch->values.id, "t");
}

static void test_message_patches(void **state)
{
    union message_update_args args;
    struct fixture *f = *state;

    assert_int_equal(
        read_args(f, "updateMessages",
                  "{'messages':[{'id':'m','content':{'a':1},'thread_id':'u'},{'id':'n','type':null}]}",
                  &args),
        MASTRA_OK);
    assert_int_equal(args.list.count, 2);
    assert_int_equal(args.list.patches[0]->size, sizeof(mastra_message_patch));
    assert_int_equal(args.list.patches[0]->values.size, sizeof(mastra_message));
    assert_int_equal(args.list.patches[0]->set, MASTRA_MESSAGE_SET_CONTENT | MASTRA_MESSAGE_SET_THREAD_ID);
    assert_str(args.list.patches[0]->values.content, "{\"a\":1}");
    assert_str(args.list.patches[0]->values.thread_id, "u");
    assert_int_equal(args.list.patches[1]->set, MASTRA_MESSAGE_SET_TYPE);
    assert_null(args.list.patches[1]->values.type.ptr);
    assert_true(args.list.patches[1]->values.created_at == MASTRA_TIME_NONE);
}

/* What listTraces reads its arguments into begins with this; there is more behind it. */
union trace_args {
    mastra_list_traces_args list;
    char room[2048];
};

static void test_values_spelled_as_in_a_url(void **state)
{
    struct fixture *f = *state;
    union trace_args args;

    assert_int_equal(
        read_args(f, "listTraces",
                  "{'pagination':{'page':'2','perPage':' 7 '},'filters':{'hasChildError':'false'}}", &args),
        MASTRA_OK);
    assert_int_equal(args.list.page, 2);
    assert_int_equal(args.list.per_page, 7);
    assert_int_equal(args.list.has_child_error, 0);
    assert_int_equal(read_args(f, "listTraces", "{'filters':{'hasChildError':true}}", &args), MASTRA_OK);
    assert_int_equal(args.list.has_child_error, 1);
    assert_int_equal(read_args(f, "listTraces", "{'filters':{'hasChildError':null}}", &args), MASTRA_OK);
    assert_int_equal(args.list.has_child_error, -1);
    assert_refused(f, "listTraces", "{'pagination':{'page':'2x'}}", "pagination.page", "page must be >= 0");
    assert_refused(f, "listTraces", "{'filters':{'hasChildError':'1'}}", "filters.hasChildError",
                   "filters.hasChildError must be true or false, got \"1\"");
    /* Elsewhere a string is no number. */
    assert_refused(f, "listThreads", "{'page':'2'}", "page", "page must be >= 0");
}

static void test_closed_arguments_and_choices(void **state)
{
    struct fixture *f = *state;
    union trace_args args;

    assert_int_equal(read_args(f, "listTraces", "{'filters':{'status':'running','other':1}}", &args),
                     MASTRA_OK);
    assert_int_equal(args.list.status, MASTRA_TRACE_RUNNING);
    assert_refused(f, "listTraces", "{'filters':{'status':'Running'}}", "filters.status",
                   "filters.status is not one of those known, got \"Running\"");
    assert_refused(f, "listTraces", "{'filters':{},'page':1}", "args",
                   "args have an unknown member, got \"page\"");
    assert_int_equal(read_args(f, "listTraces", "{'\\u0066ilters':{}}", &args), MASTRA_OK);
    assert_int_equal(read_args(f, "getTracesPaginated", "{'page':1}", &args), MASTRA_OK);
}

static void test_updates_of_a_record(void **state)
{
    struct fixture *f = *state;
    mastra_span_patch patch;

    assert_int_equal(read_args(f, "updateSpan",
                               "{'updates':{'traceId':'x','spanId':5,'userId':null,'endedAt':7,'tags':[ ]},"
                               "'traceId':'t','spanId':'s'}",
                               &patch),
                     MASTRA_OK);
    assert_str(patch.values.trace_id, "t");
    assert_str(patch.values.span_id, "s");
    assert_null(patch.values.user_id.ptr);
    assert_int_equal(patch.values.ended_at, 7);
    assert_str(patch.values.tags, "[ ]");
    assert_int_equal(patch.values.started_at, MASTRA_TIME_NONE);
    assert_int_equal(patch.set, MASTRA_SPAN_SET_USER_ID | MASTRA_SPAN_SET_ENDED_AT | MASTRA_SPAN_SET_TAGS);
    assert_refused(f, "updateSpan", "{'traceId':'t','spanId':'s','updates':{'name':null}}", "updates.name",
                   "updates.name must not be null");
    assert_refused(f, "updateSpan", "{'traceId':'t','spanId':'s','updates':5}", "updates",
                   "updates must be an object, got \"5\"");
}

static void test_lists_of_updates_begin_blank(void **state)
{
    struct fixture *f = *state;
    struct {
        const mastra_span_patch *const *patches;
        size_t count;
    } args;

    assert_int_equal(read_args(f, "batchUpdateSpans",
                               "{'records':[{'traceId':'t','spanId':'s','updates':{'isEvent':true}},"
                               "{'traceId':'t','spanId':'r','updates':{}}]}",
                               &args),
                     MASTRA_OK);
    assert_int_equal(args.count, 2);
    assert_int_equal(args.patches[0]->size, sizeof(mastra_span_patch));
    assert_int_equal(args.patches[0]->values.size, sizeof(mastra_span));
    assert_true(args.patches[0]->values.is_event);
    assert_int_equal(args.patches[0]->set, MASTRA_SPAN_SET_IS_EVENT);
    assert_int_equal(args.patches[1]->values.ended_at, MASTRA_TIME_NONE);
    assert_int_equal(args.patches[1]->set, 0);
    assert_refused(f, "batchUpdateSpans", "{'records':[{'traceId':'t','spanId':'s'}]}", "records[0].updates",
                   "records[0].updates is required");
}

static void test_one_record_or_text_given_bare(void **state)
{
    struct fixture *f = *state;
    mastra_span span;
    mastra_str ref[2];

    assert_int_equal(read_args(f, "createSpan", "{'traceId':'t','spanId':'s'}", &span), MASTRA_OK);
    assert_str(span.span_id, "s");
    assert_int_equal(read_args(f, "createSpan", "{'span':{'spanId':'r'},'spanId':'s'}", &span), MASTRA_OK);
    assert_str(span.span_id, "r");
    assert_int_equal(read_args(f, "getTrace", "'\\u0074'", ref), MASTRA_OK);
    assert_str(ref[0], "t");
    assert_int_equal(read_args(f, "getTrace", "{'traceId':'u'}", ref), MASTRA_OK);
    assert_str(ref[0], "u");
}

static void test_errors_name_the_place_and_the_value(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, "saveThread", "{}", "thread", "thread is required");
    assert_refused(f, "saveThread", "[]", "args", "args must be an object, got \"[]\"");
    assert_refused(f, "saveThread", "{'thread':5}", "thread", "thread must be an object, got \"5\"");
    assert_refused(f, "saveThread", "{'thread':{'createdAt':'soon'}}", "thread.createdAt",
                   "thread.createdAt must be an ISO 8601 time or whole milliseconds, got \"soon\"");
    assert_refused(f, "saveThread", "{'thread':{'createdAt':1.5}}", "thread.createdAt",
                   "thread.createdAt must be an ISO 8601 time or whole milliseconds, got \"1.5\"");
    assert_refused(f, "saveThread", "{'thread':{'title':'a\\u0000b'}}", "thread.title",
                   "thread.title must not hold U+0000, got \"a\\u0000b\"");
    assert_refused(f, "saveThread", "{'thread':{'id':'\\ud800'}}", "thread.id",
                   "thread.id must not hold a lone surrogate, got \"\\ud800\"");
    assert_refused(f, "saveMessages", "{'messages':{}}", "messages", "messages must be an array, got \"{}\"");
    assert_refused(f, "saveMessages", "{'messages':[{},{'role':[1]}]}", "messages[1].role",
                   "messages[1].role must be a string, got \"[1]\"");
    assert_refused(f, "saveMessages", "{'messages':[{'content':5}]}", "messages[0].content",
                   "messages[0].content must be a string, an object or an array, got \"5\"");
    assert_refused(f, "listMessages", "{'filter':{'dateRange':{'end':true}}}", "filter.dateRange.end",
                   "filter.dateRange.end must be an ISO 8601 time or whole milliseconds, got \"true\"");
    assert_refused(f, "listMessages", "{'filter':[]}", "filter", "filter must be an object, got \"[]\"");
    assert_refused(f, "listMessages", "{'includeTotal':1}", "includeTotal",
                   "includeTotal must be true or false, got \"1\"");
    assert_refused(f, "listMessages", "{'include':[{}]}", "include[0].id", "include[0].id is required");
    assert_refused(f, "listMessages", "{'include':[{'id':'m','withNextMessages':'2'}]}",
                   "include[0].withNextMessages",
                   "include[0].withNextMessages must be a whole number, got \"2\"");
    assert_refused(f, "deleteMessages", "[1]", "messageIds[0]", "messageIds[0] must be a string, got \"1\"");
    assert_refused(f, "deleteMessages", "{}", "messageIds", "messageIds is required");
}

static void test_errors_in_mastras_words(void **state)
{
    struct fixture *f = *state;

    assert_refused(f, "listMessages", "{'page':1.5}", "page", "page must be >= 0");
    assert_string_equal(f->error.id, "INVALID_PAGE");
    assert_string_equal(f->error.value, "1.5");
    assert_refused(f, "listMessages", "{'perPage':'x'}", "perPage", "perPage must be >= 0");
    assert_refused(f, "listThreads", "{'perPage':1e300}", "perPage",
                   "perPage must be false or a safe integer");
    assert_refused(f, "listThreads", "{'perPage':9007199254740992}", "perPage",
                   "perPage must be false or a safe integer");
    assert_refused(f, "listThreads", "{'perPage':true}", "perPage",
                   "perPage must be false or a safe integer");
    assert_refused(f, "listMessages", "{'threadId':5}", "threadId",
                   "threadId must be a non-empty string or array of non-empty strings");
    assert_refused(f, "listMessages", "{'threadId':['a',{}]}", "threadId[1]",
                   "threadId must be a non-empty string or array of non-empty strings");
    assert_string_equal(f->error.id, "INVALID_THREAD_ID");
}

/* Records in. */

static mastra_message read_message(struct fixture *f, const char *text, uint64_t *set)
{
    mastra_message message = MASTRA_MESSAGE_INIT;

    assert_int_equal(ms_record_read(&f->reader, NULL, ms_entity(MS_MESSAGE), json(f, text), &message, set),
                     MASTRA_OK);
    return message;
}

static void test_content_comes_in_as_given(void **state)
{
    struct fixture *f = *state;

    assert_str(read_message(f, "{'content':{'a' : [1.50, 2e3]}}", NULL).content, "{\"a\" : [1.50, 2e3]}");
    assert_str(read_message(f, "{'content':[ ]}", NULL).content, "[ ]");
    assert_str(read_message(f, "{'content':'caf\\u00e9\\n'}", NULL).content, "caf\xc3\xa9\n");
    assert_str(read_message(f, "{'content':''}", NULL).content, "");
    assert_str(read_message(f, "{'content':'a\\u0000b'}", NULL).content, "\"a\\u0000b\"");
    assert_str(read_message(f, "{'content':'\\udc00'}", NULL).content, "\"\\udc00\"");
    assert_null(read_message(f, "{'content':null}", NULL).content.ptr);
}

static void test_names_of_members(void **state)
{
    struct fixture *f = *state;
    uint64_t set = 0;

    assert_str(read_message(f, "{'thread_id':'a'}", &set).thread_id, "a");
    assert_int_equal(set, MASTRA_MESSAGE_SET_THREAD_ID);
    assert_str(read_message(f, "{'thre\\u0061dId':'b'}", NULL).thread_id, "b");
    assert_null(read_message(f, "{'THREADID':'b','x\\u0000':1}", NULL).thread_id.ptr);
    assert_str(read_message(f, "{'role':'a','role':'b'}", NULL).role, "b");
    assert_null(read_message(f, "{'role':'a','role':null}", NULL).role.ptr);
    set = 0;
    read_message(f, "{'id':'m'}", &set);
    assert_int_equal(set, 0);
}

static void test_times_come_in_two_forms(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_message(f, "{'createdAt':'2024-01-01T00:00:01.000Z'}", NULL).created_at,
                     1704067201000);
    assert_int_equal(read_message(f, "{'createdAt':'2024-01-01 00:00:01'}", NULL).created_at, 1704067201000);
    assert_int_equal(read_message(f, "{'createdAt':1704067201000}", NULL).created_at, 1704067201000);
    assert_int_equal(read_message(f, "{'createdAt':-1}", NULL).created_at, -1);
    assert_true(read_message(f, "{'createdAt':null}", NULL).created_at == MASTRA_TIME_NONE);
}

static void test_working_memory_takes_any_text(void **state)
{
    struct fixture *f = *state;
    mastra_resource resource = MASTRA_RESOURCE_INIT;

    assert_int_equal(ms_record_read(&f->reader, NULL, ms_entity(MS_RESOURCE),
                                    json(f, "{'workingMemory':'a\\u0000\\ud800','metadata':[1, 2]}"),
                                    &resource, NULL),
                     MASTRA_OK);
    assert_int_equal(resource.working_memory.len, 5);
    assert_memory_equal(resource.working_memory.ptr, "a\0\xef\xbf\xbd", 5);
    assert_str(resource.metadata, "[1, 2]");
}

/* Records out. */

static void assert_put(struct fixture *f, enum ms_entity_id entity, const void *record, unsigned flags,
                       const char *expected)
{
    size_t len = strlen(expected);

    ms_buf_clear(&f->buf);
    ms_put_record(&f->buf, entity, record, flags);
    memcpy(f->text, expected, len + 1);
    for (size_t i = 0; i < len; i++) {
        if (f->text[i] == '\'') {
            f->text[i] = '"';
        }
    }
    assert_int_equal(f->buf.failed, MASTRA_OK);
    assert_str(ms_buf_view(&f->buf), f->text);
    assert_true(ms_json_check(ms_buf_view(&f->buf), NULL, NULL));
}

static void test_records_go_out(void **state)
{
    struct fixture *f = *state;
    mastra_message message = MASTRA_MESSAGE_INIT;

    message.id = mastra_str_of("m");
    message.type = mastra_str_of("v2");
    message.content = mastra_str_of(" {\"a\" :1} ");
    message.created_at = 1704067201000;
    assert_put(f, MS_MESSAGE, &message, 0,
               "{'id':'m','threadId':null,'content':{'a' :1},'role':null,"
               "'createdAt':'2024-01-01T00:00:01.000Z','resourceId':null}");
    message.type = mastra_str_of("text");
    message.content = mastra_str_of("");
    message.created_at = MASTRA_TIME_NONE;
    assert_put(f, MS_MESSAGE, &message, MS_OMIT_ABSENT, "{'id':'m','content':'','type':'text'}");
    message.created_at = INT64_MAX;
    message.type = mastra_str_of(NULL);
    assert_put(f, MS_MESSAGE, &message, 0,
               "{'id':'m','threadId':null,'content':'','role':null,'createdAt':null,'resourceId':null}");
    assert_put(f, MS_MESSAGE, NULL, 0, "null");
}

static void assert_value(struct fixture *f, const char *text, size_t len, const char *expected)
{
    ms_buf_clear(&f->buf);
    ms_put_value(&f->buf, (mastra_str){text, len});
    assert_str(ms_buf_view(&f->buf), expected);
    assert_true(ms_json_check(ms_buf_view(&f->buf), NULL, NULL));
}

static void test_only_objects_and_arrays_are_values(void **state)
{
    struct fixture *f = *state;

    assert_value(f, "[1, 2]", 6, "[1, 2]");
    assert_value(f, "\t{}\n", 4, "{}");
    assert_value(f, "5", 1, "\"5\"");
    assert_value(f, "\"x\"", 3, "\"\\\"x\\\"\"");
    assert_value(f, "{broken", 7, "\"{broken\"");
    assert_value(f, "{} x", 4, "\"{} x\"");
    assert_value(f, "{\"a\":\"\xff\"}", 9, "\"{\\\"a\\\":\\\"\xef\xbf\xbd\\\"}\"");
    assert_value(f, "   ", 3, "\"   \"");
    assert_value(f, NULL, 0, "null");
}

static void test_foreign_bytes_become_replacement_characters(void **state)
{
    struct fixture *f = *state;
    mastra_thread thread = MASTRA_THREAD_INIT;

    thread.id = mastra_str_of("a\x80"
                              "b\xc3");
    thread.title = mastra_str_of("\xed\xa0\x80");
    assert_put(f, MS_THREAD, &thread, MS_OMIT_ABSENT,
               "{'id':'a\xef\xbf\xbd"
               "b\xef\xbf\xbd','title':'\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd'}");
}

static void test_what_went_in_comes_out(void **state)
{
    static const char *const texts[] = {
        ("{'id':'t\\\\\\n','resourceId':'r','title':'','metadata':{'a':[1,{}],'n':9007199254740993},"
         "'createdAt':'2024-01-01T00:00:01.000Z','updatedAt':'1969-12-31T23:59:59.999Z'}"),
        "{'id':'t','resourceId':'r','title':'\xf0\x9f\x98\x80 \xc3\xa9'}", "{}"};
    struct fixture *f = *state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        mastra_thread thread = MASTRA_THREAD_INIT;
        char copy[512];
        mastra_str value = json(f, texts[i]);

        assert_int_equal(ms_record_read(&f->reader, NULL, ms_entity(MS_THREAD), value, &thread, NULL),
                         MASTRA_OK);
        /* The struct borrows from what is about to be overwritten. */
        memcpy(copy, f->text, value.len);
        ms_buf_clear(&f->buf);
        ms_put_record(&f->buf, MS_THREAD, &thread, MS_OMIT_ABSENT);
        assert_int_equal(f->buf.len, value.len);
        assert_memory_equal(f->buf.ptr, copy, value.len);
    }
}

/* All types of columns, of which the memory tables use only some. */
struct sample {
    size_t size;
    mastra_str text;
    int64_t whole;
    double real;
    bool flag;
    int64_t big;
};

static const struct sample sample_blank = {sizeof(struct sample), {NULL, 0}, 7, 0.5, true, 0};

static const struct ms_column sample_columns[] = {
    {"text", "text", MS_TEXT, MS_NULL, 0, offsetof(struct sample, text), NULL},
    {"whole", "whole", MS_INTEGER, MS_NULL, 0, offsetof(struct sample, whole), NULL},
    {"real", "real", MS_REAL, MS_NULL, 0, offsetof(struct sample, real), NULL},
    {"flag", "flag", MS_BOOLEAN, MS_NULL, 0, offsetof(struct sample, flag), NULL},
    {"big", "big", MS_BIGINT, MS_NULL, 0, offsetof(struct sample, big), NULL},
    {"hidden", "hidden", MS_TEXT, MS_NULL, 0, 0, NULL},
};

static const struct ms_entity sample_entity = {.columns = sample_columns,
                                               .column_count = COUNT(sample_columns),
                                               .size = sizeof(struct sample),
                                               .blank = &sample_blank};

static void test_all_types_of_columns(void **state)
{
    struct fixture *f = *state;
    struct sample sample = sample_blank;
    uint64_t set = 0;

    assert_int_equal(
        ms_record_read(&f->reader, NULL, &sample_entity,
                       json(f, "{'whole':3,'whole':null,'real':1e-7,'flag':false,'big':-5,'hidden':1}"),
                       &sample, &set),
        MASTRA_OK);
    assert_int_equal(set, 0x1e);
    assert_int_equal(sample.whole, 7);
    ms_put_fields(&f->buf, &sample_entity, &sample, MS_OMIT_ABSENT);
    assert_str(ms_buf_view(&f->buf), "{\"whole\":7,\"real\":1e-7,\"flag\":false,\"big\":-5}");
    assert_int_equal(ms_record_read(&f->reader, NULL, &sample_entity, json(f, "{'real':'1'}"), &sample, NULL),
                     MASTRA_INVALID_ARGUMENT);
    assert_int_equal(ms_record_read(&f->reader, NULL, &sample_entity, json(f, "{'big':1.5}"), &sample, NULL),
                     MASTRA_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_arguments_of_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_and_nothing_are_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_forms_of_thread_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_per_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_orders_are_no_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_list_given_bare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_record_given_bare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later_members_win, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patches_know_what_was_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_message_patches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_spelled_as_in_a_url, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_arguments_and_choices, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_updates_of_a_record, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_of_updates_begin_blank, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_record_or_text_given_bare, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_name_the_place_and_the_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors_in_mastras_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_content_comes_in_as_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_of_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_times_come_in_two_forms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_working_memory_takes_any_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records_go_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_only_objects_and_arrays_are_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_bytes_become_replacement_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_went_in_comes_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_types_of_columns, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
