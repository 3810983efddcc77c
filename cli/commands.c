/* Commands around operations by name: init, ops, call. */
#include "cli.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

#define MOST_INPUT ((size_t)1 << 30)

int run_init(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    int code = cli_open(cli);

    if (code == 0 && mastra_init(cli->store, &error) != MASTRA_OK) {
        code = cli_fail(&error);
    }
    if (code == 0) {
        fputs("ready: ", stdout);
        text_write_url(stdout, cli->options.store);
        fputc('\n', stdout);
    }
    return code;
}

/* ops */

static int print_operation(const mastra_operation *operation)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *help = NULL;

    if (mastra_operation_help(operation->name, &help, NULL, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    printf("%s (%s%s)\n  %s\n%s", operation->name, operation->domain, operation->writes ? ", writes" : "",
           operation->summary, help);
    printf("  Example: %s\n\n", operation->example);
    mastra_json_free(help);
    return 0;
}

int print_operations(const char *name)
{
    mastra_operation operation = MASTRA_OPERATION_INIT;
    bool found = false;
    int code = 0;

    for (size_t i = 0; code == 0 && mastra_operation_at(i, &operation); i++) {
        if (!name || strcmp(name, operation.name) == 0) {
            found = true;
            code = print_operation(&operation);
        }
    }
    if (code == 0 && !found) {
        code = cli_complain(MASTRA_USAGE, "there is no operation \"%s\"", cli_shown(name));
    }
    return code;
}

int run_ops(struct cli *cli)
{
    mastra_error error = MASTRA_ERROR_INIT;
    size_t len = 0;
    char *json = NULL;

    if (!cli->options.json) {
        return print_operations(cli->arg_count ? cli->args[0] : NULL);
    }
    if (cli->arg_count) {
        return cli_complain(MASTRA_USAGE, "ops --json lists all operations and takes no name");
    }
    if (mastra_operations(&json, &len, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    print_json(json, len);
    mastra_json_free(json);
    return 0;
}

/* call */

static int read_failed(const char *name)
{
    return cli_complain(MASTRA_INVALID_ARGUMENT, "cannot read %s: %s", name, strerror(errno));
}

/* Everything that a stream holds; *ret_text is to be freed. */
static int read_all(FILE *in, const char *name, char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t room = 0;
    size_t len = 0;
    size_t got = 1;
    int code = 0;

    while (code == 0 && got > 0) {
        if (len == room) {
            room = room ? 2 * room : 65536;
            char *grown = room <= MOST_INPUT ? realloc(text, room) : NULL;

            if (!grown) {
                code = cli_complain(MASTRA_LIMIT_EXCEEDED, "%s is too large", name);
                break;
            }
            text = grown;
        }
        got = fread(text + len, 1, room - len, in);
        len += got;
        if (ferror(in)) {
            code = read_failed(name);
        }
    }
    if (code != 0) {
        free(text);
        return code;
    }
    *ret_text = text;
    *ret_len = len;
    return 0;
}

static int read_file(const char *path, char **ret_text, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    int code;

    if (!file) {
        return read_failed(path);
    }
    code = read_all(file, path, ret_text, ret_len);
    fclose(file);
    return code;
}

static bool is_operation(const char *name)
{
    mastra_operation operation = MASTRA_OPERATION_INIT;

    for (size_t i = 0; mastra_operation_at(i, &operation); i++) {
        if (strcmp(operation.name, name) == 0) {
            return true;
        }
    }
    return false;
}

int run_call(struct cli *cli)
{
    const char *given = cli->arg_count > 1 ? cli->args[1] : NULL;
    size_t len = given ? strlen(given) : 0;
    char *owned = NULL;
    int code = 0;

    /* A slip of the pen should not make a database file. */
    if (!is_operation(cli->args[0])) {
        return cli_complain(MASTRA_USAGE, "there is no operation \"%s\"; mastra-store ops lists them",
                            cli_shown(cli->args[0]));
    }
    if (given && strcmp(given, "-") == 0) {
        code = read_all(stdin, "standard input", &owned, &len);
    } else if (given && given[0] == '@') {
        code = read_file(given + 1, &owned, &len);
    }
    if (code == 0) {
        code = cli_open(cli);
    }
    if (code == 0) {
        code = call_and_print(cli, cli->args[0], owned ? owned : given, len, NULL);
    }
    free(owned);
    return code;
}
