/* The table for people and the file for programs. */
#include "contestant.h"

#include <mastra/mastra.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double median(const double *values, size_t count)
{
    double sorted[ROUNDS_MOST];

    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), compare);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* The median of each round's ratio, which a machine that is busy for a while disturbs least; 0 when there is none. */
static double median_ratio(const double *values, const double *others, size_t count)
{
    double ratios[ROUNDS_MOST];

    for (size_t i = 0; i < count; i++) {
        if (others[i] <= 0) {
            return 0;
        }
        ratios[i] = values[i] / others[i];
    }
    return median(ratios, count);
}

struct line {
    double ours;
    double call;
    double raw;
    double peer;
    double ratio_raw;
    double ratio_peer;
};

static void print_rate(FILE *file, double rate)
{
    if (rate > 0) {
        fprintf(file, " %10.0f", rate);
    } else {
        fprintf(file, " %10s", "-");
    }
}

static void print_ratio(FILE *file, double ratio)
{
    if (ratio > 0) {
        fprintf(file, " %9.2f", ratio);
    } else {
        fprintf(file, " %9s", "-");
    }
}

static void print_table(FILE *file, const struct line lines[ROW_COUNT], size_t rounds)
{
    fprintf(file, "%-34s %-13s %10s %10s %10s %10s %9s %9s\n", "", "", "ours", "call", "raw", "peer",
            "ours/raw", "ours/peer");
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct line *line = &lines[i];

        fprintf(file, "%-34s %-13s", rows[i].name, rows[i].unit);
        print_rate(file, line->ours);
        print_rate(file, line->call);
        print_rate(file, line->raw);
        print_rate(file, line->peer);
        print_ratio(file, line->ratio_raw);
        print_ratio(file, line->ratio_peer);
        fputc('\n', file);
    }
    fprintf(file,
            "medians of %zu rounds, of their ratios too; ours: the C functions (calls at once: "
            "mastra_call_async); call: "
            "mastra_call;\n"
            "raw: the same statements on SQLite %s by hand; peer: %s\n",
            rounds, mastra_sqlite_version(), peer_version()[0] ? peer_version() : "not there");
}

static void write_number(FILE *file, const char *name, double value, int decimals)
{
    if (value > 0) {
        fprintf(file, ", \"%s\": %.*f", name, decimals, value);
    } else {
        fprintf(file, ", \"%s\": null", name);
    }
}

static void write_json(FILE *file, const struct line lines[ROW_COUNT], size_t rounds)
{
    struct utsname system = {0};

    (void)uname(&system);
    fprintf(file,
            "{\n  \"machine\": {\"cores\": %ld, \"kernel\": \"%s %s\", \"architecture\": \"%s\", "
            "\"compiler\": \"%s\", \"sqlite\": \"%s\", \"peer\": \"%s\"},\n  \"rounds\": %zu,\n  \"rows\": [",
            sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release, system.machine, __VERSION__,
            mastra_sqlite_version(), peer_version(), rounds);
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct line *line = &lines[i];

        fprintf(file, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\"", i ? "," : "", rows[i].name,
                rows[i].unit);
        write_number(file, "ours", line->ours, 1);
        write_number(file, "call", line->call, 1);
        write_number(file, "raw", line->raw, 1);
        write_number(file, "peer", line->peer, 1);
        write_number(file, "ratio_raw", line->ratio_raw, 4);
        write_number(file, "ratio_peer", line->ratio_peer, 4);
        fputc('}', file);
    }
    fputs("\n  ]\n}\n", file);
}

bool report(const struct result results[ROW_COUNT], size_t rounds, const char *path)
{
    struct line lines[ROW_COUNT];
    FILE *file;

    for (int i = 0; i < ROW_COUNT; i++) {
        lines[i].ours = median(results[i].ours, rounds);
        lines[i].call = median(results[i].call, rounds);
        lines[i].raw = median(results[i].raw, rounds);
        lines[i].peer = median(results[i].peer, rounds);
        lines[i].ratio_raw = median_ratio(results[i].ours, results[i].raw, rounds);
        lines[i].ratio_peer = median_ratio(results[i].ours, results[i].peer, rounds);
    }
    print_table(stdout, lines, rounds);
    if (!path) {
        return true;
    }
    file = fopen(path, "w");
    if (file) {
        write_json(file, lines, rounds);
    }
    if (!file || fclose(file) != 0) {
        perror(path);
        return false;
    }
    return true;
}
