#include "support/crew.h"

#include <dirent.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Enough for any machine; what hangs meets the limit of its test. */
#define PATIENCE_S 600

static struct {
    pthread_mutex_t lock;
    int count;
    char first[600];
} failures = {PTHREAD_MUTEX_INITIALIZER, 0, ""};

struct crew_thread {
    pthread_t thread;
    pthread_barrier_t *start; /* NULL: begin at once */
    crew_fn fn;
    int index;
    void *arg;
};

struct crew_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

void crew_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&failures.lock);
    if (failures.count++ == 0)
        vsnprintf(failures.first, sizeof(failures.first), format, args);
    pthread_mutex_unlock(&failures.lock);
    va_end(args);
}

void crew_check(void)
{
    pthread_mutex_lock(&failures.lock);
    int count = failures.count;
    failures.count = 0;
    pthread_mutex_unlock(&failures.lock);
    if (count)
        fail_msg("%d failures, the first: %s", count, failures.first);
}

static void *thread_main(void *arg)
{
    struct crew_thread *thread = arg;
    if (thread->start)
        pthread_barrier_wait(thread->start);
    thread->fn(thread->index, thread->arg);
    return NULL;
}

static void start(struct crew_thread *thread)
{
    if (pthread_create(&thread->thread, NULL, thread_main, thread))
        abort();
}

void crew_run(int count, crew_fn fn, void *arg)
{
    struct crew_thread *threads = calloc((size_t)count, sizeof(*threads));
    pthread_barrier_t barrier;
    if (!threads || pthread_barrier_init(&barrier, NULL, (unsigned)count))
        abort();
    for (int i = 0; i < count; i++) {
        threads[i] = (struct crew_thread){.start = &barrier, .fn = fn, .index = i, .arg = arg};
        start(&threads[i]);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
    free(threads);
}

struct crew_thread *crew_start(crew_fn fn, int index, void *arg)
{
    struct crew_thread *thread = calloc(1, sizeof(*thread));
    if (!thread)
        abort();
    *thread = (struct crew_thread){.fn = fn, .index = index, .arg = arg};
    start(thread);
    return thread;
}

void crew_join(struct crew_thread *thread)
{
    pthread_join(thread->thread, NULL);
    free(thread);
}

/* The state of a thread, as in ps; 0 when it is gone. */
static char state_of(const char *task)
{
    char path[300];
    char text[512];
    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", task);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file)
        fclose(file);
    text[len] = '\0';
    /* The name, in parentheses, may hold anything. */
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' ? end[2] : '\0';
}

static bool others_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    bool sleep = true;
    if (!tasks)
        abort();
    for (struct dirent *entry = readdir(tasks); entry && sleep; entry = readdir(tasks)) {
        bool other = entry->d_name[0] != '.' && strtol(entry->d_name, NULL, 10) != (long)gettid();
        sleep = !other || strchr("S", state_of(entry->d_name));
    }
    closedir(tasks);
    return sleep;
}

void crew_settle(void)
{
    const struct timespec nap = {0, 2000000};
    /* A thread on its way may sleep for a moment, but not each time that it is looked at. */
    for (int i = 0, seen = 0; seen < 5; i++) {
        if (i == PATIENCE_S * 500) {
            crew_fail("the other threads do not come to rest");
            return;
        }
        seen = others_sleep() ? seen + 1 : 0;
        nanosleep(&nap, NULL);
    }
}

pid_t crew_fork(crew_fn fn, int index, void *arg)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child > 0)
        return child;
    failures.count = 0;
    fn(index, arg);
    if (failures.count)
        fprintf(stderr, "child %d: %s\n", index, failures.first);
    _exit(failures.count ? 1 : 0);
}

void crew_wait(pid_t child)
{
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        crew_fail("child %d cannot be waited for", (int)child);
    else if (status != 0)
        crew_fail("child %d ended with status %#x", (int)child, (unsigned)status);
}

struct crew_gate *crew_gate_new(void)
{
    struct crew_gate *gate = calloc(1, sizeof(*gate));
    if (!gate || pthread_mutex_init(&gate->lock, NULL) || pthread_cond_init(&gate->changed, NULL))
        abort();
    return gate;
}

void crew_gate_free(struct crew_gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

void crew_gate_add(struct crew_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->count++;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

int crew_gate_count(struct crew_gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    int count = gate->count;
    pthread_mutex_unlock(&gate->lock);
    return count;
}

bool crew_gate_wait(struct crew_gate *gate, int count)
{
    struct timespec until;
    int failed = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&gate->lock);
    while (gate->count < count && !failed)
        failed = pthread_cond_timedwait(&gate->changed, &gate->lock, &until);
    int reached = gate->count;
    pthread_mutex_unlock(&gate->lock);
    if (reached < count)
        crew_fail("waited in vain for %d, got %d", count, reached);
    return reached >= count;
}
