/* Every source of the chain against files and an endpoint that speak as the documents say, and against ones that fail. */
#include "unit/aws_lab.h"

#include "aws/credentials_container.h"
#include "aws/profile.h"
#include "aws/xml.h"

#define ROLE "arn:aws:iam::123456789012:role/"

static struct aws_endpoint endpoint;

static int start(void **state)
{
    struct lab *lab = malloc(sizeof(*lab));

    assert_non_null(lab);
    lab_init(lab, &endpoint);
    lab_set(lab, "AWS_EC2_METADATA_DISABLED=true");
    *state = lab;
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;

    lab_release(lab);
    free(lab);
    return 0;
}

/* The environment */

static void test_environment(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT");
    lab_refuse(lab, MASTRA_DENIED, "environment: AWS_SECRET_ACCESS_KEY is not set");
    lab_set(lab, "AWS_SECRET_ACCESS_KEY=secret-of-the-environment");
    lab_expect(lab, "environment", "AKIDENVIRONMENT", "secret-of-the-environment", NULL);
    lab_set(lab, "AWS_SESSION_TOKEN=token-of-the-environment");
    lab_expect(lab, "environment", "AKIDENVIRONMENT", "secret-of-the-environment",
               "token-of-the-environment");
    lab_set(lab, "AWS_CREDENTIAL_EXPIRATION=2020-01-01T00:00:00Z");
    lab_refuse(lab, MASTRA_DENIED, "(environment: the credentials have expired");
}

/* As from a file with a line end: it would begin another header. */
static void test_keys_with_line_ends(void **state)
{
    struct lab *lab = *state;
    const struct {
        const char *secret, *token, *message;
    } cases[] = {
        {"AWS_SECRET_ACCESS_KEY=secret-of-the-environment\n",
         "AWS_SESSION_TOKEN=", "environment: secretAccessKey must not hold blanks or line ends"},
        {"AWS_SECRET_ACCESS_KEY=secret-of-the-environment", "AWS_SESSION_TOKEN=token-of\r\nX-More: 1",
         "environment: sessionToken must not hold blanks or line ends"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        lab_clear(lab);
        lab_set(lab, "AWS_EC2_METADATA_DISABLED=true");
        lab_set(lab, "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT");
        lab_set(lab, cases[i].secret);
        lab_set(lab, cases[i].token);
        lab_refuse(lab, MASTRA_DENIED, cases[i].message);
    }
}

static void test_environment_gives_way_to_a_profile(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT");
    lab_set(lab, "AWS_SECRET_ACCESS_KEY=secret-of-the-environment");
    lab_set(lab, "AWS_PROFILE=dev");
    lab_refuse(lab, MASTRA_DENIED, "shared files: there is no profile \"dev\"");
    lab_write(lab, ".aws/credentials",
              "[dev]\naws_access_key_id=AKIDPROFILE\n"
              "aws_secret_access_key=secret-of-the-profile\n");
    lab_expect(lab, "profile \"dev\"", "AKIDPROFILE", "secret-of-the-profile", NULL);
}

static void test_nothing_is_found(void **state)
{
    struct lab *lab = *state;

    lab_refuse(
        lab, MASTRA_DENIED,
        "AWS credentials: none found (environment: AWS_ACCESS_KEY_ID is not set; shared files: there is no "
        "profile \"default\"; web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; container: "
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set; instance metadata: "
        "AWS_EC2_METADATA_DISABLED is set)");
}

/* The shared files */

static void test_static_profile(void **state)
{
    struct lab *lab = *state;

    lab_write(lab, ".aws/config",
              "\xef\xbb\xbf# a comment\r\n[default]\r\naws_access_key_id = AKIDCONFIG ; and another\r\n"
              "AWS_SECRET_ACCESS_KEY = secret-of-the#config\r\naws_session_token = token-of-the=config\r\n");
    lab_expect(lab, "profile \"default\"", "AKIDCONFIG", "secret-of-the#config", "token-of-the=config");
    /* For each key the credentials file wins. */
    lab_write(lab, ".aws/credentials",
              "[default]\naws_access_key_id=AKIDPROFILE\n"
              "aws_secret_access_key=secret-of-the-profile\n");
    lab_expect(lab, "profile \"default\"", "AKIDPROFILE", "secret-of-the-profile", "token-of-the=config");
}

static void test_files_elsewhere(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_CONFIG_FILE={home}/my-config");
    lab_set(lab, "AWS_SHARED_CREDENTIALS_FILE={home}/my-credentials");
    lab_set(lab, "AWS_PROFILE=a b");
    lab_write(lab, "my-config", "[profile 'a b']\naws_access_key_id=AKIDPROFILE\n");
    lab_write(lab, "my-credentials", "[a b]\naws_secret_access_key=secret-of-the-profile\n");
    lab_expect(lab, "profile \"a b\"", "AKIDPROFILE", "secret-of-the-profile", NULL);
    /* A folder is there and cannot be read. */
    lab_clear(lab);
    lab_set(lab, "AWS_EC2_METADATA_DISABLED=1");
    lab_set(lab, "AWS_CONFIG_FILE={home}");
    lab_refuse(lab, MASTRA_DENIED, "Is a directory");
}

/* Of some files the file system does not tell the size. */
static void test_file_of_unknown_size(void **state)
{
    struct lab *lab = *state;
    struct ms_secret text = {0};

    assert_int_equal(ms_file_read(lab->heap, "/proc/self/stat", 65536, &text), 0);
    assert_true(text.len > 0);
    assert_int_equal(strlen(text.ptr), text.len);
    ms_secret_release(&text);
    assert_int_equal(ms_file_read(lab->heap, "/proc/self/stat", 8, &text), EFBIG);
    assert_int_equal(ms_file_read(lab->heap, "/dev/null", 8, &text), 0);
    assert_int_equal(text.len, 0);
    ms_secret_release(&text);
}

static void test_half_a_profile(void **state)
{
    struct lab *lab = *state;

    lab_write(lab, ".aws/config", "[default]\naws_access_key_id=AKIDPROFILE\nregion=eu-west-1\n");
    lab_refuse(lab, MASTRA_DENIED, "shared files: profile \"default\" has no aws_secret_access_key");
    lab_write(lab, ".aws/config", "[default]\naws_secret_access_key=secret-of-the-profile\n");
    lab_refuse(lab, MASTRA_DENIED, "shared files: profile \"default\" has no aws_access_key_id");
    lab_write(lab, ".aws/config", "[default]\nregion=eu-west-1\n");
    lab_refuse(lab, MASTRA_DENIED, "shared files: profile \"default\" has no credentials");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=arn:aws:iam::123456789012:role/one\n");
    lab_refuse(lab, MASTRA_DENIED, "has a role_arn with neither source_profile nor credential_source");
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=arn:aws:iam::123456789012:role/one\nsource_profile=base\n"
              "credential_source=Environment\n");
    lab_refuse(lab, MASTRA_DENIED, "has a role_arn with both source_profile and credential_source");
}

/* Roles */

static void set_sts(struct lab *lab)
{
    lab_set(lab, "AWS_ENDPOINT_URL_STS={base}/sts");
}

/* The default profile assumes that role; the source has static keys. */
static void write_role(struct lab *lab, const char *name, const char *more)
{
    char *text =
        test_format("[default]\nrole_arn = " ROLE "%s\nsource_profile = base\n%s\n[profile base]\n"
                    "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret-of-the-profile\n",
                    name, more);

    lab_write(lab, ".aws/config", text);
    free(text);
}

static void test_role(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    write_role(lab, "plain", "");
    lab_expect(lab, "profile \"default\": role " ROLE "plain", "ASIAROLEPLAIN", "secret-of-role-plain",
               "token-of-role-plain+/=");
    write_role(lab, "external", "external_id = a&b=c d");
    lab_expect(lab, "profile \"default\": role " ROLE "external", "ASIAROLEEXTERNAL",
               "secret-of-role-external", "token-of-role-external+/=");
    write_role(lab, "named", "role_session_name = session-of-the-test");
    lab_expect(lab, "profile \"default\": role " ROLE "named", "ASIAROLENAMED", "secret-of-role-named",
               "token-of-role-named+/=");
    write_role(lab, "short", "duration_seconds = 900");
    lab_expect(lab, "profile \"default\": role " ROLE "short", "ASIAROLESHORT", "secret-of-role-short",
               "token-of-role-short+/=");
    write_role(lab, "tokyo", "region = ap-northeast-1");
    lab_expect(lab, "profile \"default\": role " ROLE "tokyo", "ASIAROLETOKYO", "secret-of-role-tokyo",
               "token-of-role-tokyo+/=");
    /* 503, then throttled, then well. */
    write_role(lab, "flaky", "");
    lab_expect(lab, "profile \"default\": role " ROLE "flaky", "ASIAROLEFLAKY", "secret-of-role-flaky",
               "token-of-role-flaky+/=");
}

static void test_role_refused(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    /* Another source that would do must not be taken instead. */
    lab_set(lab, "AWS_CONTAINER_CREDENTIALS_FULL_URI={base}/container/ok");
    write_role(lab, "denied", "");
    lab_refuse(lab, MASTRA_DENIED,
               "profile \"default\": STS answers 403 AccessDenied: User is not authorized to perform: "
               "sts:AssumeRole");
    write_role(lab, "garbage", "");
    lab_refuse(lab, MASTRA_UNAVAILABLE, "the answer of STS lacks AccessKeyId");
    write_role(lab, "past", "");
    lab_refuse(lab, MASTRA_DENIED, "the credentials have expired");
    write_role(lab, "plain", "mfa_serial = arn:aws:iam::123456789012:mfa/me");
    lab_refuse(lab, MASTRA_DENIED, "mfa_serial");
    write_role(lab, "plain", "region = ../evil");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "region must be the name of a region");
}

static void test_role_without_server(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_ENDPOINT_URL_STS=http://127.0.0.1:9");
    write_role(lab, "plain", "");
    lab_refuse(lab, MASTRA_UNAVAILABLE, "STS: no answer");
    lab_clear(lab);
    lab_set(lab, "AWS_ENDPOINT_URL=ftp://127.0.0.1");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "AWS_ENDPOINT_URL must be a URL");
}

static void test_chain_of_roles(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "second\nsource_profile=middle\n"
              "[profile middle]\nrole_arn=" ROLE "first\nsource_profile=base\n"
              "[profile base]\naws_access_key_id=AKIDPROFILE\naws_secret_access_key=secret-of-the-profile\n");
    lab_expect(lab, "profile \"default\": role " ROLE "second", "ASIAROLESECOND", "secret-of-role-second",
               "token-of-role-second+/=");
}

static void test_circle_of_profiles(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "second\nsource_profile=a\n"
              "[profile a]\nrole_arn=" ROLE "first\nsource_profile=b\n"
              "[profile b]\nrole_arn=" ROLE "first\nsource_profile=a\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "the profiles lead in a circle: \"a\" again");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=" ROLE "second\nsource_profile=default\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "the profiles lead in a circle: \"default\" again");
    /* One with keys of its own may name itself. */
    write_role(lab, "plain", "");
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "plain\nsource_profile=default\n"
              "aws_access_key_id=AKIDPROFILE\naws_secret_access_key=secret-of-the-profile\n");
    lab_expect(lab, "profile \"default\": role " ROLE "plain", "ASIAROLEPLAIN", "secret-of-role-plain",
               "token-of-role-plain+/=");
}

static void test_role_over_a_named_source(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    lab_set(lab, "AWS_PROFILE=default");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=" ROLE "plain\ncredential_source=Environment\n");
    lab_refuse(
        lab, MASTRA_DENIED,
        "profile \"default\" has no credentials to assume its role with: AWS_ACCESS_KEY_ID is not set");
    lab_set(lab, "AWS_ACCESS_KEY_ID=AKIDENVIRONMENT");
    lab_set(lab, "AWS_SECRET_ACCESS_KEY=secret-of-the-environment");
    lab_expect(lab, "profile \"default\": role " ROLE "plain", "ASIAROLEPLAIN", "secret-of-role-plain",
               "token-of-role-plain+/=");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=" ROLE "plain\ncredential_source=EcsContainer\n");
    lab_set(lab, "AWS_CONTAINER_CREDENTIALS_FULL_URI={base}/container/ok");
    lab_expect(lab, "profile \"default\": role " ROLE "plain", "ASIAROLEPLAIN", "secret-of-role-plain",
               "token-of-role-plain+/=");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=" ROLE "plain\ncredential_source=Elsewhere\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "not \"Elsewhere\"");
    /* With both, neither counts. */
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "plain\ncredential_source=Environment\nsource_profile=a\n");
    lab_expect(lab, "container", "ASIACONTAINER", "secret-of-container", "token-of-container+/=");
}

static void test_web_identity(void **state)
{
    struct lab *lab = *state;

    set_sts(lab);
    lab_write(lab, "token", "web.identity-token_of+the/test==\n");
    lab_set(lab, "AWS_WEB_IDENTITY_TOKEN_FILE={home}/token");
    lab_refuse(lab, MASTRA_DENIED, "web identity: AWS_ROLE_ARN is not set");
    lab_set(lab, "AWS_ROLE_ARN=" ROLE "named");
    lab_set(lab, "AWS_ROLE_SESSION_NAME=session-of-the-test");
    lab_expect(lab, "web identity: role " ROLE "named", "ASIAROLENAMED", "secret-of-role-named",
               "token-of-role-named+/=");
    lab_clear(lab);
    set_sts(lab);
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "plain\nweb_identity_token_file={home}/token\n");
    lab_expect(lab, "profile \"default\": role " ROLE "plain", "ASIAROLEPLAIN", "secret-of-role-plain",
               "token-of-role-plain+/=");
    lab_write(lab, ".aws/config", "[default]\nrole_arn=" ROLE "plain\nweb_identity_token_file={home}/none\n");
    lab_refuse(lab, MASTRA_DENIED, "No such file or directory");
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "denied\nweb_identity_token_file={home}/token\n");
    lab_refuse(lab, MASTRA_DENIED, "403 AccessDenied");
    lab_write(lab, ".aws/config",
              "[default]\nrole_arn=" ROLE "expired-token\nweb_identity_token_file={home}/token\n");
    lab_refuse(lab, MASTRA_DENIED, "400 ExpiredTokenException");
}

/* Processes */

static void write_process(struct lab *lab, const char *command)
{
    char *text = test_format("[default]\ncredential_process = %s\n", command);

    lab_write(lab, ".aws/config", text);
    free(text);
}

static void test_process(void **state)
{
    struct lab *lab = *state;

    lab_write(lab, "keys.json",
              "{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":"
              "\"secret-of-the-\\u0070rocess\",\"SessionToken\":\"token-of-the-process\","
              "\"Expiration\":\"2999-01-01T00:00:00Z\"}");
    write_process(lab, "cat \"{home}/keys.json\"");
    lab_expect(lab, "profile \"default\": process", "AKIDPROCESS", "secret-of-the-process",
               "token-of-the-process");
    write_process(
        lab, "echo '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"secret-of-x\"}'");
    lab_expect(lab, "profile \"default\": process", "AKIDPROCESS", "secret-of-x", NULL);
    write_process(lab, "echo '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":"
                       "\"secret-of-x\"}'; exec >&-; sleep 0.2");
    lab_expect(lab, "profile \"default\": process", "AKIDPROCESS", "secret-of-x", NULL);
}

static void test_process_fails(void **state)
{
    struct lab *lab = *state;

    write_process(lab, "echo secret-of-the-process >&2; exit 3");
    lab_refuse(lab, MASTRA_DENIED, "profile \"default\": the process ends with status 3");
    write_process(lab, "echo secret-of-the-process");
    lab_refuse(lab, MASTRA_DENIED, "process: the answer is not a JSON object");
    write_process(lab, "echo '{\"Version\":2,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"secret-of-x\"}'");
    lab_refuse(lab, MASTRA_DENIED, "process: Version is not 1");
    write_process(lab, "echo '{\"Version\":1,\"AccessKeyId\":\"A\"}'");
    lab_refuse(lab, MASTRA_DENIED, "process: the answer lacks SecretAccessKey");
    write_process(lab, "echo '{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"secret-of-x\","
                       "\"Expiration\":\"2020-01-01T00:00:00Z\"}'");
    lab_refuse(lab, MASTRA_DENIED, "process: the credentials have expired");
    write_process(lab, "head -c 100000 /dev/zero");
    lab_refuse(lab, MASTRA_DENIED, "the process prints too much");
    /* It would run for long, and so would its child, which has the pipe as well. */
    lab->timeout_ms = 100;
    write_process(lab, "sleep 300 & sleep 300");
    lab_open(lab);
    struct ms_credentials *credentials = NULL;
    mastra_error error = MASTRA_ERROR_INIT;
    assert_int_equal(lab_get(lab, &credentials, &error), MASTRA_TIMEOUT);
    lab_close(lab);
    /* It has nothing more to say, and does not end all the same. */
    write_process(lab, "exec >&-; sleep 300");
    lab_open(lab);
    assert_int_equal(lab_get(lab, &credentials, &error), MASTRA_TIMEOUT);
    lab_close(lab);
}

/* IAM Identity Center */

static void write_sso(struct lab *lab, const char *role)
{
    char *text = test_format("[default]\nsso_session = my-session\nsso_account_id = 123456789012\n"
                             "sso_role_name = %s\n[sso-session my-session]\nsso_region = eu-west-1\n"
                             "sso_start_url = https://example.awsapps.com/start\n",
                             role);

    lab_write(lab, ".aws/config", text);
    free(text);
}

/* The names of the cache's files are those that sha1sum gives for "my-session" and the URL. */
static void write_token(struct lab *lab, const char *token, const char *expires)
{
    char *text =
        test_format("{\"accessToken\":\"%s\",\"expiresAt\":\"%s\",\"region\":\"eu-west-1\"}", token, expires);

    lab_write(lab, ".aws/sso/cache/9e28173066ce536e277c5fb355efd9c64f398167.json", text);
    lab_write(lab, ".aws/sso/cache/e8be5486177c5b5392bd9aa76563515b29358e6e.json", text);
    free(text);
}

static void test_sso(void **state)
{
    struct lab *lab = *state;
    const char *source = "profile \"default\": SSO role Power User";

    lab_set(lab, "AWS_ENDPOINT_URL_SSO={base}/sso");
    write_token(lab, "token-of-the-sso-session", "2999-01-01T00:00:00Z");
    write_sso(lab, "Power User");
    lab_expect(lab, source, "ASIASSO", "secret-of-sso", "token-of-sso+/=");
    /* The old form, with the old way of writing the time. */
    write_token(lab, "token-of-the-sso-session", "2999-01-01T00:00:00UTC");
    lab_write(lab, ".aws/config",
              "[default]\nsso_account_id = 123456789012\nsso_role_name = Power User\n"
              "sso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n");
    lab_expect(lab, source, "ASIASSO", "secret-of-sso", "token-of-sso+/=");
}

static void test_sso_needs_a_login(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_ENDPOINT_URL_SSO={base}/sso");
    lab_set(lab, "AWS_CONTAINER_CREDENTIALS_FULL_URI={base}/container/ok");
    write_sso(lab, "Power User");
    lab_refuse(lab, MASTRA_DENIED, "there is no SSO session; run: aws sso login --profile default");
    write_token(lab, "token-of-the-sso-session", "2020-01-01T00:00:00Z");
    lab_refuse(lab, MASTRA_DENIED, "the SSO session has expired; run: aws sso login --profile default");
    write_token(lab, "token-of-another", "2999-01-01T00:00:00Z");
    lab_refuse(lab, MASTRA_DENIED,
               "the SSO session is no longer accepted; run: aws sso login --profile default");
    write_token(lab, "token-of\\r\\n-another", "2999-01-01T00:00:00Z");
    lab_refuse(lab, MASTRA_DENIED, "cannot be sent");
    write_token(lab, "token-of-another", "tomorrow");
    lab_refuse(lab, MASTRA_DENIED, "cannot be read");
}

static void test_sso_refused(void **state)
{
    struct lab *lab = *state;

    lab_set(lab, "AWS_ENDPOINT_URL_SSO={base}/sso");
    write_token(lab, "token-of-the-sso-session", "2999-01-01T00:00:00Z");
    write_sso(lab, "Forbidden");
    lab_refuse(lab, MASTRA_DENIED, "the portal answers 403");
    lab_write(lab, ".aws/config", "[default]\nsso_session=none\nsso_account_id=1\nsso_role_name=r\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "[sso-session none] lacks");
    lab_write(lab, ".aws/config",
              "[default]\nsso_session=s\nsso_role_name=r\nsso_region=us-east-1\n"
              "[sso-session s]\nsso_region=eu-west-1\nsso_start_url=https://x\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "say different things");
    lab_write(lab, ".aws/config",
              "[default]\nsso_start_url=https://x\nsso_region=us-east-1\nsso_account_id=1\n");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "lacks one of sso_region, sso_account_id, sso_role_name");
}

static void test_login(void **state)
{
    struct lab *lab = *state;
    const char *file =
        ".aws/login/cache/255ae6a9e8200c14bea642600b70767c8e1862b2223e31ea92cd2f0fcefd5c0c.json";

    lab_write(lab, ".aws/config", "[default]\nlogin_session = arn:aws:sts::123456789012:assumed-role/a/b\n");
    lab_refuse(lab, MASTRA_DENIED, "nobody is logged in; run: aws login");
    lab_write(lab, file,
              "{\"accessToken\":{\"accessKeyId\":\"ASIALOGIN\",\"secretAccessKey\":\"secret-of-login\","
              "\"sessionToken\":\"token-of-login\",\"accountId\":\"123456789012\","
              "\"expiresAt\":\"2999-01-01T00:00:00Z\"}}");
    lab_expect(lab, "profile \"default\": login", "ASIALOGIN", "secret-of-login", "token-of-login");
    lab_write(lab, file,
              "{\"accessToken\":{\"accessKeyId\":\"ASIALOGIN\",\"secretAccessKey\":\"secret-of-login\","
              "\"sessionToken\":\"token-of-login\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}}");
    lab_refuse(lab, MASTRA_DENIED, "have expired; run: aws login");
    lab_write(lab, file, "[]");
    lab_refuse(lab, MASTRA_DENIED, "run: aws login");
}

/* Containers */

static void container(struct lab *lab, const char *path)
{
    char *variable = test_format("AWS_CONTAINER_CREDENTIALS_FULL_URI={base}/container/%s", path);

    lab_clear(lab);
    lab_set(lab, variable);
    free(variable);
}

static void test_container(void **state)
{
    struct lab *lab = *state;

    container(lab, "ok");
    lab_expect(lab, "container", "ASIACONTAINER", "secret-of-container", "token-of-container+/=");
    container(lab, "auth");
    lab_set(lab, "AWS_CONTAINER_AUTHORIZATION_TOKEN=Basic of-the-test==");
    lab_expect(lab, "container", "ASIACONTAINER", "secret-of-container", "token-of-container+/=");
    /* The file wins, and is read anew each time. */
    container(lab, "auth");
    lab_write(lab, "authorization", "not this");
    lab_set(lab, "AWS_CONTAINER_AUTHORIZATION_TOKEN=nor this");
    lab_set(lab, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={home}/authorization");
    lab_refuse(lab, MASTRA_DENIED, "container: status 418");
    lab_write(lab, "authorization", "Basic of-the-test==");
    lab_expect(lab, "container", "ASIACONTAINER", "secret-of-container", "token-of-container+/=");
}

static void test_container_fails(void **state)
{
    struct lab *lab = *state;

    container(lab, "denied");
    lab_refuse(lab, MASTRA_DENIED, "container: status 403 AccessDenied: no role for this pod");
    container(lab, "incomplete");
    lab_refuse(lab, MASTRA_DENIED, "container: the answer lacks Token");
    container(lab, "past");
    lab_refuse(lab, MASTRA_DENIED, "container: the credentials have expired");
    container(lab, "garbage");
    lab_refuse(lab, MASTRA_DENIED, "container: the answer is not a JSON object");
    lab_clear(lab);
    lab_set(lab, "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.com/keys");
    lab_refuse(lab, MASTRA_INVALID_ARGUMENT, "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https");
    container(lab, "auth");
    lab_write(lab, "authorization", "Basic of-the-test==\n");
    lab_set(lab, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE={home}/authorization");
    lab_refuse(lab, MASTRA_DENIED, "must not hold line ends");
}

static void test_container_again(void **state)
{
    struct lab *lab = *state;

    container(lab, "flaky");
    lab_expect(lab, "container", "ASIACONTAINER", "secret-of-container", "token-of-container+/=");
}

static void test_container_urls(void **state)
{
    (void)state;
    static const char *const allowed[] = {
        "https://example.com/x",
        "http://127.0.0.1/x",
        "http://127.9.9.9:80/x",
        "http://localhost:1/x",
        "http://[::1]:1/x",
        "http://169.254.170.2/v2/credentials/1",
        "http://169.254.170.23/v1/credentials",
        "http://[fd00:ec2::23]/v1/credentials",
    };
    static const char *const forbidden[] = {
        "http://example.com/x",
        "http://169.254.170.3/",
        "http://169.254.169.254/",
        "http://[fd00:ec2::24]/",
        "http://128.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1@example.com/",
        "http://localhost.example.com/",
        "127.0.0.1/x",
        "",
        "http://",
    };
    char url[64];

    for (size_t i = 0; i < COUNT(allowed); i++) {
        if (!ms_container_url_allowed(allowed[i]))
            fail_msg("%s", allowed[i]);
    }
    for (size_t i = 0; i < COUNT(forbidden); i++) {
        if (ms_container_url_allowed(forbidden[i]))
            fail_msg("%s", forbidden[i]);
    }
    assert_true(ms_container_url("/v2/x", "http://127.0.0.1/y", url, sizeof(url)));
    assert_string_equal(url, "http://169.254.170.2/v2/x");
    assert_true(ms_container_url("@example.com", NULL, url, sizeof(url)));
    assert_string_equal(url, "http://169.254.170.2/@example.com");
    assert_true(ms_container_url(NULL, "http://127.0.0.1/y", url, sizeof(url)));
    assert_string_equal(url, "http://127.0.0.1/y");
    assert_false(ms_container_url("/0123456789012345678901234567890123456789012345678901234567890", NULL, url,
                                  sizeof(url)));
}

/* Instance metadata */

static void metadata(struct lab *lab, const char *variant)
{
    char *variable = test_format("AWS_EC2_METADATA_SERVICE_ENDPOINT={base}/metadata/%s", variant);

    lab_clear(lab);
    lab_set(lab, variable);
    free(variable);
}

static void expect_instance(struct lab *lab)
{
    lab_expect(lab, "instance metadata: role role-of-the-instance", "ASIAINSTANCE", "secret-of-instance",
               "token-of-instance+/=");
}

static void test_metadata(void **state)
{
    struct lab *lab = *state;

    metadata(lab, "ok");
    expect_instance(lab);
    metadata(lab, "ok2/");
    expect_instance(lab);
    /* The first token is not taken any more: it is fetched anew. */
    metadata(lab, "forgets");
    expect_instance(lab);
    /* Named in the profile. */
    lab_clear(lab);
    lab_write(lab, ".aws/config", "[default]\nec2_metadata_service_endpoint = {base}/metadata/ok3\n");
    expect_instance(lab);
}

static void test_metadata_without_token(void **state)
{
    struct lab *lab = *state;
    static const char *const variants[] = {"403", "404", "405", "hangs"};

    for (size_t i = 0; i < COUNT(variants); i++) {
        metadata(lab, variants[i]);
        expect_instance(lab);
    }
    metadata(lab, "404");
    lab_set(lab, "AWS_EC2_METADATA_V1_DISABLED=true");
    lab_refuse(lab, MASTRA_DENIED, "instance metadata: there is no token, and doing without is disabled");
    metadata(lab, "404");
    lab_write(lab, ".aws/config", "[default]\nec2_metadata_v1_disabled = true\n");
    lab_refuse(lab, MASTRA_DENIED, "doing without is disabled");
    metadata(lab, "400");
    lab_refuse(lab, MASTRA_DENIED, "instance metadata: the token request is refused with status 400");
}

static void test_metadata_has_none(void **state)
{
    struct lab *lab = *state;

    metadata(lab, "norole");
    lab_refuse(lab, MASTRA_DENIED, "security-credentials/: status 404");
    metadata(lab, "unauthorized");
    lab_refuse(lab, MASTRA_DENIED, "the instance's role: \"AssumeRoleUnauthorizedAccess\"");
    lab_clear(lab);
    lab_set(lab, "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:9");
    lab_refuse(lab, MASTRA_DENIED, "instance metadata: no answer");
    metadata(lab, "ok");
    lab_set(lab, "AWS_EC2_METADATA_DISABLED=TRUE");
    lab_refuse(lab, MASTRA_DENIED, "AWS_EC2_METADATA_DISABLED is set");
    metadata(lab, "ok");
    lab_set(lab, "AWS_EC2_METADATA_DISABLED=False");
    expect_instance(lab);
}

/* Each allocation of the longest way fails in turn. */
static void test_memory_may_run_out(void **state)
{
    struct lab *lab = *state;
    bool well = false;

    set_sts(lab);
    write_role(lab, "external", "external_id = a&b=c d");
    for (long n = 1; !well; n++) {
        struct ms_credentials *credentials = NULL;
        mastra_error error = MASTRA_ERROR_INIT;

        assert_true(n < 1000);
        atomic_store(&lab->watch.fail_at, n);
        mastra_status status = lab_try_open(lab, &error);
        if (status == MASTRA_OK)
            status = lab_get(lab, &credentials, &error);
        well = atomic_load(&lab->watch.fail_at) > 0;
        atomic_store(&lab->watch.fail_at, 0);
        if (well)
            assert_int_equal(status, MASTRA_OK);
        else if (status != MASTRA_OUT_OF_MEMORY)
            fail_msg("allocation %ld: %s (%s)", n, error.message, mastra_status_name(status));
        ms_credentials_unref(credentials);
        lab_close(lab);
    }
}

/* XML */

static void assert_xml(struct ms_heap *heap, const char *xml, const char *path, const char *expected)
{
    struct ms_secret text = {0};
    mastra_str spelled;

    if (!ms_xml_find(mastra_str_of(xml), path, &spelled)) {
        if (expected)
            fail_msg("%s is not in %s", path, xml);
        return;
    }
    assert_non_null(expected);
    assert_true(ms_xml_text(spelled, heap, &text));
    assert_string_equal(text.ptr, expected);
    assert_int_equal(text.len, strlen(expected));
    ms_secret_release(&text);
}

static void test_xml(void **state)
{
    struct lab *lab = *state;
    struct ms_heap *heap = lab->heap;

    assert_xml(heap, "<?xml version='1.0'?><a><b>1</b><b>2</b></a>", "a/b", "1");
    assert_xml(heap, "<a x='>' y=\"</a>\"><b/><c>  x &amp;&lt;&gt;&quot;&apos;&#43;&#x2b; &what; &\n</c></a>",
               "a/c", "x &<>\"'++ &what; &");
    assert_xml(heap, "<a><!-- <b>no</b> --><c><b>no</b></c><b>yes</b></a>", "a/b", "yes");
    assert_xml(heap, "<a><b></b></a>", "a/b", "");
    assert_xml(heap, "<a><c>1</c></a><a><b>2</b></a>", "a/b", NULL);
    assert_xml(heap, "<a><b><c>1</c></b></a>", "a/b", NULL);
    assert_xml(heap, "<a><b>1", "a/b", NULL);
    assert_xml(heap, "<x><a><b>1</b></a></x>", "a/b", NULL);
    assert_xml(heap, "</a></a><a><b>1</b></a>", "a/b", NULL);
    assert_xml(heap, "", "a", NULL);
    assert_xml(heap, "<", "a", NULL);
}

static void parse(struct ms_ini *ini, struct lab *lab, const char *text, bool bare)
{
    struct ms_secret copy = {0};

    assert_true(ms_secret_set(&copy, lab->heap, mastra_str_of(text)));
    assert_true(ms_ini_parse(ini, lab->heap, &copy, bare));
}

#define GET(kind, section, group, key) ms_ini_get(&ini, kind, mastra_str_of(section), group, key)

static void test_config_file(void **state)
{
    struct lab *lab = *state;
    struct ms_ini ini;

    parse(&ini, lab,
          "stray = 1\n[profile a]\nk=1\nK = 2\n = 3\nno sign\nempty =\n  inner = 4\nouter = 5\n"
          "[profile   \"b c\" ]\nk = v=w;x # y\n[services mine]\ndynamodb =\n  endpoint_url = http://x\n"
          "sts =\n\tendpoint_url = http://y\n[other thing]\nk = 6\n[profile a]\nk = 7\n[default]\nk=8",
          false);
    assert_str(GET(MS_INI_PROFILE, "a", NULL, "k"), "7");
    assert_str(GET(MS_INI_PROFILE, "a", "empty", "INNER"), "4");
    assert_null(GET(MS_INI_PROFILE, "a", NULL, "inner").ptr);
    assert_null(GET(MS_INI_PROFILE, "a", NULL, "empty").ptr);
    assert_str(GET(MS_INI_PROFILE, "a", NULL, "outer"), "5");
    assert_str(GET(MS_INI_PROFILE, "b c", NULL, "k"), "v=w;x");
    assert_str(GET(MS_INI_SERVICES, "mine", "dynamodb", "endpoint_url"), "http://x");
    assert_str(GET(MS_INI_SERVICES, "mine", "sts", "endpoint_url"), "http://y");
    assert_str(GET(MS_INI_PROFILE, "default", NULL, "k"), "8");
    assert_true(ms_ini_has(&ini, MS_INI_OTHER, mastra_str_of("other thing")));
    assert_false(ms_ini_has(&ini, MS_INI_PROFILE, mastra_str_of("other thing")));
    ms_ini_release(&ini);
    parse(&ini, lab, "[profile a]\nk=1\n[a]\nk=2", true);
    assert_str(GET(MS_INI_PROFILE, "a", NULL, "k"), "2");
    assert_str(GET(MS_INI_PROFILE, "profile a", NULL, "k"), "1");
    ms_ini_release(&ini);
}

static int set_up(void **state)
{
    (void)state;
    aws_endpoint_start(&endpoint, NULL, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    aws_endpoint_stop(&endpoint);
    return 0;
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(test_environment),
        LAB_TEST(test_keys_with_line_ends),
        LAB_TEST(test_environment_gives_way_to_a_profile),
        LAB_TEST(test_nothing_is_found),
        LAB_TEST(test_static_profile),
        LAB_TEST(test_file_of_unknown_size),
        LAB_TEST(test_files_elsewhere),
        LAB_TEST(test_half_a_profile),
        LAB_TEST(test_role),
        LAB_TEST(test_role_refused),
        LAB_TEST(test_role_without_server),
        LAB_TEST(test_chain_of_roles),
        LAB_TEST(test_circle_of_profiles),
        LAB_TEST(test_role_over_a_named_source),
        LAB_TEST(test_web_identity),
        LAB_TEST(test_process),
        LAB_TEST(test_process_fails),
        LAB_TEST(test_sso),
        LAB_TEST(test_sso_needs_a_login),
        LAB_TEST(test_sso_refused),
        LAB_TEST(test_login),
        LAB_TEST(test_container),
        LAB_TEST(test_container_fails),
        LAB_TEST(test_container_again),
        cmocka_unit_test(test_container_urls),
        LAB_TEST(test_metadata),
        LAB_TEST(test_metadata_without_token),
        LAB_TEST(test_metadata_has_none),
        LAB_TEST(test_memory_may_run_out),
        LAB_TEST(test_xml),
        LAB_TEST(test_config_file),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
