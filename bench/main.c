/*
 * bench-store [--quick] [--rounds NUMBER] [--node PROGRAM] [--json FILE] [--only ROW] [--who CONTESTANT]: ours beside
 * the limit and the peer. ROW is a part of the names of the rows that are wanted, which helps a profiler. In each round every contestant does every row once, in changing order. Runs in bench/, where peer.mjs is.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct contestant *const contestants[CONTESTANTS] = {
    [OURS] = &contestant_ours,
    [CALL] = &contestant_call,
    [RAW] = &contestant_raw,
    [PEER] = &contestant_peer,
};

static struct bench the_bench;
static bool has_peer;

static const char usage[] = "usage: bench-store [--quick] [--rounds NUMBER] [--node PROGRAM] [--json FILE] "
                            "[--only ROW] [--who CONTESTANT]";

void give_up(const char *why)
{
    fprintf(stderr, "bench: %s\n", why);
    exit(1);
}

/* However the program ends. */
static void remove_folder(void)
{
    const struct bench *bench = &the_bench;

    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            remove_database(bench->players[file][i].path);
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
    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            struct player *player = &bench->players[file][i];

            (void)snprintf(player->path, sizeof(player->path), "%s/%s%s.db", bench->folder,
                           contestants[i]->name, file ? "-full" : "");
        }
    }
}

static bool takes_part(const struct bench *bench, int contestant, enum row row)
{
    enum work work = rows[row].work;

    if (contestant == CALL) {
        /* Calls at once are by name already. */
        return work != WORK_AT_ONCE && work != WORK_THREADS && work != WORK_START &&
               (bench->who < 0 || bench->who == CALL);
    }
    return (contestant != PEER || has_peer) && (bench->who < 0 || bench->who == contestant);
}

static void open_players(struct bench *bench)
{
    /* The peer's processes come first; ours has the schema that raw copies. */
    static const int order[CONTESTANTS] = {PEER, OURS, CALL, RAW};

    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            struct player *player = &bench->players[file][order[i]];

            if (order[i] == PEER && !has_peer) {
                continue;
            }
            player->self = contestants[order[i]]->open(player->path, file == 1);
            if (!player->self) {
                give_up("a contestant could not start");
            }
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
    if (batch->snapshots) {
        player->last_run = batch->first + (int64_t)batch->operations - 1;
    }
    return seconds;
}

static size_t operations_of(const struct bench *bench, enum row row)
{
    size_t operations = rows[row].operations / bench->divisor;

    return operations > 0 ? operations : 1;
}

/* The part of a batch that a contestant does: rates are compared, and the peer need not take all day. */
static struct batch part_of(const struct batch *batch, int contestant)
{
    size_t fewer = contestant == PEER && rows[batch->row].fewer > 0 ? rows[batch->row].fewer : 1;
    struct batch part = *batch;

    part.operations /= fewer;
    part.note_count /= fewer;
    part.span_count /= fewer;
    return part;
}

/* Each begins equally often, and follows now this one, now that one. */
static int whose_turn(size_t turn, size_t round, enum row row)
{
    size_t place = round % 2 ? turn : CONTESTANTS - turn;

    return (int)((place + round + (size_t)row) % CONTESTANTS);
}

/* A round that only warms up leaves nothing. */
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

static double play_beside_writer(struct player *player, int contestant, struct batch *batch)
{
    struct child writer;
    size_t saved = 0;
    double seconds;

    if (!writer_start(&writer, player->path)) {
        give_up("the process that writes could not start");
    }
    seconds = play(player, contestant, batch);
    if (!writer_end(&writer, &saved)) {
        give_up("the process that writes failed");
    }
    player->messages += saved;
    return seconds;
}

static void run_row(struct bench *bench, enum row row, size_t round)
{
    struct batch *batch = batch_new(row, operations_of(bench, row));

    if (rows[row].work == WORK_PAGE) {
        batch->first = rows[row].thread[0] == 'h' ? bench->newest_huge : bench->newest_long;
    }
    for (size_t turn = 0; turn < CONTESTANTS; turn++) {
        int contestant = whose_turn(turn, round, row);
        struct player *player = &bench->players[rows[row].full][contestant];

        if (takes_part(bench, contestant, row)) {
            struct batch part = part_of(batch, contestant);
            double seconds;

            /* Nobody pays for what another has left to be written to the disk. */
            (void)syncfs(bench->folder_fd);
            seconds = rows[row].beside ? play_beside_writer(player, contestant, &part)
                                       : play(player, contestant, &part);
            note_result(bench, contestant, &part, seconds, round);
        }
    }
    batch_free(batch);
}

static bool finish(struct bench *bench)
{
    bool right = true;

    for (int file = 0; file < FILES; file++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            if (bench->players[file][i].self) {
                right = contestants[i]->close(bench->players[file][i].self) && right;
                right = check_file(bench, file, i) && right;
            }
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
            bench->warm_up = 0;
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
            give_up(usage);
        }
    }
}

int main(int argc, char **argv)
{
    struct bench *bench = &the_bench;

    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        return writer_main(argv[2]);
    }
    if (argc == 5 && strcmp(argv[1], "--load") == 0) {
        return load_main(argv[2], argv[3], argv[4]);
    }
    parse(bench, argc, argv);
    if (bench->rounds < 1 || bench->rounds > ROUNDS_MOST) {
        give_up("there must be 1 to 64 rounds");
    }
    make_folder(bench);
    raw_use_schema_of(bench->players[0][OURS].path);
    open_players(bench);
    fill(bench);
    for (size_t round = 0; round < bench->rounds + bench->warm_up; round++) {
        for (int row = 0; row < ROW_COUNT; row++) {
            if (!bench->only || strstr(rows[row].name, bench->only)) {
                run_row(bench, (enum row)row, round);
            }
        }
    }
    if (!bench->only) {
        measure_sizes(bench);
    }
    return finish(bench) && report(bench, bench->json) ? 0 : 1;
}
