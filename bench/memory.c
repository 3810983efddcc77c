/*
 * bench-memory [--quick] [--node PROGRAM] [--json FILE]: memory operations, ours beside the limit and the peer.
 * In each round every contestant does every row once, in changing order. Runs in bench/, where peer.mjs is.
 */
#include "contestant.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    OURS,
    CALL,
    RAW,
    PEER,
    CONTESTANTS,
};

static const struct contestant *const contestants[CONTESTANTS] = {
    [OURS] = &contestant_ours,
    [CALL] = &contestant_call,
    [RAW] = &contestant_raw,
    [PEER] = &contestant_peer,
};

struct bench {
    char folder[256];
    int folder_fd;
    char paths[CONTESTANTS][300];
    void *players[CONTESTANTS];
    size_t saved[CONTESTANTS]; /* messages */
    size_t rounds;
    size_t divisor; /* of the operations in a round */
    const char *json;
    bool has_peer;
    struct result results[ROW_COUNT];
};

static struct bench the_bench;

static void give_up(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

/* However the program ends. */
static void remove_folder(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    const struct bench *bench = &the_bench;
    char path[320];

    for (int i = 0; i < CONTESTANTS; i++) {
        for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]); j++) {
            (void)snprintf(path, sizeof(path), "%s%s", bench->paths[i], ends[j]);
            (void)unlink(path);
        }
    }
    (void)close(bench->folder_fd);
    (void)rmdir(bench->folder);
}

static void make_folder(struct bench *bench)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(bench->folder, sizeof(bench->folder), "%s/mastra-bench-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(bench->folder) || (bench->folder_fd = open(bench->folder, O_RDONLY | O_DIRECTORY)) < 0) {
        give_up("cannot make a temporary folder");
    }
    (void)atexit(remove_folder);
    for (int i = 0; i < CONTESTANTS; i++) {
        (void)snprintf(bench->paths[i], sizeof(bench->paths[i]), "%s/%s.db", bench->folder,
                       contestants[i]->name);
    }
}

static void open_contestant(struct bench *bench, int contestant)
{
    bench->players[contestant] = contestants[contestant]->open(bench->paths[contestant]);
    if (!bench->players[contestant]) {
        give_up("a contestant could not start");
    }
}

static bool takes_part(const struct bench *bench, int contestant, enum row row)
{
    /* Calls at once are by name already. */
    return (contestant != PEER || bench->has_peer) && (contestant != CALL || row != SAVE_AT_ONCE);
}

static double play(struct bench *bench, int contestant, const struct batch *batch)
{
    double seconds = contestants[contestant]->run(bench->players[contestant], batch);

    if (seconds <= 0) {
        fprintf(stderr, "bench: %s failed at: %s\n", contestants[contestant]->name, rows[batch->row].name);
        exit(1);
    }
    bench->saved[contestant] += batch->note_count;
    return seconds;
}

static double *rates_of(struct result *result, int contestant)
{
    switch (contestant) {
    case OURS:
        return result->ours;
    case CALL:
        return result->call;
    case RAW:
        return result->raw;
    default:
        return result->peer;
    }
}

/* Saves the long thread through each contestant. */
static void fill(struct bench *bench)
{
    struct batch *batch = batch_new(SAVE_MANY, LONG_THREAD / MANY, "long");

    for (int i = 0; i < CONTESTANTS; i++) {
        if (bench->players[i]) {
            (void)play(bench, i, batch);
        }
    }
    batch_free(batch);
}

static size_t operations_of(const struct bench *bench, enum row row)
{
    size_t operations = rows[row].operations / bench->divisor;

    return row == SAVE_AT_ONCE ? operations - operations % AT_ONCE : operations;
}

/* Each begins equally often, and follows now this one, now that one. */
static int whose_turn(size_t turn, size_t round, enum row row)
{
    size_t place = round % 2 ? turn : CONTESTANTS - turn;

    return (int)((place + round + (size_t)row) % CONTESTANTS);
}

/* One row by all; the first round only warms up. */
static void run_row(struct bench *bench, enum row row, size_t round)
{
    struct batch *batch = batch_new(row, operations_of(bench, row), NULL);
    double units = (double)(rows[row].messages ? batch->note_count : batch->operations);

    for (size_t turn = 0; turn < CONTESTANTS; turn++) {
        int contestant = whose_turn(turn, round, row);

        if (takes_part(bench, contestant, row)) {
            double seconds;

            /* Nobody pays for what another has left to be written to the disk. */
            (void)syncfs(bench->folder_fd);
            seconds = play(bench, contestant, batch);

            if (round > 0) {
                rates_of(&bench->results[row], contestant)[round - 1] = units / seconds;
            }
        }
    }
    batch_free(batch);
}

/* Looks into the file that a contestant leaves: nobody wins by doing nothing. */
static bool check_file(const struct bench *bench, int contestant)
{
    static const char sql[] = "SELECT count(*), min(length(content)) = ?1 AND max(length(content)) = ?1, "
                              "(SELECT count(*) FROM mastra_threads WHERE updatedAt > createdAt) "
                              "FROM mastra_messages";
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    bool right = false;

    if (sqlite3_open(bench->paths[contestant], &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_int(statement, 1, CONTENT) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        size_t touched = contestant == CALL ? 3 : AT_ONCE + 3;

        right = (size_t)sqlite3_column_int64(statement, 0) == bench->saved[contestant] &&
                sqlite3_column_int(statement, 1) == 1 && (size_t)sqlite3_column_int(statement, 2) == touched;
    }
    if (!right) {
        fprintf(stderr, "bench: the file of %s does not hold the %zu messages that it was given\n",
                contestants[contestant]->name, bench->saved[contestant]);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return right;
}

static bool finish(struct bench *bench)
{
    bool right = true;

    for (int i = 0; i < CONTESTANTS; i++) {
        if (bench->players[i]) {
            right = contestants[i]->close(bench->players[i]) && right;
            right = check_file(bench, i) && right;
        }
    }
    return right;
}

static void parse(struct bench *bench, int argc, char **argv)
{
    bench->rounds = 7;
    bench->divisor = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            bench->rounds = 3;
            bench->divisor = 4;
        } else if (strcmp(argv[i], "--node") == 0 && i + 1 < argc) {
            peer_use_node(argv[++i]);
            bench->has_peer = true;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            bench->json = argv[++i];
        } else {
            give_up("usage: bench-memory [--quick] [--node PROGRAM] [--json FILE]");
        }
    }
}

int main(int argc, char **argv)
{
    struct bench *bench = &the_bench;

    parse(bench, argc, argv);
    make_folder(bench);
    raw_use_schema_of(bench->paths[OURS]);
    /* The peer's process comes first, so that it inherits no open database. */
    if (bench->has_peer) {
        open_contestant(bench, PEER);
    }
    open_contestant(bench, OURS);
    open_contestant(bench, CALL);
    open_contestant(bench, RAW);
    fill(bench);
    for (size_t round = 0; round <= bench->rounds; round++) {
        for (int row = 0; row < ROW_COUNT; row++) {
            run_row(bench, (enum row)row, round);
        }
    }
    return finish(bench) && report(bench->results, bench->rounds, bench->json) ? 0 : 1;
}
