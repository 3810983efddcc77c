/* What all contestants get to do. */
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES "messages/s"
#define CALLS    "operations/s"

const struct row_info rows[ROW_COUNT] = {
    [SAVE_ONE] = {.key = "save_one",
                  .name = "save one message of 1 KB",
                  .unit = MESSAGES,
                  .operations = 2000,
                  .things = 1,
                  .thread = "one"},
    [SAVE_MANY] = {.key = "save_many",
                   .name = "save 100 in a call",
                   .unit = MESSAGES,
                   .operations = 40,
                   .things = MANY,
                   .thread = "many"},
    [SAVE_AT_ONCE] = {.key = "save_at_once",
                      .name = "save, 64 calls submitted at once",
                      .unit = MESSAGES,
                      .work = WORK_AT_ONCE,
                      .operations = 2560,
                      .things = 1,
                      .fewer = 10},
    [SAVE_THREADS] = {.key = "save_at_once",
                      .name = "save, 64 threads one at a time",
                      .unit = MESSAGES,
                      .work = WORK_THREADS,
                      .operations = 2560,
                      .things = 1,
                      .fewer = 10},
    [FULL_ONE] = {.key = "save_one",
                  .name = "FULL: save one message of 1 KB",
                  .unit = MESSAGES,
                  .operations = 200,
                  .things = 1,
                  .thread = "one",
                  .full = true},
    [FULL_MANY] = {.key = "save_many",
                   .name = "FULL: save 100 in a call",
                   .unit = MESSAGES,
                   .operations = 20,
                   .things = MANY,
                   .thread = "many",
                   .full = true},
    [FULL_AT_ONCE] = {.key = "save_at_once",
                      .name = "FULL: 64 calls submitted at once",
                      .unit = MESSAGES,
                      .work = WORK_AT_ONCE,
                      .operations = 1280,
                      .things = 1,
                      .fewer = 5,
                      .full = true},
    [FULL_THREADS] = {.key = "save_at_once",
                      .name = "FULL: 64 threads one at a time",
                      .unit = MESSAGES,
                      .work = WORK_THREADS,
                      .operations = 1280,
                      .things = 1,
                      .fewer = 5,
                      .full = true},
    [NEWEST_LONG] = {.key = "newest_long",
                     .name = "newest 40 of 10,000",
                     .unit = CALLS,
                     .work = WORK_PAGE,
                     .operations = 2000,
                     .fewer = 10,
                     .thread = "long",
                     .newest_first = true},
    [NEWEST_HUGE] = {.key = "newest_huge",
                     .name = "newest 40 of 100,000",
                     .unit = CALLS,
                     .work = WORK_PAGE,
                     .operations = 2000,
                     .fewer = 50,
                     .thread = "huge",
                     .newest_first = true},
    [LAST_LONG] = {.key = "last_long",
                   .name = "last page of 10,000, oldest first",
                   .unit = CALLS,
                   .work = WORK_PAGE,
                   .operations = 2000,
                   .fewer = 10,
                   .thread = "long"},
    [LAST_HUGE] = {.key = "last_huge",
                   .name = "last page of 100,000, oldest first",
                   .unit = CALLS,
                   .work = WORK_PAGE,
                   .operations = 2000,
                   .fewer = 50,
                   .thread = "huge"},
    [NEWEST_BESIDE] = {.key = "newest_long",
                       .name = "newest 40, another process writing",
                       .unit = CALLS,
                       .work = WORK_PAGE,
                       .operations = 800,
                       .fewer = 8,
                       .thread = "long",
                       .newest_first = true,
                       .beside = true},
    [NEWEST_NO_TOTAL] = {.key = "newest_no_total",
                         .name = "newest 40 without a total",
                         .unit = CALLS,
                         .work = WORK_PAGE,
                         .operations = 2000,
                         .fewer = 10,
                         .thread = "long",
                         .newest_first = true,
                         .no_total = true},
    [GET_THREAD] = {.key = "get_thread",
                    .name = "getThreadById",
                    .unit = CALLS,
                    .work = WORK_GET_THREAD,
                    .operations = 20000,
                    .fewer = 10},
    [PERSIST] = {.key = "persist",
                 .name = "persistWorkflowSnapshot of 20 KB",
                 .unit = CALLS,
                 .work = WORK_PERSIST,
                 .operations = 800,
                 .fewer = 2},
    [CREATE_SPANS] = {.key = "create_spans",
                      .name = "batchCreateSpans of 100",
                      .unit = "spans/s",
                      .work = WORK_SPANS,
                      .operations = 20,
                      .things = MANY},
    [GET_TRACE] = {.key = "get_trace",
                   .name = "getTrace of 200 spans",
                   .unit = CALLS,
                   .work = WORK_TRACE,
                   .operations = 800,
                   .fewer = 8},
    [LIST_TRACES] = {.key = "list_traces",
                     .name = "listTraces, 10 of 2,000",
                     .unit = CALLS,
                     .work = WORK_TRACES,
                     .operations = 2000,
                     .fewer = 8},
    [START] = {.key = "start",
               .name = "open a fresh file, save a thread",
               .unit = "starts/s",
               .work = WORK_START,
               .operations = 16,
               .fewer = 2},
};

const char *const thread_kinds[THREAD_KINDS] = {"one", "many", "long", "huge", "other"};

#define FILLING "the quick brown fox jumps over the lazy dog while the benchmark runs on and on; "

const char span_attributes[] =
    "{\"model\":\"gpt-4o\",\"provider\":\"openai\",\"usage\":{\"inputTokens\":1207,"
    "\"outputTokens\":88},\"parameters\":{\"temperature\":0.2},\"note\":\"" FILLING FILLING "\"}";
const char span_input[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"" FILLING FILLING FILLING "\"}]}";
const char span_output[] = "{\"text\":\"" FILLING FILLING FILLING FILLING "\",\"finishReason\":\"stop\"}";

static int64_t things_made;

/* The clock, files. */

double seconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int64_t milliseconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void fresh_path(char *text, size_t size, const char *path)
{
    static unsigned number;

    (void)snprintf(text, size, "%s.start-%u", path, number++);
}

void remove_database(const char *path)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[4200];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
}

/* Things. */

void agent_name(char text[24], size_t number)
{
    (void)snprintf(text, 24, "agent-%zu", number % AT_ONCE);
}

static uint64_t scramble(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* An id as UUIDs are: without order, so that it lands anywhere in the index. */
static void make_id(char id[37], int64_t number)
{
    uint64_t high = scramble((uint64_t)number * 2 + 1);
    uint64_t low = scramble((uint64_t)number * 2 + 2);

    (void)snprintf(id, 37, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffffu, (unsigned)high & 0xfffu, (unsigned)(low >> 48) & 0xfffu,
                   (unsigned long long)(low & UINT64_C(0xffffffffffff)));
}

static void make_content(char content[CONTENT + 1], int64_t number)
{
    static const char end[] = "\"}]}";
    int head = snprintf(content, CONTENT, "{\"format\":2,\"parts\":[{\"type\":\"text\",\"text\":\"%lld",
                        (long long)number);
    size_t body = CONTENT - (sizeof(end) - 1) - (size_t)head;

    for (size_t i = 0; i < body; i++) {
        content[(size_t)head + i] = i % 7 ? (char)('a' + i % 26) : ' ';
    }
    memcpy(content + CONTENT - (sizeof(end) - 1), end, sizeof(end));
}

void note_make(struct note *note, const char *thread, int64_t number)
{
    make_id(note->id, number);
    (void)snprintf(note->thread, sizeof(note->thread), "%s", thread);
    note->created_at = FIRST_TIME + number;
    make_content(note->content, number);
}

static void *must(void *memory)
{
    if (!memory) {
        fputs("bench: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* A snapshot as an engine writes one: what came in, and what each step gave. */
static char *make_snapshot(int64_t number)
{
    char *text = must(malloc(SNAPSHOT + 1));
    size_t len = (size_t)snprintf(
        text, SNAPSHOT, "{\"n\":%lld,\"status\":\"running\",\"value\":{},\"context\":{\"input\":{\"n\":%lld}",
        (long long)number, (long long)number);

    for (int step = 0; len + 600 < SNAPSHOT; step++) {
        len += (size_t)snprintf(
            text + len, SNAPSHOT - len,
            ",\"step-%d\":{\"status\":\"success\",\"startedAt\":%lld,\"output\":{\"text\":\"" FILLING FILLING
                FILLING FILLING "\"}}",
            step, (long long)(FIRST_TIME + step));
    }
    (void)snprintf(text + len, SNAPSHOT - len, "},\"suspendedPaths\":{},\"timestamp\":%lld}",
                   (long long)(FIRST_TIME + number));
    return text;
}

/* Batches. */

static struct batch *new_batch(enum row row, const char *key, size_t operations)
{
    struct batch *batch = must(calloc(1, sizeof(*batch)));

    batch->row = row;
    batch->key = key;
    batch->operations = operations;
    batch->first = things_made;
    return batch;
}

static void add_notes(struct batch *batch, size_t count, const char *thread)
{
    char agent[24];

    batch->notes = must(calloc(count, sizeof(*batch->notes)));
    batch->note_count = count;
    for (size_t i = 0; i < count; i++) {
        agent_name(agent, i);
        note_make(&batch->notes[i], thread ? thread : agent, things_made++);
    }
}

static void add_snapshots(struct batch *batch)
{
    batch->snapshots = must(calloc(batch->operations, sizeof(*batch->snapshots)));
    for (size_t i = 0; i < batch->operations; i++) {
        batch->snapshots[i] = make_snapshot(things_made++);
    }
}

struct batch *batch_new(enum row row, size_t operations)
{
    const struct row_info *info = &rows[row];
    struct batch *batch;

    if (info->work == WORK_SPANS) {
        return batch_new_spans(info->key, operations * info->things);
    }
    batch = new_batch(row, info->key, operations);
    if (info->things > 0) {
        add_notes(batch, operations * info->things, info->thread);
    }
    if (info->work == WORK_PERSIST) {
        add_snapshots(batch);
    }
    if (info->work == WORK_SAVE && info->things == 1) {
        batch->laps = must(calloc(operations, sizeof(*batch->laps)));
    }
    return batch;
}

struct batch *batch_new_fill(size_t calls)
{
    struct batch *batch = new_batch(SAVE_MANY, "fill", calls);

    add_notes(batch, calls * MANY, "long");
    return batch;
}

struct batch *batch_new_huge(void)
{
    struct batch *batch = new_batch(SAVE_MANY, "fill_huge", HUGE_THREAD / 10 / MANY);

    add_notes(batch, HUGE_THREAD / 10, "huge");
    return batch;
}

struct batch *batch_new_spans(const char *key, size_t count)
{
    bool roots = strcmp(key, "fill_roots") == 0;
    bool trace = strcmp(key, "fill_trace") == 0;
    struct batch *batch = new_batch(CREATE_SPANS, key, (count + MANY - 1) / MANY);

    batch->spans = must(calloc(count, sizeof(*batch->spans)));
    batch->span_count = count;
    for (size_t i = 0; i < count; i++) {
        struct span_note *span = &batch->spans[i];
        char id[37];

        make_id(id, things_made);
        (void)snprintf(span->id, sizeof(span->id), "%.8s%.8s", id, id + 28);
        if (trace) {
            (void)snprintf(span->trace, sizeof(span->trace), "trace-%d", TRACES / 2);
        } else {
            (void)snprintf(span->trace, sizeof(span->trace), roots ? "trace-%zu" : "part-%zu",
                           roots ? i : (size_t)batch->first + i / MANY);
        }
        span->root = roots;
        span->started_at = FIRST_TIME + things_made++;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; batch->snapshots && i < batch->operations; i++) {
        free(batch->snapshots[i]);
    }
    free(batch->snapshots);
    free(batch->laps);
    free(batch->spans);
    free(batch->notes);
    free(batch);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

void batch_sum_up(struct batch *batch)
{
    if (!batch->laps || batch->operations == 0) {
        return;
    }
    qsort(batch->laps, batch->operations, sizeof(*batch->laps), compare);
    batch->latency.p50 = batch->laps[batch->operations / 2] * 1e6;
    batch->latency.p99 = batch->laps[batch->operations * 99 / 100] * 1e6;
}
