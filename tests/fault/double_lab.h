/* What the tests of the double of Aurora DSQL share: a double of their own, logins of all kinds, statements. */
#ifndef FAULT_DOUBLE_LAB_H
#define FAULT_DOUBLE_LAB_H

#include "support/dsql.h"

#include <libpq-fe.h>
#include <stdint.h>

#define OC000 "40001 OC000"
#define OC001 "40001 OC001"
#define MIXED "0A000 ddl and dml are not supported in the same transaction"

/* Of a program; fixtures of its group and of each test. */
extern struct dsql_server *double_server;
int double_begin_all(void **state);
int double_end_all(void **state);

/* An empty schema, and settings as at the start. */
int double_begin(void **state);

struct login {
    const char *user;
    const char *token_user; /* whom the token is for; NULL: the user */
    const char *host;       /* NULL: the double's */
    const char *token_host; /* NULL: the double's */
    const char *region;
    const char *key;
    const char *secret;
    const char *session;
    const char *database;
    const char *password; /* instead of a token */
    const char *mode;     /* sslmode */
    const char *sni;      /* "0": none */
    const char *options;
    const char *address; /* NULL: the double's */
    int64_t expires_s;
};

PGconn *try_to_connect(struct login login);
PGconn *open_connection(void);
void expect_denied(struct login login, const char *text);
void expect_admitted(struct login login);

/* Fail unless the result is "ok", "gone" (the connection), or begins with this SQLSTATE and text. */
void expect_result(PGconn *connection, PGresult *result, const char *sql, const char *expected);

/* By the simple protocol, and by the extended one. */
void expect(PGconn *connection, const char *sql, const char *expected);
void expect_extended(PGconn *connection, const char *sql, const char *expected);
void run(PGconn *connection, const char *sql);

/* Rows as "a,b|c,d". */
void expect_rows(PGconn *connection, const char *sql, const char *expected);

/* t (a integer PRIMARY KEY, b text) with 1, one and 2, two. */
void make_table(PGconn *connection);

#endif
