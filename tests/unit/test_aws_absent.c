/* What the public functions say in a build without AWS support: their stand-ins are linked into this test. */
#include "unit/base_support.h"

#include <mastra/aws.h>

static void assert_refused(mastra_status status, const mastra_error *error)
{
    assert_int_equal(status, MASTRA_NOT_SUPPORTED);
    assert_int_equal(error->status, MASTRA_NOT_SUPPORTED);
    assert_non_null(strstr(error->message, "no AWS support"));
}

static void test_everything_is_refused(void **state)
{
    (void)state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *aws = NULL;
    mastra_aws_identity identity = MASTRA_AWS_IDENTITY_INIT;
    char *token = NULL;

    assert_refused(mastra_aws_open(NULL, &aws, &error), &error);
    assert_null(aws);
    mastra_aws_close(aws);
    assert_refused(mastra_aws_whoami(aws, &identity, &error), &error);
    assert_refused(mastra_dsql_token(aws, NULL, &token, NULL, &error), &error);
    assert_null(token);
    mastra_dsql_token_free(token);
    assert_refused(mastra_aws_reply_credentials(NULL, NULL, &error), &error);
    mastra_aws_reply_failure(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
