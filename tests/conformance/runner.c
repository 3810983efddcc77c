/* Runs tables of cases on every backend. */
#include "conformance/conformance.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* What a cmocka test of this suite is about. */
struct run {
    const struct backend *backend;
    const struct test_case *test;
    struct child *child; /* NULL: the store is opened here */
    struct fixture fixture;
};

void fixture_ok(mastra_status status, const mastra_error *error)
{
    if (status != MASTRA_OK)
        fail_msg("%s: %s", mastra_status_name(status), error->message);
}

static mastra_store *open_store(const struct place *place)
{
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    fixture_ok(mastra_open(place->url, NULL, &store, &error), &error);
    return store;
}

mastra_store *fixture_open_again(struct fixture *fixture)
{
    return open_store(&fixture->place);
}

/* The fixture's store, here or in the child. */

static mastra_status call_store(struct fixture *fixture, const char *op, const char *args, char **ret_json,
                                size_t *ret_len, mastra_error *error)
{
    if (fixture->child)
        return child_call(fixture->child, op, args, ret_json, ret_len, error);
    return mastra_call(fixture->store, op, mastra_str_of(args), ret_json, ret_len, error);
}

static void release_json(const struct fixture *fixture, char *json)
{
    if (fixture->child)
        free(json);
    else
        mastra_json_free(json);
}

static mastra_status ask_child(struct fixture *fixture, const char *op, const char *args, mastra_error *error)
{
    char *json = NULL;
    size_t len = 0;
    mastra_status status = child_call(fixture->child, op, args, &json, &len, error);
    free(json);
    return status;
}

static void open_fixture(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (fixture->child)
        fixture_ok(ask_child(fixture, "(open)", fixture->place.url, &error), &error);
    else
        fixture->store = open_store(&fixture->place);
}

static mastra_status close_fixture(struct fixture *fixture, mastra_error *error)
{
    mastra_store *store = fixture->store;
    fixture->store = NULL;
    if (fixture->child)
        return ask_child(fixture, "(close)", NULL, error);
    return store ? mastra_close(store, error) : MASTRA_OK;
}

static void close_store(struct fixture *fixture)
{
    mastra_error error = MASTRA_ERROR_INIT;
    fixture_ok(close_fixture(fixture, &error), &error);
}

static void judge(struct fixture *fixture, const char *call, const char *expect, mastra_status status,
                  mastra_str json, const mastra_error *error)
{
    struct match *match = &fixture->match;
    char *pattern = match_expand(match, expect ? expect : "'$any'");
    bool fits;
    if (match_wants_error(pattern) && status != MASTRA_OK)
        fits = match_error(match, pattern, status, error);
    else if (status != MASTRA_OK)
        fits = snprintf(match->why, sizeof(match->why), "%s: %s", mastra_status_name(status),
                        error->message) < 0;
    else if (match_wants_error(pattern))
        fits = snprintf(match->why, sizeof(match->why), "want an error, got %.400s", json.ptr) < 0;
    else
        fits = match_value(match, pattern, json);
    free(pattern);
    if (!fits)
        fail_msg("%.600s\n  %s", call, match->why);
}

/* The thread that a message waits for, to be freed, if that is what the error says. */
static char *missing_thread(mastra_status status, const mastra_error *error)
{
    static const char head[] = "Thread ";
    static const char tail[] = " not found";
    size_t head_len = sizeof(head) - 1;
    size_t tail_len = sizeof(tail) - 1;
    size_t len = strlen(error->message);
    if (status == MASTRA_OK || len < head_len + tail_len || strncmp(error->message, head, head_len) != 0 ||
        strcmp(error->message + len - tail_len, tail) != 0)
        return NULL;
    return test_format("%.*s", (int)(len - head_len - tail_len), error->message + head_len);
}

static void make_thread(struct fixture *fixture, const char *id)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    char *args = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&args, &len);
    assert_non_null(stream);
    fputs("{\"thread\":{\"resourceId\":\"r\",\"id\":\"", stream);
    for (const char *c = id; *c; c++) {
        bool plain = (unsigned char)*c >= 0x20 && *c != '"' && *c != '\\';
        fprintf(stream, plain ? "%c" : "\\u%04x", (unsigned char)*c);
    }
    fputs("\"}}", stream);
    fclose(stream);
    fixture_ok(call_store(fixture, "saveThread", args, &json, &len, &error), &error);
    release_json(fixture, json);
    free(args);
}

/*
 * Many cases are about messages alone and leave their threads out. Where messages need them they are made when the call
 * is refused for want of them, unless that is what the case is about.
 */
static mastra_status call_with_threads(struct fixture *fixture, const char *op, const char *args,
                                       bool wants_error, char **ret_json, size_t *ret_len,
                                       mastra_error *error)
{
    for (;;) {
        mastra_status status = call_store(fixture, op, args, ret_json, ret_len, error);
        bool saves = strcmp(op, "saveMessages") == 0 && !(fixture->backend->traits & TRAIT_ORPHANS);
        char *thread = saves && !wants_error ? missing_thread(status, error) : NULL;
        if (!thread)
            return status;
        make_thread(fixture, thread);
        free(thread);
    }
}

void fixture_call(struct fixture *fixture, const char *op, const char *args, const char *expect)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    size_t len = 0;
    char *text = args ? match_expand(&fixture->match, args) : NULL;
    char *call = test_format("%s %.500s", op, text ? text : "");
    bool wants_error = expect && strstr(expect, "$error");
    mastra_status status = call_with_threads(fixture, op, text, wants_error, &json, &len, &error);
    judge(fixture, call, expect, status, (mastra_str){json, len}, &error);
    release_json(fixture, json);
    free(call);
    free(text);
}

static void run_step(struct fixture *fixture, const struct step *step)
{
    if (strcmp(step->op, REOPEN) != 0) {
        fixture_call(fixture, step->op, step->args, step->expect);
    } else if (fixture->backend->traits & TRAIT_KEEPS) {
        close_store(fixture);
        open_fixture(fixture);
    }
}

static int begin(void **state)
{
    struct run *run = *state;
    struct fixture *fixture = &run->fixture;
    fixture->backend = run->backend;
    fixture->child = run->child;
    run->backend->begin(&fixture->place);
    match_init(&fixture->match, run->backend->error_store);
    open_fixture(fixture);
    return 0;
}

static void perform(void **state)
{
    struct run *run = *state;
    if (run->test->run)
        run->test->run(&run->fixture);
    for (const struct step *step = run->test->steps; step && step->op; step++)
        run_step(&run->fixture, step);
}

static int end(void **state)
{
    struct run *run = *state;
    struct fixture *fixture = &run->fixture;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = close_fixture(fixture, &error);
    match_release(&fixture->match);
    place_end(&fixture->place);
    return status == MASTRA_OK ? 0 : -1;
}

static void leave_out(void **state)
{
    (void)state;
    skip();
}

static size_t case_count(const struct case_table *const *tables, size_t table_count)
{
    size_t count = 0;
    for (size_t i = 0; i < table_count; i++)
        count += tables[i]->count;
    return count;
}

/* What a case can rely on. */
static unsigned traits_of(const struct backend *backend, const struct child *child)
{
    if (!child)
        return backend->traits | TRAIT_HANDLE | TRAIT_TEXT;
    return child_passes_text(child) ? backend->traits | TRAIT_TEXT : backend->traits & ~TRAIT_RAW_JSON;
}

static size_t add_table(const struct case_table *table, const struct backend *backend, struct child *child,
                        struct CMUnitTest *tests, struct run *runs)
{
    unsigned traits = traits_of(backend, child);
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct test_case *test = &table->cases[i];
        char *name = test_format("%s %s %s: %s", backend->name, test->rule, test->op, test->title);
        if ((test->needs & ~traits) || !conformance_wanted(name)) {
            free(name);
            continue;
        }
        runs[count] = (struct run){.backend = backend, .test = test, .child = child};
        if (backend->available())
            tests[count] = (struct CMUnitTest){name, perform, begin, end, &runs[count]};
        else
            tests[count] = (struct CMUnitTest){name, leave_out, NULL, NULL, NULL};
        count++;
    }
    return count;
}

int conformance_main(const char *group, const struct case_table *const *tables, size_t table_count)
{
    /* Far from UTC: no result may depend on the process's zone. */
    setenv("TZ", "America/New_York", 1);
    tzset();
    size_t most = case_count(tables, table_count) * conformance_backend_count;
    struct CMUnitTest *tests = calloc(most, sizeof(*tests));
    struct run *runs = calloc(most, sizeof(*runs));
    const char *command = getenv("CONFORMANCE_CHILD");
    struct child *child = command ? child_start(command) : NULL;
    size_t count = 0;
    if (!tests || !runs || (command && !child))
        return 1;
    for (size_t b = 0; b < conformance_backend_count; b++) {
        for (size_t t = 0; t < table_count; t++)
            count += add_table(tables[t], &conformance_backends[b], child, tests + count, runs + count);
    }
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)tests[i].name);
    free(tests);
    free(runs);
    return child && !child_end(child) ? 1 : failed;
}
