/* Signatures against those that AWS's own SDK made for the same requests, byte for byte. */
#include "unit/base_support.h"

#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/json.h"
#include "unit/aws_watch.h"

#define S(literal) ((mastra_str)MASTRA_STR(literal))

static struct ms_heap *heap;
static struct ms_arena *arena;

static mastra_str read_vectors(const char *name)
{
    FILE *file = open_data(name);
    struct ms_buf buf;
    char block[4096];
    size_t got;
    mastra_str text;

    ms_buf_init(&buf, heap, 0);
    while ((got = fread(block, 1, sizeof(block), file)) > 0)
        ms_buf_add(&buf, block, got);
    fclose(file);
    assert_true(ms_arena_str(arena, ms_buf_view(&buf), &text));
    ms_buf_release(&buf);
    assert_true(ms_json_check(text, &text, NULL));
    return text;
}

static mastra_str member(mastra_str object, const char *name)
{
    return ms_json_member(object, mastra_str_of(name));
}

/* Absent when the member is. */
static mastra_str text_of(mastra_str object, const char *name)
{
    mastra_str raw = member(object, name);
    mastra_str text = {NULL, 0};

    if (raw.ptr)
        assert_true(ms_json_unescape_arena(raw, arena, &text, NULL));
    return text;
}

static void assert_same(mastra_str actual, mastra_str expected)
{
    assert_non_null(expected.ptr);
    assert_string_equal(actual.ptr, expected.ptr);
    assert_int_equal(actual.len, expected.len);
}

static struct ms_sigv4_keys keys_of(mastra_str input)
{
    mastra_str credentials = member(input, "credentials");

    return (struct ms_sigv4_keys){
        .access_key_id = text_of(credentials, "accessKeyId"),
        .secret_access_key = text_of(credentials, "secretAccessKey"),
        .session_token = text_of(credentials, "sessionToken"),
    };
}

static mastra_time clock_of(mastra_str input)
{
    mastra_time time;

    assert_true(ms_time_parse(text_of(input, "clock"), &time));
    return time;
}

struct texts {
    struct ms_buf canonical;
    struct ms_buf string;
    struct ms_buf out;
    struct ms_sigv4_texts wanted;
};

static void texts_init(struct texts *texts)
{
    ms_buf_init(&texts->canonical, heap, 0);
    ms_buf_init(&texts->string, heap, 0);
    ms_buf_init(&texts->out, heap, 0);
    texts->wanted = (struct ms_sigv4_texts){&texts->canonical, &texts->string};
}

static void texts_release(struct texts *texts)
{
    ms_buf_release(&texts->canonical);
    ms_buf_release(&texts->string);
    ms_buf_release(&texts->out);
}

static void check_signed(mastra_str vector)
{
    mastra_str input = member(vector, "input");
    mastra_str sent = member(vector, "headersOut");
    mastra_str operation = text_of(input, "operation");
    struct ms_sigv4_keys keys = keys_of(input);
    char target[128];
    struct texts texts;
    struct ms_sigv4_signed result = {.authorization = &texts.out};
    mastra_error error = MASTRA_ERROR_INIT;

    snprintf(target, sizeof(target), "DynamoDB_20120810.%s", operation.ptr);
    /* Not in their order, with blanks that do not count, and with headers that are not signed. */
    const struct ms_sigv4_pair headers[] = {
        {S("x-amz-target"), mastra_str_of(target)},
        {S("user-agent"), S("test")},
        {S("host"), text_of(input, "host")},
        {S("sec-test"), S("1")},
        {S("content-type"), S("  application/x-amz-json-1.0 ")},
        {S("proxy-authorization"), S("x")},
        {S("x-amzn-trace-id"), S("Root=1")},
    };
    struct ms_sigv4_request request = {
        .method = text_of(input, "method"),
        .path = text_of(input, "path"),
        .headers = headers,
        .header_count = COUNT(headers),
        .body = text_of(input, "body"),
        .region = text_of(input, "region"),
        .service = text_of(input, "service"),
        .time = clock_of(input),
        .content_sha256 = ms_json_kind(member(input, "signContentSha256Header")) == MS_JSON_TRUE,
    };
    texts_init(&texts);
    assert_int_equal(ms_sigv4_sign(heap, &request, &keys, &texts.wanted, &result, &error), MASTRA_OK);
    assert_same(ms_buf_view(&texts.canonical), text_of(vector, "canonicalRequest"));
    assert_same(ms_buf_view(&texts.string), text_of(vector, "stringToSign"));
    assert_same(ms_buf_view(&texts.out), text_of(vector, "authorization"));
    assert_same(mastra_str_of(result.payload_hash), text_of(vector, "payloadHash"));
    assert_same(mastra_str_of(result.date), text_of(sent, "x-amz-date"));
    texts_release(&texts);
}

static void test_signed_headers(void **state)
{
    (void)state;
    mastra_str cases = member(read_vectors("aws/sigv4-dynamodb.json"), "cases");
    struct ms_json_iter iter;
    mastra_str vector;
    size_t count = 0;

    ms_json_iter_init(&iter, cases);
    while (ms_json_next(&iter, NULL, &vector)) {
        check_signed(vector);
        count++;
    }
    assert_int_equal(count, 28);
}

static mastra_status presign(mastra_str host, mastra_str action, mastra_str region, int64_t expires_s,
                             mastra_time time, const struct ms_sigv4_keys *keys, struct texts *texts,
                             mastra_error *error)
{
    const struct ms_sigv4_pair query = {S("Action"), action};
    const struct ms_sigv4_pair header = {S("host"), host};
    struct ms_sigv4_request request = {
        .method = S("GET"),
        .path = S("/"),
        .query = &query,
        .query_count = 1,
        .headers = &header,
        .header_count = 1,
        .region = region,
        .service = S("dsql"),
        .time = time,
        .expires_s = expires_s,
    };

    ms_buf_add_str(&texts->out, host);
    ms_buf_add_text(&texts->out, "/?");
    return ms_sigv4_presign(heap, &request, keys, &texts->wanted, &texts->out, error);
}

static void check_presigned(mastra_str vector)
{
    mastra_str input = member(vector, "input");
    struct ms_sigv4_keys keys = keys_of(input);
    mastra_error error = MASTRA_ERROR_INIT;
    struct texts texts;
    int64_t expires_s = 900;

    if (ms_json_kind(member(input, "expiresIn")) == MS_JSON_NUMBER)
        assert_true(ms_json_int(member(input, "expiresIn"), &expires_s));
    texts_init(&texts);
    assert_int_equal(presign(text_of(input, "hostname"), text_of(input, "action"), text_of(input, "region"),
                             expires_s, clock_of(input), &keys, &texts, &error),
                     MASTRA_OK);
    assert_same(ms_buf_view(&texts.canonical), text_of(vector, "canonicalRequest"));
    assert_same(ms_buf_view(&texts.string), text_of(vector, "stringToSign"));
    assert_same(ms_buf_view(&texts.out), text_of(vector, "token"));
    texts_release(&texts);
}

static void test_presigned_queries(void **state)
{
    (void)state;
    mastra_str cases = member(read_vectors("aws/dsql-token.json"), "cases");
    struct ms_json_iter iter;
    mastra_str vector;
    size_t count = 0;

    ms_json_iter_init(&iter, cases);
    while (ms_json_next(&iter, NULL, &vector)) {
        check_presigned(vector);
        count++;
    }
    assert_int_equal(count, 12);
}

static const struct ms_sigv4_keys some_keys = {MASTRA_STR("AKIDEXAMPLE"), MASTRA_STR("secret-of-the-test"),
                                               MASTRA_STR("token-of-the-test")};

static void test_expiry_that_no_service_takes(void **state)
{
    (void)state;
    static const int64_t wrong[] = {0, -1, 604801, INT64_MIN, INT64_MAX};

    for (size_t i = 0; i < COUNT(wrong); i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        char value[32];
        struct texts texts;

        texts_init(&texts);
        assert_int_equal(
            presign(S("h"), S("DbConnect"), S("us-east-1"), wrong[i], 0, &some_keys, &texts, &error),
            MASTRA_INVALID_ARGUMENT);
        snprintf(value, sizeof(value), "%lld", (long long)wrong[i]);
        assert_string_equal(error.field, "expires");
        assert_string_equal(error.value, value);
        texts_release(&texts);
    }
}

static void test_what_cannot_be_signed(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    struct texts texts;
    struct ms_sigv4_pair many[MS_SIGV4_PAIRS + 1];

    texts_init(&texts);
    assert_int_equal(
        presign(S("h"), S("DbConnect"), S("us-east-1"), 1, MS_TIME_LAST + 1, &some_keys, &texts, &error),
        MASTRA_INVALID_ARGUMENT);
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct ms_sigv4_pair){S("host"), S("h")};
    struct ms_sigv4_request request = {
        .method = S("GET"), .path = S("/"), .headers = many, .header_count = COUNT(many)};
    struct ms_sigv4_signed result = {.authorization = &texts.out};
    assert_int_equal(ms_sigv4_sign(heap, &request, &some_keys, NULL, &result, &error),
                     MASTRA_INVALID_ARGUMENT);
    texts_release(&texts);
}

/* The canonical form of a path and a query, as the specification of the signature has it. */
static void test_canonical_form(void **state)
{
    (void)state;
    const struct ms_sigv4_pair query[] = {{S("b"), S("2 /")}, {S("a"), S("x")}, {S("a"), S("")}};
    const struct ms_sigv4_pair header = {S("host"), S("h")};
    struct ms_sigv4_request request = {.method = S("GET"),
                                       .path = S("/a%20b/~c"),
                                       .query = query,
                                       .query_count = COUNT(query),
                                       .headers = &header,
                                       .header_count = 1,
                                       .region = S("r"),
                                       .service = S("s")};
    struct texts texts;
    struct ms_sigv4_signed result = {.authorization = &texts.out};
    mastra_error error = MASTRA_ERROR_INIT;

    texts_init(&texts);
    assert_int_equal(ms_sigv4_sign(heap, &request, &some_keys, &texts.wanted, &result, &error), MASTRA_OK);
    assert_memory_equal(texts.canonical.ptr, "GET\n/a%2520b/~c\na=&a=x&b=2%20%2F\nhost:h\n", 40);
    texts_release(&texts);
}

static void test_no_secret_stays_behind(void **state)
{
    (void)state;
    struct watch watch;
    watch_init(&watch);
    struct ms_heap *watched = ms_heap_new(&watch.allocator);
    struct ms_sigv4_pair header = {S("host"), S("h")};
    struct ms_sigv4_request request = {.method = S("GET"),
                                       .path = S("/"),
                                       .headers = &header,
                                       .header_count = 1,
                                       .region = S("r"),
                                       .service = S("s"),
                                       .expires_s = 900};
    struct ms_buf out;
    struct ms_sigv4_signed result = {.authorization = &out};

    ms_buf_init(&out, heap, 0);
    assert_int_equal(ms_sigv4_sign(watched, &request, &some_keys, NULL, &result, NULL), MASTRA_OK);
    assert_int_equal(ms_sigv4_presign(watched, &request, &some_keys, NULL, &out, NULL), MASTRA_OK);
    assert_int_equal(watch.left_behind, 0);
    ms_buf_release(&out);
    ms_heap_unref(watched);
}

static void test_memory_may_run_out(void **state)
{
    (void)state;
    const struct ms_sigv4_pair header = {S("host"), S("h")};
    struct ms_sigv4_request request = {.method = S("GET"),
                                       .path = S("/"),
                                       .headers = &header,
                                       .header_count = 1,
                                       .region = S("r"),
                                       .service = S("s"),
                                       .expires_s = 900};
    mastra_status status = MASTRA_OUT_OF_MEMORY;

    for (size_t n = 1; status != MASTRA_OK; n++) {
        struct test_memory memory;
        struct ms_buf out;
        struct ms_sigv4_signed result = {.authorization = &out};

        assert_true(n < 100);
        test_memory_init(&memory, 0);
        struct ms_heap *failing = ms_heap_new(&memory.allocator);
        ms_buf_init(&out, failing, 0);
        memory.fail_at = memory.calls + n;
        status = ms_sigv4_sign(failing, &request, &some_keys, NULL, &result, NULL);
        if (status == MASTRA_OK) {
            ms_buf_clear(&out);
            status = ms_sigv4_presign(failing, &request, &some_keys, NULL, &out, NULL);
        }
        assert_true(status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY);
        ms_buf_release(&out);
        ms_heap_unref(failing);
        assert_int_equal(memory.live, 0);
    }
}

static int set_up(void **state)
{
    (void)state;
    heap = ms_heap_new(NULL);
    arena = heap ? ms_arena_new(heap, 0) : NULL;
    return arena ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ms_arena_free(arena);
    ms_heap_unref(heap);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signed_headers),
        cmocka_unit_test(test_presigned_queries),
        cmocka_unit_test(test_expiry_that_no_service_takes),
        cmocka_unit_test(test_what_cannot_be_signed),
        cmocka_unit_test(test_canonical_form),
        cmocka_unit_test(test_no_secret_stays_behind),
        cmocka_unit_test(test_memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
