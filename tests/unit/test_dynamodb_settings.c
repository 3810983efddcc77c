/* Where a DynamoDB store's table is and how it is used, as its URL and options say it. Nothing is asked of anybody here. */
#include "backends/dynamodb/client.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct lab {
    struct ms_heap *heap;
    struct ms_arena *arena;
    struct ddb_client client;
    mastra_error error;
    mastra_status status;
};

static void no_credentials(void *user, mastra_aws_reply *reply)
{
    (void)user;
    mastra_aws_reply_failure(reply, "none");
}

static struct lab *lab_open(const char *url, const mastra_dynamodb_options *options)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct ms_config config = {.special = options};
    assert_non_null(lab);
    lab->heap = ms_heap_new(NULL);
    lab->arena = ms_arena_new(lab->heap, 0);
    lab->error = (mastra_error)MASTRA_ERROR_INIT;
    config.heap = lab->heap;
    lab->status = ms_store_url(url, "dynamodb", lab->arena, &config, &lab->error);
    if (lab->status == MASTRA_OK)
        lab->status = ddb_client_open(&lab->client, &config, &lab->error);
    return lab;
}

static void lab_close(struct lab *lab)
{
    ddb_client_close(&lab->client);
    ms_arena_free(lab->arena);
    ms_heap_unref(lab->heap);
    free(lab);
}

static struct lab *lab_good(const char *url, const mastra_dynamodb_options *options)
{
    struct lab *lab = lab_open(url, options);
    if (lab->status != MASTRA_OK)
        fail_msg("%s: %s", url ? url : "(no URL)", lab->error.message);
    return lab;
}

/* Refused, naming the field, and never telling the secret. */
static void refused(const char *url, const mastra_dynamodb_options *options, const char *field,
                    const char *words)
{
    struct lab *lab = lab_open(url, options);
    mastra_error error = lab->error;
    bool fine = lab->status == MASTRA_INVALID_ARGUMENT && strcmp(error.field, field) == 0 &&
                strstr(error.message, words) && !strstr(error.message, "s3cret") &&
                !strstr(error.value, "s3cret");
    lab_close(lab);
    if (!fine)
        fail_msg("%s: %s, field \"%s\": %s", url ? url : "(no URL)", mastra_status_name(error.status),
                 error.field, error.message);
}

static void assert_endpoint(const struct lab *lab, const char *url)
{
    assert_string_equal(lab->client.service.endpoint.url.ptr, url);
}

static void defaults(void **state)
{
    (void)state;
    struct lab *lab = lab_good("dynamodb://eu-west-1/agents", NULL);
    const struct ddb_settings *settings = &lab->client.settings;
    assert_string_equal(settings->table, "agents");
    assert_string_equal(settings->region, "eu-west-1");
    assert_null(settings->endpoint);
    assert_endpoint(lab, "https://dynamodb.eu-west-1.amazonaws.com/");
    assert_int_equal(settings->timeout_ms, 30000);
    assert_int_equal(settings->parallel, 16);
    assert_int_equal(settings->transaction_items, 0);
    assert_int_equal(settings->scan_segments, 0);
    assert_false(settings->large_parts);
    assert_false(settings->count_capacity);
    for (size_t i = 0; i < MS_ENTITY_COUNT; i++)
        assert_null(settings->ttl[i].attribute);
    lab_close(lab);
}

static void region_of_the_environment(void **state)
{
    (void)state;
    setenv("AWS_REGION", "us-west-2", 1);
    struct lab *lab = lab_good("dynamodb:///agents", NULL);
    assert_null(lab->client.settings.region);
    assert_endpoint(lab, "https://dynamodb.us-west-2.amazonaws.com/");
    lab_close(lab);
    setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost:4566", 1);
    lab = lab_good("dynamodb:///agents", NULL);
    assert_endpoint(lab, "http://localhost:4566/");
    lab_close(lab);
    unsetenv("AWS_ENDPOINT_URL_DYNAMODB");
    unsetenv("AWS_REGION");
    refused("dynamodb:///agents", NULL, "region", "must be given");
}

static void all_in_the_url(void **state)
{
    (void)state;
    struct lab *lab =
        lab_good("dynamodb://us-east-1/a.b-c_D9?endpoint=http%3A%2F%2Flocalhost%3A8000&profile=dev&"
                 "ca_file=/etc/"
                 "ca.pem&timeoutMillis=7&parallel=3&transaction_items=10&scan_segments=5&count_capacity=1&"
                 "large_records=parts&ttl.thread=60&ttl.span=61&ttl.workflow_snapshot=62&"
                 "ttl.attribute=expiresAt&ttl.span.attribute=gone%20at",
                 NULL);
    const struct ddb_settings *settings = &lab->client.settings;
    assert_string_equal(settings->table, "a.b-c_D9");
    assert_endpoint(lab, "http://localhost:8000/");
    assert_string_equal(settings->profile, "dev");
    assert_string_equal(settings->ca_file, "/etc/ca.pem");
    assert_int_equal(settings->timeout_ms, 7);
    assert_int_equal(settings->parallel, 3);
    assert_int_equal(settings->transaction_items, 10);
    assert_int_equal(settings->scan_segments, 5);
    assert_true(settings->large_parts);
    assert_true(settings->count_capacity);
    assert_int_equal(settings->ttl[MS_THREAD].seconds, 60);
    assert_string_equal(settings->ttl[MS_THREAD].attribute, "expiresAt");
    assert_int_equal(settings->ttl[MS_SPAN].seconds, 61);
    assert_string_equal(settings->ttl[MS_SPAN].attribute, "gone at");
    assert_int_equal(settings->ttl[MS_SNAPSHOT].seconds, 62);
    assert_null(settings->ttl[MS_MESSAGE].attribute);
    assert_null(settings->ttl[MS_RUN_LOCK].attribute);
    lab_close(lab);
}

static void options_win(void **state)
{
    (void)state;
    mastra_dynamodb_ttl thread = MASTRA_DYNAMODB_TTL_INIT;
    mastra_dynamodb_ttl message = MASTRA_DYNAMODB_TTL_INIT;
    mastra_dynamodb_ttl score = MASTRA_DYNAMODB_TTL_INIT;
    const mastra_dynamodb_ttl *ttl[] = {&thread, &message, &score};
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    thread.entity = "thread";
    thread.enabled = false;
    thread.seconds = 5;
    message.entity = "message";
    message.attribute = "expiresAt";
    message.seconds = 90;
    score.entity = "score"; /* without seconds: never */
    options.region = "eu-north-1";
    options.table = "mine";
    options.endpoint = "https://db.example/path";
    options.timeout_ms = 9;
    options.parallel = 256;
    options.large_records = MASTRA_LARGE_REFUSE;
    options.ttl = ttl;
    options.ttl_count = 3;
    struct lab *lab =
        lab_good("dynamodb://us-east-1/agents?ttl.thread=60&ttl.message=61&ttl.score=62&ttl.trace=63&"
                 "timeoutMillis=8&parallel=1&large_records=parts",
                 &options);
    const struct ddb_settings *settings = &lab->client.settings;
    assert_string_equal(settings->table, "mine");
    assert_string_equal(settings->region, "eu-north-1");
    assert_endpoint(lab, "https://db.example/path");
    assert_int_equal(settings->timeout_ms, 9);
    assert_int_equal(settings->parallel, 256);
    assert_false(settings->large_parts);
    assert_null(settings->ttl[MS_THREAD].attribute);
    assert_string_equal(settings->ttl[MS_MESSAGE].attribute, "expiresAt");
    assert_int_equal(settings->ttl[MS_MESSAGE].seconds, 90);
    assert_null(settings->ttl[MS_SCORE].attribute);
    assert_string_equal(settings->ttl[MS_TRACE].attribute, "ttl");
    assert_int_equal(settings->ttl[MS_TRACE].seconds, 63);
    lab_close(lab);
}

/* An older program's struct ends earlier; what it lacks is the default. */
static void a_shorter_struct(void **state)
{
    (void)state;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    options.size = offsetof(mastra_dynamodb_options, endpoint);
    options.region = "eu-west-1";
    options.table = "agents";
    options.endpoint = "this is beyond its end";
    struct lab *lab = lab_good(NULL, &options);
    assert_endpoint(lab, "https://dynamodb.eu-west-1.amazonaws.com/");
    lab_close(lab);
}

static void places_refused(void **state)
{
    (void)state;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    refused("dynamodb://us-east-1", NULL, "table", "dynamodb://REGION/TABLE");
    refused("dynamodb://us-east-1/", NULL, "table", "dynamodb://REGION/TABLE");
    refused("dynamodb://us-east-1/ab", NULL, "table", "3 to 255");
    refused("dynamodb://us-east-1/agents/more", NULL, "table", "got \"agents/more\"");
    refused("dynamodb://US_EAST/agents", NULL, "region", "got \"US_EAST\"");
    refused("dynamodb://AKIA:s3cret@us-east-1/agents", NULL, "url", "must not hold credentials");
    refused("dynamodb://us-east-1/agents?endpoint=ftp://x", NULL, "endpoint", "must be a URL");
    refused("dynamodb://us-east-1/agents?endpoint=http://me:s3cret@x/", NULL, "endpoint", "must be a URL");
    refused("dynamodb://us-east-1/agents?profil=dev", NULL, "url", "unknown parameter, got \"profil\"");
    refused("file:agent.db", &options, "table", "must be given");
    options.url = "us-east-1/agents";
    refused(options.url, &options, "url", "dynamodb://REGION/TABLE");
}

static void numbers_refused(void **state)
{
    (void)state;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    refused("dynamodb://us-east-1/agents?timeoutMillis=0", NULL, "timeoutMillis", "out of range");
    refused("dynamodb://us-east-1/agents?parallel=257", NULL, "parallel", "out of range");
    refused("dynamodb://us-east-1/agents?scan_segments=9", NULL, "scan_segments", "out of range");
    refused("dynamodb://us-east-1/agents?transaction_items=101", NULL, "transaction_items", "out of range");
    refused("dynamodb://us-east-1/agents?large_records=yes", NULL, "large_records", "refuse or parts");
    refused("dynamodb://us-east-1/agents?count_capacity=2", NULL, "count_capacity", "true or false");
    options.timeout_ms = -1;
    refused("dynamodb://us-east-1/agents", &options, "timeout_ms", "got \"-1\"");
    options.timeout_ms = 0;
    options.parallel = 1000;
    refused("dynamodb://us-east-1/agents", &options, "parallel", "got \"1000\"");
    options.parallel = 0;
    options.large_records = (mastra_large_records)7;
    refused("dynamodb://us-east-1/agents", &options, "large_records", "got \"7\"");
}

static void expiry_refused(void **state)
{
    (void)state;
    mastra_dynamodb_ttl ttl = MASTRA_DYNAMODB_TTL_INIT;
    const mastra_dynamodb_ttl *list[] = {&ttl, NULL};
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    refused("dynamodb://us-east-1/agents?ttl.thread=0", NULL, "ttl.thread", "out of range");
    refused("dynamodb://us-east-1/agents?ttl.threads=1", NULL, "url",
            "unknown parameter, got \"ttl.threads\"");
    refused("dynamodb://us-east-1/agents?ttl.attribute=pk", NULL, "ttl.attribute", "means something else");
    refused("dynamodb://us-east-1/agents?ttl.score.attribute=reason", NULL, "ttl.score.attribute",
            "got \"reason\"");
    refused("dynamodb://us-east-1/agents?ttl.attribute=", NULL, "ttl.attribute", "1 to 255 bytes");
    options.ttl = list;
    options.ttl_count = 1;
    ttl.entity = "agent";
    refused("dynamodb://us-east-1/agents", &options, "ttl[0].entity", "got \"agent\"");
    ttl.entity = NULL;
    refused("dynamodb://us-east-1/agents", &options, "ttl[0].entity", "must be thread");
    ttl.entity = "thread";
    ttl.seconds = -5;
    refused("dynamodb://us-east-1/agents", &options, "ttl[0].seconds", "got \"-5\"");
    ttl.seconds = 5;
    ttl.attribute = "title";
    refused("dynamodb://us-east-1/agents", &options, "ttl[0].attribute", "got \"title\"");
    ttl.attribute = "mastra_seq";
    refused("dynamodb://us-east-1/agents", &options, "ttl[0].attribute", "means something else");
    ttl.attribute = NULL;
    options.ttl_count = 2;
    refused("dynamodb://us-east-1/agents", &options, "ttl", "no NULL");
    options.ttl = NULL;
    refused("dynamodb://us-east-1/agents", &options, "ttl", "must not be NULL");
}

static void credentials_one_way(void **state)
{
    (void)state;
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    options.keys = &keys;
    options.credentials = no_credentials;
    refused("dynamodb://us-east-1/agents", &options, "credentials", "together with keys");
    options.credentials = NULL;
    keys.access_key_id = mastra_str_of("AKIDOFTHETESTS");
    keys.secret_access_key = mastra_str_of("s3cret with blanks");
    refused("dynamodb://us-east-1/agents", &options, "secretAccessKey", "blanks");
    keys.secret_access_key = mastra_str_of("s3cret");
    lab_close(lab_good("dynamodb://us-east-1/agents", &options));
}

/* Public functions say what is wrong as well. */
static void setup_refused(void **state)
{
    (void)state;
    mastra_dynamodb_options options = MASTRA_DYNAMODB_OPTIONS_INIT;
    mastra_dynamodb_setup_options setup = MASTRA_DYNAMODB_SETUP_OPTIONS_INIT;
    mastra_dynamodb_ttl thread = MASTRA_DYNAMODB_TTL_INIT;
    mastra_dynamodb_ttl message = MASTRA_DYNAMODB_TTL_INIT;
    const mastra_dynamodb_ttl *ttl[] = {&thread, &message};
    mastra_error error = MASTRA_ERROR_INIT;
    char *text = NULL;
    assert_int_equal(mastra_dynamodb_setup(NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "dynamodb");
    assert_int_equal(mastra_dynamodb_setup(&options, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "table");
    options.region = "us-east-1";
    options.table = "agents";
    setup.indexes = 8;
    assert_int_equal(mastra_dynamodb_setup(&options, &setup, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "indexes");
    setup.indexes = 0;
    setup.wait_ms = -1;
    assert_int_equal(mastra_dynamodb_setup(&options, &setup, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "wait_ms");
    /* DynamoDB deletes by one attribute. */
    setup.wait_ms = 0;
    thread.entity = "thread";
    thread.seconds = 1;
    message.entity = "message";
    message.attribute = "expiresAt";
    message.seconds = 1;
    options.ttl = ttl;
    options.ttl_count = 2;
    assert_int_equal(mastra_dynamodb_setup(&options, &setup, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "ttl");
    assert_int_equal(mastra_dynamodb_template("cdk", "agents", NULL, NULL, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_dynamodb_template(NULL, "agents", NULL, &text, NULL, &error),
                     MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "format");
    assert_null(text);
}

/* Nothing of the machine's own. */
static int group_setup(void **state)
{
    static const char *const names[] = {"AWS_REGION",       "AWS_DEFAULT_REGION",        "AWS_PROFILE",
                                        "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_CA_BUNDLE"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(region_of_the_environment),
        cmocka_unit_test(all_in_the_url),
        cmocka_unit_test(options_win),
        cmocka_unit_test(a_shorter_struct),
        cmocka_unit_test(places_refused),
        cmocka_unit_test(numbers_refused),
        cmocka_unit_test(expiry_refused),
        cmocka_unit_test(credentials_one_way),
        cmocka_unit_test(setup_refused),
    };
    return cmocka_run_group_tests_name("dynamodb_settings", tests, group_setup, NULL);
}
