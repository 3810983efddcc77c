#include "aws/endpoint.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "aws/profile.h"
#include "base/error.h"

/* Where the services of a group of regions are. */
static const struct {
    const char *prefix;
    const char *domain;
} partitions[] = {
    {"cn-", "amazonaws.com.cn"},    {"us-iso-", "c2s.ic.gov"},      {"us-isob-", "sc2s.sgov.gov"},
    {"eu-isoe-", "cloud.adc-e.uk"}, {"us-isof-", "csp.hci.ic.gov"}, {"eusc-", "amazonaws.eu"},
    {"", "amazonaws.com"},
};

bool ms_region_valid(mastra_str region)
{
    if (region.len == 0 || region.len > 60 || region.ptr[0] == '-' || region.ptr[region.len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < region.len; i++) {
        char c = region.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return true;
}

static void init(struct ms_endpoint *endpoint, struct ms_heap *heap)
{
    ms_buf_init(&endpoint->url, heap, 0);
    ms_buf_init(&endpoint->host, heap, 0);
    ms_buf_init(&endpoint->path, heap, 0);
}

void ms_endpoint_release(struct ms_endpoint *endpoint)
{
    if (endpoint->url.heap) {
        ms_buf_release(&endpoint->url);
        ms_buf_release(&endpoint->host);
        ms_buf_release(&endpoint->path);
    }
}

/* How much of the text is a host, a name or an address (of IPv6 in brackets), with a port or without. */
static size_t host_length(mastra_str text)
{
    bool bracket = text.len > 0 && text.ptr[0] == '[';
    size_t len = bracket ? 1 : 0;
    size_t digits = 0;

    while (len < text.len &&
           (bracket ? isxdigit((unsigned char)text.ptr[len]) || strchr(":.", text.ptr[len])
                    : isalnum((unsigned char)text.ptr[len]) || strchr(".-_", text.ptr[len])) &&
           text.ptr[len]) {
        len++;
    }
    if (bracket) {
        if (len < 2 || len == text.len || text.ptr[len] != ']') {
            return 0;
        }
        len++;
    }
    if (len == 0 || len == text.len || text.ptr[len] != ':') {
        return len;
    }
    while (len + 1 + digits < text.len && isdigit((unsigned char)text.ptr[len + 1 + digits])) {
        digits++;
    }
    return digits > 0 && digits < 6 ? len + 1 + digits : 0;
}

/* The length of the scheme with "://"; 0 when it is neither of ours. */
static size_t scheme_length(mastra_str url, bool *ret_secure)
{
    *ret_secure = url.len > 8 && strncasecmp(url.ptr, "https://", 8) == 0;
    if (*ret_secure) {
        return 8;
    }
    return url.len > 7 && strncasecmp(url.ptr, "http://", 7) == 0 ? 7 : 0;
}

static bool ends_with(mastra_str text, const char *end)
{
    size_t len = strlen(end);

    return text.len > len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

mastra_status ms_endpoint_parse(struct ms_endpoint *endpoint, struct ms_heap *heap, mastra_str url,
                                const char *field, mastra_error *error)
{
    bool secure;
    size_t from = scheme_length(url, &secure);
    mastra_str host = {url.ptr + from, host_length((mastra_str){url.ptr + from, url.len - from})};
    size_t to = from + host.len;

    init(endpoint, heap);
    if (from == 0 || host.len == 0 || (to < url.len && url.ptr[to] != '/')) {
        /* What stands in its place may be a secret. */
        return ms_error_argument(
            error, field, mastra_str_of(NULL),
            "must be a URL such as http://localhost:8000, without user, query or fragment");
    }
    for (size_t i = to; i < url.len; i++) {
        if (url.ptr[i] <= ' ' || url.ptr[i] >= 0x7f || strchr("?#", url.ptr[i])) {
            return ms_error_argument(error, field, mastra_str_of(NULL), "must have no query and no blanks");
        }
    }
    if (ends_with(host, secure ? ":443" : ":80")) {
        host.len -= secure ? 4 : 3;
    }
    ms_buf_add_str(&endpoint->host, host);
    ms_buf_add_str(&endpoint->path, (mastra_str){url.ptr + to, url.len - to});
    if (endpoint->path.len == 0) {
        ms_buf_add_char(&endpoint->path, '/');
    }
    ms_buf_add_text(&endpoint->url, secure ? "https://" : "http://");
    ms_buf_add_str(&endpoint->url, host);
    ms_buf_add_str(&endpoint->url, ms_buf_view(&endpoint->path));
    return endpoint->url.failed || endpoint->path.failed || endpoint->host.failed ? ms_error_oom(error)
                                                                                  : MASTRA_OK;
}

void ms_endpoint_extend(struct ms_endpoint *endpoint, const char *path)
{
    struct ms_buf *bufs[] = {&endpoint->url, &endpoint->path};

    for (size_t i = 0; i < 2; i++) {
        if (bufs[i]->len > 0 && bufs[i]->ptr[bufs[i]->len - 1] == '/') {
            ms_buf_cut(bufs[i], bufs[i]->len - 1);
        }
        ms_buf_add_text(bufs[i], path);
    }
}

static mastra_status own_endpoint(struct ms_endpoint *endpoint, struct ms_heap *heap, const char *service,
                                  mastra_str region, mastra_error *error)
{
    char url[256];
    size_t i = 0;
    const char *host = strcmp(service, "sso") == 0 ? "portal.sso" : service;

    while (strncmp(region.ptr, partitions[i].prefix, strlen(partitions[i].prefix)) != 0) {
        i++;
    }
    snprintf(url, sizeof url, "https://%s.%.*s.%s/", host, (int)region.len, region.ptr, partitions[i].domain);
    return ms_endpoint_parse(endpoint, heap, mastra_str_of(url), "endpoint", error);
}

/* What the profile says; a view of the profiles. */
static mastra_str of_profile(const struct ms_profiles *profiles, mastra_str profile, const char *service)
{
    mastra_str services = ms_profile_get(profiles, profile, "services");
    mastra_str url = {NULL, 0};

    if (services.ptr) {
        url = ms_ini_get(&profiles->config, MS_INI_SERVICES, services, service, "endpoint_url");
    }
    return url.ptr ? url : ms_profile_get(profiles, profile, "endpoint_url");
}

static mastra_status find_in_profile(struct ms_endpoint *endpoint, const struct mastra_aws *aws,
                                     const char *service, mastra_str region, mastra_error *error)
{
    struct ms_profiles profiles;
    mastra_status status;

    if (!ms_profiles_load(&profiles, aws->heap, &aws->environment)) {
        status = ms_error_oom(error);
    } else {
        mastra_str url = of_profile(&profiles, ms_aws_profile(aws), service);

        status = url.ptr ? ms_endpoint_parse(endpoint, aws->heap, url, "endpoint_url", error)
                         : own_endpoint(endpoint, aws->heap, service, region, error);
    }
    ms_profiles_release(&profiles);
    return status;
}

mastra_status ms_endpoint_find(struct ms_endpoint *endpoint, const struct mastra_aws *aws,
                               const char *service, mastra_str region, const char *given, mastra_error *error)
{
    char variable[64] = "AWS_ENDPOINT_URL_";
    size_t len = strlen(variable);
    const char *url;

    init(endpoint, aws->heap);
    if (given && given[0]) {
        return ms_endpoint_parse(endpoint, aws->heap, mastra_str_of(given), "endpoint", error);
    }
    if (!ms_region_valid(region)) {
        return ms_error_argument(error, "region", region, "must be the name of a region, such as us-east-1");
    }
    if (ms_environment_flag(&aws->environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
        return own_endpoint(endpoint, aws->heap, service, region, error);
    }
    for (const char *at = service; *at && len + 1 < sizeof variable; at++) {
        variable[len++] = (char)toupper((unsigned char)*at);
    }
    variable[len] = '\0';
    url = ms_environment_get(&aws->environment, variable);
    if (url) {
        return ms_endpoint_parse(endpoint, aws->heap, mastra_str_of(url), variable, error);
    }
    url = ms_environment_get(&aws->environment, "AWS_ENDPOINT_URL");
    if (url) {
        return ms_endpoint_parse(endpoint, aws->heap, mastra_str_of(url), "AWS_ENDPOINT_URL", error);
    }
    return find_in_profile(endpoint, aws, service, region, error);
}
