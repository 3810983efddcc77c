#include "aws/dsql_token.h"

#include <ctype.h>
#include <stdio.h>

#include "base/error.h"

/* The region in a name like abc.dsql.us-east-1.on.aws (or dsql-gamma); absent when it is no such name. */
static mastra_str region_of_host(mastra_str host)
{
    static const char end[] = ".on.aws";
    size_t end_len = sizeof end - 1;
    const char *from;
    const char *dot;

    if (host.len <= end_len || memcmp(host.ptr + host.len - end_len, end, end_len) != 0) {
        return (mastra_str){NULL, 0};
    }
    host.len -= end_len;
    from = memmem(host.ptr, host.len, ".dsql", 5);
    while (from) {
        size_t left = host.len - (size_t)(from - host.ptr) - 5;

        dot = memchr(from + 5, '.', left);
        if (dot && !memchr(dot + 1, '.', (size_t)(host.ptr + host.len - dot - 1))) {
            return (mastra_str){dot + 1, (size_t)(host.ptr + host.len - dot - 1)};
        }
        from = memmem(from + 5, left, ".dsql", 5);
    }
    return (mastra_str){NULL, 0};
}

static bool is_host(mastra_str host)
{
    if (host.len == 0 || host.len > 253 || host.ptr[0] == '.' || host.ptr[host.len - 1] == '.') {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!isalnum((unsigned char)host.ptr[i]) && host.ptr[i] != '-' && host.ptr[i] != '.') {
            return false;
        }
    }
    return true;
}

static mastra_status find_region(struct ms_dsql_target *target, const struct mastra_aws *aws, mastra_str host,
                                 const char *given, mastra_error *error)
{
    mastra_str region = mastra_str_of(given && given[0] ? given : NULL);

    if (!region.ptr) {
        region = region_of_host(host);
    }
    if (!region.ptr) {
        mastra_status status = ms_aws_region(aws, &target->region, error);

        if (status != MASTRA_OK || target->region.len > 0) {
            return status;
        }
        return ms_error_argument(
            error, "region", mastra_str_of(NULL),
            "must be given, since neither the host's name, nor AWS_REGION, nor the profile "
            "says it");
    }
    if (!ms_region_valid(region)) {
        return ms_error_argument(error, "region", region, "must be the name of a region, such as us-east-1");
    }
    ms_buf_add_str(&target->region, region);
    return target->region.failed ? ms_error_oom(error) : MASTRA_OK;
}

mastra_status ms_dsql_target_find(struct ms_dsql_target *target, const struct mastra_aws *aws,
                                  const char *host, const char *region, mastra_error *error)
{
    mastra_str name = mastra_str_of(host);
    mastra_status status;

    ms_buf_init(&target->host, aws->heap, 0);
    ms_buf_init(&target->region, aws->heap, 0);
    if (!host || !is_host(name)) {
        return ms_error_argument(error, "host", name,
                                 "must be the host name of a cluster, without a port, or its id");
    }
    status = find_region(target, aws, name, region, error);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_buf_add_str(&target->host, name);
    if (!strchr(host, '.') && strcmp(host, "localhost") != 0) {
        ms_buf_printf(&target->host, ".dsql.%s.on.aws", target->region.ptr);
    }
    return target->host.failed ? ms_error_oom(error) : MASTRA_OK;
}

void ms_dsql_target_release(struct ms_dsql_target *target)
{
    if (target->host.heap) {
        ms_buf_release(&target->host);
        ms_buf_release(&target->region);
    }
}

static mastra_status sign(struct mastra_aws *aws, const struct ms_dsql_target *target, const char *user,
                          int64_t expires_s, const struct ms_sigv4_keys *keys, mastra_time now,
                          struct ms_buf *buf, mastra_error *error)
{
    bool admin = strcmp(user, "admin") == 0;
    const struct ms_sigv4_pair query = {mastra_str_of("Action"),
                                        mastra_str_of(admin ? "DbConnectAdmin" : "DbConnect")};
    const struct ms_sigv4_pair header = {mastra_str_of("host"), ms_buf_view(&target->host)};
    const struct ms_sigv4_request request = {
        .method = mastra_str_of("GET"),
        .path = mastra_str_of("/"),
        .query = &query,
        .query_count = 1,
        .headers = &header,
        .header_count = 1,
        .region = ms_buf_view(&target->region),
        .service = mastra_str_of("dsql"),
        .time = now,
        .expires_s = expires_s,
    };

    /* Enough for all of it, so that no part of the token is left behind by growing. */
    if (!ms_buf_reserve(buf, 1024 + target->host.len + 3 * keys->session_token.len)) {
        return ms_error_oom(error);
    }
    ms_buf_add_str(buf, ms_buf_view(&target->host));
    ms_buf_add_text(buf, "/?");
    return ms_sigv4_presign(aws->heap, &request, keys, NULL, buf, error);
}

mastra_status ms_dsql_token(struct mastra_aws *aws, const struct ms_dsql_target *target, const char *user,
                            int64_t expires_s, int64_t deadline_ns, struct ms_buf *buf,
                            mastra_time *ret_until, mastra_error *error)
{
    struct ms_credentials *credentials = NULL;
    mastra_time now;
    mastra_time until;
    mastra_status status;

    if (!user || !user[0]) {
        return ms_error_argument(error, "user", mastra_str_of(NULL), "must not be empty");
    }
    /* Before anybody is asked for credentials. */
    if (expires_s < 1 || expires_s > MS_SIGV4_MOST_EXPIRES) {
        char value[24];

        snprintf(value, sizeof value, "%lld", (long long)expires_s);
        return ms_error_argument(error, "expires", mastra_str_of(value),
                                 "must be 1 to 604800 seconds (one week)");
    }
    status = ms_aws_credentials(aws, deadline_ns, &credentials, error);
    if (status != MASTRA_OK) {
        return status;
    }
    now = ms_aws_now(aws);
    until = now + expires_s * 1000;
    status = sign(aws, target, user, expires_s, &credentials->keys, now, buf, error);
    if (status == MASTRA_OK && ret_until) {
        bool earlier = credentials->expiration != MASTRA_TIME_NONE && credentials->expiration < until;

        *ret_until = earlier ? credentials->expiration : until;
    }
    ms_credentials_unref(credentials);
    return status;
}
