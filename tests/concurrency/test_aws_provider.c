/* Credentials that are kept, renewed beside their users, waited for, refused and given up. */
#include "unit/aws_lab.h"

#include <pthread.h>

#include "aws/provider.h"
#include "aws/service.h"
#include "base/error.h"
#include "support/crew.h"

#define THREADS  8
#define MINUTE   INT64_C(60000)
#define MOST_ASK 16

static struct aws_endpoint endpoint;

/* The application's source: notes each question and leaves the answer to the test, or gives it itself. */
struct desk {
    struct lab lab;
    pthread_mutex_t lock;
    mastra_aws_reply *replies[MOST_ASK];
    int asked;
    bool at_once;
    int64_t life_ms; /* 0: for ever */
    struct crew_gate *questions;
    struct crew_gate *users;
};

static void answer(struct desk *desk, mastra_aws_reply *reply, int number)
{
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    char key[32];

    snprintf(key, sizeof(key), "AKID%d", number);
    keys.access_key_id = mastra_str_of(key);
    keys.secret_access_key = mastra_str_of("secret-of-the-application");
    keys.session_token = mastra_str_of("token-of-the-application");
    if (desk->life_ms)
        keys.expiration = lab_now(&desk->lab) + desk->life_ms;
    if (mastra_aws_reply_credentials(reply, &keys, &error) != MASTRA_OK)
        crew_fail("%s", error.message);
}

static void ask(void *user, mastra_aws_reply *reply)
{
    struct desk *desk = user;

    pthread_mutex_lock(&desk->lock);
    int number = ++desk->asked;
    bool at_once = desk->at_once;
    if (!at_once && number < MOST_ASK)
        desk->replies[number] = reply;
    pthread_mutex_unlock(&desk->lock);
    crew_gate_add(desk->questions);
    if (at_once)
        answer(desk, reply, number);
}

static int asked(struct desk *desk)
{
    pthread_mutex_lock(&desk->lock);
    int count = desk->asked;
    pthread_mutex_unlock(&desk->lock);
    return count;
}

/* The reply to that question, which must have come. */
static mastra_aws_reply *take_reply(struct desk *desk, int number)
{
    if (!crew_gate_wait(desk->questions, number))
        fail_msg("question %d did not come", number);
    pthread_mutex_lock(&desk->lock);
    mastra_aws_reply *reply = desk->replies[number];
    desk->replies[number] = NULL;
    pthread_mutex_unlock(&desk->lock);
    assert_non_null(reply);
    return reply;
}

static void answer_later(struct desk *desk, int number)
{
    answer(desk, take_reply(desk, number), number);
}

static int start(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));

    assert_non_null(desk);
    lab_init(&desk->lab, &endpoint);
    pthread_mutex_init(&desk->lock, NULL);
    desk->questions = crew_gate_new();
    desk->users = crew_gate_new();
    desk->lab.callback = ask;
    desk->lab.callback_user = desk;
    *state = desk;
    return 0;
}

static int end(void **state)
{
    struct desk *desk = *state;

    lab_release(&desk->lab);
    crew_gate_free(desk->questions);
    crew_gate_free(desk->users);
    pthread_mutex_destroy(&desk->lock);
    free(desk);
    return 0;
}

static void expect_key(struct desk *desk, const char *key)
{
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    if (lab_get(&desk->lab, &credentials, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_str(credentials->keys.access_key_id, key);
    ms_credentials_unref(credentials);
}

static void expect_error(struct desk *desk, mastra_status status, const char *message)
{
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    assert_int_equal(lab_get(&desk->lab, &credentials, &error), status);
    if (!strstr(error.message, message))
        fail_msg("%s, not %s", error.message, message);
}

/* Until the renewal in the background has brought this key. */
static void await_key(struct desk *desk, const char *key)
{
    for (int i = 0; i < 100000; i++) {
        struct ms_credentials *credentials = NULL;

        assert_int_equal(lab_get(&desk->lab, &credentials, NULL), MASTRA_OK);
        bool there = strlen(key) == credentials->keys.access_key_id.len &&
                     memcmp(credentials->keys.access_key_id.ptr, key, strlen(key)) == 0;
        ms_credentials_unref(credentials);
        if (there)
            return;
        ms_clock_sleep_us(1000);
    }
    fail_msg("%s did not come", key);
}

static void pass_time(struct desk *desk, int64_t ms)
{
    atomic_fetch_add(&desk->lab.ahead_ms, ms);
}

static void get_once(int index, void *arg)
{
    struct desk *desk = arg;
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    (void)index;
    crew_gate_add(desk->users);
    if (ms_aws_credentials(desk->lab.aws, ms_aws_deadline(desk->lab.aws), &credentials, &error) != MASTRA_OK)
        crew_fail("%s", error.message);
    else if (memcmp(credentials->keys.access_key_id.ptr, "AKID1", 5) != 0)
        crew_fail("not the first ones");
    ms_credentials_unref(credentials);
}

static void test_one_question_for_all(void **state)
{
    struct desk *desk = *state;
    struct crew_thread *threads[THREADS];

    lab_open(&desk->lab);
    for (int i = 0; i < THREADS; i++)
        threads[i] = crew_start(get_once, i, desk);
    assert_true(crew_gate_wait(desk->users, THREADS));
    answer_later(desk, 1);
    for (int i = 0; i < THREADS; i++)
        crew_join(threads[i]);
    crew_check();
    /* They do not expire: nobody is asked again. */
    pass_time(desk, 1000 * 24 * 60 * MINUTE);
    expect_key(desk, "AKID1");
    assert_int_equal(asked(desk), 1);
}

static void test_renewed_beside_their_users(void **state)
{
    struct desk *desk = *state;

    desk->at_once = true;
    desk->life_ms = 10 * MINUTE;
    lab_open(&desk->lab);
    expect_key(desk, "AKID1");
    pass_time(desk, 4 * MINUTE);
    expect_key(desk, "AKID1");
    assert_int_equal(asked(desk), 1);
    desk->at_once = false;
    /* Less than five minutes are left, and nobody waits for the answer, which does not come yet. */
    pass_time(desk, 2 * MINUTE);
    for (int i = 0; i < 10; i++)
        expect_key(desk, "AKID1");
    mastra_aws_reply *reply = take_reply(desk, 2);
    assert_int_equal(asked(desk), 2);
    answer(desk, reply, 2);
    await_key(desk, "AKID2");
    assert_int_equal(asked(desk), 2);
}

/* The renewal that failed may still be under way, and then its failure is this caller's, too. */
static void get_in_the_end(int index, void *arg)
{
    struct desk *desk = arg;
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status;

    (void)index;
    do {
        status = ms_aws_credentials(desk->lab.aws, ms_aws_deadline(desk->lab.aws), &credentials, &error);
    } while (status == MASTRA_DENIED && strstr(error.message, "not now"));
    if (status != MASTRA_OK)
        crew_fail("%s", error.message);
    ms_credentials_unref(credentials);
}

static void test_renewal_fails(void **state)
{
    struct desk *desk = *state;

    desk->at_once = true;
    desk->life_ms = 10 * MINUTE;
    lab_open(&desk->lab);
    expect_key(desk, "AKID1");
    desk->at_once = false;
    pass_time(desk, 6 * MINUTE);
    expect_key(desk, "AKID1");
    mastra_aws_reply_failure(take_reply(desk, 2), "not now");
    /* The old ones hold, and the source has its peace for some seconds. */
    for (int i = 0; i < 20; i++) {
        expect_key(desk, "AKID1");
        ms_clock_sleep_us(1000);
    }
    assert_int_equal(asked(desk), 2);
    for (int i = 0; i < 20 && asked(desk) < 3; i++) {
        pass_time(desk, MS_RENEW_PAUSE_MS);
        expect_key(desk, "AKID1");
        ms_clock_sleep_us(20000);
    }
    mastra_aws_reply_failure(take_reply(desk, 3), "not now");
    /* Past their end the answer is waited for. */
    pass_time(desk, 5 * MINUTE);
    struct crew_thread *thread = crew_start(get_in_the_end, 0, desk);
    desk->life_ms = 0;
    answer(desk, take_reply(desk, 4), 1);
    crew_join(thread);
    crew_check();
}

static void refuse(void *user, mastra_aws_reply *reply)
{
    struct desk *desk = user;
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    switch (++desk->asked) {
    case 1:
        mastra_aws_reply_failure(reply, "the vault is sealed");
        break;
    case 2:
        mastra_aws_reply_failure(reply, NULL);
        break;
    case 3:
        keys.access_key_id = mastra_str_of("AKID");
        if (mastra_aws_reply_credentials(reply, &keys, &error) != MASTRA_INVALID_ARGUMENT ||
            strcmp(error.field, "secretAccessKey") != 0)
            crew_fail("%s", error.message);
        break;
    case 4:
        if (mastra_aws_reply_credentials(reply, NULL, NULL) != MASTRA_INVALID_ARGUMENT)
            crew_fail("NULL was taken");
        break;
    default:
        desk->life_ms = -MINUTE;
        answer(desk, reply, desk->asked);
        break;
    }
}

static void test_answers_that_are_none(void **state)
{
    struct desk *desk = *state;

    desk->lab.callback = refuse;
    lab_open(&desk->lab);
    expect_error(desk, MASTRA_DENIED, "AWS credentials: application: the vault is sealed");
    expect_error(desk, MASTRA_DENIED, "AWS credentials: application: it has none");
    expect_error(desk, MASTRA_DENIED, "AWS credentials: application: secretAccessKey must not be empty");
    expect_error(desk, MASTRA_DENIED, "AWS credentials: application: accessKeyId must not be empty");
    expect_error(desk, MASTRA_DENIED, "AWS credentials: application: the credentials have expired");
    crew_check();
    assert_int_equal(mastra_aws_reply_credentials(NULL, NULL, NULL), MASTRA_INVALID_ARGUMENT);
    mastra_aws_reply_failure(NULL, NULL);
}

static void test_no_answer_in_time(void **state)
{
    struct desk *desk = *state;

    desk->lab.timeout_ms = 50;
    lab_open(&desk->lab);
    expect_error(desk, MASTRA_TIMEOUT, "AWS credentials: ");
    /* Too late: it is dropped, and the next question is another. */
    answer_later(desk, 1);
    desk->at_once = true;
    desk->lab.timeout_ms = 0;
    lab_open(&desk->lab);
    expect_key(desk, "AKID2");
}

static void test_close_with_a_question_open(void **state)
{
    struct desk *desk = *state;
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_open(&desk->lab);
    int64_t soon = ms_clock_monotonic_ns() + INT64_C(20000000);
    assert_int_equal(ms_aws_credentials(desk->lab.aws, soon, &credentials, &error), MASTRA_TIMEOUT);
    mastra_aws_reply *reply = take_reply(desk, 1);
    lab_close(&desk->lab);
    /* The answer comes after everything else is gone. */
    answer(desk, reply, 1);
}

static void call_until_closed(int index, void *arg)
{
    const struct ms_aws_service *service = arg;
    struct ms_service_call call = {.operation = "GetItem", .body = MASTRA_STR("{}")};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status =
        ms_service_send(service, &call, 1, 0, ms_clock_monotonic_ns() + INT64_C(30000000000), &error);

    (void)index;
    if (status == MASTRA_OK)
        status = ms_service_call_error(&call, &error);
    if (status != MASTRA_CLOSED)
        crew_fail("ended as %s: %s", mastra_status_name(status), error.message);
}

/* A call that waits for credentials does not hold up the end. */
static void test_close_with_a_call_waiting(void **state)
{
    struct desk *desk = *state;
    struct ms_aws_service service;
    mastra_error error = MASTRA_ERROR_INIT;

    lab_set(&desk->lab, "AWS_ENDPOINT_URL={base}/dynamodb");
    lab_open(&desk->lab);
    assert_int_equal(ms_service_init(&service, desk->lab.aws, "dynamodb", "DynamoDB_20120810",
                                     &ms_retry_dynamodb, "us-east-1", NULL, &error),
                     MASTRA_OK);
    struct crew_thread *thread = crew_start(call_until_closed, 0, &service);
    mastra_aws_reply *reply = take_reply(desk, 1);
    lab_close(&desk->lab);
    crew_join(thread);
    crew_check();
    ms_service_release(&service);
    answer(desk, reply, 1);
}

static void test_close_with_a_process_running(void **state)
{
    struct desk *desk = *state;
    struct ms_credentials *credentials = NULL;

    desk->lab.callback = NULL;
    lab_write(&desk->lab, ".aws/config",
              "[default]\ncredential_process = echo x > '{home}/started'; sleep 300\n");
    lab_open(&desk->lab);
    int64_t soon = ms_clock_monotonic_ns() + INT64_C(20000000);
    assert_int_equal(ms_aws_credentials(desk->lab.aws, soon, &credentials, NULL), MASTRA_TIMEOUT);
    char *started = test_format("%s/started", desk->lab.home);
    for (int i = 0; access(started, F_OK) != 0 && i < 100000; i++)
        ms_clock_sleep_us(1000);
    assert_int_equal(access(started, F_OK), 0);
    free(started);
    lab_close(&desk->lab);
}

static void test_service_refuses_them(void **state)
{
    struct desk *desk = *state;
    struct ms_credentials *credentials = NULL;

    desk->at_once = true;
    lab_open(&desk->lab);
    assert_int_equal(lab_get(&desk->lab, &credentials, NULL), MASTRA_OK);
    ms_aws_distrust(desk->lab.aws, credentials);
    expect_key(desk, "AKID2");
    /* Those were replaced already. */
    ms_aws_distrust(desk->lab.aws, credentials);
    expect_key(desk, "AKID2");
    ms_credentials_unref(credentials);
    assert_int_equal(asked(desk), 2);
}

static void test_keys_of_the_options(void **state)
{
    struct desk *desk = *state;
    struct lab *lab = &desk->lab;
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    struct ms_aws_config config = {.heap = lab->heap,
                                   .environment = (const char *const *)lab->variables,
                                   .keys = &keys,
                                   .now = lab_now,
                                   .now_user = lab};
    mastra_error error = MASTRA_ERROR_INIT;

    keys.access_key_id = mastra_str_of("AKIDOPTIONS");
    assert_int_equal(ms_aws_open(&config, &lab->aws, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "secretAccessKey");
    keys.secret_access_key = mastra_str_of("secret-of-the-options");
    keys.session_token = mastra_str_of("token-of-the-options\r\nX-More: 1");
    assert_int_equal(ms_aws_open(&config, &lab->aws, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "sessionToken");
    keys.session_token = mastra_str_of(NULL);
    keys.expiration = lab_now(lab) + 2 * MINUTE;
    assert_int_equal(ms_aws_open(&config, &lab->aws, &error), MASTRA_OK);
    expect_key(desk, "AKIDOPTIONS");
    pass_time(desk, 3 * MINUTE);
    expect_error(desk, MASTRA_DENIED, "the keys of the options have expired");
}

/* The keys of an instance are used beyond their end while its metadata service has no others. */
static void expect_stable(struct desk *desk, const char *variant)
{
    struct lab *lab = &desk->lab;
    struct ms_credentials *credentials = NULL;
    char *variable = test_format("AWS_EC2_METADATA_SERVICE_ENDPOINT={base}/metadata/%s", variant);

    lab->callback = NULL;
    lab_clear(lab);
    lab_set(lab, variable);
    lab_open(lab);
    expect_key(desk, "ASIAINSTANCE");
    for (int i = 0; i < 3; i++) {
        pass_time(desk, 120 * MINUTE);
        assert_int_equal(lab_get(lab, &credentials, NULL), MASTRA_OK);
        assert_str(credentials->keys.access_key_id, "ASIAINSTANCE");
        assert_in_range(credentials->expiration - lab_now(lab), 4 * MINUTE, 10 * MINUTE);
        ms_credentials_unref(credentials);
    }
    free(variable);
}

static void test_instance_without_fresh_keys(void **state)
{
    expect_stable(*state, "failslater");
}

static void test_instance_with_expired_keys(void **state)
{
    expect_stable(*state, "pastlater");
    expect_stable(*state, "past");
}

static void use_all_the_time(int index, void *arg)
{
    struct desk *desk = arg;

    for (int i = 0; i < 300; i++) {
        struct ms_credentials *credentials = NULL;
        mastra_error error = MASTRA_ERROR_INIT;

        if (index == 0)
            pass_time(desk, MINUTE);
        if (ms_aws_credentials(desk->lab.aws, ms_aws_deadline(desk->lab.aws), &credentials, &error) !=
            MASTRA_OK) {
            crew_fail("%s", error.message);
            return;
        }
        if (index == 1 && i % 10 == 0)
            ms_aws_distrust(desk->lab.aws, credentials);
        ms_credentials_unref(credentials);
    }
}

static void test_many_users(void **state)
{
    struct desk *desk = *state;

    desk->at_once = true;
    desk->life_ms = 1000 * MINUTE;
    lab_open(&desk->lab);
    crew_run(THREADS, use_all_the_time, desk);
    crew_check();
    assert_true(asked(desk) >= 2);
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

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_one_question_for_all),
        DESK_TEST(test_renewed_beside_their_users),
        DESK_TEST(test_renewal_fails),
        DESK_TEST(test_answers_that_are_none),
        DESK_TEST(test_no_answer_in_time),
        DESK_TEST(test_close_with_a_question_open),
        DESK_TEST(test_close_with_a_call_waiting),
        DESK_TEST(test_close_with_a_process_running),
        DESK_TEST(test_service_refuses_them),
        DESK_TEST(test_keys_of_the_options),
        DESK_TEST(test_instance_without_fresh_keys),
        DESK_TEST(test_instance_with_expired_keys),
        DESK_TEST(test_many_users),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
