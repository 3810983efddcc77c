/*
 * Aurora DSQL for tests: the double (tests/support/dsql/double.py) that a run of the tests shares, and doubles of a test's
 * own.
 */
#ifndef SUPPORT_DSQL_H
#define SUPPORT_DSQL_H

#include <stdbool.h>

struct dsql_server;

/*
 * The shared double, which scripts/run-tests starts for all, or this program for itself when it is run by hand. NULL: there
 * is none, and standard error tells why. It ends with the program. Its access key is in this process's environment from
 * then on.
 */
struct dsql_server *dsql_shared(void);

/* The same, or the cmocka test is skipped. */
struct dsql_server *dsql_wanted(void);

/* A double of the test's own, with settings "name=value" behind each other, the last one NULL. Skips the cmocka test when
 * there is no PostgreSQL. */
struct dsql_server *dsql_start(const char *const *settings);
void dsql_end(struct dsql_server *server);

/* What is known of a double, by the end of its name behind MASTRA_TEST_DSQL: "_HOST", "_PORT"... Belongs to the double. */
const char *dsql_fact(const struct dsql_server *server, const char *name);

/* A command as tests/support/dsql/double.py tells; what is answered behind "ok", to be freed. Fails the cmocka test when
 * it is refused. */
char *dsql_ask(const struct dsql_server *server, const char *command);
void dsql_do(const struct dsql_server *server, const char *command);
long long dsql_count(const struct dsql_server *server, const char *name);

/* The URL of a store, with further parameters behind it ("&schema=x"); to be freed. */
char *dsql_url(const struct dsql_server *server, const char *more);

#endif
