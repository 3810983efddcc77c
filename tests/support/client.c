#include "support/client.h"

#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static char *print_args(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        abort();
    for (char *at = text; *at; at++) {
        if (*at == '\'')
            *at = '"';
    }
    return text;
}

mastra_status client_call(mastra_store *store, const char *op, char **ret_json, mastra_error *error,
                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = print_args(format, args);
    va_end(args);
    mastra_status status = mastra_call(store, op, mastra_str_of(text), ret_json, NULL, error);
    free(text);
    return status;
}

mastra_status client_submit(mastra_store *store, const char *op, unsigned flags, mastra_done_fn done,
                            void *user, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = print_args(format, args);
    va_end(args);
    mastra_status status = mastra_call_async(store, op, mastra_str_of(text), flags, done, user, NULL);
    free(text);
    return status;
}

static mastra_str member_of(const char *json, const char *member)
{
    mastra_str value;
    if (!json || !ms_json_check(mastra_str_of(json), &value, NULL))
        return mastra_str_of(NULL);
    return ms_json_member(value, mastra_str_of(member));
}

int64_t client_number(const char *json, const char *member)
{
    mastra_str value = member_of(json, member);
    int64_t number;
    return ms_json_kind(value) == MS_JSON_NUMBER && ms_json_int(value, &number) ? number : -1;
}

size_t client_count(const char *json, const char *member)
{
    return ms_json_count(member_of(json, member));
}

int64_t client_total(mastra_store *store, const char *thread_id)
{
    char *json = NULL;
    client_call(store, "listMessages", &json, NULL, "{'threadId':'%s','perPage':1}", thread_id);
    int64_t total = client_number(json, "total");
    mastra_json_free(json);
    return total;
}

int64_t client_metadata_count(mastra_store *store, const char *thread_id)
{
    char *json = NULL;
    client_call(store, "getThreadById", &json, NULL, "{'threadId':'%s'}", thread_id);
    int64_t count = json ? (int64_t)client_count(json, "metadata") : -1;
    mastra_json_free(json);
    return count;
}
