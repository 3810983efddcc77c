/* Connecting: the cluster's name, TLS, and a token as password for each connection. */
#include "aws/dsql_token.h"
#include "aws/secret.h"

#include "backends/dsql/dsql.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct dsql_door {
    struct ms_heap *heap;
    struct mastra_aws *aws;
    struct ms_dsql_target target;
    char *user;
    char *database;
    char *ca;
    int64_t expires_s;
};

mastra_dsql_options dsql_given_options(const struct ms_config *config)
{
    const mastra_dsql_options *special = config->special;
    mastra_dsql_options options = MASTRA_DSQL_OPTIONS_INIT;

    if (special) {
        memcpy(&options, special, special->size < sizeof options ? special->size : sizeof options);
    }
    return options;
}

/* What an option says, else the parameter, else the default. */
static const char *text_of(const char *given, struct ms_config *config, const char *name,
                           const char *fallback)
{
    mastra_str from_url = ms_config_param(config, name);

    if (given) {
        return given;
    }
    return from_url.ptr ? from_url.ptr : fallback;
}

/* The URL's host, behind its two slashes; what may stand behind it is a port and the database. */
static mastra_status host_of_url(const struct ms_config *config, char **ret, mastra_error *error)
{
    mastra_str path = config->path;
    size_t len;

    if (path.len < 3 || strncmp(path.ptr, "//", 2) != 0) {
        return ms_error_argument(error, "url", mastra_str_of(NULL),
                                 "must begin with dsql:// and the name of a cluster");
    }
    path.ptr += 2;
    path.len -= 2;
    if (memchr(path.ptr, '@', path.len)) {
        return ms_error_argument(error, "url", mastra_str_of(NULL),
                                 "must not hold a user or a password: the role is the parameter `user`, and "
                                 "the password a token");
    }
    for (len = 0; len < path.len && path.ptr[len] != '/'; len++) {
    }
    if (len + 1 < path.len) {
        return ms_error_argument(error, "url", mastra_str_of(NULL),
                                 "must hold nothing behind the host but parameters");
    }
    *ret = ms_heap_strdup(config->heap, (mastra_str){path.ptr, len});
    return *ret ? MASTRA_OK : ms_error_oom(error);
}

static mastra_status find_target(struct dsql_door *door, struct ms_config *config,
                                 const mastra_dsql_options *options, mastra_error *error)
{
    const char *region = text_of(options->region, config, "region", NULL);
    char *host = NULL;
    mastra_status status = MASTRA_OK;

    if (config->raw_path.ptr && options->host) {
        return ms_error_argument(error, "host", mastra_str_of(options->host),
                                 "cannot be given together with a URL");
    }
    if (config->raw_path.ptr) {
        status = host_of_url(config, &host, error);
    } else if (!options->host || !options->host[0]) {
        status = ms_error_argument(error, "host", mastra_str_of(NULL),
                                   "must be given: the endpoint of a cluster, such as "
                                   "abc123.dsql.us-east-1.on.aws");
    }
    if (status == MASTRA_OK) {
        status = ms_dsql_target_find(&door->target, door->aws, host ? host : options->host, region, error);
    }
    ms_heap_release(config->heap, host);
    return status;
}

static mastra_status open_aws(struct dsql_door *door, struct ms_config *config,
                              const mastra_dsql_options *options, mastra_error *error)
{
    const struct ms_aws_config aws = {
        .heap = door->heap,
        .log = *config->log,
        .profile = text_of(options->profile, config, "profile", NULL),
        .keys = options->keys,
        .credentials = options->credentials,
        .credentials_user = options->credentials_user,
    };

    return ms_aws_open(&aws, &door->aws, error);
}

static mastra_status read_expiry(struct dsql_door *door, struct ms_config *config,
                                 const mastra_dsql_options *options, mastra_error *error)
{
    const int64_t most = INT64_C(604800);
    mastra_status status;
    char shown[24];

    door->expires_s = MS_DSQL_EXPIRES_S;
    status = ms_config_int(config, "tokenDurationSecs", 1, most, &door->expires_s, error);
    if (status != MASTRA_OK || options->token_expires_s == 0) {
        return status;
    }
    door->expires_s = options->token_expires_s;
    if (door->expires_s < 1 || door->expires_s > most) {
        snprintf(shown, sizeof shown, "%lld", (long long)door->expires_s);
        return ms_error_argument(error, "token_expires_s", mastra_str_of(shown),
                                 "must be 1 to 604800 seconds (one week)");
    }
    return MASTRA_OK;
}

/* Where systems keep the certificates that they trust; libpq before 16 does not look by itself. */
static const char *system_certificates(void)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    };
    const char *named = getenv("SSL_CERT_FILE");

    if (named && named[0]) {
        return named;
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (access(places[i], R_OK) == 0) {
            return places[i];
        }
    }
    return NULL;
}

static mastra_status read_texts(struct dsql_door *door, struct ms_config *config,
                                const mastra_dsql_options *options, mastra_error *error)
{
    const char *user = text_of(options->user, config, "user", "admin");
    const char *database = text_of(options->database, config, "database", "postgres");
    const char *ca = text_of(options->sslrootcert, config, "sslrootcert", system_certificates());

    if (!ca || !ca[0]) {
        return ms_error_argument(error, "sslrootcert", mastra_str_of(NULL),
                                 "must name a file of CA certificates: the system's was not found");
    }
    if (!user[0] || !database[0]) {
        return ms_error_argument(error, user[0] ? "database" : "user", mastra_str_of(NULL),
                                 "must not be empty");
    }
    door->user = ms_heap_strdup(door->heap, mastra_str_of(user));
    door->database = ms_heap_strdup(door->heap, mastra_str_of(database));
    door->ca = ms_heap_strdup(door->heap, mastra_str_of(ca));
    return door->user && door->database && door->ca ? MASTRA_OK : ms_error_oom(error);
}

mastra_status dsql_door_new(struct ms_config *config, struct dsql_door **ret, mastra_error *error)
{
    const mastra_dsql_options options = dsql_given_options(config);
    struct dsql_door *door = ms_heap_calloc(config->heap, sizeof *door);
    mastra_status status;

    if (!door) {
        return ms_error_oom(error);
    }
    door->heap = config->heap;
    status = read_texts(door, config, &options, error);
    if (status == MASTRA_OK) {
        status = read_expiry(door, config, &options, error);
    }
    if (status == MASTRA_OK) {
        status = open_aws(door, config, &options, error);
    }
    if (status == MASTRA_OK) {
        status = find_target(door, config, &options, error);
    }
    if (status != MASTRA_OK) {
        dsql_door_free(door);
        return status;
    }
    *ret = door;
    return MASTRA_OK;
}

void dsql_door_free(struct dsql_door *door)
{
    if (door) {
        ms_dsql_target_release(&door->target);
        ms_aws_close(door->aws);
        ms_heap_release(door->heap, door->user);
        ms_heap_release(door->heap, door->database);
        ms_heap_release(door->heap, door->ca);
        ms_heap_release(door->heap, door);
    }
}

static void release_door(void *arg)
{
    dsql_door_free(arg);
}

/* Keywords. */

/* libpq's own, where nothing but the way to the host is meant. */
static mastra_status pass_on(struct ms_config *config, struct pg_keywords *keywords, mastra_error *error)
{
    static const char *const known[] = {
        "hostaddr",
        "port",
        "connect_timeout",
        "application_name",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        mastra_str value = ms_config_param(config, known[i]);

        if (value.ptr && !pg_keywords_set(keywords, known[i], value.ptr)) {
            return ms_error_oom(error);
        }
    }
    return MASTRA_OK;
}

mastra_status dsql_door_keywords(void *arg, struct ms_config *config, struct pg_keywords *keywords,
                                 mastra_error *error)
{
    const struct dsql_door *door = arg;

    if (!pg_keywords_set(keywords, "fallback_application_name", "mastra-store") ||
        !pg_keywords_set(keywords, "host", door->target.host.ptr) ||
        !pg_keywords_set(keywords, "user", door->user) ||
        !pg_keywords_set(keywords, "dbname", door->database) ||
        !pg_keywords_set(keywords, "sslmode", "verify-full") || !pg_keywords_set(keywords, "sslsni", "1") ||
        !pg_keywords_set(keywords, "sslrootcert", door->ca) ||
        !pg_keywords_set(keywords, "gssencmode", "disable")) {
        return ms_error_oom(error);
    }
    return pass_on(config, keywords, error);
}

/* Connections. */

static mastra_status prepare(void *arg, struct pg_keywords *keywords, mastra_error *error)
{
    struct dsql_door *door = arg;
    struct ms_buf token;
    mastra_status status;

    ms_buf_init(&token, door->heap, 0);
    status = ms_dsql_token(door->aws, &door->target, door->user, door->expires_s, ms_aws_deadline(door->aws),
                           &token, NULL, error);
    if (status == MASTRA_OK && !pg_keywords_set(keywords, "password", token.ptr)) {
        status = ms_error_oom(error);
    }
    ms_secret_buf_release(&token);
    return status;
}

static mastra_status reword(mastra_error *error, mastra_status status, bool retriable, const char *hint)
{
    char message[sizeof error->message];
    char backend[sizeof error->backend];

    ms_error_copy(message, sizeof message, mastra_str_of(error->message));
    memcpy(backend, error->backend, sizeof backend);
    ms_error_set(error, status, "%.400s%s", message, hint);
    memcpy(error->backend, backend, sizeof backend);
    error->retriable = retriable;
    return status;
}

static bool says(const mastra_error *error, const char *words)
{
    return strstr(error->message, words) != NULL;
}

/* "20260101T120000Z", the last one in the text: the service's own time. */
static mastra_time stamp_in(const char *text)
{
    mastra_time found = MASTRA_TIME_NONE;
    char iso[MS_ISO_SIZE];

    for (const char *at = text; *at; at++) {
        if (strspn(at, "0123456789") == 8 && at[8] == 'T' && strspn(at + 9, "0123456789") == 6 &&
            at[15] == 'Z') {
            snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", at, at + 4, at + 6, at + 9, at + 11,
                     at + 13);
            if (!ms_time_parse(mastra_str_of(iso), &found)) {
                found = MASTRA_TIME_NONE;
            }
            at += 15;
        }
    }
    return found;
}

/* A token is made just before it is used: one that has expired tells of a clock that is wrong, which the next token
 * allows for, or of a machine that slept in between. */
static bool again(void *arg, unsigned attempt, mastra_error *error)
{
    struct dsql_door *door = arg;

    if (says(error, "Signature expired") || says(error, "Signature not yet current")) {
        ms_aws_learn_time(door->aws, stamp_in(error->message), ms_aws_now(door->aws));
        reword(error, MASTRA_DENIED, false,
               attempt == 1 ? "" : "; this machine's clock seems to be wrong, by which tokens are made");
        return attempt == 1;
    }
    if (says(error, "access denied")) {
        reword(
            error, MASTRA_DENIED, false,
            "; the role, its mapping to IAM, the policy (dsql:DbConnectAdmin for admin, else dsql:DbConnect) "
            "or the credentials do not fit");
    } else if (says(error, "waking up") || strncmp(error->backend, "53", 2) == 0) {
        reword(error, MASTRA_UNAVAILABLE, true, "");
    }
    return false;
}

/* Sessions are as we want them from the start, as far as they tell. */
const struct pg_connect_ops dsql_connect_ops = {
    .prepare = prepare, .again = again, .release = release_door, .session = ""};
