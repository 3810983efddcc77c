/* Who is let in to Aurora DSQL, with which token, for how long, and what is said about it. */
#include "base/clock.h"
#include "support/client.h"
#include "support/crew.h"
#include "support/dsql.h"
#include "support/files.h"
#include "support/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct dsql_server *double_of_ours;

struct log {
    char text[16384];
};

static int begin_group(void **state)
{
    (void)state;
    double_of_ours = dsql_start(NULL);
    return 0;
}

static int end_group(void **state)
{
    (void)state;
    dsql_end(double_of_ours);
    return 0;
}

static int begin(void **state)
{
    *state = calloc(1, sizeof(struct log));
    return *state ? 0 : 1;
}

static int end(void **state)
{
    free(*state);
    dsql_do(double_of_ours, "reset");
    return 0;
}

static void take_log(void *user, mastra_log_level level, const char *text)
{
    struct log *log = user;
    size_t len = strlen(log->text);
    (void)level;
    snprintf(log->text + len, sizeof(log->text) - len, "%s\n", text);
}

static mastra_store *open_store(struct log *log, const char *more)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *url = dsql_url(double_of_ours, more);
    options.log = take_log;
    options.log_user = log;
    options.log_level = MASTRA_LOG_DEBUG;
    if (mastra_open(url, &options, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return store;
}

/* No secret, and no token, in whatever is said. */
static void check_secrets(const struct log *log, const char *message)
{
    static const char *const words[] = {"X-Amz-Signature", "X-Amz-Credential", "Action=Db"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_null(strstr(log->text, words[i]));
        assert_null(strstr(message, words[i]));
    }
    assert_null(strstr(log->text, dsql_fact(double_of_ours, "_SECRET")));
    assert_null(strstr(message, dsql_fact(double_of_ours, "_SECRET")));
}

static void expect_init(struct log *log, const char *more, mastra_status wanted, const char *words)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_store(log, more);
    mastra_status status = mastra_init(store, &error);
    if (status != wanted || !strstr(error.message, words))
        fail_msg("%s: status %d: %s", more, status, error.message);
    check_secrets(log, error.message);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

static void test_let_in(void **state)
{
    expect_init(*state, "", MASTRA_OK, "");
    expect_init(*state, "&user=admin&database=postgres&region=us-east-1", MASTRA_OK, "");
}

static void test_refused(void **state)
{
    char *other_ca = test_format("&sslrootcert=%s", dsql_fact(double_of_ours, "_OTHER_CA"));
    expect_init(*state, "&region=eu-west-1", MASTRA_DENIED, "access denied");
    expect_init(*state, "&user=nobody", MASTRA_DENIED, "access denied");
    expect_init(*state, "&database=other", MASTRA_CANNOT_OPEN, "other");
    long long denied = dsql_count(double_of_ours, "denied");
    expect_init(*state, "&region=eu-west-1&max=1", MASTRA_DENIED, "dsql:DbConnectAdmin");
    /* What will not be let in is not tried again. */
    assert_int_equal(dsql_count(double_of_ours, "denied"), denied + 1);
    free(other_ca);
}

/* A certificate that nobody has vouched for, and a name that is not the certificate's. */
static void test_tls(void **state)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_dsql_options dsql = MASTRA_DSQL_OPTIONS_INIT;
    char *url = dsql_url(double_of_ours, "");
    dsql.url = url;
    dsql.sslrootcert = dsql_fact(double_of_ours, "_OTHER_CA");
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &store, &error), MASTRA_OK);
    assert_int_equal(mastra_init(store, &error), MASTRA_DENIED);
    assert_non_null(strstr(error.message, "certificate"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);

    url = test_format(
        "dsql://"
        "cluster.dsql.us-east-1.example.org?region=us-east-1&hostaddr=127.0.0.1&port=%s&sslrootcert=%s",
        dsql_fact(double_of_ours, "_PORT"), dsql_fact(double_of_ours, "_CA"));
    assert_int_equal(mastra_open(url, NULL, &store, &error), MASTRA_OK);
    assert_int_not_equal(mastra_init(store, &error), MASTRA_OK);
    check_secrets(*state, error.message);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
}

/* The machine's clock is an hour behind: the second token allows for it. One of a second is no better for that. */
static void test_clock(void **state)
{
    struct log *log = *state;
    dsql_do(double_of_ours, "set clock 3600");
    expect_init(log, "", MASTRA_OK, "");
    assert_non_null(strstr(log->text, "clock is off"));
    dsql_do(double_of_ours, "set clock -3600");
    expect_init(log, "", MASTRA_OK, "");
}

static void init_meanwhile(int index, void *arg)
{
    mastra_error error = MASTRA_ERROR_INIT;
    (void)index;
    if (mastra_init(arg, &error) != MASTRA_OK)
        crew_fail("%s", error.message);
}

/* What becomes of an attempt that may take so long. */
static mastra_status init_within(struct log *log, int64_t ms, mastra_error *error)
{
    char *more = test_format("&connectionTimeoutMillis=%lld", (long long)ms);
    mastra_store *store = open_store(log, more);
    mastra_status status = mastra_init(store, error);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(more);
    return status;
}

/* A cluster that wakes up is waited for, as long as for any connection. */
static void test_sleeping(void **state)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = MASTRA_TIMEOUT;
    dsql_do(double_of_ours, "set sleeping on");
    /* Within the first second a busy machine may not even have been told so. */
    for (int64_t ms = 1000; status == MASTRA_TIMEOUT && ms < 100000; ms *= 4)
        status = init_within(*state, ms, &error);
    assert_int_equal(status, MASTRA_UNAVAILABLE);
    assert_non_null(strstr(error.message, "waking up"));
    mastra_store *store = open_store(*state, "&connectionTimeoutMillis=60000");
    struct crew_thread *thread = crew_start(init_meanwhile, 0, store);
    dsql_do(double_of_ours, "set sleeping off");
    crew_join(thread);
    crew_check();
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

/* Opens a store by these options, makes its tables and closes it; false when memory was out. */
static bool use_once(const char *url, const mastra_options *options)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_status status = mastra_open(url, options, &store, &error);
    if (status == MASTRA_OK) {
        status = client_call(store, "saveThread", NULL, &error,
                             "{'thread':{'id':'t','resourceId':'r','title':'x'}}");
        assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    }
    if (status != MASTRA_OK && status != MASTRA_OUT_OF_MEMORY)
        fail_msg("%s", error.message);
    return status == MASTRA_OK;
}

/* Every allocation fails once, from opening to a row that is written, on tables that are there. */
static void test_out_of_memory(void **state)
{
    mastra_options options = MASTRA_OPTIONS_INIT;
    char *url = dsql_url(double_of_ours, "");
    struct test_heap heap;
    bool done = false;
    (void)state;
    assert_true(use_once(url, NULL));
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    for (long n = 1; !done; n++) {
        test_heap_fail(&heap, n, false);
        done = use_once(url, &options);
        assert_int_equal(atomic_load(&heap.live), 0);
        assert_int_equal(atomic_load(&heap.misused), 0);
        done = done && atomic_load(&heap.refused) == 0;
    }
    free(url);
}

/* Credentials from the program. */

struct source {
    atomic_int asked;
};

static void answer(void *user, mastra_aws_reply *reply)
{
    struct source *source = user;
    mastra_aws_credentials credentials = MASTRA_AWS_CREDENTIALS_INIT;
    credentials.access_key_id = mastra_str_of(dsql_fact(double_of_ours, "_SESSION_KEY_ID"));
    credentials.secret_access_key = mastra_str_of(dsql_fact(double_of_ours, "_SESSION_SECRET"));
    credentials.session_token = mastra_str_of(dsql_fact(double_of_ours, "_SESSION_TOKEN"));
    atomic_fetch_add(&source->asked, 1);
    mastra_aws_reply_credentials(reply, &credentials, NULL);
}

static void refuse(void *user, mastra_aws_reply *reply)
{
    (void)user;
    mastra_aws_reply_failure(reply, "the vault is closed");
}

static void test_callback(void **state)
{
    struct source source = {0};
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    mastra_dsql_options dsql = MASTRA_DSQL_OPTIONS_INIT;
    char *url = dsql_url(double_of_ours, "");
    (void)state;
    dsql.url = url;
    dsql.credentials = answer;
    dsql.credentials_user = &source;
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &store, &error), MASTRA_OK);
    assert_int_equal(atomic_load(&source.asked), 0);
    if (mastra_init(store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_int_equal(atomic_load(&source.asked), 1);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    dsql.credentials = refuse;
    assert_int_equal(mastra_open_dsql(&dsql, NULL, &store, &error), MASTRA_OK);
    assert_int_equal(mastra_init(store, &error), MASTRA_DENIED);
    assert_non_null(strstr(error.message, "the vault is closed"));
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(url);
}

/* Connections are replaced, and tokens run out, while calls go on. */

#define CALLERS 4

struct rotation {
    mastra_store *store;
    int64_t until_ns; /* there are calls for so long */
    atomic_int saved;
};

static void call_often(int index, void *arg)
{
    struct rotation *rotation = arg;
    for (int i = 0; i == 0 || ms_clock_monotonic_ns() < rotation->until_ns; i++) {
        mastra_error error = MASTRA_ERROR_INIT;
        if (client_call(rotation->store, "saveThread", NULL, &error,
                        "{'thread':{'id':'t%d-%d','resourceId':'r','title':'x'}}", index, i) != MASTRA_OK)
            crew_fail("%s", error.message);
        if (client_call(rotation->store, "getThreadById", NULL, &error, "{'threadId':'t%d-%d'}", index, i) !=
            MASTRA_OK)
            crew_fail("%s", error.message);
        atomic_fetch_add(&rotation->saved, 1);
    }
}

static void rotate(struct log *log, const char *more, int seconds)
{
    struct rotation rotation = {.store = open_store(log, more)};
    mastra_store *store = rotation.store;
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    if (mastra_init(store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    long long before = dsql_count(double_of_ours, "accepted");
    rotation.until_ns = ms_clock_monotonic_ns() + seconds * INT64_C(1000000000);
    crew_run(CALLERS, call_often, &rotation);
    crew_check();
    assert_true(dsql_count(double_of_ours, "accepted") > before);
    assert_int_equal(client_call(store, "listThreads", &json, &error, "{'perPage':1}"), MASTRA_OK);
    assert_int_equal(client_number(json, "total"), atomic_load(&rotation.saved));
    mastra_json_free(json);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
}

#define PATIENT "&busy_timeout=120000&statementTimeoutMillis=120000&connectionTimeoutMillis=120000"

static void test_lifetime(void **state)
{
    rotate(*state, "&schema=one&maxLifetimeSeconds=1" PATIENT, 3);
}

/* The service's own limit comes first, in the midst of things. */
static void test_cut_by_age(void **state)
{
    dsql_do(double_of_ours, "set connection_life 2");
    rotate(*state, "&schema=two" PATIENT, 4);
    assert_true(dsql_count(double_of_ours, "closed") > 0);
}

static void test_tokens(void **state)
{
    rotate(*state, "&schema=three&maxLifetimeSeconds=1&tokenDurationSecs=4" PATIENT, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_let_in, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_tls, begin, end),
        cmocka_unit_test_setup_teardown(test_clock, begin, end),
        cmocka_unit_test_setup_teardown(test_sleeping, begin, end),
        cmocka_unit_test_setup_teardown(test_out_of_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_callback, begin, end),
        cmocka_unit_test_setup_teardown(test_lifetime, begin, end),
        cmocka_unit_test_setup_teardown(test_cut_by_age, begin, end),
        cmocka_unit_test_setup_teardown(test_tokens, begin, end),
    };
    return cmocka_run_group_tests_name("dsql doors", tests, begin_group, end_group);
}
