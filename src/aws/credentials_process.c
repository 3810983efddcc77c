/* Credentials that a program prints, as `credential_process` names it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/credentials_source.h"
#include "base/clock.h"
#include "base/json.h"

#define MOST_OUTPUT ((size_t)64 << 10)

extern char **environ;

/* A shell of its own process group, so that it can be ended with what it has started. */
static int spawn_shell(const char *command, int output, pid_t *ret_pid)
{
    char shell[] = "/bin/sh";
    char option[] = "-c";
    char *argv[] = {shell, option, (char *)(uintptr_t)command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;
    int failed;

    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    /* What it says besides may hold secrets, and the library has no terminal. */
    failed = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    failed =
        failed ? failed : posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    failed = failed ? failed : posix_spawn(ret_pid, shell, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Waits for output (fd -1: for none), at most so long; false at the deadline or when the handle is closed. */
static bool wait_a_while(struct ms_fetch *fetch, int fd, int most_ms, bool *ret_output)
{
    struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = fetch->wake, .events = POLLIN}};
    int64_t left = (fetch->deadline_ns - ms_clock_monotonic_ns()) / 1000000;
    int got;

    *ret_output = false;
    if (left <= 0) {
        ms_fail(fetch, MASTRA_TIMEOUT, "the process did not end in time");
        return false;
    }
    got = poll(fds, 2, left > most_ms ? most_ms : (int)left + 1);
    if (got > 0 && fds[1].revents) {
        ms_fail(fetch, MASTRA_CLOSED, "closed");
        return false;
    }
    *ret_output = got > 0;
    return true;
}

static bool wait_for_output(struct ms_fetch *fetch, int fd)
{
    bool output = false;

    while (!output) {
        if (!wait_a_while(fetch, fd, 60000, &output)) {
            return false;
        }
    }
    return true;
}

/* Reads all that it prints; false, with the reason noted, when that is not to be had. */
static bool read_output(struct ms_fetch *fetch, int fd, struct ms_secret *output)
{
    size_t len = 0;

    while (wait_for_output(fetch, fd)) {
        ssize_t got = read(fd, output->ptr + len, MOST_OUTPUT - len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            ms_pass(fetch, "the process cannot be read: %s", strerror(errno));
            return false;
        }
        if (got == 0) {
            output->ptr[len] = '\0';
            output->len = len;
            return true;
        }
        len += (size_t)got;
        if (len == MOST_OUTPUT) {
            ms_pass(fetch, "the process prints too much");
            return false;
        }
    }
    return false;
}

/* The exit status; 0 too where the host takes the ends of all its children to itself. -1: it has not ended yet. */
static int reap(pid_t pid, int options)
{
    int status;
    pid_t ended;

    while ((ended = waitpid(pid, &status, options)) < 0) {
        if (errno != EINTR) {
            return 0;
        }
    }
    if (ended == 0) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Waits for the end of a process that says nothing more; false, with the reason noted, when that does not come. */
static bool wait_for_end(struct ms_fetch *fetch, pid_t pid, int *ret_status)
{
    bool output;

    for (int pause_ms = 1; (*ret_status = reap(pid, WNOHANG)) < 0; pause_ms += pause_ms < 20) {
        if (!wait_a_while(fetch, -1, pause_ms, &output)) {
            return false;
        }
    }
    return true;
}

static enum ms_found use_output(struct ms_fetch *fetch, const struct ms_secret *output, const char *source,
                                struct ms_credentials **ret)
{
    static const struct ms_json_names names = {
        "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "AccountId", 2, false};
    char text[MS_SOURCE_SIZE];
    mastra_str object;
    int64_t version = 0;

    snprintf(text, sizeof text, "%s: process", source);
    if (ms_json_check(ms_secret_view(output), &object, NULL) && ms_json_kind(object) == MS_JSON_OBJECT) {
        mastra_str raw = ms_json_member(object, mastra_str_of("Version"));

        if (ms_json_kind(raw) != MS_JSON_NUMBER || !ms_json_int(raw, &version) || version != 1) {
            return ms_pass(fetch, "%s: Version is not 1", text);
        }
    }
    return ms_found_json(fetch, ms_secret_view(output), &names, text, MS_PASSED, ret);
}

enum ms_found ms_process_run(struct ms_fetch *fetch, const char *command, const char *source,
                             struct ms_credentials **ret)
{
    struct ms_secret output = {0};
    enum ms_found found;
    pid_t pid = 0;
    int ends[2];
    int failed;
    int status;

    if (!ms_secret_reserve(&output, fetch->aws->heap, MOST_OUTPUT)) {
        return ms_fail_oom(fetch);
    }
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ms_secret_release(&output);
        return ms_pass(fetch, "%s: no pipe: %s", source, strerror(errno));
    }
    failed = spawn_shell(command, ends[1], &pid);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        ms_secret_release(&output);
        return ms_pass(fetch, "%s: the process cannot be started: %s", source, strerror(failed));
    }
    if (!read_output(fetch, ends[0], &output) || !wait_for_end(fetch, pid, &status)) {
        kill(-pid, SIGKILL);
        reap(pid, 0);
        found = fetch->status == MASTRA_DENIED ? MS_PASSED : MS_FAILED;
    } else {
        found = status != 0 ? ms_pass(fetch, "%s: the process ends with status %d", source, status)
                            : use_output(fetch, &output, source, ret);
    }
    close(ends[0]);
    ms_secret_release(&output);
    return found;
}
