#include "backends/dynamodb/setup.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

#define DEFAULT_WAIT_MS (INT64_C(3600) * 1000)
#define MOST_WAIT_MS    (INT64_C(7) * 24 * 3600 * 1000)
#define FIRST_PAUSE_US  INT64_C(50000)
#define MOST_PAUSE_US   INT64_C(10000000)

/* Looks for an index that was asked for, until it must be there: six seconds. */
#define MOST_UNSEEN     7

/* One run of it. */
struct work {
    struct ddb_client *client;
    const struct ddb_wish *plan;
    struct ms_arena *arena;
    struct ddb_description table; /* as it was last seen */
    int64_t deadline_ns;
    int64_t pause_us;
    bool created; /* the table, by us */
    mastra_error *error;
};

/* The plan. */

/* All items of a table expire by one attribute. */
static mastra_status find_attribute(const struct ddb_settings *settings, const char **ret,
                                    mastra_error *error)
{
    const char *found = NULL;

    for (size_t i = 0; settings && i < MS_ENTITY_COUNT; i++) {
        const char *name = settings->ttl[i].attribute;

        if (name && found && strcmp(name, found) != 0) {
            return ms_error_argument(error, "ttl", mastra_str_of(name),
                                     "must have one attribute for all entities: DynamoDB deletes by one");
        }
        found = name ? name : found;
    }
    *ret = found ? found : "ttl";
    return MASTRA_OK;
}

static mastra_status read_attribute(const char *given, const struct ddb_settings *settings,
                                    struct ddb_wish *plan, mastra_error *error)
{
    if (given && !given[0]) {
        plan->ttl_attribute = NULL;
        return MASTRA_OK;
    }
    if (given) {
        plan->ttl_attribute = given;
        return ddb_check_ttl_attribute(mastra_str_of(given), NULL, error);
    }
    return find_attribute(settings, &plan->ttl_attribute, error);
}

mastra_status ddb_wish_read(const mastra_dynamodb_setup_options *setup, const struct ddb_settings *settings,
                            struct ddb_wish *ret, mastra_error *error)
{
    mastra_dynamodb_setup_options own = MASTRA_DYNAMODB_SETUP_OPTIONS_INIT;
    char shown[24];

    if (setup) {
        memcpy(&own, setup, setup->size < sizeof own ? setup->size : sizeof own);
    }
    if (own.indexes != 0 && (own.indexes < DDB_INDEXES_LEAST || own.indexes > DDB_INDEXES_MOST)) {
        snprintf(shown, sizeof shown, "%" PRIu32, own.indexes);
        return ms_error_argument(error, "indexes", mastra_str_of(shown), "must be 2 to 7");
    }
    if (own.wait_ms < 0 || own.wait_ms > MOST_WAIT_MS) {
        snprintf(shown, sizeof shown, "%" PRId64, own.wait_ms);
        return ms_error_argument(error, "wait_ms", mastra_str_of(shown), "must be at most a week");
    }
    *ret = (struct ddb_wish){.indexes = own.indexes ? own.indexes : DDB_INDEXES_LEAST,
                             .recovery = !own.no_recovery,
                             .encryption = !own.no_encryption,
                             .wait_ms = own.wait_ms ? own.wait_ms : DEFAULT_WAIT_MS,
                             .step = own.step,
                             .step_user = own.step_user};
    return read_attribute(own.ttl_attribute, settings, ret, error);
}

/* Steps. */

static void tell(const struct work *work, const char *part, mastra_dynamodb_progress progress,
                 const char *detail)
{
    const mastra_dynamodb_step step = {sizeof step, part, progress, detail};

    if (work->plan->step) {
        work->plan->step(work->plan->step_user, &step);
    }
}

static mastra_status look(struct work *work)
{
    return ddb_table_describe(work->client, work->arena, &work->table, work->error);
}

/* Waits a while, longer each time, then looks again. `part`: what is waited for. */
static mastra_status pause_and_look(struct work *work, const char *part)
{
    if (ms_clock_monotonic_ns() + work->pause_us * 1000 > work->deadline_ns) {
        ms_error_set(
            work->error, MASTRA_TIMEOUT,
            "%s of DynamoDB table \"%.64s\" is still being made, which goes on by itself; run the same "
            "command again later",
            part, work->client->settings.table);
        return MASTRA_TIMEOUT;
    }
    ms_clock_sleep_us(work->pause_us);
    work->pause_us = work->pause_us * 2 < MOST_PAUSE_US ? work->pause_us * 2 : MOST_PAUSE_US;
    return look(work);
}

/* Somebody else is changing the table, or as many changes as can be are under way: worth waiting for. */
static bool is_in_use(const struct ms_service_call *call)
{
    return ddb_refused_as(call, "ResourceInUseException") || ddb_refused_as(call, "LimitExceededException");
}

typedef void (*body_fn)(const struct work *work, unsigned number, struct ms_buf *body);

/* Sends a request whose body `put` writes. The call is to be released in any case. */
static mastra_status ask(struct work *work, const char *operation, body_fn put, unsigned number,
                         struct ms_service_call *call)
{
    struct ms_buf body;
    mastra_status status;

    ms_buf_init(&body, work->client->heap, 0);
    put(work, number, &body);
    status = ddb_table_send(work->client, operation, &body, call, work->error);
    ms_buf_release(&body);
    call->body = (mastra_str){NULL, 0};
    return status;
}

static void release(struct work *work, struct ms_service_call *call)
{
    ms_service_call_release(&work->client->service, call);
}

/* The same for a change. *ret_in_use: it was refused because of others, which is no error. */
static mastra_status change(struct work *work, const char *operation, body_fn put, unsigned number,
                            bool *ret_in_use)
{
    struct ms_service_call call;
    mastra_status status = ask(work, operation, put, number, &call);

    *ret_in_use = status != MASTRA_OK && is_in_use(&call);
    release(work, &call);
    return *ret_in_use ? MASTRA_OK : status;
}

/* The table. */

static void put_create_table(const struct work *work, unsigned number, struct ms_buf *body)
{
    ddb_put_create_table(body, work->client->settings.table, number, work->plan->encryption);
}

static mastra_status refuse(struct work *work, const char *part, const char *wrong)
{
    return ms_error_set(work->error, MASTRA_CONFLICT,
                        "%s of DynamoDB table \"%.64s\" cannot be used, and is left as it is: %s", part,
                        work->client->settings.table, wrong);
}

static mastra_status create_table(struct work *work)
{
    bool in_use = false;
    mastra_status status = change(work, "CreateTable", put_create_table, work->plan->indexes, &in_use);

    work->created = status == MASTRA_OK && !in_use;
    if (work->created) {
        tell(work, "table", MASTRA_DYNAMODB_STARTED, "");
    }
    return status == MASTRA_OK ? look(work) : status;
}

/* A table that is being made or deleted is waited for; what somebody has put away is not ours to take back. */
static mastra_status await_table(struct work *work)
{
    bool asked = false;
    mastra_status status = look(work);

    while (status == MASTRA_OK && work->table.state != DDB_ACTIVE) {
        if (work->table.state == DDB_AWAY) {
            return refuse(work, "the whole", work->table.status.ptr);
        }
        if (work->table.state == DDB_MISSING && !asked) {
            asked = true;
            status = create_table(work);
        } else {
            status = pause_and_look(work, "the whole");
        }
    }
    return status;
}

/* Before anything of it is changed: what cannot be mended. */
static mastra_status check_table(struct work *work)
{
    const char *wrong = ddb_table_wrong(&work->table);

    if (wrong) {
        return refuse(work, "the key", wrong);
    }
    for (unsigned i = 1; i <= work->plan->indexes; i++) {
        const struct ddb_index *index = ddb_find_index(&work->table, i);
        char name[DDB_KEY_NAME_SIZE];

        wrong = index ? ddb_index_wrong(index, i) : NULL;
        if (wrong) {
            ddb_index_name(i, name);
            return refuse(work, name, wrong);
        }
    }
    return MASTRA_OK;
}

static mastra_status make_table(struct work *work)
{
    mastra_status status = await_table(work);

    if (status == MASTRA_OK) {
        status = check_table(work);
    }
    if (status == MASTRA_OK) {
        tell(work, "table", work->created ? MASTRA_DYNAMODB_DONE : MASTRA_DYNAMODB_PRESENT, "");
    }
    return status;
}

/* Its indexes. */

static void put_create_index(const struct work *work, unsigned number, struct ms_buf *body)
{
    ddb_put_create_index(body, work->client->settings.table, number, &work->table);
}

/* An index on its way. */
struct growth {
    unsigned number;
    char name[DDB_KEY_NAME_SIZE];
    bool begun;      /* by us */
    unsigned unseen; /* how often it was looked for since, in vain */
};

/* Asks for one that is not there, unless the table is in use. */
static mastra_status begin_index(struct work *work, struct growth *growth)
{
    bool in_use = false;
    mastra_status status = change(work, "UpdateTable", put_create_index, growth->number, &in_use);

    if (status == MASTRA_OK && in_use) {
        return pause_and_look(work, growth->name);
    }
    if (status == MASTRA_OK) {
        tell(work, growth->name, MASTRA_DYNAMODB_STARTED, "");
        growth->begun = true;
        status = look(work);
    }
    return status;
}

/* Descriptions lag a little behind what was asked for; some endpoints accept it and do nothing. */
static mastra_status await_sight(struct work *work, struct growth *growth)
{
    if (growth->unseen++ == MOST_UNSEEN) {
        return ms_error_set(work->error, MASTRA_NOT_SUPPORTED,
                            "the endpoint has taken the request for %s and does not make it", growth->name);
    }
    return pause_and_look(work, growth->name);
}

static mastra_status next_look(struct work *work, struct growth *growth, const struct ddb_index *index)
{
    if (index || work->table.updating) {
        return pause_and_look(work, growth->name);
    }
    return growth->begun ? await_sight(work, growth) : begin_index(work, growth);
}

static mastra_status make_index(struct work *work, unsigned number)
{
    struct growth growth = {.number = number, .begun = work->created};
    const struct ddb_index *index = ddb_find_index(&work->table, number);
    const char *wrong = NULL;
    mastra_status status = MASTRA_OK;

    ddb_index_name(number, growth.name);
    while (status == MASTRA_OK && !wrong &&
           (!index || index->state != DDB_ACTIVE || (growth.begun && work->table.updating))) {
        status = next_look(work, &growth, index);
        index = ddb_find_index(&work->table, number);
        wrong = index ? ddb_index_wrong(index, number) : NULL;
    }
    if (status != MASTRA_OK) {
        return status;
    }
    wrong = ddb_index_wrong(index, number);
    if (wrong) {
        return refuse(work, growth.name, wrong);
    }
    tell(work, growth.name, growth.begun ? MASTRA_DYNAMODB_DONE : MASTRA_DYNAMODB_PRESENT, "");
    return MASTRA_OK;
}

/* What goes with it. Endpoints that are not AWS's may not know it. */

/*
 * Whether a request failed in a way that leaves the part as it is: told, and no error. What is asked for is valid in
 * itself: it is refused when it has been done meanwhile, or too often within an hour, or by endpoints that know less.
 */
static bool is_skipped(const struct work *work, const struct ms_service_call *call, const char *part)
{
    char detail[MS_SERVICE_MESSAGE_SIZE];

    if (ddb_refused_as(call, "UnknownOperationException")) {
        snprintf(detail, sizeof detail, "the endpoint does not know %s", call->operation);
    } else if (ddb_refused_as(call, "ValidationException")) {
        snprintf(detail, sizeof detail, "%s", call->message);
    } else {
        return false;
    }
    tell(work, part, MASTRA_DYNAMODB_SKIPPED, detail);
    return true;
}

/* Asks for a part, as often as something else is in its way. */
static mastra_status enable(struct work *work, const char *operation, body_fn put, const char *part,
                            const char *detail)
{
    bool again = true;
    mastra_status status = MASTRA_OK;

    while (again && status == MASTRA_OK) {
        struct ms_service_call call;

        status = ask(work, operation, put, 0, &call);
        /* Just after a table was made its backups may not be there yet. */
        again = status != MASTRA_OK &&
                (is_in_use(&call) || ddb_refused_as(&call, "ContinuousBackupsUnavailableException"));
        if (status == MASTRA_OK) {
            tell(work, part, MASTRA_DYNAMODB_DONE, detail);
        } else if (again) {
            status = pause_and_look(work, part);
        } else if (is_skipped(work, &call, part)) {
            status = MASTRA_OK;
        }
        release(work, &call);
    }
    return status;
}

static void put_name(const struct work *work, unsigned number, struct ms_buf *body)
{
    (void)number;
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, work->client->settings.table);
    ms_buf_add_char(body, '}');
}

static void put_encryption(const struct work *work, unsigned number, struct ms_buf *body)
{
    (void)number;
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, work->client->settings.table);
    ms_buf_add_text(body, ",\"SSESpecification\":{\"Enabled\":true}}");
}

static mastra_status encrypt(struct work *work)
{
    mastra_status status = look(work);

    while (status == MASTRA_OK && !work->table.encrypted && work->table.updating) {
        status = pause_and_look(work, "another change");
    }
    if (status != MASTRA_OK) {
        return status;
    }
    if (work->table.encrypted) {
        tell(work, "encryption", work->created ? MASTRA_DYNAMODB_DONE : MASTRA_DYNAMODB_PRESENT, "");
        return MASTRA_OK;
    }
    if (work->created) {
        /* As DynamoDB Local does. */
        tell(work, "encryption", MASTRA_DYNAMODB_SKIPPED, "the endpoint has taken no notice of it");
        return MASTRA_OK;
    }
    return enable(work, "UpdateTable", put_encryption, "encryption", "");
}

/* A member of a member of an answer; "" when there is none. */
static void read_answer(mastra_str answer, const char *outer, const char *name, char *out, size_t size)
{
    mastra_str object = {NULL, 0};
    mastra_str raw;
    char text[256];

    out[0] = '\0';
    if (!answer.ptr || !ms_json_check(answer, &object, NULL)) {
        return;
    }
    raw = ms_json_member(ms_json_member(object, mastra_str_of(outer)), mastra_str_of(name));
    if (ms_json_kind(raw) == MS_JSON_STRING && raw.len <= sizeof text) {
        ms_error_copy(out, size, (mastra_str){text, ms_json_unescape(raw, text, NULL)});
    }
}

static void put_ttl(const struct work *work, unsigned number, struct ms_buf *body)
{
    (void)number;
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, work->client->settings.table);
    ms_buf_add_text(body, ",\"TimeToLiveSpecification\":{\"AttributeName\":");
    ms_json_put_string(body, mastra_str_of(work->plan->ttl_attribute));
    ms_buf_add_text(body, ",\"Enabled\":true}}");
}

static mastra_status expire(struct work *work)
{
    const char *wanted = work->plan->ttl_attribute;
    struct ms_service_call call;
    char state[32] = "";
    char attribute[256] = "";
    char detail[384];
    mastra_status status = ask(work, "DescribeTimeToLive", put_name, 0, &call);

    if (status == MASTRA_OK) {
        read_answer(call.answer, "TimeToLiveDescription", "TimeToLiveStatus", state, sizeof state);
        read_answer(call.answer, "TimeToLiveDescription", "AttributeName", attribute, sizeof attribute);
    } else if (is_skipped(work, &call, "ttl")) {
        release(work, &call);
        return MASTRA_OK;
    }
    release(work, &call);
    if (status != MASTRA_OK) {
        return status;
    }
    if (strcmp(state, "DISABLING") == 0) {
        tell(work, "ttl", MASTRA_DYNAMODB_SKIPPED, "it is being disabled; run the same command in an hour");
        return MASTRA_OK;
    }
    if (strcmp(state, "ENABLED") != 0 && strcmp(state, "ENABLING") != 0) {
        return enable(work, "UpdateTimeToLive", put_ttl, "ttl", wanted);
    }
    if (strcmp(attribute, wanted) != 0) {
        snprintf(detail, sizeof detail, "items expire by %s already, and DynamoDB knows one attribute",
                 attribute);
        tell(work, "ttl", MASTRA_DYNAMODB_SKIPPED, detail);
        return MASTRA_OK;
    }
    tell(work, "ttl", MASTRA_DYNAMODB_PRESENT, wanted);
    return MASTRA_OK;
}

static void put_recovery(const struct work *work, unsigned number, struct ms_buf *body)
{
    (void)number;
    ms_buf_add_char(body, '{');
    ddb_put_table_name(body, work->client->settings.table);
    ms_buf_add_text(body, ",\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":true}}");
}

static mastra_status recover(struct work *work)
{
    struct ms_service_call call;
    mastra_str answer = {NULL, 0};
    char state[32] = "";
    mastra_status status = ask(work, "DescribeContinuousBackups", put_name, 0, &call);

    if (status == MASTRA_OK && ms_json_check(call.answer, &answer, NULL)) {
        answer = ms_json_member(answer, mastra_str_of("ContinuousBackupsDescription"));
        read_answer(answer, "PointInTimeRecoveryDescription", "PointInTimeRecoveryStatus", state,
                    sizeof state);
    }
    /* What an endpoint does not describe it may know all the same. */
    if (status != MASTRA_OK && ddb_refused_as(&call, "UnknownOperationException")) {
        status = MASTRA_OK;
    }
    release(work, &call);
    if (status == MASTRA_OK && strcmp(state, "ENABLED") == 0) {
        tell(work, "recovery", MASTRA_DYNAMODB_PRESENT, "");
        return MASTRA_OK;
    }
    return status == MASTRA_OK ? enable(work, "UpdateContinuousBackups", put_recovery, "recovery", "")
                               : status;
}

static mastra_status run(struct work *work)
{
    mastra_status status = make_table(work);

    for (unsigned i = 1; status == MASTRA_OK && i <= work->plan->indexes; i++) {
        work->pause_us = FIRST_PAUSE_US;
        status = make_index(work, i);
    }
    work->pause_us = FIRST_PAUSE_US;
    if (status == MASTRA_OK && work->plan->ttl_attribute) {
        status = expire(work);
    }
    if (status == MASTRA_OK && work->plan->recovery) {
        status = recover(work);
    }
    if (status == MASTRA_OK && work->plan->encryption) {
        status = encrypt(work);
    }
    return status;
}

mastra_status ddb_setup(struct ddb_client *client, const struct ddb_wish *plan, mastra_error *error)
{
    struct work work = {.client = client,
                        .plan = plan,
                        .arena = ms_arena_new(client->heap, 0),
                        .deadline_ns = ms_clock_monotonic_ns() + plan->wait_ms * 1000000,
                        .pause_us = FIRST_PAUSE_US,
                        .error = error};
    mastra_status status = work.arena ? run(&work) : ms_error_oom(error);

    ms_arena_free(work.arena);
    return status;
}
