/* Signed calls to a service that checks each signature, throttles, expires keys, and has a clock of its own. */
#include "unit/aws_lab.h"

#include "aws/service.h"
#include "base/json.h"

#define CALLS 25

static struct aws_endpoint endpoint;
static const struct ms_retry_policy quick = {.attempts = 4, .base_ms = 1, .cap_ms = 4};

static int start(void **state)
{
    struct lab *lab = malloc(sizeof(*lab));

    assert_non_null(lab);
    lab_init(lab, &endpoint);
    lab_set(lab, "AWS_ACCESS_KEY_ID=ASIAENVIRONMENT");
    lab_set(lab, "AWS_SECRET_ACCESS_KEY=secret-of-the-environment");
    lab_set(lab, "AWS_SESSION_TOKEN=token-of-the-environment+/=");
    lab_set(lab, "AWS_ENDPOINT_URL_DYNAMODB={base}/dynamodb");
    lab_set(lab, "AWS_REGION=eu-central-1");
    *state = lab;
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;

    lab_release(lab);
    free(lab);
    return 0;
}

static void service_open(struct ms_aws_service *service, struct lab *lab)
{
    mastra_error error = MASTRA_ERROR_INIT;

    lab_open(lab);
    if (ms_service_init(service, lab->aws, "dynamodb", "DynamoDB_20120810", &quick, NULL, NULL, &error) !=
        MASTRA_OK)
        fail_msg("%s", error.message);
}

static struct ms_service_call call_of(const char *operation, bool repeatable)
{
    return (struct ms_service_call){
        .operation = operation, .body = MASTRA_STR("{\"a\":\"\xc3\xa9\"}"), .repeatable = repeatable};
}

static void send_one(const struct ms_aws_service *service, struct ms_service_call *call)
{
    mastra_error error = MASTRA_ERROR_INIT;

    if (ms_service_send(service, call, 1, 0, ms_aws_deadline(service->aws), &error) != MASTRA_OK)
        fail_msg("%s", error.message);
}

/* Makes a call; returns the number of attempts that its good answer took. */
static unsigned attempts_of(const struct ms_aws_service *service, const char *operation, bool repeatable)
{
    struct ms_service_call call = call_of(operation, repeatable);

    send_one(service, &call);
    if (!ms_service_call_ok(&call))
        fail_msg("%s: %d %s %s", operation, call.status, call.code,
                 call.message[0] ? call.message : call.answer.ptr);
    unsigned attempts = call.attempts;
    ms_service_call_release(service, &call);
    return attempts;
}

/* Makes a call that fails; returns its status as an error. */
static mastra_status failure_of(const struct ms_aws_service *service, const char *operation, bool repeatable,
                                mastra_error *error)
{
    struct ms_service_call call = call_of(operation, repeatable);

    send_one(service, &call);
    assert_false(ms_service_call_ok(&call));
    mastra_status status = ms_service_call_error(&call, error);
    ms_service_call_release(service, &call);
    return status;
}

static void test_signed_call(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    struct ms_service_call call = call_of("GetItem", true);

    service_open(&service, lab);
    send_one(&service, &call);
    assert_true(ms_service_call_ok(&call));
    assert_int_equal(call.attempts, 1);
    assert_non_null(strstr(call.answer.ptr, "\"operation\": \"GetItem\""));
    assert_string_equal(call.request_id, "request-1");
    assert_true(call.date != MASTRA_TIME_NONE);
    ms_service_call_release(&service, &call);
    ms_service_release(&service);
}

static void test_many_calls(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    struct ms_service_call calls[CALLS];

    service_open(&service, lab);
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = call_of("PutItem", i % 2);
    for (size_t parallel = 0; parallel < 4; parallel++) {
        assert_int_equal(ms_service_send(&service, calls, CALLS, parallel, ms_aws_deadline(lab->aws), NULL),
                         MASTRA_OK);
        for (size_t i = 0; i < CALLS; i++)
            assert_true(ms_service_call_ok(&calls[i]));
    }
    for (size_t i = 0; i < CALLS; i++)
        ms_service_call_release(&service, &calls[i]);
    assert_int_equal(ms_service_send(&service, NULL, 0, 0, 0, NULL), MASTRA_OK);
    ms_service_release(&service);
}

static void test_repeated(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;

    service_open(&service, lab);
    assert_int_equal(attempts_of(&service, "Throttled", false), 3);
    assert_int_equal(attempts_of(&service, "Cancelled", false), 2);
    assert_int_equal(attempts_of(&service, "Broken", true), 3);
    /* On a kept-alive connection libcurl sends it again by itself. */
    assert_in_range(attempts_of(&service, "DroppedA", true), 1, 2);
    assert_int_equal(attempts_of(&service, "CorruptA", true), 2);
    ms_service_release(&service);
}

static void test_not_repeated(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    mastra_error error = MASTRA_ERROR_INIT;

    service_open(&service, lab);
    assert_int_equal(failure_of(&service, "Invalid", true, &error), MASTRA_INTERNAL);
    assert_string_equal(error.message, "Invalid: ValidationException (status 400): The item is wrong");
    assert_string_equal(error.backend, "ValidationException");
    assert_false(error.retriable);
    assert_int_equal(failure_of(&service, "CancelledForGood", true, &error), MASTRA_INTERNAL);
    assert_string_equal(error.backend, "TransactionCanceledException");
    /* These may have taken effect. */
    assert_int_equal(failure_of(&service, "DroppedB", false, &error), MASTRA_UNKNOWN_OUTCOME);
    assert_int_equal(failure_of(&service, "CorruptB", false, &error), MASTRA_UNKNOWN_OUTCOME);
    assert_non_null(strstr(error.message, "damaged"));
    ms_service_release(&service);
}

/* A write whose answer found no memory has been made, for all that anybody knows. */
static void test_no_memory_for_the_answer(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    unsigned after_sending = 0;
    bool good = false;

    service_open(&service, lab);
    attempts_of(&service, "Write", false);
    for (long at = 1; !good && at < 1000; at++) {
        struct ms_service_call call = call_of("Write", false);
        mastra_error error = MASTRA_ERROR_INIT;

        atomic_store(&lab->watch.fail_at, at);
        mastra_status status = ms_service_send(&service, &call, 1, 0, ms_aws_deadline(service.aws), &error);
        atomic_store(&lab->watch.fail_at, 0);
        good = status == MASTRA_OK && ms_service_call_ok(&call);
        if (status == MASTRA_OK && !good) {
            status = ms_service_call_error(&call, &error);
            assert_int_equal(status, call.sent ? MASTRA_UNKNOWN_OUTCOME : MASTRA_OUT_OF_MEMORY);
            after_sending += call.sent;
        }
        ms_service_call_release(&service, &call);
    }
    assert_true(good);
    assert_true(after_sending > 0);
    ms_service_release(&service);
}

static void test_clock(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    mastra_error error = MASTRA_ERROR_INIT;

    atomic_store(&lab->ahead_ms, -INT64_C(7200000));
    service_open(&service, lab);
    assert_int_equal(attempts_of(&service, "GetItem", false), 2);
    /* What was learnt is kept. */
    assert_int_equal(attempts_of(&service, "GetItem", false), 1);
    assert_in_range(ms_aws_now(lab->aws) - ms_clock_now() + 60000, 0, 120000);
    ms_service_release(&service);
    /* A service with another idea of the time is believed, too. */
    assert_int_equal(
        ms_service_init(&service, lab->aws, "dynamodb", "DynamoDB_20120810", &quick, NULL, NULL, &error),
        MASTRA_OK);
    ms_endpoint_extend(&service.endpoint, "/ahead");
    assert_int_equal(attempts_of(&service, "GetItem", false), 2);
    ms_service_release(&service);
}

/* All of them learn of it at once: none is given up because another one was told before. */
static void test_clock_of_many(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    struct ms_service_call calls[CALLS];

    atomic_store(&lab->ahead_ms, -INT64_C(7200000));
    service_open(&service, lab);
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = call_of("GetItem", false);
    assert_int_equal(ms_service_send(&service, calls, CALLS, 0, ms_aws_deadline(lab->aws), NULL), MASTRA_OK);
    for (size_t i = 0; i < CALLS; i++) {
        if (!ms_service_call_ok(&calls[i]))
            fail_msg("call %zu: %d %s %s", i, calls[i].status, calls[i].code, calls[i].message);
        ms_service_call_release(&service, &calls[i]);
    }
    ms_service_release(&service);
}

static int asked;

static void give_expired_first(void *user, mastra_aws_reply *reply)
{
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    bool fresh = ++asked > 1;

    (void)user;
    keys.access_key_id = mastra_str_of(fresh ? "AKIDFRESH" : "AKIDCALLBACK");
    keys.secret_access_key = mastra_str_of(fresh ? "secret-of-the-fresh" : "secret-of-the-callback");
    keys.session_token = mastra_str_of(fresh ? NULL : "token-of-the-callback");
    mastra_aws_reply_credentials(reply, &keys, NULL);
}

static void test_credentials_expire(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    mastra_error error = MASTRA_ERROR_INIT;

    service_open(&service, lab);
    /* The environment has no others: once, and then the error. */
    assert_int_equal(failure_of(&service, "Expired", true, &error), MASTRA_DENIED);
    assert_string_equal(error.backend, "ExpiredTokenException");
    ms_service_release(&service);
    asked = 0;
    lab->callback = give_expired_first;
    service_open(&service, lab);
    assert_int_equal(attempts_of(&service, "Expired", false), 2);
    assert_int_equal(asked, 2);
    ms_service_release(&service);
}

static void test_no_credentials(void **state)
{
    struct lab *lab = *state;
    struct ms_aws_service service;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_clear(lab);
    lab_set(lab, "AWS_REGION=us-east-1");
    lab_set(lab, "AWS_EC2_METADATA_DISABLED=true");
    lab_set(lab, "AWS_ENDPOINT_URL={base}/dynamodb");
    service_open(&service, lab);
    assert_int_equal(failure_of(&service, "GetItem", true, &error), MASTRA_DENIED);
    assert_non_null(strstr(error.message, "none found"));
    ms_service_release(&service);
}

static void expect_endpoint(struct lab *lab, const char *given, const char *region, const char *url,
                            const char *host, const char *path)
{
    struct ms_endpoint found;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_open(lab);
    if (ms_endpoint_find(&found, lab->aws, "dynamodb", mastra_str_of(region), given, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_string_equal(found.url.ptr, url);
    assert_string_equal(found.host.ptr, host);
    assert_string_equal(found.path.ptr, path);
    ms_endpoint_release(&found);
}

static void test_endpoints(void **state)
{
    struct lab *lab = *state;

    lab_clear(lab);
    expect_endpoint(lab, NULL, "eu-west-1", "https://dynamodb.eu-west-1.amazonaws.com/",
                    "dynamodb.eu-west-1.amazonaws.com", "/");
    expect_endpoint(lab, NULL, "cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn/",
                    "dynamodb.cn-north-1.amazonaws.com.cn", "/");
    lab_write(lab, ".aws/config", "[default]\nendpoint_url = http://profile:1\n");
    expect_endpoint(lab, NULL, "eu-west-1", "http://profile:1/", "profile:1", "/");
    lab_write(lab, ".aws/config",
              "[default]\nendpoint_url = http://profile:1\nservices = mine\n[services mine]\n"
              "sts =\n  endpoint_url = http://sts:1\ndynamodb =\n  endpoint_url = http://mine:1/x\n");
    expect_endpoint(lab, NULL, "eu-west-1", "http://mine:1/x", "mine:1", "/x");
    lab_set(lab, "AWS_ENDPOINT_URL=https://all:443");
    expect_endpoint(lab, NULL, "eu-west-1", "https://all/", "all", "/");
    lab_set(lab, "AWS_ENDPOINT_URL_DYNAMODB=http://[::1]:8000");
    expect_endpoint(lab, NULL, "eu-west-1", "http://[::1]:8000/", "[::1]:8000", "/");
    expect_endpoint(lab, "http://given:80/y/", "eu-west-1", "http://given/y/", "given", "/y/");
    lab_set(lab, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true");
    expect_endpoint(lab, NULL, "eu-west-1", "https://dynamodb.eu-west-1.amazonaws.com/",
                    "dynamodb.eu-west-1.amazonaws.com", "/");
}

static void test_wrong_endpoints_and_regions(void **state)
{
    struct lab *lab = *state;
    static const char *const endpoints[] = {
        "localhost:8000", "ftp://x",       "http://",         "http://user:secret-of-x@host",
        "http://host/?q", "http://ho st/", "http://host/a b", "http://host/#f",
        "https:///x",     "http://a:b/",   "http://a:",       "http://a:1:2/",
        "http://[::1/",   "http://[]/",    "http://[::1]x/",  "http://a:123456/",
    };
    static const char *const regions[] = {"US-EAST-1", "us east", "-us", "us-", "us.east", "../x", "us/east"};
    struct ms_aws_service service;

    lab_clear(lab);
    lab_open(lab);
    for (size_t i = 0; i < COUNT(endpoints); i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        if (ms_service_init(&service, lab->aws, "dynamodb", "D", &quick, "us-east-1", endpoints[i], &error) !=
            MASTRA_INVALID_ARGUMENT)
            fail_msg("%s", endpoints[i]);
        assert_string_equal(error.field, "endpoint");
        assert_null(strstr(error.message, "secret-of"));
        ms_service_release(&service);
    }
    for (size_t i = 0; i < COUNT(regions); i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        assert_int_equal(
            ms_service_init(&service, lab->aws, "dynamodb", "D", &quick, regions[i], NULL, &error),
            MASTRA_INVALID_ARGUMENT);
        assert_string_equal(error.field, "region");
        ms_service_release(&service);
    }
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(ms_service_init(&service, lab->aws, "dynamodb", "D", &quick, NULL, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "AWS_REGION"));
    ms_service_release(&service);
}

static int set_up(void **state)
{
    (void)state;
    aws_endpoint_start(&endpoint, NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aws_endpoint_stop(&endpoint);
    return 0;
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(test_signed_call),
        LAB_TEST(test_many_calls),
        LAB_TEST(test_repeated),
        LAB_TEST(test_not_repeated),
        LAB_TEST(test_clock),
        LAB_TEST(test_credentials_expire),
        LAB_TEST(test_no_credentials),
        LAB_TEST(test_endpoints),
        LAB_TEST(test_wrong_endpoints_and_regions),
        LAB_TEST(test_clock_of_many),
        LAB_TEST(test_no_memory_for_the_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
