/* What all contestants get to do. */
#include "contestant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const struct row_info rows[ROW_COUNT] = {
    [SAVE_ONE] = {"save_one", "save one message of 1 KB", "messages/s", 2000, 1},
    [SAVE_MANY] = {"save_many", "save 100 in a call", "messages/s", 40, MANY},
    [SAVE_AT_ONCE] = {"save_at_once", "save, 64 calls submitted at once", "messages/s", 2560, 1},
    [LAST_PAGE] = {"last_page", "newest 40 of 10,000", "operations/s", 400, 0},
    [LAST_PAGE_BY_NUMBER] = {"last_page_by_number", "page 249 of 40, oldest first", "operations/s", 200, 0},
    [GET_THREAD] = {"get_thread", "getThreadById", "operations/s", 10000, 0},
};

static int64_t notes_made;

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

void thread_name(char *text, size_t size, const char *kind, size_t number)
{
    if (kind) {
        (void)snprintf(text, size, "%s", kind);
    } else {
        (void)snprintf(text, size, "agent-%zu", number % AT_ONCE);
    }
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

struct batch *batch_new(enum row row, size_t operations, const char *thread)
{
    static const char *const kinds[ROW_COUNT] = {[SAVE_ONE] = "one", [SAVE_MANY] = "many"};
    struct batch *batch = calloc(1, sizeof(*batch));
    size_t count = operations * rows[row].messages;

    if (!batch || (count && !(batch->notes = calloc(count, sizeof(*batch->notes))))) {
        fputs("bench: out of memory\n", stderr);
        exit(1);
    }
    batch->row = row;
    batch->operations = operations;
    batch->note_count = count;
    batch->first = notes_made;
    for (size_t i = 0; i < count; i++) {
        struct note *note = &batch->notes[i];

        make_id(note->id, notes_made);
        thread_name(note->thread, sizeof(note->thread), thread ? thread : kinds[row], i);
        note->created_at = INT64_C(1700000000000) + notes_made;
        make_content(note->content, notes_made);
        notes_made++;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    free(batch->notes);
    free(batch);
}
