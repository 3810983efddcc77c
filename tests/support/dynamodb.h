/*
 * DynamoDB for tests: the DynamoDB Local that a run of the tests shares, and its tables looked at and changed behind a
 * store's back.
 */
#ifndef SUPPORT_DYNAMODB_H
#define SUPPORT_DYNAMODB_H

#include <stdbool.h>

/*
 * The shared server's endpoint, "http://127.0.0.1:PORT", which scripts/run-tests starts for all, or this program for
 * itself when it is run by hand; it ends with the program. NULL: there is none, or this build cannot talk to it, and
 * standard error tells why. The environment holds credentials once this was called.
 */
const char *dynamodb_endpoint(void);

/* The same, or the cmocka test is skipped. */
const char *dynamodb_wanted(void);

/* Makes a request ("GetItem", JSON) and gives the body of the answer, to be freed. Fails the cmocka test on an error. */
char *dynamodb_call(const char *operation, const char *json);

/* The same at another endpoint; ret_status gets the HTTP status, and no error fails the test. NULL: no answer came. */
char *dynamodb_call_at(const char *endpoint, const char *operation, const char *json, int *ret_status);

/* A table name that no other test uses, to be freed; there is no such table yet. */
char *dynamodb_table_name(void);

/* Makes a table with pk, sk and the first `indexes` of gsi1 to gsi7, and takes one away (which may be missing). */
void dynamodb_create(const char *table, int indexes);
void dynamodb_delete(const char *table);

/* A store's URL on a table; to be freed. */
char *dynamodb_url(const char *endpoint, const char *table);

#endif
