/* The library: through its typed functions, and by name with JSON. */
#include "contestant.h"

#include <mastra/mastra.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct ours {
    mastra_store *store;
    int next_id;
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    int waiting;
    bool failed;
};

struct request {
    char text[BENCH_BATCH * (BENCH_CONTENT_SIZE + 256)];
    size_t len;
};

/* Typed. */

static bool save(struct ours *self, const char *thread, int count)
{
    static char ids[BENCH_BATCH][32];
    static const mastra_message blank = MASTRA_MESSAGE_INIT;
    mastra_message messages[BENCH_BATCH];
    const mastra_message *pointers[BENCH_BATCH];
    mastra_error error = MASTRA_ERROR_INIT;

    for (int i = 0; i < count; i++) {
        int len = snprintf(ids[i], sizeof ids[i], "message-%d", self->next_id++);

        messages[i] = blank;
        messages[i].id = (mastra_str){ids[i], (size_t)len};
        messages[i].thread_id = mastra_str_of(thread);
        messages[i].resource_id = mastra_str_of("user");
        messages[i].role = mastra_str_of("user");
        messages[i].content = (mastra_str){bench_content(), BENCH_CONTENT_SIZE};
        messages[i].created_at = bench_time();
        pointers[i] = &messages[i];
    }
    if (mastra_save_messages(self->store, pointers, (size_t)count, NULL, &error) != MASTRA_OK) {
        return bench_complain("ours", error.message);
    }
    return true;
}

static bool last_page(struct ours *self)
{
    mastra_list_messages_args args = MASTRA_LIST_MESSAGES_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str thread = mastra_str_of("long");
    mastra_message_list *list = NULL;
    bool right;

    args.thread_ids = &thread;
    args.thread_id_count = 1;
    args.page = BENCH_LONG_THREAD / BENCH_PAGE - 1;
    if (mastra_list_messages(self->store, &args, &list, &error) != MASTRA_OK) {
        return bench_complain("ours", error.message);
    }
    right = mastra_message_list_count(list) == BENCH_PAGE &&
            mastra_message_list_page(list)->total == BENCH_LONG_THREAD;
    mastra_message_list_free(list);
    return right || bench_complain("ours", "the last page is wrong");
}

static bool get_thread(struct ours *self)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_thread *thread = NULL;

    if (mastra_get_thread_by_id(self->store, mastra_str_of("short"), mastra_str_of(NULL), &thread, &error) !=
        MASTRA_OK) {
        return bench_complain("ours", error.message);
    }
    if (!thread) {
        return bench_complain("ours", "the thread is gone");
    }
    mastra_thread_free(thread);
    return true;
}

static bool save_thread(struct ours *self, const char *id)
{
    mastra_thread thread = MASTRA_THREAD_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    thread.id = mastra_str_of(id);
    thread.resource_id = mastra_str_of("user");
    thread.title = mastra_str_of("A thread");
    thread.metadata = mastra_str_of("{\"topic\":\"weather\"}");
    return mastra_save_thread(self->store, &thread, NULL, &error) == MASTRA_OK ||
           bench_complain("ours", error.message);
}

/* By name. */

static void write_request(struct ours *self, struct request *request, const char *thread, int count)
{
    size_t len = (size_t)snprintf(request->text, sizeof request->text, "{\"messages\":[");

    for (int i = 0; i < count; i++) {
        len +=
            (size_t)snprintf(request->text + len, sizeof request->text - len,
                             "%s{\"id\":\"message-%d\",\"threadId\":\"%s\",\"resourceId\":\"user\","
                             "\"role\":\"user\",\"createdAt\":%lld,\"content\":%s}",
                             i ? "," : "", self->next_id++, thread, (long long)bench_time(), bench_content());
    }
    len += (size_t)snprintf(request->text + len, sizeof request->text - len, "]}");
    request->len = len;
}

static bool call(struct ours *self, const char *operation, const char *args, size_t len)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;

    if (mastra_call(self->store, operation, (mastra_str){args, len}, &json, NULL, &error) != MASTRA_OK) {
        return bench_complain("call", error.message);
    }
    mastra_json_free(json);
    return true;
}

static bool call_save(struct ours *self, const char *thread, int count)
{
    static struct request request;

    write_request(self, &request, thread, count);
    return call(self, "saveMessages", request.text, request.len);
}

static bool call_last_page(struct ours *self)
{
    char args[96];
    int len = snprintf(args, sizeof args, "{\"threadId\":\"long\",\"page\":%d}",
                       BENCH_LONG_THREAD / BENCH_PAGE - 1);

    return call(self, "listMessages", args, (size_t)len);
}

static bool call_get_thread(struct ours *self)
{
    static const char args[] = "{\"threadId\":\"short\"}";

    return call(self, "getThreadById", args, sizeof args - 1);
}

/* Submitted at once. */

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    struct ours *self = user;

    (void)json;
    pthread_mutex_lock(&self->lock);
    if (status != MASTRA_OK) {
        self->failed = true;
        bench_complain("ours", error->message);
    }
    if (--self->waiting == 0) {
        pthread_cond_signal(&self->all_done);
    }
    pthread_mutex_unlock(&self->lock);
}

static bool submit(struct ours *self)
{
    static struct request request;
    mastra_error error = MASTRA_ERROR_INIT;

    self->waiting = BENCH_SUBMITTED;
    for (int i = 0; i < BENCH_SUBMITTED; i++) {
        write_request(self, &request, "short", 1);
        if (mastra_call_async(self->store, "saveMessages", (mastra_str){request.text, request.len}, 0, done,
                              self, &error) != MASTRA_OK) {
            return bench_complain("ours", error.message);
        }
    }
    pthread_mutex_lock(&self->lock);
    while (self->waiting > 0) {
        pthread_cond_wait(&self->all_done, &self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    return !self->failed;
}

/* Both. */

static void close_ours(void *user)
{
    struct ours *self = user;

    mastra_close(self->store, NULL);
    pthread_cond_destroy(&self->all_done);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static void *open_ours(const char *path)
{
    mastra_error error = MASTRA_ERROR_INIT;
    struct ours *self = calloc(1, sizeof *self);
    bool ok;
    char url[512];

    if (!self) {
        return NULL;
    }
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->all_done, NULL);
    snprintf(url, sizeof url, "file:%s", path);
    ok = mastra_open(url, NULL, &self->store, &error) == MASTRA_OK || bench_complain("ours", error.message);
    ok = ok && save_thread(self, "short") && save_thread(self, "long");
    for (int i = 0; ok && i < BENCH_LONG_THREAD / BENCH_BATCH; i++) {
        ok = save(self, "long", BENCH_BATCH);
    }
    if (!ok) {
        close_ours(self);
        return NULL;
    }
    return self;
}

static bool step_typed(struct ours *self, enum workload workload)
{
    switch (workload) {
    case SAVE_ONE:
        return save(self, "short", 1);
    case SAVE_BATCH:
        return save(self, "short", BENCH_BATCH);
    case LAST_PAGE:
        return last_page(self);
    case GET_THREAD:
        return get_thread(self);
    default:
        return submit(self);
    }
}

static bool step_call(struct ours *self, enum workload workload)
{
    switch (workload) {
    case SAVE_ONE:
        return call_save(self, "short", 1);
    case SAVE_BATCH:
        return call_save(self, "short", BENCH_BATCH);
    case LAST_PAGE:
        return call_last_page(self);
    case GET_THREAD:
        return call_get_thread(self);
    default:
        return submit(self);
    }
}

static double run(struct ours *self, bool (*step)(struct ours *, enum workload), enum workload workload,
                  int count)
{
    double begin = bench_seconds();

    for (int i = 0; i < count; i++) {
        if (!step(self, workload)) {
            return -1;
        }
    }
    return bench_seconds() - begin;
}

static double run_typed(void *self, enum workload workload, int count)
{
    return run(self, step_typed, workload, count);
}

static double run_call(void *self, enum workload workload, int count)
{
    return run(self, step_call, workload, count);
}

const struct contestant contestant_ours = {"ours", open_ours, run_typed, close_ours};
const struct contestant contestant_call = {"call", open_ours, run_call, close_ours};
