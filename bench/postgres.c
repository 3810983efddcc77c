/*
 * bench-postgres [--quick] [--rounds NUMBER] [--node PROGRAM] [--json FILE] [--only ROW] [--who CONTESTANT]: ours beside
 * libpq by hand and the peer, on one server, each in a schema of its own. tests/support/postgres-server --durable runs it
 * beside such a server, which it finds by MASTRA_TEST_POSTGRES. Runs in bench/, where peer.mjs is.
 */
#include "postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct contestant *const contestants[CONTESTANTS] = {
    [OURS] = &contestant_ours,
    [CALL] = &contestant_call,
    [RAW] = &contestant_raw_postgres,
    [PEER] = &contestant_peer,
};

/* The rows, and the ratios that are wanted; 0: none is. */
static const struct target targets[] = {
    {SAVE_ONE, 0.85, 3}, {SAVE_MANY, 0.7, 2.5}, {SAVE_AT_ONCE, 0, 1.5},  {SAVE_THREADS, 0, 1.5},
    {NEWEST_LONG, 0, 0}, {LAST_LONG, 0, 20},    {NEWEST_NO_TOTAL, 0, 0}, {GET_THREAD, 0, 0},
    {PERSIST, 0, 0},     {CREATE_SPANS, 0, 2},  {GET_TRACE, 0, 1.7},     {LIST_TRACES, 0, 2.5},
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

static struct bench the_bench;
static bool has_peer;
static PGconn *control;

void give_up(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

PGconn *postgres_connect(const char *url)
{
    const char *schema = strstr(url, "&schema=");
    char text[2048];
    PGconn *connection;
    PGresult *result;

    (void)snprintf(text, sizeof(text), "%.*s", schema ? (int)(schema - url) : (int)strlen(url), url);
    connection = PQconnectdb(text);
    (void)snprintf(text, sizeof(text), "SET search_path TO \"%s\"",
                   schema ? schema + strlen("&schema=") : "public");
    result = PQexec(connection, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "bench: %s\n", PQerrorMessage(connection));
        PQfinish(connection);
        connection = NULL;
    }
    PQclear(result);
    return connection;
}

int64_t postgres_number(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    int64_t number = -1;

    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
        number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    } else {
        fprintf(stderr, "bench: %s\n", PQerrorMessage(connection));
    }
    PQclear(result);
    return number;
}

static bool takes_part(const struct bench *bench, int contestant, enum row row)
{
    bool together = rows[row].work == WORK_AT_ONCE || rows[row].work == WORK_THREADS;

    if (together && (contestant == CALL || contestant == RAW)) {
        return false;
    }
    return (contestant != PEER || has_peer) && (bench->who < 0 || bench->who == contestant);
}

static void open_players(struct bench *bench, const char *url)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        struct player *player = &bench->players[0][i];

        if (i == PEER && !has_peer) {
            continue;
        }
        (void)snprintf(player->path, sizeof(player->path), "%s&schema=%s", url, contestants[i]->name);
        player->self = contestants[i]->open(player->path, false);
        if (!player->self) {
            give_up("a contestant could not start");
        }
    }
}

double play(struct player *player, int contestant, struct batch *batch)
{
    double seconds = contestants[contestant]->run(player->self, batch);

    if (seconds <= 0) {
        fprintf(stderr, "bench: %s failed at: %s\n", contestants[contestant]->name, rows[batch->row].name);
        exit(1);
    }
    player->messages += batch->note_count;
    player->spans += batch->span_count;
    return seconds;
}

static void by_all(struct bench *bench, struct batch *batch)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        if (bench->players[0][i].self) {
            (void)play(&bench->players[0][i], i, batch);
        }
    }
    batch_free(batch);
}

void fill(struct bench *bench)
{
    struct batch *batch = batch_new_fill(LONG_THREAD / MANY);

    bench->newest_long = batch->first + LONG_THREAD - 1;
    by_all(bench, batch);
    by_all(bench, batch_new_spans("fill_roots", TRACES));
    by_all(bench, batch_new_spans("fill_trace", TRACE_SPANS - 1));
    PQclear(PQexec(control, "VACUUM ANALYZE"));
}

/* Nobody pays for what another has left to be written to the disk. */
static void settle(void)
{
    PQclear(PQexec(control, "CHECKPOINT"));
}

static struct batch part_of(const struct batch *batch, int contestant)
{
    size_t fewer = contestant == PEER && rows[batch->row].fewer > 0 ? rows[batch->row].fewer : 1;
    struct batch part = *batch;

    part.operations /= fewer;
    part.note_count /= fewer;
    part.span_count /= fewer;
    return part;
}

static void note_result(struct bench *bench, int contestant, const struct batch *batch, double seconds,
                        size_t round)
{
    struct result *result = &bench->results[batch->row];
    size_t things = rows[batch->row].things;

    if (round >= bench->warm_up) {
        size_t place = round - bench->warm_up;

        result->rates[contestant][place] = (double)(batch->operations * (things ? things : 1)) / seconds;
        result->p50[contestant][place] = batch->latency.p50;
        result->p99[contestant][place] = batch->latency.p99;
    }
}

/* A server's answers take longer than a file's; calls that are under way together are whole groups. */
static size_t operations_of(const struct bench *bench, enum row row)
{
    size_t operations = rows[row].operations / bench->divisor;

    if (rows[row].work == WORK_AT_ONCE || rows[row].work == WORK_THREADS) {
        return operations / AT_ONCE * AT_ONCE;
    }
    return rows[row].things == MANY ? operations : operations / 4;
}

static void run_row(struct bench *bench, enum row row, size_t round)
{
    struct batch *batch = batch_new(row, operations_of(bench, row));

    batch->first = rows[row].work == WORK_PAGE ? bench->newest_long : batch->first;
    for (size_t turn = 0; turn < CONTESTANTS; turn++) {
        int contestant = (int)((turn + round + (size_t)row) % CONTESTANTS);

        if (takes_part(bench, contestant, row)) {
            struct batch part = part_of(batch, contestant);

            settle();
            note_result(bench, contestant, &part, play(&bench->players[0][contestant], contestant, &part),
                        round);
        }
    }
    batch_free(batch);
}

/* Nobody wins by doing nothing. */
static bool check(const struct player *player, const char *name)
{
    PGconn *connection = postgres_connect(player->path);
    int64_t messages = connection ? postgres_number(connection, "SELECT count(*) FROM mastra_messages WHERE "
                                                                "length(content) = 1024")
                                  : -1;
    int64_t spans = connection ? postgres_number(connection, "SELECT count(*) FROM mastra_ai_spans WHERE "
                                                             "output->>'finishReason' = 'stop'")
                               : -1;
    bool right = messages == (int64_t)player->messages && spans == (int64_t)player->spans;

    if (!right) {
        fprintf(stderr, "bench: %s has stored %lld messages and %lld spans, not %zu and %zu\n", name,
                (long long)messages, (long long)spans, player->messages, player->spans);
    }
    PQfinish(connection);
    return right;
}

static bool finish(struct bench *bench)
{
    bool right = true;

    for (int i = 0; i < CONTESTANTS; i++) {
        struct player *player = &bench->players[0][i];

        if (player->self) {
            right = contestants[i]->close(player->self) && right;
            right = check(player, contestants[i]->name) && right;
        }
    }
    return right;
}

static int contestant_named(const char *name)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        if (strcmp(contestants[i]->name, name) == 0) {
            return i;
        }
    }
    give_up("there is no such contestant");
    return -1;
}

static void parse(struct bench *bench, int argc, char **argv)
{
    bench->rounds = 7;
    bench->divisor = 1;
    bench->warm_up = 1;
    bench->who = -1;
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--quick") == 0) {
            bench->rounds = 3;
            bench->divisor = 4;
        } else if (strcmp(argv[i], "--node") == 0 && more) {
            peer_use_node(argv[++i]);
            has_peer = true;
        } else if (strcmp(argv[i], "--json") == 0 && more) {
            bench->json = argv[++i];
        } else if (strcmp(argv[i], "--rounds") == 0 && more) {
            bench->rounds = strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--only") == 0 && more) {
            bench->only = argv[++i];
        } else if (strcmp(argv[i], "--who") == 0 && more) {
            bench->who = contestant_named(argv[++i]);
        } else {
            give_up("usage: bench-postgres [--quick] [--rounds NUMBER] [--node PROGRAM] [--json FILE] "
                    "[--only ROW] "
                    "[--who CONTESTANT]");
        }
    }
    if (bench->rounds < 1 || bench->rounds > ROUNDS_MOST) {
        give_up("there must be 1 to 64 rounds");
    }
}

int main(int argc, char **argv)
{
    struct bench *bench = &the_bench;
    const char *url = getenv("MASTRA_TEST_POSTGRES");
    static char server[64];
    bool right;

    parse(bench, argc, argv);
    control = url ? postgres_connect(url) : NULL;
    if (!control) {
        give_up("no server: run it by tests/support/postgres-server --durable --");
    }
    (void)snprintf(server, sizeof(server), "PostgreSQL %s", PQparameterStatus(control, "server_version"));
    bench->server = server;
    bench->targets = targets;
    bench->target_count = TARGETS;
    open_players(bench, url);
    fill(bench);
    for (size_t round = 0; round < bench->rounds + bench->warm_up; round++) {
        for (size_t i = 0; i < TARGETS; i++) {
            if (!bench->only || strstr(rows[targets[i].row].name, bench->only)) {
                run_row(bench, targets[i].row, round);
            }
        }
    }
    right = finish(bench) && report(bench, bench->json);
    PQfinish(control);
    return right ? 0 : 1;
}
