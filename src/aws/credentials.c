#include "aws/credentials.h"

#include "base/error.h"

static mastra_str put(char **at, mastra_str text)
{
    mastra_str copy = {*at, text.len};

    if (text.len == 0) {
        return (mastra_str){NULL, 0};
    }
    memcpy(*at, text.ptr, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

struct ms_credentials *ms_credentials_new(struct ms_heap *heap, const struct ms_credentials_draft *draft,
                                          const char *source)
{
    size_t size = sizeof(struct ms_credentials) + draft->access_key_id.len + draft->secret_access_key.len +
                  draft->session_token.len + draft->account_id.len + 4;
    struct ms_credentials *credentials = ms_heap_calloc(heap, size);
    char *at;

    if (!credentials) {
        return NULL;
    }
    at = (char *)(credentials + 1);
    atomic_init(&credentials->refs, 1);
    credentials->heap = ms_heap_ref(heap);
    credentials->size = size;
    credentials->keys.access_key_id = put(&at, draft->access_key_id);
    credentials->keys.secret_access_key = put(&at, draft->secret_access_key);
    credentials->keys.session_token = put(&at, draft->session_token);
    credentials->account_id = put(&at, draft->account_id);
    credentials->expiration = draft->expiration;
    credentials->stable = draft->stable;
    ms_error_copy(credentials->source, sizeof credentials->source, mastra_str_of(source));
    return credentials;
}

struct ms_credentials *ms_credentials_ref(struct ms_credentials *credentials)
{
    atomic_fetch_add(&credentials->refs, 1);
    return credentials;
}

void ms_credentials_unref(struct ms_credentials *credentials)
{
    struct ms_heap *heap;

    if (!credentials || atomic_fetch_sub(&credentials->refs, 1) > 1) {
        return;
    }
    heap = credentials->heap;
    ms_secret_wipe(credentials, credentials->size);
    ms_heap_release(heap, credentials);
    ms_heap_unref(heap);
}

static bool has_blank(mastra_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

const char *ms_credentials_wrong(const struct ms_credentials_draft *draft, const char **ret_why)
{
    const struct {
        const char *name;
        mastra_str text;
    } parts[] = {
        {"accessKeyId", draft->access_key_id},
        {"secretAccessKey", draft->secret_access_key},
        {"sessionToken", draft->session_token},
    };

    for (size_t i = 0; i < 2; i++) {
        if (parts[i].text.len == 0) {
            *ret_why = "must not be empty";
            return parts[i].name;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        if (has_blank(parts[i].text)) {
            *ret_why = "must not hold blanks or line ends";
            return parts[i].name;
        }
    }
    return NULL;
}
