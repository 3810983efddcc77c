/* The HTTP client against a server that behaves well, badly, or not at all. */
#include "unit/base_support.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "aws/http.h"
#include "base/clock.h"
#include "base/json.h"
#include "support/aws_endpoint.h"
#include "support/crew.h"
#include "support/files.h"

#define S(literal) ((mastra_str)MASTRA_STR(literal))
#define MANY       25

static const struct ms_retry_policy quick = {.attempts = 5, .base_ms = 1, .cap_ms = 4};
static struct aws_endpoint endpoint;
static struct ms_heap *heap;
static char *folder;

static int64_t soon(void)
{
    return ms_clock_monotonic_ns() + INT64_C(60000000000);
}

static struct ms_http *client_with(const char *ca_file)
{
    struct ms_http *http = NULL;
    mastra_error error = MASTRA_ERROR_INIT;

    assert_int_equal(ms_http_new(heap, ca_file, &http, &error), MASTRA_OK);
    return http;
}

static void client_free(struct ms_http *http)
{
    ms_http_close(http);
    ms_http_free(http);
}

static char *at(const char *path)
{
    return test_format("%s%s", endpoint.base, path);
}

static enum ms_http_end run_one(struct ms_http *http, struct ms_http_exchange *exchange)
{
    mastra_error error = MASTRA_ERROR_INIT;

    assert_int_equal(ms_http_run(http, &exchange, 1, 0, &quick, soon(), &error), MASTRA_OK);
    return exchange->end;
}

static mastra_str answer_member(const struct ms_http_exchange *exchange, const char *name)
{
    mastra_str value;

    if (!ms_json_check(exchange->answer, &value, NULL))
        fail_msg("not JSON: %s", exchange->answer.ptr);
    return ms_json_member(value, mastra_str_of(name));
}

static int64_t answer_number(const struct ms_http_exchange *exchange, const char *name)
{
    int64_t number = -1;

    assert_true(ms_json_int(answer_member(exchange, name), &number));
    return number;
}

static void assert_header(const struct ms_http_exchange *exchange, const char *name, const char *value)
{
    mastra_str raw = ms_json_member(answer_member(exchange, "headers"), mastra_str_of(name));

    if (value && !ms_json_string_equals(raw, mastra_str_of(value)))
        fail_msg("%s is %.*s, not %s", name, (int)raw.len, raw.ptr, value);
    if (!value)
        assert_null(raw.ptr);
}

/* How often the endpoint has counted this. */
static int64_t counted(struct ms_http *http, const char *key)
{
    char *url = test_format("%s/count/%s", endpoint.base, key);
    struct ms_http_exchange exchange = {.method = "GET", .url = url};

    assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
    int64_t number = answer_number(&exchange, "count");
    ms_http_exchange_release(http, &exchange);
    free(url);
    return number;
}

/* What is sent and what comes back, for each way of sending. */
static void test_request_and_answer(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/echo/a?b=c");
    struct ms_http_exchange post = {.method = "POST",
                                    .url = url,
                                    .headers = {"X-One: 1", "Content-Type: application/x-test"},
                                    .header_count = 2,
                                    .body = S("the body\xc3\xa9")};
    struct ms_http_exchange put = {.method = "PUT", .url = url};
    struct ms_http_exchange get = {.method = "GET", .url = url};

    for (int repeatable = 0; repeatable < 2; repeatable++) {
        post.repeatable = repeatable;
        assert_int_equal(run_one(http, &post), MS_HTTP_ANSWERED);
        assert_int_equal(post.status, 200);
        assert_true(post.sent);
        assert_int_equal(post.attempts, 1);
        assert_true(ms_json_string_equals(answer_member(&post, "method"), S("POST")));
        assert_true(ms_json_string_equals(answer_member(&post, "path"), S("/net/echo/a?b=c")));
        assert_true(ms_json_string_equals(answer_member(&post, "body"), S("the body\xc3\x83\xc2\xa9")));
        assert_header(&post, "x-one", "1");
        assert_header(&post, "content-type", "application/x-test");
        assert_header(&post, "content-length", "10");
        assert_header(&post, "expect", NULL);
        assert_true(post.date > ms_clock_now() - 60000 && post.date <= ms_clock_now());
    }
    assert_int_equal(run_one(http, &put), MS_HTTP_ANSWERED);
    assert_true(ms_json_string_equals(answer_member(&put, "method"), S("PUT")));
    assert_header(&put, "content-length", "0");
    assert_header(&put, "content-type", NULL);
    assert_int_equal(run_one(http, &get), MS_HTTP_ANSWERED);
    assert_true(ms_json_string_equals(answer_member(&get, "method"), S("GET")));
    /* One connection served all of them. */
    assert_int_equal(answer_number(&get, "connection"), answer_number(&post, "connection"));
    ms_http_exchange_release(http, &post);
    ms_http_exchange_release(http, &put);
    ms_http_exchange_release(http, &get);
    client_free(http);
    free(url);
}

static void test_large_bodies(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    size_t len = (size_t)3 << 20;
    char *body = malloc(len);
    char *url = at("/net/echo/large");
    struct ms_http_exchange exchange = {.method = "POST", .url = url};

    assert_non_null(body);
    memset(body, 'b', len);
    exchange.body = (mastra_str){body, len};
    for (int variant = 0; variant < 4; variant++) {
        exchange.repeatable = variant & 1;
        exchange.secret = variant & 2;
        assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
        assert_int_equal(answer_member(&exchange, "body").len, len + 2);
        ms_http_exchange_release(http, &exchange);
    }
    free(body);
    free(url);
    client_free(http);
}

/* Nobody is answered before all have come: they must be under way at the same time. */
static void test_one_caller_in_parallel(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = test_format("%s/net/barrier/%d/one", endpoint.base, MANY);
    struct ms_http_exchange exchanges[MANY] = {{0}}, *list[MANY];
    mastra_error error = MASTRA_ERROR_INIT;

    for (int i = 0; i < MANY; i++) {
        exchanges[i] = (struct ms_http_exchange){.method = "POST", .url = url, .body = S("{}")};
        list[i] = &exchanges[i];
    }
    assert_int_equal(ms_http_run(http, list, MANY, 0, &ms_retry_never, soon(), &error), MASTRA_OK);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(exchanges[i].end, MS_HTTP_ANSWERED);
        assert_int_equal(exchanges[i].status, 200);
        ms_http_exchange_release(http, &exchanges[i]);
    }
    assert_int_equal(ms_http_run(http, NULL, 0, 0, &quick, soon(), &error), MASTRA_OK);
    free(url);
    client_free(http);
}

static void test_fewer_at_a_time(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/echo/few");
    struct ms_http_exchange exchanges[MANY] = {{0}}, *list[MANY];
    int64_t first = INT64_MAX, last = 0;

    for (int i = 0; i < MANY; i++) {
        exchanges[i] = (struct ms_http_exchange){.method = "GET", .url = url};
        list[i] = &exchanges[i];
    }
    assert_int_equal(ms_http_run(http, list, MANY, 2, &quick, soon(), NULL), MASTRA_OK);
    for (int i = 0; i < MANY; i++) {
        int64_t connection = answer_number(&exchanges[i], "connection");
        first = connection < first ? connection : first;
        last = connection > last ? connection : last;
        ms_http_exchange_release(http, &exchanges[i]);
    }
    /* Nobody else connects here, so two at a time need two connections. */
    assert_int_equal(last - first, 1);
    free(url);
    client_free(http);
}

struct crowd {
    struct ms_http *http;
    char *url;
};

static void join_barrier(int index, void *arg)
{
    struct crowd *crowd = arg;
    struct ms_http_exchange exchange = {.method = "GET", .url = crowd->url};
    struct ms_http_exchange *list = &exchange;

    (void)index;
    for (int round = 0; round < 5; round++) {
        if (ms_http_run(crowd->http, &list, 1, 0, &quick, soon(), NULL) != MASTRA_OK ||
            exchange.status != 200)
            crew_fail("round %d: %d %s", round, exchange.status, exchange.why);
    }
    ms_http_exchange_release(crowd->http, &exchange);
}

static void test_many_callers(void **state)
{
    (void)state;
    struct crowd crowd = {client_with(NULL), NULL};

    crowd.url = test_format("%s/net/barrier/%d/many", endpoint.base, MANY);
    crew_run(MANY, join_barrier, &crowd);
    crew_check();
    free(crowd.url);
    client_free(crowd.http);
}

static enum ms_http_verdict again_unless_well(struct ms_http_exchange *exchange)
{
    if (exchange->end == MS_HTTP_ANSWERED && exchange->status == 200)
        return MS_HTTP_DONE;
    return exchange->end == MS_HTTP_ANSWERED || ms_http_may_repeat(exchange) ? MS_HTTP_AGAIN : MS_HTTP_DONE;
}

static mastra_status count_preparation(struct ms_http_exchange *exchange)
{
    int *count = exchange->user;

    ++*count;
    return MASTRA_OK;
}

static void test_repeated_until_well(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/status/503/2/well"), *never = at("/net/status/500/99/never");
    int prepared = 0;
    struct ms_http_exchange exchange = {.method = "POST",
                                        .url = url,
                                        .judge = again_unless_well,
                                        .prepare = count_preparation,
                                        .user = &prepared};
    struct ms_http_exchange hopeless = {.method = "POST", .url = never, .judge = again_unless_well};

    assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
    assert_int_equal(exchange.status, 200);
    assert_int_equal(exchange.attempts, 3);
    assert_int_equal(prepared, 3);
    /* The last outcome is told when the attempts are used up. */
    assert_int_equal(run_one(http, &hopeless), MS_HTTP_ANSWERED);
    assert_int_equal(hopeless.status, 500);
    assert_int_equal(hopeless.attempts, quick.attempts);
    assert_int_equal(answer_number(&hopeless, "number"), quick.attempts);
    ms_http_exchange_release(http, &exchange);
    ms_http_exchange_release(http, &hopeless);
    client_free(http);
    free(url);
    free(never);
}

static void test_server_asks_for_a_wait(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/status/503/1/wait?after=7"),
         *date = at("/net/status/503/1/date?after=Wed,%2021%20Oct%202099%2007:28:00%20GMT");
    struct ms_http_exchange exchange = {.method = "GET", .url = url, .judge = again_unless_well},
                            *list = &exchange;

    /* That wait does not fit before the deadline, so the answer stands. */
    int64_t deadline = ms_clock_monotonic_ns() + INT64_C(6000000000);
    assert_int_equal(ms_http_run(http, &list, 1, 0, &quick, deadline, NULL), MASTRA_OK);
    assert_int_equal(exchange.status, 503);
    assert_int_equal(exchange.attempts, 1);
    assert_int_equal(exchange.retry_after_ms, 7000);
    ms_http_exchange_release(http, &exchange);
    exchange = (struct ms_http_exchange){.method = "GET", .url = date, .judge = again_unless_well};
    assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
    assert_int_equal(exchange.attempts, 1);
    assert_true(exchange.retry_after_ms > INT64_C(1000) * 3600 * 24 * 365);
    ms_http_exchange_release(http, &exchange);
    free(url);
    free(date);
    client_free(http);
}

static void test_no_server(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    mastra_error error = MASTRA_ERROR_INIT;
    /* Nobody listens on this port of the loopback net. */
    struct ms_http_exchange exchange = {
        .method = "POST", .url = "http://127.0.0.1:9/", .body = S("{}"), .judge = again_unless_well};

    assert_int_equal(run_one(http, &exchange), MS_HTTP_NOT_SENT);
    assert_false(exchange.sent);
    assert_int_equal(exchange.attempts, quick.attempts);
    assert_int_equal(ms_http_failure(&exchange, "the service", &error), MASTRA_UNAVAILABLE);
    assert_non_null(strstr(error.message, "the service: "));
    client_free(http);
}

/* A request that may have been acted upon is not sent again by itself. */
static void test_answer_lost(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/drop/1/lost"), *twice = at("/net/drop/2/twice");
    struct ms_http_exchange once = {
        .method = "POST", .url = url, .body = S("{}"), .judge = again_unless_well};
    struct ms_http_exchange more = {
        .method = "POST", .url = twice, .body = S("{}"), .judge = again_unless_well, .repeatable = true};

    assert_int_equal(run_one(http, &once), MS_HTTP_LOST);
    assert_true(once.sent);
    assert_int_equal(once.attempts, 1);
    assert_int_equal(counted(http, "%2Fnet%2Fdrop%2F1%2Flost"), 1);
    assert_int_equal(run_one(http, &more), MS_HTTP_ANSWERED);
    assert_int_equal(answer_number(&more, "number"), 3);
    ms_http_exchange_release(http, &once);
    ms_http_exchange_release(http, &more);
    client_free(http);
    free(url);
    free(twice);
}

/* The server closes a kept-alive connection just when the next request is on its way. */
static void test_kept_connection_breaks(void **state)
{
    (void)state;
    char *bye = at("/net/bye"), *echo = at("/net/echo/after-bye");
    struct ms_http *other = client_with(NULL);

    for (int repeatable = 0; repeatable < 2; repeatable++) {
        struct ms_http *http = client_with(NULL);
        struct ms_http_exchange first = {.method = "GET", .url = bye};
        struct ms_http_exchange then = {
            .method = "POST", .url = echo, .body = S("{\"a\":1}"), .repeatable = repeatable};
        assert_int_equal(run_one(http, &first), MS_HTTP_ANSWERED);
        int64_t before = counted(other, "dropped");
        if (repeatable) {
            assert_int_equal(run_one(http, &then), MS_HTTP_ANSWERED);
            assert_true(ms_json_string_equals(answer_member(&then, "body"), S("{\"a\":1}")));
        } else {
            assert_int_equal(run_one(http, &then), MS_HTTP_LOST);
            assert_true(then.sent);
            assert_false(ms_http_may_repeat(&then));
        }
        assert_int_equal(counted(other, "dropped"), before + 1);
        ms_http_exchange_release(http, &first);
        ms_http_exchange_release(http, &then);
        client_free(http);
    }
    client_free(other);
    free(bye);
    free(echo);
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *cut = at("/net/short"), *noise = at("/net/garbage"), *moved = at("/net/moved");
    struct ms_http_exchange exchange = {.method = "GET", .url = cut};

    assert_int_equal(run_one(http, &exchange), MS_HTTP_LOST);
    exchange.url = noise;
    assert_int_equal(run_one(http, &exchange), MS_HTTP_LOST);
    exchange.url = moved;
    assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
    assert_int_equal(exchange.status, 302);
    exchange.url = "file:///etc/passwd";
    assert_int_equal(run_one(http, &exchange), MS_HTTP_FAILED);
    assert_int_equal(exchange.failure, MASTRA_INVALID_ARGUMENT);
    ms_http_exchange_release(http, &exchange);
    client_free(http);
    free(cut);
    free(noise);
    free(moved);
}

static void test_answer_too_large(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *plain = at("/net/big/100000"), *chunked = at("/net/chunked/100000");
    const char *urls[] = {plain, chunked};

    for (size_t i = 0; i < COUNT(urls); i++) {
        struct ms_http_exchange exchange = {.method = "GET", .url = urls[i], .most_bytes = 99999};
        assert_int_equal(run_one(http, &exchange), MS_HTTP_TOO_LARGE);
        assert_true(exchange.answer.len <= 99999);
        exchange.most_bytes = 100000;
        assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
        assert_int_equal(exchange.answer.len, 100000);
        ms_http_exchange_release(http, &exchange);
    }
    client_free(http);
    free(plain);
    free(chunked);
}

static void test_no_answer_in_time(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/hang");
    struct ms_http_exchange exchange = {.method = "POST", .url = url, .body = S("{}"), .attempt_ms = 50};
    struct ms_http_exchange *list = &exchange;
    mastra_error error = MASTRA_ERROR_INIT;

    exchange.judge = again_unless_well;
    assert_int_equal(run_one(http, &exchange), MS_HTTP_TIMED_OUT);
    /* A busy machine may not even have connected by then. */
    for (; !exchange.sent && exchange.attempt_ms < 50000; exchange.attempt_ms *= 2)
        assert_int_equal(run_one(http, &exchange), MS_HTTP_TIMED_OUT);
    assert_true(exchange.sent);
    assert_int_equal(exchange.attempts, 1);
    assert_int_equal(ms_http_failure(&exchange, "it", &error), MASTRA_TIMEOUT);
    /* The deadline of the call ends an attempt, too, and one in the past lets none begin. */
    exchange.attempt_ms = 0;
    int64_t deadline = ms_clock_monotonic_ns() + INT64_C(50000000);
    assert_int_equal(ms_http_run(http, &list, 1, 0, &quick, deadline, NULL), MASTRA_OK);
    assert_int_equal(exchange.end, MS_HTTP_TIMED_OUT);
    assert_int_equal(ms_http_run(http, &list, 1, 0, &quick, ms_clock_monotonic_ns(), NULL), MASTRA_OK);
    assert_int_equal(exchange.end, MS_HTTP_TIMED_OUT);
    assert_int_equal(exchange.attempts, 0);
    ms_http_exchange_release(http, &exchange);
    client_free(http);
    free(url);
}

/* Stands in for the resolver of the system: a name that it does not get to know before the test says so. */
static struct crew_gate *resolve;
static struct crew_gate *resolved;

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    int (*usual)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name && strcmp(name, "hangs.test") == 0) {
        crew_gate_wait(resolve, 1);
        crew_gate_add(resolved);
        return EAI_AGAIN;
    }
    *(void **)&usual = dlsym(RTLD_NEXT, "getaddrinfo");
    return usual(name, port, hints, ret);
}

static void test_name_is_not_resolved_in_time(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    struct ms_http_exchange exchange = {.method = "GET", .url = "http://hangs.test/", .attempt_ms = 50};

    resolve = crew_gate_new();
    resolved = crew_gate_new();
    exchange.direct = true;
    assert_int_equal(run_one(http, &exchange), MS_HTTP_TIMED_OUT);
    assert_false(exchange.sent);
    /* All this while nobody has answered. */
    assert_int_equal(crew_gate_count(resolved), 0);
    ms_http_exchange_release(http, &exchange);
    client_free(http);
    crew_gate_add(resolve);
    assert_true(crew_gate_wait(resolved, 1));
    crew_check();
    crew_gate_free(resolve);
    crew_gate_free(resolved);
}

/* Attempts that were answered, and will be repeated. */
static struct crew_gate *answered;

static enum ms_http_verdict again_and_tell(struct ms_http_exchange *exchange)
{
    if (exchange->end == MS_HTTP_ANSWERED)
        crew_gate_add(answered);
    return MS_HTTP_AGAIN;
}

static void hang_until_closed(int index, void *arg)
{
    struct crowd *crowd = arg;
    struct ms_http_exchange hanging = {.method = "GET", .url = crowd->url};
    char *url = at("/net/status/503/99/closed");
    struct ms_http_exchange waiting = {.method = "GET", .url = url, .judge = again_and_tell};
    struct ms_http_exchange *list[] = {&hanging, &waiting};
    const struct ms_retry_policy patient = {.attempts = 2, .base_ms = 50000, .fixed = true};

    (void)index;
    if (ms_http_run(crowd->http, list, 2, 0, &patient, soon(), NULL) != MASTRA_OK)
        crew_fail("closed before it began");
    if (hanging.end != MS_HTTP_CLOSED || waiting.end != MS_HTTP_CLOSED)
        crew_fail("ended as %d, %d", (int)hanging.end, (int)waiting.end);
    if (!hanging.sent || waiting.sent)
        crew_fail("sent: %d, %d", hanging.sent, waiting.sent);
    ms_http_exchange_release(crowd->http, &waiting);
    free(url);
}

static void test_close_ends_what_runs(void **state)
{
    (void)state;
    struct crowd crowd = {client_with(NULL), at("/net/hang/closed")};
    struct ms_http *other = client_with(NULL);
    char *url = test_format("%s/count/%%2Fnet%%2Fhang%%2Fclosed?atleast=3", endpoint.base);
    struct ms_http_exchange ask = {.method = "GET", .url = url}, *list = &ask;
    struct crew_thread *threads[3];
    mastra_error error = MASTRA_ERROR_INIT;

    answered = crew_gate_new();
    for (int i = 0; i < 3; i++)
        threads[i] = crew_start(hang_until_closed, i, &crowd);
    assert_int_equal(run_one(other, &ask), MS_HTTP_ANSWERED);
    assert_int_equal(answer_number(&ask, "count"), 3);
    assert_true(crew_gate_wait(answered, 3));
    ms_http_close(crowd.http);
    for (int i = 0; i < 3; i++)
        crew_join(threads[i]);
    crew_check();
    crew_gate_free(answered);
    assert_int_equal(ms_http_run(crowd.http, &list, 1, 0, &quick, soon(), &error), MASTRA_CLOSED);
    ms_http_free(crowd.http);
    ms_http_exchange_release(other, &ask);
    client_free(other);
    free(crowd.url);
    free(url);
}

static void test_certificates_are_verified(void **state)
{
    (void)state;
    char *certificate = test_format("%s/certificate.pem", folder);
    char *wrong_name = test_format("https://127.0.0.1%s", strrchr(endpoint.secure, ':'));
    char *url = test_format("%s/net/echo/secure", endpoint.secure);
    char *missing = test_format("%s/none.pem", folder);
    const struct {
        const char *ca_file, *url;
        enum ms_http_end end;
    } cases[] = {
        {NULL, url, MS_HTTP_UNTRUSTED},
        {certificate, url, MS_HTTP_ANSWERED},
        {certificate, wrong_name, MS_HTTP_UNTRUSTED},
        {missing, url, MS_HTTP_UNTRUSTED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ms_http *http = client_with(cases[i].ca_file);
        struct ms_http_exchange exchange = {.method = "GET", .url = cases[i].url, .judge = again_unless_well};
        assert_int_equal(run_one(http, &exchange), cases[i].end);
        assert_int_equal(exchange.attempts, 1);
        assert_true(exchange.end == MS_HTTP_ANSWERED || !exchange.sent);
        ms_http_exchange_release(http, &exchange);
        client_free(http);
    }
    free(certificate);
    free(wrong_name);
    free(url);
    free(missing);
}

static void test_proxy(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/echo/direct");
    struct ms_http_exchange proxied = {.method = "GET", .url = "http://nowhere.invalid/x"};
    struct ms_http_exchange direct = {.method = "GET", .url = url, .direct = true};

    setenv("http_proxy", endpoint.base, 1);
    assert_int_equal(run_one(http, &proxied), MS_HTTP_ANSWERED);
    assert_true(ms_json_string_equals(answer_member(&proxied, "proxied"), S("http://nowhere.invalid/x")));
    assert_int_equal(run_one(http, &direct), MS_HTTP_ANSWERED);
    assert_true(ms_json_string_equals(answer_member(&direct, "path"), S("/net/echo/direct")));
    unsetenv("http_proxy");
    ms_http_exchange_release(http, &proxied);
    ms_http_exchange_release(http, &direct);
    client_free(http);
    free(url);
}

static mastra_status refuse(struct ms_http_exchange *exchange)
{
    snprintf(exchange->why, sizeof(exchange->why), "not today");
    return MASTRA_DENIED;
}

static void test_preparation_fails(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    struct ms_http_exchange exchange = {.method = "GET", .url = endpoint.base, .prepare = refuse};
    mastra_error error = MASTRA_ERROR_INIT;

    assert_int_equal(run_one(http, &exchange), MS_HTTP_FAILED);
    assert_int_equal(ms_http_failure(&exchange, "it", &error), MASTRA_DENIED);
    assert_string_equal(error.message, "it: not today");
    client_free(http);
}

static void on_signal(int number)
{
    (void)number;
    abort();
}

/* Signals that were blocked stay so, and one that was not raised by us stays pending. */
static void test_signals_of_the_host(void **state)
{
    (void)state;
    struct ms_http *http = client_with(NULL);
    char *url = at("/net/echo/signals");
    struct ms_http_exchange exchange = {.method = "GET", .url = url};
    sigset_t pipe, before, pending;
    struct sigaction action = {.sa_handler = on_signal}, old;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigaction(SIGPIPE, &action, &old);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    raise(SIGPIPE);
    assert_int_equal(run_one(http, &exchange), MS_HTTP_ANSWERED);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    struct timespec none = {0, 0};
    sigtimedwait(&pipe, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGPIPE, &old, NULL);
    ms_http_exchange_release(http, &exchange);
    client_free(http);
    free(url);
}

static void test_memory_may_run_out(void **state)
{
    (void)state;
    char *url = at("/net/echo/memory");
    bool well = false;

    for (size_t n = 1; !well; n++) {
        struct test_memory memory;
        struct ms_http *http = NULL;
        struct ms_http_exchange exchange = {.method = "GET", .url = url, .secret = true}, *list = &exchange;

        assert_true(n < 100);
        test_memory_init(&memory, 0);
        struct ms_heap *failing = ms_heap_new(&memory.allocator);
        memory.fail_at = memory.calls + n;
        mastra_status status = ms_http_new(failing, "/x.pem", &http, NULL);
        if (status == MASTRA_OK) {
            status = ms_http_run(http, &list, 1, 0, &quick, soon(), NULL);
            well = status == MASTRA_OK && exchange.end == MS_HTTP_ANSWERED;
            if (status == MASTRA_OK && !well)
                assert_int_equal(exchange.failure, MASTRA_OUT_OF_MEMORY);
            ms_http_exchange_release(http, &exchange);
            client_free(http);
        }
        assert_true(status == MASTRA_OK || status == MASTRA_OUT_OF_MEMORY);
        ms_heap_unref(failing);
        assert_int_equal(memory.live, 0);
    }
    free(url);
}

static void test_waits_of_a_policy(void **state)
{
    (void)state;
    const struct ms_retry_policy policy = {.attempts = 9, .base_ms = 50, .cap_ms = 300};
    static const int64_t most[] = {50, 100, 200, 300, 300};
    const struct ms_retry_policy fixed = {.attempts = 3, .base_ms = 70, .fixed = true};

    for (unsigned attempt = 1; attempt <= COUNT(most); attempt++) {
        int64_t least = INT64_MAX, longest = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t delay = ms_retry_delay_ms(&policy, attempt, -1);
            least = delay < least ? delay : least;
            longest = delay > longest ? delay : longest;
        }
        /* Full jitter: from nothing to all of it. */
        assert_in_range(least, 0, most[attempt - 1] / 10);
        assert_in_range(longest, most[attempt - 1] * 9 / 10, most[attempt - 1]);
    }
    assert_int_equal(ms_retry_delay_ms(&policy, 1, 12345), 12345);
    assert_int_equal(ms_retry_delay_ms(&fixed, 1, -1), 70);
    assert_int_equal(ms_retry_delay_ms(&fixed, 9, -1), 70);
    assert_in_range(ms_retry_delay_ms(&policy, 1000000, -1), 0, 300);
}

static void test_what_errors_ask_for(void **state)
{
    (void)state;
    assert_int_equal(ms_fault_of(S("ThrottlingException"), 400), MS_FAULT_THROTTLED);
    assert_int_equal(ms_fault_of(S("ProvisionedThroughputExceededException"), 400), MS_FAULT_THROTTLED);
    assert_int_equal(ms_fault_of(S("InternalServerError"), 500), MS_FAULT_SERVER);
    assert_int_equal(ms_fault_of(S("TransactionInProgressException"), 400), MS_FAULT_CONFLICT);
    assert_int_equal(ms_fault_of(S("TransactionConflictException"), 400), MS_FAULT_CONFLICT);
    assert_int_equal(ms_fault_of(S("ExpiredTokenException"), 400), MS_FAULT_CREDENTIALS);
    assert_int_equal(ms_fault_of(S("UnrecognizedClientException"), 400), MS_FAULT_CREDENTIALS);
    assert_int_equal(ms_fault_of(S("RequestExpired"), 400), MS_FAULT_CLOCK);
    assert_int_equal(ms_fault_of(S("InvalidSignatureException"), 400), MS_FAULT_CLOCK);
    assert_int_equal(ms_fault_of(S("ValidationException"), 400), MS_FAULT_REFUSED);
    assert_int_equal(ms_fault_of(S("ConditionalCheckFailedException"), 400), MS_FAULT_REFUSED);
    assert_int_equal(ms_fault_of(S("AccessDeniedException"), 400), MS_FAULT_REFUSED);
    assert_int_equal(ms_fault_of(S("TransactionCanceledException"), 400), MS_FAULT_REFUSED);
    assert_int_equal(ms_fault_of(S(""), 502), MS_FAULT_SERVER);
    assert_int_equal(ms_fault_of(S(""), 429), MS_FAULT_THROTTLED);
    assert_int_equal(ms_fault_of(S(""), 200), MS_FAULT_NONE);
    assert_int_equal(ms_fault_of_reason(S("TransactionConflict")), MS_FAULT_CONFLICT);
    assert_int_equal(ms_fault_of_reason(S("ThrottlingError")), MS_FAULT_THROTTLED);
    assert_int_equal(ms_fault_of_reason(S("ConditionalCheckFailed")), MS_FAULT_NONE);
}

static int set_up(void **state)
{
    (void)state;
    folder = test_dir_new();
    char *make =
        test_format("cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                    "-keyout key.pem -out certificate.pem -days 2 -subj /CN=localhost "
                    "-addext subjectAltName=DNS:localhost 2>openssl.log",
                    folder);
    char *certificate = test_format("%s/certificate.pem", folder);
    char *key = test_format("%s/key.pem", folder);
    int made = system(make);
    heap = ms_heap_new(NULL);
    if (made == 0)
        aws_endpoint_start(&endpoint, certificate, key);
    free(make);
    free(certificate);
    free(key);
    return made == 0 && heap ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    aws_endpoint_stop(&endpoint);
    ms_heap_unref(heap);
    test_dir_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_and_answer),
        cmocka_unit_test(test_large_bodies),
        cmocka_unit_test(test_one_caller_in_parallel),
        cmocka_unit_test(test_fewer_at_a_time),
        cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_repeated_until_well),
        cmocka_unit_test(test_server_asks_for_a_wait),
        cmocka_unit_test(test_no_server),
        cmocka_unit_test(test_answer_lost),
        cmocka_unit_test(test_kept_connection_breaks),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_answer_too_large),
        cmocka_unit_test(test_no_answer_in_time),
        cmocka_unit_test(test_name_is_not_resolved_in_time),
        cmocka_unit_test(test_close_ends_what_runs),
        cmocka_unit_test(test_certificates_are_verified),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_preparation_fails),
        cmocka_unit_test(test_signals_of_the_host),
        cmocka_unit_test(test_memory_may_run_out),
        cmocka_unit_test(test_waits_of_a_policy),
        cmocka_unit_test(test_what_errors_ask_for),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
