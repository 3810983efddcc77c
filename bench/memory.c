/*
 * Memory on SQLite, side by side: the typed functions, the same by name with JSON, hand-written C on the same SQLite, and
 * Mastra's own adapter. In every round each does the same work in turn; the medians of the rounds are compared. Ratios
 * count: absolute numbers tell more of the machine.
 */
#include "contestant.h"

#include <mastra/mastra.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define ROUNDS       7
#define QUICK_ROUNDS 3

enum who {
    OURS,
    CALL,
    RAW,
    PEER,
    CONTESTANTS,
};

static const struct contestant *const contestants[CONTESTANTS] = {&contestant_ours, &contestant_call,
                                                                  &contestant_raw, &contestant_peer};

static const struct {
    const char *name;
    const char *unit;
    int count;       /* in a round */
    int quick_count; /* in a quick one */
    int weight;      /* what one unit counts as */
} rows[WORKLOADS] = {
    [SAVE_ONE] = {"save one", "messages/s", 1000, 300, 1},
    [SAVE_BATCH] = {"save 100 in a call", "messages/s", 60, 20, BENCH_BATCH},
    [SUBMIT] = {"64 submitted at once", "messages/s", 40, 8, BENCH_SUBMITTED},
    [LAST_PAGE] = {"last page of 10,000", "pages/s", 200, 50, 1},
    [GET_THREAD] = {"getThreadById", "threads/s", 5000, 1000, 1},
};

struct bench {
    bool quick;
    int rounds;
    char folder[64];
    void *open[CONTESTANTS]; /* NULL: does not take part */
    double rates[WORKLOADS][CONTESTANTS][ROUNDS];
    double medians[WORKLOADS][CONTESTANTS];
};

static void path_of(const struct bench *bench, enum who who, const char *suffix, char *out, size_t size)
{
    snprintf(out, size, "%s/%s.db%s", bench->folder, contestants[who]->name, suffix);
}

static bool open_all(struct bench *bench)
{
    snprintf(bench->folder, sizeof bench->folder, "/tmp/mastra-bench-XXXXXX");
    if (!mkdtemp(bench->folder)) {
        return bench_complain("bench", "no temporary folder");
    }
    for (int who = 0; who < CONTESTANTS; who++) {
        char path[128];

        path_of(bench, (enum who)who, "", path, sizeof path);
        bench->open[who] = contestants[who]->open(path);
        if (!bench->open[who] && who != PEER) {
            return false;
        }
    }
    return true;
}

static void close_all(struct bench *bench)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};

    for (int who = 0; who < CONTESTANTS; who++) {
        if (bench->open[who]) {
            contestants[who]->close(bench->open[who]);
        }
        for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
            char path[128];

            path_of(bench, (enum who)who, suffixes[i], path, sizeof path);
            unlink(path);
        }
    }
    rmdir(bench->folder);
}

static int count_of(const struct bench *bench, int workload)
{
    return bench->quick ? rows[workload].quick_count : rows[workload].count;
}

/* One contestant's turn at one workload; a first, short one that does not count warms up. */
static bool take_turn(struct bench *bench, int round, int workload, int who)
{
    int count = count_of(bench, workload);
    double seconds;

    if (!bench->open[who]) {
        return true;
    }
    seconds =
        contestants[who]->run(bench->open[who], (enum workload)workload, round < 0 ? 1 + count / 10 : count);
    if (seconds <= 0) {
        return false;
    }
    if (round >= 0) {
        bench->rates[workload][who][round] = count * rows[workload].weight / seconds;
    }
    return true;
}

static bool run_all(struct bench *bench)
{
    for (int round = -1; round < bench->rounds; round++) {
        for (int workload = 0; workload < WORKLOADS; workload++) {
            for (int turn = 0; turn < CONTESTANTS; turn++) {
                /* Whoever is first in one round is last in another. */
                int who = (turn + round + 1) % CONTESTANTS;

                if (!take_turn(bench, round, workload, who)) {
                    return false;
                }
            }
        }
        fprintf(stderr, "%s", round < 0 ? "warm " : ". ");
    }
    fputc('\n', stderr);
    return true;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static void find_medians(struct bench *bench)
{
    for (int workload = 0; workload < WORKLOADS; workload++) {
        for (int who = 0; who < CONTESTANTS; who++) {
            double *rates = bench->rates[workload][who];

            qsort(rates, (size_t)bench->rounds, sizeof *rates, compare);
            bench->medians[workload][who] = rates[bench->rounds / 2];
        }
    }
}

static double ratio(const double *medians, enum who who)
{
    return medians[who] > 0 ? medians[OURS] / medians[who] : 0;
}

static void print_table(const struct bench *bench)
{
    printf("%-22s %-11s %10s %10s %10s %10s %9s %9s\n", "", "unit", "ours", "by name", "raw", "peer", "/ raw",
           "/ peer");
    for (int workload = 0; workload < WORKLOADS; workload++) {
        const double *medians = bench->medians[workload];

        printf("%-22s %-11s %10.0f %10.0f %10.0f %10.0f %9.2f %9.2f\n", rows[workload].name,
               rows[workload].unit, medians[OURS], medians[CALL], medians[RAW], medians[PEER],
               ratio(medians, RAW), ratio(medians, PEER));
    }
    printf("medians of %d rounds, %d-byte messages, synchronous=NORMAL; raw reads the last page from the end "
           "without a"
           " total\n",
           bench->rounds, BENCH_CONTENT_SIZE);
}

static void write_number(FILE *out, const char *name, double value)
{
    if (value > 0) {
        fprintf(out, ",\"%s\":%.3f", name, value);
    } else {
        fprintf(out, ",\"%s\":null", name);
    }
}

static bool write_results(const struct bench *bench)
{
    FILE *out = fopen("results.json", "w");
    struct utsname machine;

    if (!out || uname(&machine) != 0) {
        return bench_complain("bench", "cannot write results.json");
    }
    fprintf(out,
            "{\"machine\":{\"cores\":%ld,\"kernel\":\"%s %s\",\"architecture\":\"%s\",\"sqlite\":\"%s\"},",
            sysconf(_SC_NPROCESSORS_ONLN), machine.sysname, machine.release, machine.machine,
            mastra_sqlite_version());
    fprintf(out, "\"rounds\":%d,\"rows\":[", bench->rounds);
    for (int workload = 0; workload < WORKLOADS; workload++) {
        const double *medians = bench->medians[workload];

        fprintf(out, "%s\n{\"name\":\"%s\",\"unit\":\"%s\"", workload ? "," : "", rows[workload].name,
                rows[workload].unit);
        write_number(out, "ours", medians[OURS]);
        write_number(out, "call", medians[CALL]);
        write_number(out, "raw", medians[RAW]);
        write_number(out, "peer", medians[PEER]);
        write_number(out, "ratio_raw", ratio(medians, RAW));
        write_number(out, "ratio_peer", ratio(medians, PEER));
        fputc('}', out);
    }
    fputs("\n]}\n", out);
    return fclose(out) == 0 || bench_complain("bench", "cannot write results.json");
}

int main(int argc, char **argv)
{
    static struct bench bench;
    bool ok;

    bench.quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    bench.rounds = bench.quick ? QUICK_ROUNDS : ROUNDS;
    ok = open_all(&bench) && run_all(&bench);
    if (ok) {
        find_medians(&bench);
        print_table(&bench);
        ok = write_results(&bench);
    }
    close_all(&bench);
    return ok ? 0 : 1;
}
