#include "request.h"

#include "text.h"

#include <stdlib.h>

bool request_begin(struct request *request)
{
    *request = (struct request){.separator = ""};
    request->out = open_memstream(&request->text, &request->len);
    if (!request->out) {
        cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
        return false;
    }
    fputc('{', request->out);
    return true;
}

/* The name, unless it is NULL: an element of an array has none. */
static void begin_member(struct request *request, const char *name)
{
    fputs(request->separator, request->out);
    if (name) {
        text_write_json_string(request->out, name);
        fputc(':', request->out);
    }
    request->separator = ",";
}

void request_add_text(struct request *request, const char *name, const char *value)
{
    if (value) {
        begin_member(request, name);
        text_write_json_string(request->out, value);
    }
}

void request_add_number(struct request *request, const char *name, int64_t value)
{
    begin_member(request, name);
    fprintf(request->out, "%lld", (long long)value);
}

void request_add_time(struct request *request, const char *name, mastra_time value)
{
    if (value != MASTRA_TIME_NONE) {
        request_add_number(request, name, value);
    }
}

void request_add_bool(struct request *request, const char *name, bool value)
{
    begin_member(request, name);
    fputs(value ? "true" : "false", request->out);
}

void request_add_page(struct request *request, const struct options *options)
{
    request_add_number(request, "page", options->page);
    if (options->per_page == MASTRA_PER_PAGE_ALL) {
        request_add_bool(request, "perPage", false);
    } else if (options->per_page != MASTRA_PER_PAGE_DEFAULT) {
        request_add_number(request, "perPage", options->per_page);
    }
}

void request_open(struct request *request, const char *name, char bracket)
{
    begin_member(request, name);
    fputc(bracket, request->out);
    request->separator = "";
}

void request_close(struct request *request, char bracket)
{
    fputc(bracket, request->out);
    request->separator = ",";
}

int request_print_or_null(struct cli *cli, const char *operation, struct request *request, bool *ret_null)
{
    int code;

    fputc('}', request->out);
    if (fclose(request->out) == 0) {
        code = call_and_print(cli, operation, request->text, request->len, ret_null);
    } else {
        code = cli_complain(MASTRA_OUT_OF_MEMORY, "out of memory");
    }
    free(request->text);
    return code;
}

int request_print(struct cli *cli, const char *operation, struct request *request)
{
    return request_print_or_null(cli, operation, request, NULL);
}
