/* The public functions, as an application in C calls them. */
#include "unit/base_support.h"

#include <mastra/aws.h>
#include <sys/wait.h>
#include <unistd.h>

static mastra_aws_credentials some_keys(void)
{
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;

    keys.access_key_id = mastra_str_of("AKIDAPPLICATION");
    keys.secret_access_key = mastra_str_of("secret-of-the-application");
    return keys;
}

static mastra_aws *open_keys(void)
{
    mastra_aws_credentials keys = some_keys();
    mastra_aws_options options = MASTRA_AWS_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *aws = NULL;

    options.keys = &keys;
    options.region = "eu-west-1";
    if (mastra_aws_open(&options, &aws, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    return aws;
}

static void test_token(void **state)
{
    (void)state;
    mastra_aws *aws = open_keys();
    mastra_dsql_token_options options = MASTRA_DSQL_TOKEN_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    char *token = NULL;
    size_t len = 0;

    options.host = "abc";
    assert_int_equal(mastra_dsql_token(aws, &options, &token, &len, &error), MASTRA_OK);
    assert_int_equal(len, strlen(token));
    assert_ptr_equal(strstr(token, "abc.dsql.eu-west-1.on.aws/?Action=DbConnectAdmin&X-Amz-Algorithm="),
                     token);
    assert_non_null(strstr(token, "&X-Amz-Expires=900&"));
    mastra_dsql_token_free(token);
    mastra_dsql_token_free(NULL);
    mastra_aws_close(aws);
}

static void test_wrong_arguments(void **state)
{
    (void)state;
    mastra_aws *aws = open_keys();
    mastra_aws_options options = MASTRA_AWS_OPTIONS_INIT;
    mastra_aws_credentials keys = MASTRA_AWS_CREDENTIALS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *other = NULL;
    char *token = NULL;
    const struct {
        const char *host, *region, *user;
        int64_t expires;
        const char *field;
    } cases[] = {
        {NULL, NULL, NULL, 0, "host"},
        {"a:5432", NULL, NULL, 0, "host"},
        {"a.b", "Not-A-Region", NULL, 0, "region"},
        {"a.b", NULL, "", 0, "user"},
        {"a.b", NULL, NULL, -1, "expires"},
        {"a.b", NULL, NULL, 604801, "expires"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        mastra_dsql_token_options wanted = MASTRA_DSQL_TOKEN_OPTIONS_INIT;
        wanted.host = cases[i].host;
        wanted.region = cases[i].region;
        wanted.user = cases[i].user;
        wanted.expires_s = cases[i].expires;
        assert_int_equal(mastra_dsql_token(aws, &wanted, &token, NULL, &error), MASTRA_INVALID_ARGUMENT);
        assert_string_equal(error.field, cases[i].field);
        assert_null(token);
    }
    assert_int_equal(mastra_dsql_token(NULL, NULL, &token, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_dsql_token(aws, NULL, NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_dsql_token(aws, NULL, &token, NULL, NULL), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_aws_whoami(aws, NULL, &error), MASTRA_INVALID_ARGUMENT);
    assert_int_equal(mastra_aws_open(NULL, NULL, &error), MASTRA_INVALID_ARGUMENT);
    options.region = "Not-A-Region";
    assert_int_equal(mastra_aws_open(&options, &other, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "region");
    options.region = NULL;
    options.timeout_ms = -1;
    assert_int_equal(mastra_aws_open(&options, &other, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "timeout_ms");
    options.timeout_ms = 0;
    options.keys = &keys;
    assert_int_equal(mastra_aws_open(&options, &other, &error), MASTRA_INVALID_ARGUMENT);
    assert_string_equal(error.field, "accessKeyId");
    assert_null(other);
    mastra_aws_close(NULL);
    mastra_aws_close(aws);
}

static void test_identity(void **state)
{
    (void)state;
    mastra_aws *aws = open_keys();
    mastra_aws_identity identity = MASTRA_AWS_IDENTITY_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    assert_int_equal(mastra_aws_whoami(aws, &identity, &error), MASTRA_OK);
    assert_string_equal(identity.source, "options");
    assert_string_equal(identity.access_key_id, "****TION");
    assert_string_equal(identity.region, "eu-west-1");
    assert_string_equal(identity.account_id, "");
    assert_int_equal(identity.expiration, MASTRA_TIME_NONE);
    /* A program that knew less of the record. */
    memset(&identity, 'x', sizeof(identity));
    identity.size = offsetof(mastra_aws_identity, access_key_id);
    assert_int_equal(mastra_aws_whoami(aws, &identity, &error), MASTRA_OK);
    assert_string_equal(identity.source, "options");
    assert_int_equal(identity.access_key_id[0], 'x');
    mastra_aws_close(aws);
}

static void test_child_of_fork(void **state)
{
    (void)state;
    mastra_aws *aws = open_keys();
    mastra_aws_identity identity = MASTRA_AWS_IDENTITY_INIT;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        bool refused = mastra_aws_whoami(aws, &identity, NULL) == MASTRA_FORKED;
        mastra_aws_close(aws);
        _exit(refused ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(mastra_aws_whoami(aws, &identity, NULL), MASTRA_OK);
    mastra_aws_close(aws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_child_of_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
