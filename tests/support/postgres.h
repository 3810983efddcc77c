/*
 * PostgreSQL for tests: the server that a run of the tests shares, servers of a test's own that it may kill, and the
 * database looked at and changed behind a store's back.
 */
#ifndef SUPPORT_POSTGRES_H
#define SUPPORT_POSTGRES_H

#include <stdbool.h>

struct pg_conn; /* libpq's PGconn */
struct postgres_server;

/*
 * The shared server, which scripts/run-tests starts for all, or this program for itself when it is run by hand. NULL:
 * there is none, and standard error tells why. It ends with the program.
 */
struct postgres_server *postgres_shared(void);

/* The same, or the cmocka test is skipped. */
struct postgres_server *postgres_wanted(void);

/*
 * A server of the test's own, with further settings "name=value" behind each other, the last one NULL. Skips the cmocka
 * test when there is no PostgreSQL.
 */
struct postgres_server *postgres_start(const char *const *settings);

/* Ends it and forgets its data. */
void postgres_end(struct postgres_server *server);

/* "kill", "start", "stop", "pause", "resume": as tests/support/postgres-server tells. Fails the cmocka test. */
void postgres_do(struct postgres_server *server, const char *word);

/*
 * What is known of a server, by the end of its name behind MASTRA_TEST_POSTGRES: "" is the URL, "_TCP", "_PLAIN",
 * "_HOST", "_PORT", "_PASSWORD", "_CA"... Belongs to the server.
 */
const char *postgres_fact(const struct postgres_server *server, const char *name);

/* The URL with further keywords behind it ("&schema=x"); to be freed. */
char *postgres_url(const struct postgres_server *server, const char *more);

/* A schema name that no other test uses; to be freed. The schema itself is not created. */
char *postgres_schema_name(void);

/* A connection, runs statements in one go, the first column of the first row (to be freed; NULL: no row, or null). */
struct pg_conn *postgres_connect(const char *url);
void postgres_run(struct pg_conn *connection, const char *sql);
char *postgres_text(struct pg_conn *connection, const char *sql);
void postgres_close(struct pg_conn *connection);

/* The same on a connection for this alone. The URL is one of the server's, without keywords that only the store knows. */
void postgres_run_on(const char *url, const char *sql);
char *postgres_text_on(const char *url, const char *sql);

#endif
