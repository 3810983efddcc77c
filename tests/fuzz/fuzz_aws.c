/*
 * What reads files and answers about AWS, on arbitrary bytes: the shared files, the XML of STS, references in it, URLs of
 * endpoints, the JSON of credentials. The first byte chooses.
 */
#include <stdlib.h>

#include "aws/credentials_container.h"
#include "aws/credentials_source.h"
#include "aws/endpoint.h"
#include "aws/xml.h"
#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the fuzzer and any sanitizer where the fault is. */
static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool lies_in(mastra_str part, mastra_str whole)
{
    return !part.ptr || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void use_ini(struct ms_heap *heap, mastra_str text, bool bare)
{
    struct ms_secret copy = {0};
    struct ms_ini ini;

    require(ms_secret_set(&copy, heap, text));
    require(ms_ini_parse(&ini, heap, &copy, bare));
    mastra_str whole = ms_secret_view(&ini.text);
    for (size_t i = 0; i < ini.count; i++) {
        const struct ms_ini_entry *entry = &ini.entries[i];
        require(lies_in(entry->section, whole) && lies_in(entry->key, whole) &&
                lies_in(entry->value, whole) && lies_in(entry->group, whole));
        require(ms_ini_has(&ini, entry->kind, entry->section));
        require(!entry->key.ptr || entry->value.len > 0);
    }
    require(!ms_ini_get(&ini, MS_INI_PROFILE, mastra_str_of("default"), NULL, "no such key").ptr);
    ms_ini_release(&ini);
}

static void use_xml(struct ms_heap *heap, mastra_str text)
{
    static const char *const paths[] = {"AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId",
                                        "ErrorResponse/Error/Code", "a/b", "a"};
    struct ms_secret read = {0};
    mastra_str spelled;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (!ms_xml_find(text, paths[i], &spelled))
            continue;
        require(lies_in(spelled, text) && !memchr(spelled.ptr, '<', spelled.len));
        require(ms_xml_text(spelled, heap, &read));
        require(read.len <= spelled.len && read.ptr[read.len] == '\0');
    }
    require(ms_xml_text(text, heap, &read));
    ms_secret_release(&read);
}

static void use_url(struct ms_heap *heap, mastra_str text)
{
    struct ms_endpoint endpoint;

    if (ms_endpoint_parse(&endpoint, heap, text, "endpoint", NULL) == MASTRA_OK) {
        require(endpoint.host.len > 0 && endpoint.path.ptr[0] == '/');
        /* What is accepted reads the same when it is read again. */
        struct ms_endpoint again;
        require(ms_endpoint_parse(&again, heap, ms_buf_view(&endpoint.url), "endpoint", NULL) == MASTRA_OK);
        require(strcmp(again.host.ptr, endpoint.host.ptr) == 0 &&
                strcmp(again.path.ptr, endpoint.path.ptr) == 0);
        ms_endpoint_release(&again);
    }
    ms_endpoint_release(&endpoint);
    char *terminated = malloc(text.len + 1);
    require(terminated != NULL);
    memcpy(terminated, text.ptr, text.len);
    terminated[text.len] = '\0';
    ms_container_url_allowed(terminated);
    free(terminated);
}

static mastra_time fixed_now(void *user)
{
    (void)user;
    return INT64_C(1700000000000);
}

static void use_json(struct ms_heap *heap, mastra_str text)
{
    static const struct ms_json_names names = {
        "AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId", 4, false};
    struct mastra_aws aws = {.heap = heap, .now = fixed_now};
    struct ms_fetch fetch = {.aws = &aws};
    struct ms_credentials *credentials = NULL;

    if (ms_found_json(&fetch, text, &names, "fuzz", MS_PASSED, &credentials) == MS_FOUND) {
        require(credentials->keys.access_key_id.len > 0 && credentials->keys.secret_access_key.len > 0 &&
                credentials->keys.session_token.len > 0 && credentials->expiration > fixed_now(NULL));
        ms_credentials_unref(credentials);
    } else {
        require(!credentials && fetch.why[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ms_heap *heap = ms_heap_new(NULL);

    require(heap != NULL);
    if (size > 0) {
        mastra_str text = {(const char *)data + 1, size - 1};
        switch (data[0]) {
        case 'c':
            use_ini(heap, text, false);
            break;
        case 'k':
            use_ini(heap, text, true);
            break;
        case 'x':
            use_xml(heap, text);
            break;
        case 'u':
            use_url(heap, text);
            break;
        default:
            use_json(heap, text);
            break;
        }
    }
    ms_heap_unref(heap);
    return 0;
}
