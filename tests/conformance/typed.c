#include "conformance/typed.h"

#include "support/files.h"

#include <time.h>

void typed_check(mastra_status status, const mastra_error *error, const char *file, int line)
{
    if (status != MASTRA_OK) {
        print_error("%s: %s\n", mastra_status_name(status), error->message);
        _fail(file, line);
    }
}

void typed_json(const struct typed *typed, mastra_str got, const char *text, const char *file, int line)
{
    struct match match;
    match_init(&match, typed->backend->error_store);
    bool exact = typed->backend->traits & TRAIT_RAW_JSON;
    bool same = exact ? got.ptr && strcmp(got.ptr, text) == 0 : match_value(&match, text, got);
    if (!same) {
        print_error("%s is not %s: %s\n", got.ptr, text, match.why);
        _fail(file, line);
    }
    match_release(&match);
}

mastra_thread typed_thread(const char *id, mastra_time at)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    thread.id = mastra_str_of(id);
    thread.resource_id = S("r");
    thread.title = S("title");
    thread.created_at = at;
    thread.updated_at = at;
    return thread;
}

mastra_message typed_message(const char *id, const char *thread, mastra_time at)
{
    mastra_message message = MASTRA_MESSAGE_INIT;
    message.id = mastra_str_of(id);
    message.thread_id = mastra_str_of(thread);
    message.role = S("user");
    message.content = S("hello");
    message.created_at = at;
    return message;
}

void typed_save_three(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread thread = typed_thread("t", 1000);
    mastra_message messages[3] = {typed_message("a", "t", 1), typed_message("b", "t", 2),
                                  typed_message("c", "t", 3)};
    const mastra_message *list[3] = {&messages[0], &messages[1], &messages[2]};
    OK(mastra_save_thread(store, &thread, NULL, &error));
    OK(mastra_save_messages(store, list, 3, NULL, &error));
}

static int begin(void **state)
{
    struct typed *typed = calloc(1, sizeof(*typed));
    mastra_error error = MASTRA_ERROR_INIT;
    if (!typed)
        return -1;
    typed->backend = *state;
    typed->backend->begin(&typed->place);
    *state = typed;
    mastra_status status = mastra_open(typed->place.url, NULL, &typed->store, &error);
    if (status != MASTRA_OK)
        print_error("%s\n", error.message);
    return status == MASTRA_OK ? 0 : -1;
}

static int end(void **state)
{
    struct typed *typed = *state;
    mastra_status status = mastra_close(typed->store, NULL);
    place_end(&typed->place);
    free(typed);
    return status == MASTRA_OK ? 0 : -1;
}

static void leave_out(void **state)
{
    (void)state;
    skip();
}

int typed_main(const char *group, const struct typed_test *tests, size_t count)
{
    /* Far from UTC: no result may depend on the process's zone. */
    setenv("TZ", "America/New_York", 1);
    tzset();
    size_t all = count * conformance_backend_count;
    struct CMUnitTest *list = calloc(all, sizeof(*list));
    if (!list)
        return 1;
    size_t kept = 0;
    for (size_t i = 0; i < all; i++) {
        const struct backend *backend = &conformance_backends[i / count];
        if (tests[i % count].needs & ~backend->traits)
            continue;
        char *name = test_format("%s typed: %s", backend->name, tests[i % count].name);
        if (!conformance_wanted(name)) {
            free(name);
            continue;
        }
        if (backend->available())
            list[kept++] =
                (struct CMUnitTest){name, tests[i % count].run, begin, end, (void *)(uintptr_t)backend};
        else
            list[kept++] = (struct CMUnitTest){name, leave_out, NULL, NULL, NULL};
    }
    int failed = _cmocka_run_group_tests(group, list, kept, NULL, NULL);
    for (size_t i = 0; i < kept; i++)
        free((char *)(uintptr_t)list[i].name);
    free(list);
    return failed;
}
