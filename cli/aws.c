/* Commands that show what AWS credentials are good for: dsql-token, aws-whoami. */
#include "cli.h"
#include "text.h"

#include <time.h>

static int open_aws(const struct cli *cli, mastra_aws **ret_aws)
{
    mastra_aws_options options = MASTRA_AWS_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;

    options.profile = cli->options.profile;
    options.region = cli->options.region;
    return mastra_aws_open(&options, ret_aws, &error) == MASTRA_OK ? 0 : cli_fail(&error);
}

/* dsql-token */

int run_dsql_token(struct cli *cli)
{
    mastra_dsql_token_options wanted = MASTRA_DSQL_TOKEN_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *aws = NULL;
    char *token = NULL;
    int code;

    if (!cli->options.host) {
        return cli_complain(MASTRA_USAGE, "dsql-token needs --host: the cluster's host name, or its id");
    }
    /* To the library it means the default. */
    if ((cli->options.given & OPTION_EXPIRES) && cli->options.expires == 0) {
        return cli_complain(MASTRA_INVALID_ARGUMENT,
                            "--expires must be 1 to 604800 seconds (one week), not 0");
    }
    wanted.host = cli->options.host;
    wanted.region = cli->options.region;
    wanted.user = cli->options.user;
    wanted.expires_s = cli->options.expires;
    code = open_aws(cli, &aws);
    if (code != 0) {
        return code;
    }
    if (mastra_dsql_token(aws, &wanted, &token, NULL, &error) == MASTRA_OK) {
        puts(token);
    } else {
        code = cli_fail(&error);
    }
    mastra_dsql_token_free(token);
    mastra_aws_close(aws);
    return code;
}

/* aws-whoami */

static void print_member(const char *name, const char *text, bool last)
{
    printf("\"%s\":", name);
    if (text[0]) {
        text_write_json_string(stdout, text);
    } else {
        fputs("null", stdout);
    }
    fputs(last ? "}\n" : ",", stdout);
}

static void print_identity(const mastra_aws_identity *identity)
{
    char expiration[32] = "";
    struct tm parts;
    time_t seconds;

    if (identity->expiration != MASTRA_TIME_NONE) {
        seconds = (time_t)(identity->expiration / 1000);
        if (gmtime_r(&seconds, &parts)) {
            strftime(expiration, sizeof expiration, "%Y-%m-%dT%H:%M:%SZ", &parts);
        }
    }
    putchar('{');
    print_member("source", identity->source, false);
    print_member("accessKeyId", identity->access_key_id, false);
    print_member("accountId", identity->account_id, false);
    print_member("region", identity->region, false);
    print_member("expiration", expiration, true);
}

static mastra_str fact(const char *text)
{
    return mastra_str_of(text[0] ? text : NULL);
}

static void show_identity(const mastra_aws_identity *identity)
{
    show_title("AWS credentials:", mastra_str_of(identity->source));
    show_fact("access key", fact(identity->access_key_id));
    show_fact("account", fact(identity->account_id));
    show_fact("region", fact(identity->region));
    if (identity->expiration == MASTRA_TIME_NONE) {
        show_fact("expires", mastra_str_of("never"));
    } else {
        show_fact_time("expires", identity->expiration);
    }
}

int run_aws_whoami(struct cli *cli)
{
    mastra_aws_identity identity = MASTRA_AWS_IDENTITY_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_aws *aws = NULL;
    int code = open_aws(cli, &aws);

    if (code != 0) {
        return code;
    }
    if (mastra_aws_whoami(aws, &identity, &error) != MASTRA_OK) {
        code = cli_fail(&error);
    } else if (cli->options.json) {
        print_identity(&identity);
    } else {
        show_identity(&identity);
    }
    mastra_aws_close(aws);
    return code;
}
