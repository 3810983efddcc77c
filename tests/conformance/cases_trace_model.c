/* Random traces, of which random lists are compared with the same filters over plain arrays. */
#include "conformance/spans.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TRACES 240
#define TIMES  12 /* few, so that many are equal */
#define WORDS  3
#define ROUNDS 250

/* What the model knows of a trace: its root, and whether something below has an error. */
struct trace {
    char id[8];
    int started;
    int ended; /* -1: has not */
    bool error;
    bool child_error;
    int type;   /* of words */
    int entity; /* -1: none */
    int user;
    int version;
    unsigned tags; /* bits of words */
    int number;    /* in metadata, -1: no metadata */
    bool deep;     /* whether {"list":[1,{"x":null}]} is in metadata */
};

/* What is asked for; -1 and 0: no filter. */
struct question {
    int started_from, started_to, ended_from, ended_to;
    bool exclusive[4]; /* of those four */
    int status;
    int child_error;
    int type, entity, user, version, trace;
    unsigned tags;
    int number;
    bool deep;
    bool by_end, ascending;
};

struct model {
    struct fixture *fixture;
    uint64_t random;
    struct trace traces[TRACES];
};

static const char *const words[WORDS] = {"red", "it's", "gr\xc3\xbcn"};

static int draw(struct model *model, int bound)
{
    model->random = model->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((model->random >> 33) % (uint64_t)bound);
}

static bool chance(struct model *model, int percent)
{
    return draw(model, 100) < percent;
}

/* A word, or -1. */
static int word(struct model *model, int percent)
{
    return chance(model, percent) ? draw(model, WORDS) : -1;
}

static mastra_str word_text(int which)
{
    return mastra_str_of(which < 0 ? NULL : words[which]);
}

/* The words of a set as a JSON array, to be freed; NULL for the empty set. */
static char *tags_text(unsigned tags)
{
    char text[64] = "[";
    if (!tags)
        return NULL;
    for (int i = 0; i < WORDS; i++) {
        if (tags & 1u << i) {
            size_t len = strlen(text);
            snprintf(text + len, sizeof(text) - len, "%s\"%s\"", len > 1 ? "," : "", words[i]);
        }
    }
    return test_format("%s]", text);
}

static char *metadata_text(int number, bool deep)
{
    const char *list = deep ? "\"o\":{\"list\":[1,{\"x\":null}]}" : "";
    if (number < 0)
        return deep ? test_format("{%s}", list) : NULL;
    return test_format("{\"n\":%d%s%s}", number, deep ? "," : "", list);
}

/* The traces. */

static mastra_span child_of(const struct trace *trace, int index)
{
    static const char *const ids[] = {"c0", "c1", "c2"};
    mastra_span span = MASTRA_SPAN_INIT;
    span.trace_id = mastra_str_of(trace->id);
    span.span_id = mastra_str_of(ids[index]);
    span.parent_span_id = mastra_str_of("root");
    span.name = mastra_str_of("child");
    span.span_type = mastra_str_of(words[0]);
    span.started_at = trace->started;
    return span;
}

static void create(struct model *model, const mastra_span *span)
{
    mastra_error error = MASTRA_ERROR_INIT;
    fixture_ok(mastra_create_span(model->fixture->store, span, &error), &error);
}

static void create_trace(struct model *model, struct trace *trace)
{
    char *tags = tags_text(trace->tags);
    char *metadata = metadata_text(trace->number, trace->deep);
    mastra_span root = MASTRA_SPAN_INIT;
    int children = draw(model, 3);
    root.trace_id = mastra_str_of(trace->id);
    root.span_id = mastra_str_of("root");
    root.name = mastra_str_of("root");
    root.span_type = word_text(trace->type);
    root.started_at = trace->started;
    root.ended_at = trace->ended < 0 ? MASTRA_TIME_NONE : trace->ended;
    root.error = mastra_str_of(trace->error ? "{\"message\":\"no\"}" : NULL);
    root.entity_id = word_text(trace->entity);
    root.user_id = word_text(trace->user);
    root.root_entity_version_id = word_text(trace->version);
    root.tags = mastra_str_of(tags);
    root.metadata = mastra_str_of(metadata);
    create(model, &root);
    for (int i = 0; i <= children; i++) {
        mastra_span child = child_of(trace, i);
        if (i == children && trace->child_error)
            child.error = mastra_str_of("\"failed\"");
        create(model, &child);
    }
    free(tags);
    free(metadata);
}

static void begin(struct model *model)
{
    for (int i = 0; i < TRACES; i++) {
        struct trace *trace = &model->traces[i];
        snprintf(trace->id, sizeof(trace->id), "t%d", (i * 7919) % 1000);
        trace->started = draw(model, TIMES);
        trace->ended = chance(model, 70) ? trace->started + draw(model, TIMES) : -1;
        trace->error = chance(model, 20);
        trace->child_error = chance(model, 20);
        trace->type = draw(model, WORDS);
        trace->entity = word(model, 70);
        trace->user = word(model, 70);
        trace->version = word(model, 50);
        trace->tags = (unsigned)draw(model, 1 << WORDS);
        trace->number = chance(model, 70) ? draw(model, 3) : -1;
        trace->deep = chance(model, 40);
        create_trace(model, trace);
    }
}

/* A root ends, fails or recovers. */
static void change_one(struct model *model)
{
    struct trace *trace = &model->traces[draw(model, TRACES)];
    mastra_span_patch patch = MASTRA_SPAN_PATCH_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    trace->ended = chance(model, 70) ? trace->started + draw(model, TIMES) : -1;
    trace->error = chance(model, 30);
    patch.values.trace_id = mastra_str_of(trace->id);
    patch.values.span_id = mastra_str_of("root");
    patch.values.ended_at = trace->ended < 0 ? MASTRA_TIME_NONE : trace->ended;
    patch.values.error = mastra_str_of(trace->error ? "7" : NULL);
    patch.set = MASTRA_SPAN_SET_ENDED_AT | MASTRA_SPAN_SET_ERROR;
    fixture_ok(mastra_update_span(model->fixture->store, &patch, &error), &error);
}

/* The questions. */

static int time_or_none(struct model *model, int most)
{
    return chance(model, 15) ? draw(model, most) : -1;
}

static struct question ask(struct model *model)
{
    struct question ask = {.trace = -1};
    ask.started_from = time_or_none(model, TIMES);
    ask.started_to = time_or_none(model, TIMES);
    ask.ended_from = time_or_none(model, 2 * TIMES);
    ask.ended_to = time_or_none(model, 2 * TIMES);
    for (int i = 0; i < 4; i++)
        ask.exclusive[i] = chance(model, 50);
    ask.status = chance(model, 30) ? 1 + draw(model, 3) : MASTRA_TRACE_ANY;
    ask.child_error = chance(model, 30) ? draw(model, 2) : -1;
    ask.type = word(model, 20);
    ask.entity = word(model, 20);
    ask.user = word(model, 20);
    ask.version = word(model, 10);
    ask.tags = chance(model, 30) ? (unsigned)draw(model, 1 << WORDS) : 0;
    ask.number = chance(model, 20) ? draw(model, 3) : -1;
    ask.deep = chance(model, 15);
    if (chance(model, 5))
        ask.trace = draw(model, TRACES);
    ask.by_end = chance(model, 50);
    ask.ascending = chance(model, 50);
    return ask;
}

static bool within(int time, int from, bool from_exclusive, int to, bool to_exclusive)
{
    if (from >= 0 && (from_exclusive ? time <= from : time < from))
        return false;
    return to < 0 || (to_exclusive ? time < to : time <= to);
}

static mastra_trace_status status_of(const struct trace *trace)
{
    if (trace->error)
        return MASTRA_TRACE_ERROR;
    return trace->ended < 0 ? MASTRA_TRACE_RUNNING : MASTRA_TRACE_SUCCESS;
}

static bool fits(const struct model *model, const struct trace *trace, const struct question *ask)
{
    bool ranged = ask->ended_from >= 0 || ask->ended_to >= 0;
    if (!within(trace->started, ask->started_from, ask->exclusive[0], ask->started_to, ask->exclusive[1]))
        return false;
    if (ranged && (trace->ended < 0 || !within(trace->ended, ask->ended_from, ask->exclusive[2],
                                               ask->ended_to, ask->exclusive[3])))
        return false;
    if (ask->status != MASTRA_TRACE_ANY && ask->status != (int)status_of(trace))
        return false;
    if (ask->child_error >= 0 && (trace->error || trace->child_error) != (ask->child_error == 1))
        return false;
    if ((ask->type >= 0 && ask->type != trace->type) || (ask->entity >= 0 && ask->entity != trace->entity) ||
        (ask->user >= 0 && ask->user != trace->user) || (ask->version >= 0 && ask->version != trace->version))
        return false;
    if ((ask->tags & trace->tags) != ask->tags || (ask->number >= 0 && ask->number != trace->number))
        return false;
    return (!ask->deep || trace->deep) && (ask->trace < 0 || trace == &model->traces[ask->trace]);
}

/* Ascending; what has not ended last. */
static int compare(const struct question *ask, const struct trace *a, const struct trace *b)
{
    int left = ask->by_end ? (a->ended < 0 ? 1000 : a->ended) : a->started;
    int right = ask->by_end ? (b->ended < 0 ? 1000 : b->ended) : b->started;
    return left != right ? left - right : strcmp(a->id, b->id);
}

/* The traces that fit, in order. */
static int answer(const struct model *model, const struct question *ask, const struct trace *found[TRACES])
{
    int count = 0;
    for (int i = 0; i < TRACES; i++) {
        const struct trace *trace = &model->traces[i];
        int at = count;
        if (!fits(model, trace, ask))
            continue;
        while (at > 0 && (compare(ask, found[at - 1], trace) > 0) == ask->ascending) {
            found[at] = found[at - 1];
            at--;
        }
        found[at] = trace;
        count++;
    }
    return count;
}

static void compare_page(struct model *model, const mastra_list_traces_args *args, int64_t most,
                         const struct trace **found, int count)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_span_list *list = NULL;
    int64_t first = args->page * most;
    int64_t want = count - first < most ? count - first : most;
    fixture_ok(mastra_list_traces(model->fixture->store, args, &list, &error), &error);
    assert_int_equal(mastra_span_list_page(list)->total, count);
    assert_int_equal(mastra_span_list_page(list)->has_more, first + most < count);
    assert_int_equal(mastra_span_list_count(list), want < 0 ? 0 : want);
    for (int64_t i = 0; i < want; i++) {
        const mastra_span *span = mastra_span_list_at(list, (size_t)i);
        assert_string_equal(span->trace_id.ptr, found[first + i]->id);
        assert_int_equal(mastra_trace_status_of(span), status_of(found[first + i]));
    }
    mastra_span_list_free(list);
}

static mastra_time time_of(int time)
{
    return time < 0 ? MASTRA_TIME_NONE : time;
}

static void check_round(struct model *model)
{
    static const int64_t sizes[] = {1, 7, 50, 100};
    struct question asked = ask(model);
    const struct trace *found[TRACES];
    int count = answer(model, &asked, found);
    char *tags = tags_text(asked.tags);
    char *metadata = metadata_text(asked.number, asked.deep);
    mastra_list_traces_args args = MASTRA_LIST_TRACES_INIT;
    mastra_span match = MASTRA_SPAN_INIT;
    int64_t most = sizes[count < 20 ? draw(model, 4) : 1 + draw(model, 3)];
    match.span_type = word_text(asked.type);
    match.entity_id = word_text(asked.entity);
    match.user_id = word_text(asked.user);
    match.root_entity_version_id = word_text(asked.version);
    match.trace_id = mastra_str_of(asked.trace < 0 ? NULL : model->traces[asked.trace].id);
    match.tags = mastra_str_of(tags);
    match.metadata = mastra_str_of(metadata);
    args.match = &match;
    args.started_from = time_of(asked.started_from);
    args.started_to = time_of(asked.started_to);
    args.ended_from = time_of(asked.ended_from);
    args.ended_to = time_of(asked.ended_to);
    args.started_from_exclusive = asked.exclusive[0];
    args.started_to_exclusive = asked.exclusive[1];
    args.ended_from_exclusive = asked.exclusive[2];
    args.ended_to_exclusive = asked.exclusive[3];
    args.status = (mastra_trace_status)asked.status;
    args.has_child_error = asked.child_error;
    args.order_by = asked.by_end ? MASTRA_SPAN_ORDER_ENDED_AT : MASTRA_SPAN_ORDER_STARTED_AT;
    args.direction = asked.ascending ? MASTRA_ASCENDING : MASTRA_DESCENDING;
    args.per_page = most;
    for (args.page = 0; args.page * most <= count; args.page++)
        compare_page(model, &args, most, found, count);
    free(tags);
    free(metadata);
}

static void compare_with_model(struct fixture *fixture)
{
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    model->fixture = fixture;
    model->random = 20260101;
    begin(model);
    for (int i = 0; i < ROUNDS; i++) {
        check_round(model);
        change_one(model);
    }
    free(model);
}

static const struct test_case cases[] = {
    {"R12", "listTraces", "random filters over random traces, page by page",
     RUN_ON(TRAIT_HANDLE, compare_with_model)},
};

const struct case_table trace_model_case_table = CASE_TABLE(cases);
