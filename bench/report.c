/* The tables for people and the file for programs. */
#include "bench.h"

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
    double rates[CONTESTANTS];
    double p50[CONTESTANTS];
    double p99[CONTESTANTS];
    double ratio_raw;
    double ratio_peer;
    bool run;
};

static void make_lines(const struct bench *bench, struct line lines[ROW_COUNT])
{
    for (int row = 0; row < ROW_COUNT; row++) {
        const struct result *result = &bench->results[row];
        struct line *line = &lines[row];

        line->run = false;
        for (int i = 0; i < CONTESTANTS; i++) {
            line->rates[i] = median(result->rates[i], bench->rounds);
            line->p50[i] = median(result->p50[i], bench->rounds);
            line->p99[i] = median(result->p99[i], bench->rounds);
            line->run = line->run || line->rates[i] > 0;
        }
        line->ratio_raw = median_ratio(result->rates[OURS], result->rates[RAW], bench->rounds);
        line->ratio_peer = median_ratio(result->rates[OURS], result->rates[PEER], bench->rounds);
    }
}

/* The tables. */

static void print_number(double number, int width)
{
    if (number > 0) {
        printf(" %*.*f", width, number < 100 ? 1 : 0, number);
    } else {
        printf(" %*s", width, "-");
    }
}

static void print_ratio(double ratio)
{
    if (ratio > 0) {
        printf(" %9.2f", ratio);
    } else {
        printf(" %9s", "-");
    }
}

static void print_numbers(const char *name, const char *unit, const double numbers[CONTESTANTS])
{
    printf("%-36s %-13s", name, unit);
    for (int i = 0; i < CONTESTANTS; i++) {
        print_number(numbers[i], 10);
    }
}

static const struct target *target_of(const struct bench *bench, int row)
{
    for (size_t i = 0; i < bench->target_count; i++) {
        if ((int)bench->targets[i].row == row) {
            return &bench->targets[i];
        }
    }
    return NULL;
}

static void print_target(const char *whose, double wanted, double reached)
{
    if (wanted > 0) {
        printf("  %s %.4g%s", whose, wanted, reached <= 0 || reached >= wanted ? "" : " MISSED");
    }
}

static void print_rows(const struct bench *bench, const struct line lines[ROW_COUNT])
{
    printf("%-36s %-13s %10s %10s %10s %10s %9s %9s%s\n", "", "", "ours", "call", "raw", "peer", "ours/raw",
           "ours/peer", bench->target_count ? "  wanted" : "");
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct target *target = target_of(bench, i);

        if (lines[i].run) {
            print_numbers(rows[i].name, rows[i].unit, lines[i].rates);
            print_ratio(lines[i].ratio_raw);
            print_ratio(lines[i].ratio_peer);
            if (target) {
                print_target("raw", target->of_raw, lines[i].ratio_raw);
                print_target("peer", target->of_peer, lines[i].ratio_peer);
            }
            putchar('\n');
        }
    }
}

/* Smaller is better. */
static void print_costs(const struct bench *bench, const struct line lines[ROW_COUNT])
{
    double megabytes[CONTESTANTS];

    for (int i = 0; i < ROW_COUNT; i++) {
        if (lines[i].p50[OURS] > 0) {
            putchar('\n');
            print_numbers(rows[i].name, "p50 us", lines[i].p50);
            putchar('\n');
            print_numbers("", "p99 us", lines[i].p99);
        }
    }
    if (bench->sizes.bytes[OURS] > 0) {
        for (int i = 0; i < CONTESTANTS; i++) {
            megabytes[i] = bench->sizes.memory[i] / 1e6;
        }
        putchar('\n');
        print_numbers("a message of 1 KB on the disk", "bytes", bench->sizes.bytes);
        putchar('\n');
        print_numbers("resident after 10,000 messages", "MB", megabytes);
    }
    putchar('\n');
}

static void print_notes(const struct bench *bench)
{
    if (bench->server) {
        printf("\nmedians of %zu rounds, of their ratios too; ours: the C functions (calls at once: "
               "mastra_call_async); "
               "call: mastra_call;\nraw: the same statements on %s by hand in pipelines, pages without a "
               "total; peer: "
               "%s\n",
               bench->rounds, bench->server, peer_version()[0] ? peer_version() : "not there");
        return;
    }
    printf(
        "\nmedians of %zu rounds, of their ratios too; ours: the C functions (calls at once: "
        "mastra_call_async); call: mastra_call;\n"
        "raw: the same statements on SQLite %s by hand, pages without a total except beside another process; "
        "peer: %s\n",
        bench->rounds, mastra_sqlite_version(), peer_version()[0] ? peer_version() : "not there");
}

/* The file. */

static void write_number(FILE *file, const char *name, double value, int decimals)
{
    if (value > 0) {
        fprintf(file, ", \"%s\": %.*f", name, decimals, value);
    } else {
        fprintf(file, ", \"%s\": null", name);
    }
}

static void write_numbers(FILE *file, const double numbers[CONTESTANTS])
{
    for (int i = 0; i < CONTESTANTS; i++) {
        write_number(file, contestants[i]->name, numbers[i], 1);
    }
}

static void write_latency(FILE *file, const struct line *line)
{
    for (int i = 0; i < CONTESTANTS; i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "%s_p50_us", contestants[i]->name);
        write_number(file, name, line->p50[i], 1);
        (void)snprintf(name, sizeof(name), "%s_p99_us", contestants[i]->name);
        write_number(file, name, line->p99[i], 1);
    }
}

static void write_rows(FILE *file, const struct bench *bench, const struct line lines[ROW_COUNT])
{
    const char *separator = "";

    fputs("  \"rows\": [", file);
    for (int i = 0; i < ROW_COUNT; i++) {
        if (!lines[i].run) {
            continue;
        }
        fprintf(file, "%s\n    {\"name\": \"%s\", \"unit\": \"%s\"", separator, rows[i].name, rows[i].unit);
        write_numbers(file, lines[i].rates);
        write_number(file, "ratio_raw", lines[i].ratio_raw, 4);
        write_number(file, "ratio_peer", lines[i].ratio_peer, 4);
        if (target_of(bench, i)) {
            write_number(file, "wanted_raw", target_of(bench, i)->of_raw, 2);
            write_number(file, "wanted_peer", target_of(bench, i)->of_peer, 2);
        }
        if (lines[i].p50[OURS] > 0) {
            write_latency(file, &lines[i]);
        }
        fputc('}', file);
        separator = ",";
    }
    fputs(bench->server ? "\n  ]\n" : "\n  ],\n", file);
}

static void write_sizes(FILE *file, const struct sizes *sizes)
{
    fputs("  \"sizes\": [\n    {\"name\": \"a message of 1 KB on the disk\", \"unit\": \"bytes\"", file);
    write_numbers(file, sizes->bytes);
    fputs("},\n    {\"name\": \"resident after 10,000 messages\", \"unit\": \"bytes\"", file);
    write_numbers(file, sizes->memory);
    fputs("}\n  ]\n", file);
}

static void write_json(FILE *file, const struct bench *bench, const struct line lines[ROW_COUNT])
{
    struct utsname system = {0};

    (void)uname(&system);
    fprintf(file,
            "{\n  \"machine\": {\"cores\": %ld, \"kernel\": \"%s %s\", \"architecture\": \"%s\", "
            "\"compiler\": \"%s\", \"%s\": \"%s\", \"peer\": \"%s\"},\n  \"rounds\": %zu,\n",
            sysconf(_SC_NPROCESSORS_ONLN), system.sysname, system.release, system.machine, __VERSION__,
            bench->server ? "server" : "sqlite", bench->server ? bench->server : mastra_sqlite_version(),
            peer_version(), bench->rounds);
    write_rows(file, bench, lines);
    if (!bench->server) {
        write_sizes(file, &bench->sizes);
    }
    fputs("}\n", file);
}

bool report(const struct bench *bench, const char *path)
{
    struct line lines[ROW_COUNT];
    FILE *file;

    make_lines(bench, lines);
    print_rows(bench, lines);
    print_costs(bench, lines);
    print_notes(bench);
    if (!path) {
        return true;
    }
    file = fopen(path, "w");
    if (file) {
        write_json(file, bench, lines);
    }
    if (!file || fclose(file) != 0) {
        perror(path);
        return false;
    }
    return true;
}
