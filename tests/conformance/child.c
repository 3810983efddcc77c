#include "conformance/child.h"

#include "base/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    FILE *requests;
    FILE *answers;
    bool text;
};

/* Runs in the new process, and does not return. */
static void become(const char *command, int input, int output)
{
    if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    perror("sh");
    _exit(127);
}

static bool start(struct child *child, const char *command)
{
    int requests[2];
    int answers[2];
    if (pipe2(requests, O_CLOEXEC) || pipe2(answers, O_CLOEXEC))
        return false;
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0)
        become(command, requests[0], answers[1]);
    close(requests[0]);
    close(answers[1]);
    child->requests = fdopen(requests[1], "w");
    child->answers = fdopen(answers[0], "r");
    return child->pid > 0 && child->requests && child->answers;
}

struct child *child_start(const char *command)
{
    char greeting[16];
    struct child *child = calloc(1, sizeof(*child));
    if (!child || !start(child, command) || !fgets(greeting, sizeof(greeting), child->answers)) {
        fprintf(stderr, "the child process did not come up: %s\n", command);
        return NULL;
    }
    child->text = strcmp(greeting, "text\n") == 0;
    return child;
}

bool child_end(struct child *child)
{
    int status = -1;
    fclose(child->requests);
    fclose(child->answers);
    bool ended = waitpid(child->pid, &status, 0) == child->pid && status == 0;
    free(child);
    return ended;
}

bool child_passes_text(const struct child *child)
{
    return child->text;
}

/* A text as JSON; it may be anything that is UTF-8. */
static void put_string(FILE *out, const char *text)
{
    putc('"', out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static bool send(FILE *out, const char *op, const char *args)
{
    fputs("{\"op\":", out);
    put_string(out, op);
    if (args) {
        fputs(",\"args\":", out);
        put_string(out, args);
    }
    fputs("}\n", out);
    return fflush(out) == 0;
}

/* Reads an answer; false when there is none. */
static bool receive(FILE *in, bool *ret_ok, char **ret_json, size_t *ret_len)
{
    char head[64];
    char word[8];
    size_t len;
    if (!fgets(head, sizeof(head), in) || sscanf(head, "%7s %zu", word, &len) != 2)
        return false;
    char *json = malloc(len + 1);
    if (!json || fread(json, 1, len, in) != len) {
        free(json);
        return false;
    }
    json[len] = '\0';
    *ret_ok = strcmp(word, "ok") == 0;
    *ret_json = json;
    *ret_len = len;
    return true;
}

static void copy_text(mastra_str object, const char *name, char *out, size_t size)
{
    mastra_str raw = ms_json_member(object, mastra_str_of(name));
    out[0] = '\0';
    if (ms_json_kind(raw) == MS_JSON_STRING && ms_json_string_length(raw) < size)
        out[ms_json_unescape(raw, out, NULL)] = '\0';
}

/* INTERNAL for a code that does not exist. */
static mastra_status status_named(const char *name)
{
#define STATUS(upper, number, lower, text, exit_code, http)                                                  \
    if (strcmp(name, lower) == 0)                                                                            \
        return MASTRA_##upper;
    MASTRA_STATUS_MAP(STATUS)
#undef STATUS
    return MASTRA_INTERNAL;
}

static void read_error(mastra_str json, mastra_error *error)
{
    mastra_str object;
    char code[32];
    if (!ms_json_check(json, &object, NULL)) {
        snprintf(error->message, sizeof(error->message), "an error that is not JSON: %.300s", json.ptr);
        error->status = MASTRA_INTERNAL;
        return;
    }
    mastra_str details = ms_json_member(object, mastra_str_of("details"));
    copy_text(object, "code", code, sizeof(code));
    error->status = status_named(code);
    copy_text(object, "id", error->id, sizeof(error->id));
    copy_text(object, "category", error->category, sizeof(error->category));
    copy_text(object, "message", error->message, sizeof(error->message));
    copy_text(object, "op", error->operation, sizeof(error->operation));
    if (ms_json_kind(details) == MS_JSON_OBJECT) {
        copy_text(details, "field", error->field, sizeof(error->field));
        copy_text(details, "value", error->value, sizeof(error->value));
    }
}

mastra_status child_call(struct child *child, const char *op, const char *args, char **ret_json,
                         size_t *ret_len, mastra_error *error)
{
    bool ok = false;
    char *json = NULL;
    size_t len = 0;
    if (!send(child->requests, op, args) || !receive(child->answers, &ok, &json, &len)) {
        error->status = MASTRA_INTERNAL;
        snprintf(error->message, sizeof(error->message), "the child process has gone");
        return MASTRA_INTERNAL;
    }
    if (ok) {
        *ret_json = json;
        *ret_len = len;
        return MASTRA_OK;
    }
    read_error((mastra_str){json, len}, error);
    free(json);
    return error->status;
}
