#include "backends/dynamodb/options.h"

#include "base/error.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define TABLE_LEAST        3
#define TABLE_MOST         255
#define ATTRIBUTE_MOST     255
#define MOST_TTL_SECONDS   (INT64_C(1000) * 366 * 24 * 3600)
#define MOST_MS            (INT64_C(24) * 3600 * 1000)
#define MOST_PARALLEL      256
#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_PARALLEL   16
#define MOST_ITEMS         100
#define MOST_SEGMENTS      8
#define TTL_PREFIX         "ttl."
#define TTL_ATTRIBUTE      "ttl"

/* Entities by the names that Mastra's adapter gives them, but for the last, which it does not have. */
static const struct {
    const char *name;
    enum ms_entity_id id;
} entities[] = {
    {"thread", MS_THREAD},     {"message", MS_MESSAGE},
    {"resource", MS_RESOURCE}, {"workflow_snapshot", MS_SNAPSHOT},
    {"score", MS_SCORE},       {"eval", MS_EVAL},
    {"trace", MS_TRACE},       {"span", MS_SPAN},
};
#define ENTITY_COUNT (sizeof entities / sizeof entities[0])

/* What mastra_open_dynamodb hands over, in full size; all zero when there is none. */
static mastra_dynamodb_options given_options(const struct ms_config *config)
{
    const mastra_dynamodb_options *special = config->special;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;

    if (special) {
        memcpy(&options, special, special->size < sizeof options ? special->size : sizeof options);
    }
    return options;
}

static mastra_status refuse_number(mastra_error *error, const char *field, int64_t value)
{
    char shown[24];

    snprintf(shown, sizeof shown, "%" PRId64, value);
    return ms_error_argument(error, field, mastra_str_of(shown), "is out of range");
}

/* A copy of the text that counts: that of the options, else that of the URL. Neither: NULL. */
static mastra_status choose(struct ms_arena *arena, const char *field, const char *option,
                            mastra_str from_url, const char **ret, mastra_error *error)
{
    mastra_str text = mastra_str_of(option);
    mastra_str copy;

    if (!text.ptr) {
        text = from_url;
    }
    if (text.len == 0) {
        return MASTRA_OK;
    }
    if (!ms_utf8_valid(text) || memchr(text.ptr, '\0', text.len)) {
        return ms_error_argument(error, field, mastra_str_of(NULL), "must be valid UTF-8 without a NUL");
    }
    if (!ms_arena_str(arena, text, &copy)) {
        return ms_error_oom(error);
    }
    *ret = copy.ptr;
    return MASTRA_OK;
}

/* Where the table is. */

static bool in_table_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

mastra_status ddb_check_table_name(mastra_str name, mastra_error *error)
{
    bool good = name.len >= TABLE_LEAST && name.len <= TABLE_MOST;

    for (size_t i = 0; good && i < name.len; i++) {
        good = in_table_name(name.ptr[i]);
    }
    return good ? MASTRA_OK
                : ms_error_argument(error, "table", name,
                                    "must have 3 to 255 letters, digits, dots, dashes and underscores");
}

/* "//us-east-1/agents": the region, which may be left out, and the table, which the options may say. */
static mastra_status split_url(const struct ms_config *config, mastra_str *region, mastra_str *table,
                               mastra_error *error)
{
    mastra_str rest = config->path;
    const char *slash;

    if (!rest.ptr) {
        return MASTRA_OK;
    }
    if (rest.len < 2 || memcmp(rest.ptr, "//", 2) != 0) {
        return ms_error_argument(error, "url", mastra_str_of(NULL), "must be like dynamodb://REGION/TABLE");
    }
    rest = (mastra_str){rest.ptr + 2, rest.len - 2};
    /* Not shown: somebody may have put a key where other URLs have a password. */
    if (memchr(rest.ptr, '@', rest.len)) {
        return ms_error_argument(error, "url", mastra_str_of(NULL),
                                 "must not hold credentials; they are found as AWS programs find them");
    }
    slash = memchr(rest.ptr, '/', rest.len);
    *region = (mastra_str){rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len};
    if (slash) {
        *table = (mastra_str){slash + 1, rest.len - region->len - 1};
    }
    return MASTRA_OK;
}

static mastra_status read_place(struct ms_config *config, const mastra_dynamodb_options *options,
                                struct ms_arena *arena, struct ddb_settings *settings, mastra_error *error)
{
    mastra_str region = {NULL, 0};
    mastra_str table = {NULL, 0};
    mastra_status status;

    if (options->url && !config->raw_path.ptr) {
        return ms_error_argument(error, "url", mastra_str_of(NULL), "must be like dynamodb://REGION/TABLE");
    }
    status = split_url(config, &region, &table, error);
    if (status == MASTRA_OK) {
        status = choose(arena, "region", options->region, region, &settings->region, error);
    }
    if (status == MASTRA_OK && settings->region && !ms_region_valid(mastra_str_of(settings->region))) {
        return ms_error_argument(error, "region", mastra_str_of(settings->region),
                                 "must be the name of a region, such as us-east-1");
    }
    if (status == MASTRA_OK) {
        status = choose(arena, "table", options->table, table, &settings->table, error);
    }
    if (status == MASTRA_OK && !settings->table) {
        return ms_error_argument(error, "table", mastra_str_of(NULL),
                                 "must be given, in the URL as dynamodb://REGION/TABLE");
    }
    return status == MASTRA_OK ? ddb_check_table_name(mastra_str_of(settings->table), error) : status;
}

static mastra_status read_access(struct ms_config *config, const mastra_dynamodb_options *options,
                                 struct ms_arena *arena, struct ddb_settings *settings, mastra_error *error)
{
    mastra_status status = choose(arena, "endpoint", options->endpoint, ms_config_param(config, "endpoint"),
                                  &settings->endpoint, error);

    if (status == MASTRA_OK) {
        status = choose(arena, "profile", options->profile, ms_config_param(config, "profile"),
                        &settings->profile, error);
    }
    if (status == MASTRA_OK) {
        status = choose(arena, "ca_file", options->ca_file, ms_config_param(config, "ca_file"),
                        &settings->ca_file, error);
    }
    if (status == MASTRA_OK && options->keys && options->credentials) {
        return ms_error_argument(error, "credentials", mastra_str_of(NULL),
                                 "must not be given together with keys");
    }
    settings->keys = options->keys;
    settings->credentials = options->credentials;
    settings->credentials_user = options->credentials_user;
    return status;
}

/* How much at a time. */

static mastra_status read_large(struct ms_config *config, mastra_large_records given, bool *ret,
                                mastra_error *error)
{
    mastra_str text = ms_config_param(config, "large_records");

    if (text.ptr && strcmp(text.ptr, "parts") == 0) {
        *ret = true;
    } else if (text.ptr && strcmp(text.ptr, "refuse") != 0) {
        return ms_error_argument(error, "large_records", text, "must be refuse or parts");
    }
    if (given == MASTRA_LARGE_REFUSE || given == MASTRA_LARGE_PARTS) {
        *ret = given == MASTRA_LARGE_PARTS;
    } else if (given != MASTRA_LARGE_DEFAULT) {
        return refuse_number(error, "large_records", given);
    }
    return MASTRA_OK;
}

static mastra_status read_limits(struct ms_config *config, const mastra_dynamodb_options *options,
                                 struct ddb_settings *settings, mastra_error *error)
{
    int64_t parallel = DEFAULT_PARALLEL;
    int64_t items = 0;
    int64_t segments = 0;
    mastra_status status = ms_config_int(config, "timeoutMillis", 1, MOST_MS, &settings->timeout_ms, error);

    if (status == MASTRA_OK) {
        status = ms_config_int(config, "parallel", 1, MOST_PARALLEL, &parallel, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_int(config, "transaction_items", 1, MOST_ITEMS, &items, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_int(config, "scan_segments", 1, MOST_SEGMENTS, &segments, error);
    }
    if (status == MASTRA_OK) {
        status = ms_config_flag(config, "count_capacity", &settings->count_capacity, error);
    }
    if (status == MASTRA_OK && (options->timeout_ms < 0 || options->timeout_ms > MOST_MS)) {
        return refuse_number(error, "timeout_ms", options->timeout_ms);
    }
    if (status == MASTRA_OK && options->parallel > MOST_PARALLEL) {
        return refuse_number(error, "parallel", options->parallel);
    }
    if (options->timeout_ms > 0) {
        settings->timeout_ms = options->timeout_ms;
    }
    settings->parallel = options->parallel > 0 ? options->parallel : (uint32_t)parallel;
    settings->transaction_items = (uint32_t)items;
    settings->scan_segments = (uint32_t)segments;
    return status == MASTRA_OK ? read_large(config, options->large_records, &settings->large_parts, error)
                               : status;
}

/* Expiry. */

/* Attributes that mean something to DynamoDB, to Mastra's adapter or to us. */
static bool is_reserved(mastra_str name)
{
    static const char *const taken[] = {"pk", "sk", "entity", "threadId", "entityData"};

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (strcmp(name.ptr, taken[i]) == 0) {
            return true;
        }
    }
    return strncmp(name.ptr, "gsi", strlen("gsi")) == 0 ||
           strncmp(name.ptr, "__edb_", strlen("__edb_")) == 0 ||
           strncmp(name.ptr, "mastra_", strlen("mastra_")) == 0;
}

static bool is_column(const struct ms_entity *entity, mastra_str name)
{
    for (size_t i = 0; i < ENTITY_COUNT; i++) {
        const struct ms_entity *known = ms_entity(entities[i].id);

        if ((!entity || known == entity) && ms_entity_column(known, name) >= 0) {
            return true;
        }
    }
    return false;
}

static mastra_status check_attribute(const char *field, mastra_str name, const struct ms_entity *entity,
                                     mastra_error *error)
{
    if (name.len == 0 || name.len > ATTRIBUTE_MOST || !ms_utf8_valid(name) ||
        memchr(name.ptr, '\0', name.len)) {
        return ms_error_argument(error, field, name, "must have 1 to 255 bytes of valid UTF-8");
    }
    if (is_reserved(name) || is_column(entity, name)) {
        return ms_error_argument(error, field, name, "is an attribute that means something else");
    }
    return MASTRA_OK;
}

mastra_status ddb_check_ttl_attribute(mastra_str name, const struct ms_entity *entity, mastra_error *error)
{
    return check_attribute("ttl_attribute", name, entity, error);
}

static const struct ms_entity *find_entity(mastra_str name)
{
    for (size_t i = 0; i < ENTITY_COUNT; i++) {
        if (strlen(entities[i].name) == name.len && memcmp(entities[i].name, name.ptr, name.len) == 0) {
            return ms_entity(entities[i].id);
        }
    }
    return NULL;
}

/* The attribute that a parameter names; `fallback` when there is no such parameter. */
static mastra_status read_attribute(struct ms_config *config, const char *param,
                                    const struct ms_entity *entity, const char *fallback,
                                    struct ms_arena *arena, const char **ret, mastra_error *error)
{
    mastra_str name = ms_config_param(config, param);
    mastra_status status;

    *ret = fallback;
    if (!name.ptr) {
        return MASTRA_OK;
    }
    status = check_attribute(param, name, entity, error);
    if (status == MASTRA_OK && !ms_arena_str(arena, name, &name)) {
        return ms_error_oom(error);
    }
    *ret = name.ptr;
    return status;
}

/* ttl.thread=86400, ttl.thread.attribute=expiresAt, and ttl.attribute for all of them. */
static mastra_status read_ttl_params(struct ms_config *config, struct ms_arena *arena,
                                     struct ddb_settings *settings, mastra_error *error)
{
    const char *attribute = NULL;
    mastra_status status =
        read_attribute(config, "ttl.attribute", NULL, TTL_ATTRIBUTE, arena, &attribute, error);

    for (size_t i = 0; status == MASTRA_OK && i < ENTITY_COUNT; i++) {
        struct ddb_ttl *ttl = &settings->ttl[entities[i].id];
        const char *own = NULL;
        char param[64];

        snprintf(param, sizeof param, TTL_PREFIX "%s", entities[i].name);
        status = ms_config_int(config, param, 1, MOST_TTL_SECONDS, &ttl->seconds, error);
        snprintf(param, sizeof param, TTL_PREFIX "%s.attribute", entities[i].name);
        if (status == MASTRA_OK) {
            status = read_attribute(config, param, ms_entity(entities[i].id), attribute, arena, &own, error);
        }
        ttl->attribute = ttl->seconds > 0 ? own : NULL;
    }
    return status;
}

static mastra_status take_ttl(const mastra_dynamodb_ttl *given, size_t index, struct ms_arena *arena,
                              struct ddb_settings *settings, mastra_error *error)
{
    mastra_dynamodb_ttl ttl = MASTRA_DYNAMODB_TTL_INIT;
    const struct ms_entity *entity;
    mastra_str attribute;
    mastra_status status;
    char field[48];

    memcpy(&ttl, given, given->size < sizeof ttl ? given->size : sizeof ttl);
    entity = ttl.entity ? find_entity(mastra_str_of(ttl.entity)) : NULL;
    if (!entity) {
        snprintf(field, sizeof field, "ttl[%zu].entity", index);
        return ms_error_argument(
            error, field, mastra_str_of(ttl.entity),
            "must be thread, message, resource, workflow_snapshot, score, eval, trace or span");
    }
    if (ttl.seconds < 0 || ttl.seconds > MOST_TTL_SECONDS) {
        snprintf(field, sizeof field, "ttl[%zu].seconds", index);
        return refuse_number(error, field, ttl.seconds);
    }
    attribute = mastra_str_of(ttl.attribute ? ttl.attribute : TTL_ATTRIBUTE);
    snprintf(field, sizeof field, "ttl[%zu].attribute", index);
    status = check_attribute(field, attribute, entity, error);
    if (status == MASTRA_OK && !ms_arena_str(arena, attribute, &attribute)) {
        return ms_error_oom(error);
    }
    if (status == MASTRA_OK) {
        bool on = ttl.enabled && ttl.seconds > 0;

        settings->ttl[entity->id] = (struct ddb_ttl){on ? attribute.ptr : NULL, on ? ttl.seconds : 0};
    }
    return status;
}

static mastra_status read_ttls(struct ms_config *config, const mastra_dynamodb_options *options,
                               struct ms_arena *arena, struct ddb_settings *settings, mastra_error *error)
{
    mastra_status status = read_ttl_params(config, arena, settings, error);

    if (options->ttl_count > 0 && !options->ttl) {
        return ms_error_argument(error, "ttl", mastra_str_of(NULL), "must not be NULL");
    }
    for (size_t i = 0; status == MASTRA_OK && i < options->ttl_count; i++) {
        status = options->ttl[i] ? take_ttl(options->ttl[i], i, arena, settings, error)
                                 : ms_error_argument(error, "ttl", mastra_str_of(NULL), "must hold no NULL");
    }
    return status;
}

mastra_status ddb_settings_read(struct ms_config *config, struct ms_arena *arena,
                                struct ddb_settings *settings, mastra_error *error)
{
    const mastra_dynamodb_options options = given_options(config);
    mastra_status status;

    *settings = (struct ddb_settings){.timeout_ms = DEFAULT_TIMEOUT_MS};
    status = read_place(config, &options, arena, settings, error);
    if (status == MASTRA_OK) {
        status = read_access(config, &options, arena, settings, error);
    }
    if (status == MASTRA_OK) {
        status = read_limits(config, &options, settings, error);
    }
    if (status == MASTRA_OK) {
        status = read_ttls(config, &options, arena, settings, error);
    }
    return status == MASTRA_OK ? ms_config_unused(config, error) : status;
}
