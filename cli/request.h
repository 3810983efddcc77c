/* Arguments of an operation as JSON, for --json. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "cli.h"

struct request {
    FILE *out;
    char *text;
    size_t len;
    const char *separator;
};

bool request_begin(struct request *request); /* false, after saying so: no memory */

/* Add a member; an absent value adds none. */
void request_add_text(struct request *request, const char *name, const char *value);
void request_add_number(struct request *request, const char *name, int64_t value);
void request_add_time(struct request *request, const char *name, mastra_time value);
void request_add_bool(struct request *request, const char *name, bool value);
void request_add_page(struct request *request, const struct options *options);

/* Members between these two belong to an object (or, with '[', are elements of an array) of that name. */
void request_open(struct request *request, const char *name, char bracket);
void request_close(struct request *request, char bracket);

/* Calls the operation and prints its result; releases the request and returns the exit code. */
int request_print(struct cli *cli, const char *operation, struct request *request);

/* The same; *ret_null tells whether the result was null. */
int request_print_or_null(struct cli *cli, const char *operation, struct request *request, bool *ret_null);

#endif
