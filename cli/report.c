#include "cli.h"
#include "text.h"

#include <stdarg.h>
#include <unistd.h>

static int report(const char *message, mastra_status status)
{
    fputs("mastra-store: ", stderr);
    text_write_line(stderr, mastra_str_of(message));
    fprintf(stderr, " [%s]\n", mastra_status_name(status));
    return mastra_status_exit_code(status);
}

int cli_fail(const mastra_error *error)
{
    return report(error->message[0] ? error->message : mastra_status_text(error->status), error->status);
}

int cli_complain(mastra_status status, const char *format, ...)
{
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return report(message, status);
}

bool cli_is_url(const char *word)
{
    return strncmp(word, "file:", 5) == 0 || strstr(word, "://");
}

const char *cli_shown(const char *word)
{
    return cli_is_url(word) ? "a URL" : word;
}

int cli_check_file(const char *command, const char *name)
{
    return cli_is_url(name) ? cli_complain(MASTRA_USAGE, "%s takes a file's name, not a URL", command) : 0;
}

void show_count(const char *noun, const char *nouns, size_t count)
{
    if (count == 0) {
        printf("no %s\n", nouns);
    } else {
        printf("%zu %s\n", count, count == 1 ? noun : nouns);
    }
}

void show_title(const char *kind, mastra_str name)
{
    printf("%s ", kind);
    text_write_line(stdout, name);
    putchar('\n');
}

void show_fact(const char *name, mastra_str text)
{
    printf("  %-10s  ", name);
    text_write_line(stdout, text.ptr ? text : mastra_str_of("-"));
    putchar('\n');
}

void show_fact_time(const char *name, mastra_time time)
{
    printf("  %-10s  ", name);
    text_write_time(stdout, time);
    fputs(time == MASTRA_TIME_NONE ? "\n" : " UTC\n", stdout);
}

void print_json(const char *json, size_t len)
{
    if (isatty(STDOUT_FILENO)) {
        text_write_json(stdout, json, len);
    } else {
        fwrite(json, 1, len, stdout);
    }
    fputc('\n', stdout);
}

int call_and_print(struct cli *cli, const char *operation, const char *args, size_t len, bool *ret_null)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_str text = {args, len};
    size_t json_len = 0;
    char *json = NULL;

    if (mastra_call(cli->store, operation, text, &json, &json_len, &error) != MASTRA_OK) {
        return cli_fail(&error);
    }
    print_json(json, json_len);
    if (ret_null) {
        *ret_null = strcmp(json, "null") == 0;
    }
    mastra_json_free(json);
    return 0;
}
