#include "waterfall.h"

#include "json.h"
#include "moment.h"
#include "text.h"

#include <stdlib.h>

#define NONE        SIZE_MAX
#define LEVELS      12 /* most; deeper spans are not indented further */
#define INDENT      3
#define LEAST_NAME  12
#define LEAST_BAR   10
#define GAP         2
#define LARGE_RANGE (INT64_C(1) << 40)

/* What the picture is made of. */
struct signs {
    const char *branch;
    const char *last_branch;
    const char *trunk;
    const char *bar;
    const char *open_end;
    const char *event;
    const char *error;
    const char *ellipsis;
};

static const struct signs utf8_signs = {"\u251c\u2500 ", "\u2514\u2500 ", "\u2502  ", "\u2588",
                                        "\u25b6",        "\u25c6",        "\u2717 ",  "\u2026"};
static const struct signs ascii_signs = {"|- ", "`- ", "|  ", "=", ">", "*", "! ", "~"};

struct node {
    const mastra_span *span;
    size_t parent; /* numbers of nodes, or NONE */
    size_t child;
    size_t last_child;
    size_t next;
    bool visited;
    char *label; /* the branches in front, and the name */
    char *length;
};

struct waterfall {
    FILE *out;
    const struct waterfall_style *style;
    const struct signs *signs;
    struct node *nodes; /* by start; the last one, number `count`, is above the topmost */
    size_t count;
    size_t orphans;
    size_t circles;
    mastra_time from;
    mastra_time to;
    size_t levels; /* that are indented */
    size_t name_width;
    size_t length_width;
    size_t bar_width;
};

/* The tree. */

struct name_entry {
    mastra_str id;
    size_t node;
};

static int compare_ids(mastra_str a, mastra_str b)
{
    int order = memcmp(a.ptr ? a.ptr : "", b.ptr ? b.ptr : "", a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b)
{
    const struct name_entry *x = a;
    const struct name_entry *y = b;
    int order = compare_ids(x->id, y->id);

    return order != 0 ? order : (x->node > y->node) - (x->node < y->node);
}

static int compare_to_entry(const void *id, const void *entry)
{
    return compare_ids(*(const mastra_str *)id, ((const struct name_entry *)entry)->id);
}

/* Finds every span's parent; one that is not in the trace counts as none. */
static bool find_parents(struct waterfall *fall)
{
    struct name_entry *entries = calloc(fall->count, sizeof *entries);

    if (!entries) {
        return false;
    }
    for (size_t i = 0; i < fall->count; i++) {
        entries[i] = (struct name_entry){fall->nodes[i].span->span_id, i};
    }
    qsort(entries, fall->count, sizeof *entries, compare_entries);
    for (size_t i = 0; i < fall->count; i++) {
        const mastra_str *wanted = &fall->nodes[i].span->parent_span_id;
        const struct name_entry *found =
            wanted->ptr ? bsearch(wanted, entries, fall->count, sizeof *entries, compare_to_entry) : NULL;

        fall->nodes[i].parent = found ? found->node : NONE;
        fall->orphans += wanted->ptr && !found;
    }
    free(entries);
    return true;
}

/* Takes the first span of a circle, which `node` is in, out of it. */
static void break_circle(struct waterfall *fall, size_t node)
{
    size_t first = node;

    for (size_t at = fall->nodes[node].parent; at != node; at = fall->nodes[at].parent) {
        first = at < first ? at : first;
    }
    fall->nodes[first].parent = NONE;
    fall->circles++;
}

/* Spans that are each other's ancestors would hang in the air. */
static bool break_circles(struct waterfall *fall)
{
    size_t *walks = calloc(fall->count, sizeof *walks); /* which walk came by, from 1 */

    if (!walks) {
        return false;
    }
    for (size_t i = 0; i < fall->count; i++) {
        size_t at = i;

        while (at != NONE && walks[at] == 0) {
            walks[at] = i + 1;
            at = fall->nodes[at].parent;
        }
        if (at != NONE && walks[at] == i + 1) {
            break_circle(fall, at);
        }
    }
    free(walks);
    return true;
}

/* Hangs every span below its parent, in the order of their starts. */
static void link_children(struct waterfall *fall)
{
    for (size_t i = 0; i < fall->count; i++) {
        struct node *node = &fall->nodes[i];
        struct node *parent;

        node->parent = node->parent == NONE ? fall->count : node->parent;
        parent = &fall->nodes[node->parent];
        if (parent->child == NONE) {
            parent->child = i;
        } else {
            fall->nodes[parent->last_child].next = i;
        }
        parent->last_child = i;
    }
}

static bool build(struct waterfall *fall, const mastra_span_list *spans)
{
    fall->count = mastra_span_list_count(spans);
    fall->nodes = calloc(fall->count + 1, sizeof *fall->nodes);
    if (!fall->nodes) {
        return false;
    }
    for (size_t i = 0; i <= fall->count; i++) {
        fall->nodes[i].span = i < fall->count ? mastra_span_list_at(spans, i) : NULL;
        fall->nodes[i].parent = fall->nodes[i].child = fall->nodes[i].next = NONE;
    }
    if (fall->count > 0 && (!find_parents(fall) || !break_circles(fall))) {
        return false;
    }
    link_children(fall);
    return true;
}

static void release(struct waterfall *fall)
{
    for (size_t i = 0; fall->nodes && i < fall->count; i++) {
        free(fall->nodes[i].label);
        free(fall->nodes[i].length);
    }
    free(fall->nodes);
}

/* The node after this one when the tree is read from top to bottom; NONE at the end. Keeps count of the depth. */
static size_t next_node(const struct waterfall *fall, size_t at, size_t *depth)
{
    if (fall->nodes[at].child != NONE) {
        ++*depth;
        return fall->nodes[at].child;
    }
    while (at != fall->count && fall->nodes[at].next == NONE) {
        at = fall->nodes[at].parent;
        --*depth;
    }
    return at == fall->count ? NONE : fall->nodes[at].next;
}

/* What a span is. */

static bool has_failed(const mastra_span *span)
{
    return !json_is_null(span->error);
}

static bool is_running(const mastra_span *span)
{
    return !span->is_event && span->ended_at == MASTRA_TIME_NONE && !has_failed(span);
}

static mastra_time start_of(const struct waterfall *fall, const mastra_span *span)
{
    return span->started_at == MASTRA_TIME_NONE ? fall->from : span->started_at;
}

/* One that failed without an end ends where it began, as one does that ends before that. */
static mastra_time end_of(const struct waterfall *fall, const mastra_span *span)
{
    mastra_time start = start_of(fall, span);

    if (is_running(span)) {
        return fall->to;
    }
    return span->ended_at == MASTRA_TIME_NONE || span->ended_at < start ? start : span->ended_at;
}

static void find_range(struct waterfall *fall)
{
    fall->from = fall->to = MASTRA_TIME_NONE;
    for (size_t i = 0; i < fall->count; i++) {
        const mastra_span *span = fall->nodes[i].span;
        mastra_time start = span->started_at;

        if (start != MASTRA_TIME_NONE && (fall->from == MASTRA_TIME_NONE || start < fall->from)) {
            fall->from = start;
        }
        /* The absent time is less than any other. */
        fall->to = start > fall->to ? start : fall->to;
        fall->to = !span->is_event && span->ended_at > fall->to ? span->ended_at : fall->to;
    }
}

/* Labels. */

/* `path` holds the ancestors of the node, from the top. */
static bool write_label(struct waterfall *fall, size_t at, const size_t *path, size_t depth)
{
    struct node *node = &fall->nodes[at];
    size_t levels = depth < fall->levels ? depth : fall->levels;
    size_t len;
    FILE *out = open_memstream(&node->label, &len);

    if (!out) {
        return false;
    }
    for (size_t i = 1; i < levels; i++) {
        fputs(fall->nodes[path[i]].next != NONE ? fall->signs->trunk : "   ", out);
    }
    if (levels > 0) {
        fputs(node->next != NONE ? fall->signs->branch : fall->signs->last_branch, out);
    }
    if (has_failed(node->span)) {
        fputs(fall->signs->error, out);
    }
    text_write_line(out, node->span->name);
    return fclose(out) == 0;
}

static bool write_length(struct waterfall *fall, size_t at)
{
    struct node *node = &fall->nodes[at];
    size_t len;
    FILE *out = open_memstream(&node->length, &len);

    if (!out) {
        return false;
    }
    if (is_running(node->span)) {
        fputs("running", out);
    } else if (!node->span->is_event) {
        moment_write_span(out, node->span->started_at, node->span->ended_at);
    }
    return fclose(out) == 0;
}

static bool write_labels(struct waterfall *fall)
{
    size_t path[LEVELS + 1] = {0};
    size_t depth = 0;
    bool ok = true;

    for (size_t at = fall->nodes[fall->count].child; ok && at != NONE; at = next_node(fall, at, &depth)) {
        size_t columns;

        if (depth <= LEVELS) {
            path[depth] = at;
        }
        ok = write_label(fall, at, path, depth) && write_length(fall, at);
        if (ok) {
            columns = text_columns(fall->nodes[at].label);
            fall->name_width = columns > fall->name_width ? columns : fall->name_width;
            columns = text_columns(fall->nodes[at].length);
            fall->length_width = columns > fall->length_width ? columns : fall->length_width;
        }
    }
    return ok;
}

/* Names have at most two fifths of the width, and are not pushed out of it by their indentation. */
static size_t most_name(const struct waterfall *fall)
{
    size_t most = fall->style->whole ? SIZE_MAX : fall->style->width * 2 / 5;

    return most < LEAST_NAME ? LEAST_NAME : most;
}

static void limit_levels(struct waterfall *fall)
{
    size_t levels = (most_name(fall) - LEAST_NAME) / INDENT;

    fall->levels = levels < 1 ? 1 : levels > LEVELS ? LEVELS : levels;
}

/* Shares the width out: what names and durations leave is the bars'. */
static void divide(struct waterfall *fall)
{
    size_t most = most_name(fall);
    size_t taken;

    fall->name_width = fall->name_width > most ? most : fall->name_width;
    taken = fall->name_width + fall->length_width + 2 * GAP;
    fall->bar_width = fall->style->width > taken + LEAST_BAR ? fall->style->width - taken : LEAST_BAR;
}

/* Drawing. */

static void print_blanks(FILE *out, size_t count)
{
    fprintf(out, "%*s", (int)count, "");
}

/* The text in so many columns, cut or filled. */
static void print_cell(const struct waterfall *fall, const char *text, size_t width)
{
    size_t columns;
    size_t len = text_fitting(text, width, &columns);

    if (text[len]) {
        len = text_fitting(text, width - 1, &columns);
        fwrite(text, 1, len, fall->out);
        fputs(fall->signs->ellipsis, fall->out);
        columns++;
    } else {
        fwrite(text, 1, len, fall->out);
    }
    print_blanks(fall->out, width - columns);
}

/* The column that a time falls into; `up`: the one behind it, unless it is just there. */
static size_t column_of(const struct waterfall *fall, mastra_time time, bool up)
{
    int64_t range = fall->to - fall->from;
    int64_t offset = time - fall->from;
    int64_t width = (int64_t)fall->bar_width;

    if (range <= 0) {
        return 0;
    }
    while (range > LARGE_RANGE) {
        range /= 2;
        offset /= 2;
    }
    return (size_t)((offset * width + (up ? range - 1 : 0)) / range);
}

static const char *colour_of(const struct waterfall *fall, const mastra_span *span)
{
    if (!fall->style->coloured) {
        return NULL;
    }
    return has_failed(span) ? "\033[31m" : is_running(span) ? "\033[33m" : NULL;
}

static void print_bar(const struct waterfall *fall, const mastra_span *span)
{
    const char *colour = colour_of(fall, span);
    size_t from = column_of(fall, start_of(fall, span), false);
    size_t to = column_of(fall, end_of(fall, span), true);

    /* What begins at the very end, or takes no time, still has a mark. */
    from = from < fall->bar_width ? from : fall->bar_width - 1;
    to = is_running(span) ? fall->bar_width : to > from ? to : from + 1;
    print_blanks(fall->out, from);
    fputs(colour ? colour : "", fall->out);
    if (span->is_event) {
        fputs(fall->signs->event, fall->out);
    } else {
        for (size_t i = from; i + is_running(span) < to; i++) {
            fputs(fall->signs->bar, fall->out);
        }
        fputs(is_running(span) ? fall->signs->open_end : "", fall->out);
    }
    fputs(colour ? "\033[m" : "", fall->out);
}

static void print_row(const struct waterfall *fall, const struct node *node)
{
    const char *colour = colour_of(fall, node->span);

    fputs(colour ? colour : "", fall->out);
    print_cell(fall, node->label, fall->name_width);
    fputs(colour ? "\033[m" : "", fall->out);
    print_blanks(fall->out, GAP + fall->length_width - text_columns(node->length));
    fputs(node->length, fall->out);
    print_blanks(fall->out, GAP);
    print_bar(fall, node->span);
    fputc('\n', fall->out);
}

/* The line above: where the bars begin and end. */
static bool print_scale(const struct waterfall *fall)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    if (!out) {
        return false;
    }
    moment_write_span(out, fall->from, fall->to);
    if (fclose(out) != 0) {
        free(text);
        return false;
    }
    print_cell(fall, "SPAN", fall->name_width);
    print_blanks(fall->out, GAP + fall->length_width - strlen("DURATION"));
    fputs("DURATION", fall->out);
    print_blanks(fall->out, GAP);
    fputc('0', fall->out);
    print_blanks(fall->out, len + 1 < fall->bar_width ? fall->bar_width - len - 1 : 1);
    fprintf(fall->out, "%s\n", text);
    free(text);
    return true;
}

/* "! name: what its error says", on one line. */
static bool print_error(const struct waterfall *fall, const mastra_span *span)
{
    mastra_str message;
    char *owned;

    if (!json_text(json_error_text(span->error), &message, &owned)) {
        return false;
    }
    fputs(fall->signs->error, fall->out);
    text_write_line(fall->out, span->name);
    fputs(": ", fall->out);
    text_write_line(fall->out, message);
    fputc('\n', fall->out);
    free(owned);
    return true;
}

static bool print_notes(const struct waterfall *fall)
{
    const char *blank = "\n";
    size_t depth = 0;
    bool ok = true;

    for (size_t at = fall->nodes[fall->count].child; ok && at != NONE; at = next_node(fall, at, &depth)) {
        if (has_failed(fall->nodes[at].span)) {
            fputs(blank, fall->out);
            blank = "";
            ok = print_error(fall, fall->nodes[at].span);
        }
    }
    if (fall->orphans || fall->circles) {
        fputs("\n", fall->out);
    }
    if (fall->orphans) {
        fprintf(fall->out, "%zu span%s stand%s at the top because the parent is not in the trace.\n",
                fall->orphans, fall->orphans == 1 ? "" : "s", fall->orphans == 1 ? "s" : "");
    }
    if (fall->circles) {
        fprintf(fall->out, "%zu span%s stand%s at the top because the parents go round in a circle.\n",
                fall->circles, fall->circles == 1 ? "" : "s", fall->circles == 1 ? "s" : "");
    }
    return ok;
}

bool waterfall_print(FILE *out, const mastra_span_list *spans, const struct waterfall_style *style)
{
    struct waterfall fall = {.out = out,
                             .style = style,
                             .signs = style->utf8 ? &utf8_signs : &ascii_signs,
                             .name_width = strlen("SPAN"),
                             .length_width = strlen("DURATION")};
    size_t depth = 0;
    bool ok = build(&fall, spans);

    if (ok) {
        find_range(&fall);
        limit_levels(&fall);
        ok = write_labels(&fall);
    }
    if (ok) {
        divide(&fall);
        ok = print_scale(&fall);
    }
    for (size_t at = ok ? fall.nodes[fall.count].child : NONE; at != NONE;
         at = next_node(&fall, at, &depth)) {
        print_row(&fall, &fall.nodes[at]);
    }
    ok = ok && print_notes(&fall);
    release(&fall);
    return ok;
}
