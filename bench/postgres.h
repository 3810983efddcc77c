/* What the parts of the benchmark on PostgreSQL share. A place is a URL of ours that ends in "&schema=name". */
#ifndef BENCH_POSTGRES_H
#define BENCH_POSTGRES_H

#include "bench.h"

struct pg_conn; /* libpq's PGconn */

/* libpq by hand; calls at once are none of its rows. */
extern const struct contestant contestant_raw_postgres;

/* Connects to a place, its schema first in the search path; NULL (told on stderr) when that fails. */
struct pg_conn *postgres_connect(const char *url);

/* The number that a statement gives; less than 0 (told on stderr) when it fails. */
int64_t postgres_number(struct pg_conn *connection, const char *sql);

#endif
