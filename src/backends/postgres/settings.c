#include "backends/postgres/client.h"

#include "base/error.h"
#include "base/utf8.h"

#include <mastra/postgres.h>

#include <inttypes.h>
#include <stdio.h>

#define MOST_CONNECTIONS 1000
#define MOST_MS          (INT64_C(24) * 3600 * 1000)
#define MOST_SECONDS     (INT64_C(365) * 24 * 3600)

/* PostgreSQL cuts longer names without a word. */
#define SCHEMA_MOST      63

const struct pg_defaults pg_postgres_defaults = {
    .settings = {.max = 10,
                 .idle_timeout_ms = 30000,
                 .connection_timeout_ms = 10000,
                 .statement_timeout_ms = 30000},
    .schema = "public",
};

/* What mastra_open_postgres hands over, in full size; all zero when there is none. */
static mastra_postgres_options given_options(const struct ms_config *config)
{
    const mastra_postgres_options *special = config->special;
    mastra_postgres_options options = MASTRA_POSTGRES_OPTIONS_INIT;

    if (special) {
        memcpy(&options, special, special->size < sizeof options ? special->size : sizeof options);
    }
    return options;
}

/* Keywords. */

static bool is_keyword(const PQconninfoOption *known, const char *name)
{
    for (; known->keyword; known++) {
        if (strcmp(known->keyword, name) == 0) {
            return true;
        }
    }
    return false;
}

/* libpq's own complaint would quote the text, passwords and all. */
static mastra_status refuse_text(mastra_error *error, const char *errmsg)
{
    if (errmsg && strstr(errmsg, "out of memory")) {
        return ms_error_oom(error);
    }
    return ms_error_argument(
        error, "url", mastra_str_of(NULL),
        "is no connection URL or list of keywords as libpq reads them; special characters in "
        "user, password and database must be percent-encoded");
}

/* Adds what a text in one of libpq's forms says. */
static mastra_status add_text(struct pg_keywords *keywords, const char *text, mastra_error *error)
{
    char *errmsg = NULL;
    PQconninfoOption *parsed = PQconninfoParse(text, &errmsg);
    mastra_status status = MASTRA_OK;

    if (!parsed) {
        status = refuse_text(error, errmsg);
        PQfreemem(errmsg);
        return status;
    }
    for (const PQconninfoOption *at = parsed; at->keyword && status == MASTRA_OK; at++) {
        if (at->val && !pg_keywords_set(keywords, at->keyword, at->val)) {
            status = ms_error_oom(error);
        }
    }
    PQconninfoFree(parsed);
    return status;
}

/* The URL without its parameters: those are known already, ours among them. */
static mastra_status add_url(struct pg_keywords *keywords, const struct ms_config *config,
                             mastra_error *error)
{
    size_t size = config->raw_path.len + sizeof "postgresql:";
    const char *slash;
    mastra_status status;
    char *text;

    if (config->raw_path.len < 2 || strncmp(config->raw_path.ptr, "//", 2) != 0) {
        return ms_error_argument(error, "url", mastra_str_of(NULL), "must begin with postgresql://");
    }
    /* A password with a slash in it would be taken for a port and a database. */
    slash = memchr(config->raw_path.ptr + 2, '/', config->raw_path.len - 2);
    if (slash && memchr(slash, '@', config->raw_path.len - (size_t)(slash - config->raw_path.ptr))) {
        return refuse_text(error, NULL);
    }
    text = ms_heap_alloc(keywords->heap, size);
    if (!text) {
        return ms_error_oom(error);
    }
    snprintf(text, size, "postgresql:%.*s", (int)config->raw_path.len, config->raw_path.ptr);
    status = add_text(keywords, text, error);
    explicit_bzero(text, size);
    ms_heap_release(keywords->heap, text);
    return status;
}

static mastra_status add_pair(struct pg_keywords *keywords, const PQconninfoOption *known, const char *name,
                              const char *value, mastra_error *error)
{
    if (!is_keyword(known, name)) {
        return ms_error_argument(error, "keywords", mastra_str_of(name), "holds a word unknown to libpq");
    }
    return pg_keywords_set(keywords, name, value) ? MASTRA_OK : ms_error_oom(error);
}

static mastra_status add_params(struct pg_keywords *keywords, const PQconninfoOption *known,
                                struct ms_config *config, mastra_error *error)
{
    for (size_t i = 0; i < config->param_count; i++) {
        struct ms_param *param = &config->params[i];
        bool jdbc = strcmp(param->name.ptr, "ssl") == 0 && strcmp(param->value.ptr, "true") == 0;

        if (!jdbc && !is_keyword(known, param->name.ptr)) {
            continue;
        }
        if (memchr(param->value.ptr, '\0', param->value.len)) {
            return ms_error_argument(error, param->name.ptr, mastra_str_of(NULL), "must not hold a NUL");
        }
        if (!pg_keywords_set(keywords, jdbc ? "sslmode" : param->name.ptr,
                             jdbc ? "require" : param->value.ptr)) {
            return ms_error_oom(error);
        }
        param->used = true;
    }
    return MASTRA_OK;
}

/* A wrong one may be the rest of a password: it is not shown. */
static mastra_status check_port(const struct pg_keywords *keywords, mastra_error *error)
{
    const char *port = pg_keywords_get(keywords, "port");

    if (port && strspn(port, "0123456789,") != strlen(port)) {
        return ms_error_argument(error, "port", mastra_str_of(NULL), "must be a number");
    }
    return MASTRA_OK;
}

static mastra_status add_all(struct pg_keywords *keywords, const PQconninfoOption *known,
                             struct ms_config *config, mastra_error *error)
{
    const mastra_postgres_options options = given_options(config);
    mastra_status status = MASTRA_OK;

    if (config->raw_path.ptr) {
        status = add_url(keywords, config, error);
    } else if (options.url) {
        status = add_text(keywords, options.url, error);
    }
    if (status == MASTRA_OK) {
        status = add_params(keywords, known, config, error);
    }
    for (size_t i = 0; options.keywords && options.keywords[i] && status == MASTRA_OK; i++) {
        const char *value = options.values ? options.values[i] : NULL;

        status = value ? add_pair(keywords, known, options.keywords[i], value, error)
                       : ms_error_argument(error, "values", mastra_str_of(options.keywords[i]),
                                           "lacks the value of a keyword");
    }
    return status == MASTRA_OK ? check_port(keywords, error) : status;
}

mastra_status pg_read_keywords(struct ms_config *config, struct pg_keywords *keywords, mastra_error *error)
{
    PQconninfoOption *known = PQconninfoParse("", NULL);
    mastra_status status;

    if (!known || !pg_keywords_set(keywords, "fallback_application_name", "mastra-store")) {
        PQconninfoFree(known);
        return ms_error_oom(error);
    }
    status = add_all(keywords, known, config, error);
    PQconninfoFree(known);
    return status;
}

/* Settings of the pool. */

static mastra_status refuse_number(mastra_error *error, const char *name, int64_t value)
{
    char shown[24];

    snprintf(shown, sizeof shown, "%" PRId64, value);
    return ms_error_argument(error, name, mastra_str_of(shown), "is out of range");
}

/* A limit of time: in the URL 0 means none, in the options 0 is not set and MASTRA_NO_LIMIT is none. */
static mastra_status read_limit(struct ms_config *config, const char *name, int64_t most, int64_t given,
                                int64_t *ret, mastra_error *error)
{
    mastra_status status = ms_config_int(config, name, 0, most, ret, error);

    if (status != MASTRA_OK || given == 0) {
        return status;
    }
    if (given < MASTRA_NO_LIMIT || given > most) {
        return refuse_number(error, name, given);
    }
    *ret = given == MASTRA_NO_LIMIT ? 0 : given;
    return MASTRA_OK;
}

static mastra_status read_count(struct ms_config *config, const char *name, int64_t least, uint32_t given,
                                uint32_t *ret, mastra_error *error)
{
    int64_t number = *ret;
    mastra_status status = ms_config_int(config, name, least, MOST_CONNECTIONS, &number, error);

    if (status == MASTRA_OK && given > MOST_CONNECTIONS) {
        return refuse_number(error, name, given);
    }
    *ret = given > 0 ? given : (uint32_t)number;
    return status;
}

static mastra_status read_pooler(struct ms_config *config, mastra_pooler given, bool *ret,
                                 mastra_error *error)
{
    mastra_str text = ms_config_param(config, "pooler");

    if (text.ptr && strcmp(text.ptr, "transaction") == 0) {
        *ret = true;
    } else if (text.ptr && strcmp(text.ptr, "none") != 0) {
        return ms_error_argument(error, "pooler", text, "must be none or transaction");
    }
    if (given == MASTRA_POOLER_NONE || given == MASTRA_POOLER_TRANSACTION) {
        *ret = given == MASTRA_POOLER_TRANSACTION;
    } else if (given != MASTRA_POOLER_DEFAULT) {
        return refuse_number(error, "pooler", given);
    }
    return MASTRA_OK;
}

static mastra_status read_times(struct ms_config *config, const mastra_postgres_options *options,
                                struct pg_pool_settings *settings, mastra_error *error)
{
    mastra_status status = read_limit(config, "idleTimeoutMillis", MOST_MS, options->idle_timeout_ms,
                                      &settings->idle_timeout_ms, error);

    if (status == MASTRA_OK) {
        status = read_limit(config, "maxLifetimeSeconds", MOST_SECONDS, options->max_lifetime_s,
                            &settings->max_lifetime_s, error);
    }
    if (status == MASTRA_OK) {
        status = read_limit(config, "connectionTimeoutMillis", MOST_MS, options->connection_timeout_ms,
                            &settings->connection_timeout_ms, error);
    }
    if (status == MASTRA_OK) {
        status = read_limit(config, "statementTimeoutMillis", MOST_MS, options->statement_timeout_ms,
                            &settings->statement_timeout_ms, error);
    }
    return status;
}

mastra_status pg_read_pool_settings(struct ms_config *config, struct pg_pool_settings *settings,
                                    mastra_error *error)
{
    const mastra_postgres_options options = given_options(config);
    mastra_status status = read_count(config, "max", 1, options.max, &settings->max, error);

    if (status == MASTRA_OK) {
        status = read_count(config, "min", 0, options.min, &settings->min, error);
    }
    if (status == MASTRA_OK && settings->min > settings->max) {
        return ms_error_argument(error, "min", mastra_str_of(NULL), "must not be greater than max");
    }
    if (status == MASTRA_OK) {
        status = read_times(config, &options, settings, error);
    }
    if (status == MASTRA_OK) {
        status = read_pooler(config, options.pooler, &settings->transaction_pooler, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_flag(config, "allowExitOnIdle", &settings->allow_exit_on_idle, error);
    }
    settings->allow_exit_on_idle = settings->allow_exit_on_idle || options.allow_exit_on_idle;
    return status;
}

mastra_status pg_read_schema(struct ms_config *config, const char *fallback, struct ms_heap *heap, char **ret,
                             mastra_error *error)
{
    mastra_str from_url = ms_config_param(config, "schema");
    mastra_str schema = mastra_str_of(given_options(config).schema);

    if (!schema.ptr) {
        schema = from_url.ptr ? from_url : mastra_str_of(fallback);
    }
    if (schema.len == 0 || !ms_utf8_valid(schema) || memchr(schema.ptr, '\0', schema.len)) {
        return ms_error_argument(error, "schema", schema, "must be valid UTF-8 and not empty");
    }
    if (schema.len > SCHEMA_MOST) {
        return ms_error_argument(error, "schema", schema, "must not be longer than 63 bytes");
    }
    *ret = ms_heap_strdup(heap, schema);
    return *ret ? MASTRA_OK : ms_error_oom(error);
}

/* Becoming a user of a pool. */

/* What no pool will let go. */
static void release_flavour(const struct pg_defaults *defaults)
{
    const struct pg_connect_ops *ops = defaults->settings.connect;

    if (ops && ops->release) {
        ops->release(defaults->settings.connect_arg);
    }
}

static mastra_status new_pool(struct pg_backend *backend, struct ms_config *config,
                              const struct pg_defaults *defaults, struct pg_pool **ret, mastra_error *error)
{
    struct pg_pool_settings settings = defaults->settings;
    struct pg_keywords keywords;
    mastra_status status;

    pg_keywords_init(&keywords, backend->heap);
    status = defaults->keywords ? defaults->keywords(settings.connect_arg, config, &keywords, error)
                                : pg_read_keywords(config, &keywords, error);
    if (status == MASTRA_OK) {
        status = pg_read_pool_settings(config, &settings, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_unused(config, error);
    }
    if (status != MASTRA_OK) {
        release_flavour(defaults);
    } else {
        status = pg_pool_new(backend->heap, &keywords, &settings, ret, error);
    }
    pg_keywords_release(&keywords);
    return status;
}

/* The program's own: nothing may be said about how it connects. */
static mastra_status given_pool(const struct ms_config *config, struct pg_pool **ret, mastra_error *error)
{
    const mastra_postgres_options options = given_options(config);

    if (options.url || options.keywords || options.max || options.min || options.idle_timeout_ms ||
        options.max_lifetime_s || options.connection_timeout_ms || options.statement_timeout_ms ||
        options.pooler != MASTRA_POOLER_DEFAULT || options.allow_exit_on_idle) {
        return ms_error_argument(error, "pool", mastra_str_of(NULL),
                                 "cannot be given together with where or how to connect");
    }
    *ret = pg_pool_ref((struct pg_pool *)options.pool);
    return MASTRA_OK;
}

static mastra_status become_client(struct pg_backend *backend, struct pg_pool *pool, bool leases_only,
                                   mastra_error *error)
{
    bool guarded = !leases_only && !pg_pool_settings_of(pool)->transaction_pooler;
    mastra_status status = pg_client_init(&backend->client, pool, backend->log, error);

    if (status != MASTRA_OK) {
        return status;
    }
    backend->scope = pg_pool_scope(pool, backend->schema);
    if (guarded) {
        backend->guards = pg_guards_new(backend);
    }
    return backend->scope != 0 && (backend->guards || !guarded) ? MASTRA_OK : ms_error_oom(error);
}

mastra_status pg_backend_connect(struct pg_backend *backend, struct ms_config *config,
                                 const struct pg_defaults *defaults, mastra_error *error)
{
    struct pg_pool *pool = NULL;
    mastra_status status;

    backend->heap = config->heap;
    backend->log = config->log;
    status = pg_read_schema(config, defaults->schema, backend->heap, &backend->schema, error);
    if (status == MASTRA_OK && !given_options(config).pool) {
        status = new_pool(backend, config, defaults, &pool, error);
    } else {
        release_flavour(defaults);
        status = status == MASTRA_OK ? given_pool(config, &pool, error) : status;
    }
    if (status == MASTRA_OK) {
        status = become_client(backend, pool, defaults->leases_only, error);
    }
    pg_pool_unref(pool);
    return status;
}

void pg_backend_disconnect(struct pg_backend *backend)
{
    if (backend->client.pool) {
        /* Whatever its threads wait for. */
        pg_client_interrupt(&backend->client);
    }
    pg_guards_free(backend->guards);
    backend->guards = NULL;
    pg_client_release(&backend->client);
    if (backend->heap) {
        ms_heap_release(backend->heap, backend->schema);
        backend->schema = NULL;
    }
}
