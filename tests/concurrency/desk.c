#include "concurrency/desk.h"

#include "support/files.h"

mastra_store *desk_open(const struct desk *desk, const char *parameter)
{
    char *url = *parameter ? place_url(&desk->place, parameter) : test_format("%s", desk->place.url);
    mastra_store *store = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = mastra_open(url, NULL, &store, &error);
    free(url);
    if (status != MASTRA_OK)
        fail_msg("%s", error.message);
    return store;
}

static struct desk *desk_new(void)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    assert_non_null(desk);
    desk->done = crew_gate_new();
    desk->open = crew_gate_new();
    return desk;
}

int desk_begin(void **state)
{
    struct desk *desk = desk_new();
    place_begin(&desk->place, *state);
    *state = desk;
    return 0;
}

int desk_begin_file(void **state)
{
    struct desk *desk = desk_new();
    place_file_begin(&desk->place);
    *state = desk;
    return 0;
}

int desk_end(void **state)
{
    struct desk *desk = *state;
    mastra_status status = mastra_close(desk->store, NULL);
    crew_gate_free(desk->done);
    crew_gate_free(desk->open);
    place_end(&desk->place);
    free(desk);
    return status == MASTRA_OK ? 0 : -1;
}

void desk_threads(mastra_store *store, ...)
{
    va_list names;
    va_start(names, store);
    for (const char *name = va_arg(names, const char *); name; name = va_arg(names, const char *)) {
        mastra_error error = MASTRA_ERROR_INIT;
        if (client_call(store, "saveThread", NULL, &error, "{'thread':{'id':'%s','resourceId':'r'}}", name) !=
            MASTRA_OK)
            crew_fail("%s: %s", name, error.message);
    }
    va_end(names);
    crew_check();
}

static atomic_int positions;
static atomic_int inside;

void note_briefly(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct outcome *outcome = user;
    if ((status == MASTRA_OK) != (json.ptr != NULL) || (status == MASTRA_OK) != (error == NULL))
        crew_fail("%s with json %p and error %p", mastra_status_name(status), (const void *)json.ptr,
                  (const void *)error);
    outcome->status = status;
    outcome->total = json.ptr ? client_number(json.ptr, "total") : -1;
    outcome->position = atomic_fetch_add(&positions, 1);
    atomic_fetch_add(&outcome->calls, 1);
    crew_gate_add(outcome->desk->done);
}

void note(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    if (atomic_fetch_add(&inside, 1) != 0)
        crew_fail("two callbacks at once");
    note_briefly(user, status, json, error);
    atomic_fetch_sub(&inside, 1);
}

/* Waits in the callback until the test opens the gate. */
void note_slowly(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct outcome *outcome = user;
    crew_gate_wait(outcome->desk->open, 1);
    note(user, status, json, error);
}

struct outcome *outcomes_new(struct desk *desk, size_t count)
{
    struct outcome *outcomes = calloc(count, sizeof(*outcomes));
    assert_non_null(outcomes);
    for (size_t i = 0; i < count; i++)
        outcomes[i].desk = desk;
    return outcomes;
}

void check_once(const struct outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_int_equal(outcomes[i].calls, 1);
}

void submit_save(mastra_store *store, const char *thread, int number, struct outcome *outcome)
{
    mastra_status status =
        client_submit(store, "saveMessages", 0, note, outcome, SAVE_FORMAT, thread, number, thread);
    if (status != MASTRA_OK)
        crew_fail("saveMessages is not taken: %s", mastra_status_name(status));
}

void submit_list(mastra_store *store, const char *args, struct outcome *outcome)
{
    mastra_status status = client_submit(store, "listMessages", 0, note, outcome, "%s", args);
    if (status != MASTRA_OK)
        crew_fail("listMessages is not taken: %s", mastra_status_name(status));
}
