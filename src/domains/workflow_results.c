#include "domains/workflow_results.h"

#include <stdlib.h>

static const mastra_str output_name = MASTRA_STR("output");
static const mastra_str null_value = MASTRA_STR("null");

void ms_snapshot_parts(mastra_str snapshot, struct ms_snapshot_parts *ret)
{
    const struct {
        const char *name;
        mastra_str *value;
    } parts[] = {
        {"context", &ret->context},
        {"requestContext", &ret->request_context},
        {"status", &ret->status},
        {"runId", &ret->run_id},
    };
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    *ret = (struct ms_snapshot_parts){{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    if (ms_json_kind(snapshot) != MS_JSON_OBJECT) {
        return;
    }
    ms_json_iter_init(&iter, snapshot);
    while (ms_json_next(&iter, &key, &value)) {
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            if (ms_json_string_equals(key, mastra_str_of(parts[i].name))) {
                *parts[i].value = value;
            }
        }
    }
}

void ms_put_new_snapshot(struct ms_buf *out, mastra_str run_id, mastra_time now)
{
    ms_buf_add_text(out, "{\"context\":{},\"activePaths\":[],\"timestamp\":");
    ms_json_put_int(out, now);
    ms_buf_add_text(out, ",\"suspendedPaths\":{},\"activeStepsPath\":{},\"resumeLabels\":{},"
                         "\"serializedStepGraph\":[],\"status\":\"pending\",\"value\":{},"
                         "\"waitingPaths\":{},\"runId\":");
    ms_json_put_string(out, run_id);
    ms_buf_add_text(out, ",\"requestContext\":{}}");
}

/* A buffer for a part of `out`, whose failure is the whole's. */
static void begin_part(struct ms_buf *part, const struct ms_buf *out)
{
    ms_buf_init(part, out->heap, 0);
}

static void end_part(struct ms_buf *part, struct ms_buf *out)
{
    if (out->failed == MASTRA_OK) {
        out->failed = part->failed;
    }
    ms_buf_release(part);
}

/* One step. */

/* {"__mastra_pending__":true} and nothing else. */
static bool is_pending(mastra_str value)
{
    static const mastra_str mark = MASTRA_STR("__mastra_pending__");
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str member = {NULL, 0};

    if (ms_json_kind(value) != MS_JSON_OBJECT) {
        return false;
    }
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, &key, &member)) {
        if (!ms_json_string_equals(key, mark)) {
            return false;
        }
    }
    return ms_json_kind(member) == MS_JSON_TRUE;
}

static bool has_pending(mastra_str array)
{
    struct ms_json_iter iter;
    mastra_str element;

    ms_json_iter_init(&iter, array);
    while (ms_json_next(&iter, NULL, &element)) {
        if (is_pending(element)) {
            return true;
        }
    }
    return false;
}

static bool is_suspended(mastra_str value)
{
    mastra_str status = ms_json_member(value, mastra_str_of("status"));

    return ms_json_kind(status) == MS_JSON_STRING &&
           ms_json_string_equals(status, mastra_str_of("suspended")) &&
           (ms_json_member(value, mastra_str_of("suspendPayload")).ptr ||
            ms_json_member(value, mastra_str_of("suspendedAt")).ptr);
}

/* Either may be absent, not both. */
static mastra_str merge_element(mastra_str stored, mastra_str given, bool marked)
{
    if (is_pending(given)) {
        bool clears =
            !stored.ptr || ms_json_kind(stored) == MS_JSON_NULL || is_pending(stored) || is_suspended(stored);

        return clears ? null_value : stored;
    }
    if (given.ptr && ms_json_kind(given) != MS_JSON_NULL && !marked) {
        return given;
    }
    return stored.ptr ? stored : null_value;
}

static mastra_str next_element(struct ms_json_iter *iter)
{
    mastra_str element = {NULL, 0};

    if (!ms_json_next(iter, NULL, &element)) {
        return mastra_str_of(NULL);
    }
    return element;
}

static void put_merged_output(struct ms_buf *out, mastra_str stored, mastra_str given, bool marked)
{
    const char *separator = "[";
    struct ms_json_iter stored_iter;
    struct ms_json_iter given_iter;

    ms_json_iter_init(&stored_iter, stored);
    ms_json_iter_init(&given_iter, given);
    for (;;) {
        mastra_str before = next_element(&stored_iter);
        mastra_str after = next_element(&given_iter);

        if (!before.ptr && !after.ptr) {
            break;
        }
        ms_buf_add_text(out, separator);
        ms_buf_add_str(out, merge_element(before, after, marked));
        separator = ",";
    }
    ms_buf_add_text(out, separator[0] == '[' ? "[]" : "]");
}

void ms_put_step_result(struct ms_buf *out, mastra_str stored, mastra_str given)
{
    mastra_str stored_output = ms_json_member(stored, output_name);
    mastra_str given_output = ms_json_member(given, output_name);
    struct ms_buf output;
    struct ms_buf whole;
    bool marked;

    if (ms_json_kind(stored_output) != MS_JSON_ARRAY || ms_json_kind(given_output) != MS_JSON_ARRAY) {
        ms_buf_add_str(out, given);
        return;
    }
    marked = has_pending(given_output);
    begin_part(&output, out);
    begin_part(&whole, out);
    put_merged_output(&output, stored_output, given_output, marked);
    if (!marked) {
        ms_json_merge(&whole, stored, given);
    }
    if (output.failed == MASTRA_OK && whole.failed == MASTRA_OK) {
        ms_json_with_member(out, marked ? stored : ms_buf_view(&whole), output_name, ms_buf_view(&output));
    }
    end_part(&whole, out);
    end_part(&output, out);
}

/* The snapshot. All but what changes is copied as it stands, without being looked at again. */

struct step {
    mastra_str key; /* raw */
    mastra_str given;
    mastra_str stored; /* absent: none */
    size_t order;
};

struct steps {
    struct step *at;
    size_t count;
};

static void add_step(struct steps *steps, mastra_str key, mastra_str given)
{
    steps->at[steps->count] = (struct step){key, given, {NULL, 0}, steps->count};
    steps->count++;
}

static int compare_keys(const void *a, const void *b)
{
    return ms_json_string_compare(((const struct step *)a)->key, ((const struct step *)b)->key);
}

static int compare_keys_and_order(const void *a, const void *b)
{
    const struct step *left = a;
    const struct step *right = b;
    int order = compare_keys(left, right);

    return order ? order : (left->order > right->order) - (left->order < right->order);
}

/* Sorts the steps by their keys. Of one that is given twice the last result counts, in the place of the first. */
static void sort_steps(struct steps *steps)
{
    size_t count = 0;

    qsort(steps->at, steps->count, sizeof *steps->at, compare_keys_and_order);
    for (size_t i = 0; i < steps->count; i++) {
        if (count > 0 && compare_keys(&steps->at[count - 1], &steps->at[i]) == 0) {
            steps->at[count - 1].given = steps->at[i].given;
        } else {
            steps->at[count++] = steps->at[i];
        }
    }
    steps->count = count;
}

/* `single_key`: the id of the one step as a JSON string. False: memory is out. */
static bool list_steps(struct steps *steps, struct ms_buf *single_key, const struct ms_step_results *given)
{
    size_t room = ms_json_count(given->results) + 1;
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    steps->count = 0;
    steps->at = ms_heap_alloc(single_key->heap, room * sizeof *steps->at);
    if (!steps->at) {
        return false;
    }
    if (given->results.ptr) {
        ms_json_iter_init(&iter, given->results);
        while (ms_json_next(&iter, &key, &value)) {
            add_step(steps, key, value);
        }
    }
    if (given->step_id.ptr) {
        ms_json_put_string(single_key, given->step_id);
        if (single_key->failed != MASTRA_OK) {
            return false;
        }
        add_step(steps, ms_buf_view(single_key), given->result);
    }
    sort_steps(steps);
    return true;
}

/* By their places in the snapshot, the new ones last. */
static int compare_steps(const void *a, const void *b)
{
    const struct step *left = a;
    const struct step *right = b;

    if (left->stored.ptr && right->stored.ptr) {
        return left->stored.ptr < right->stored.ptr ? -1 : 1;
    }
    if (left->stored.ptr || right->stored.ptr) {
        return left->stored.ptr ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static void find_stored(struct steps *steps, mastra_str context)
{
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    ms_json_iter_init(&iter, context);
    while (ms_json_next(&iter, &key, &value)) {
        const struct step sought = {.key = key};
        struct step *step = bsearch(&sought, steps->at, steps->count, sizeof *steps->at, compare_keys);

        if (step) {
            step->stored = value;
        }
    }
    qsort(steps->at, steps->count, sizeof *steps->at, compare_steps);
}

/* Appends what stands from `from` up to `to`. */
static void put_between(struct ms_buf *out, const char *from, const char *to)
{
    ms_buf_add(out, from, (size_t)(to - from));
}

/* The closing brace of an object. */
static const char *brace_of(mastra_str object)
{
    return object.ptr + object.len - 1;
}

static bool is_empty(mastra_str object)
{
    struct ms_json_iter iter;
    mastra_str value;

    ms_json_iter_init(&iter, object);
    return !ms_json_next(&iter, NULL, &value);
}

static void put_context(struct ms_buf *out, mastra_str context, const struct steps *steps)
{
    const char *from = context.ptr;
    const char *separator = is_empty(context) ? "" : ",";
    size_t i = 0;

    for (; i < steps->count && steps->at[i].stored.ptr; i++) {
        mastra_str stored = steps->at[i].stored;

        put_between(out, from, stored.ptr);
        ms_put_step_result(out, stored, steps->at[i].given);
        from = stored.ptr + stored.len;
    }
    put_between(out, from, brace_of(context));
    for (; i < steps->count; i++) {
        ms_buf_add_text(out, separator);
        ms_buf_add_str(out, steps->at[i].key);
        ms_buf_add_char(out, ':');
        ms_buf_add_str(out, steps->at[i].given);
        separator = ",";
    }
    ms_buf_add_char(out, '}');
}

/* What stands from `from` up to the context of the request, and that; returns where it ends. */
static const char *put_request(struct ms_buf *out, const char *from, mastra_str stored, mastra_str given)
{
    put_between(out, from, stored.ptr);
    if (ms_json_count(given) == 0 && ms_json_kind(stored) == MS_JSON_OBJECT) {
        ms_buf_add_str(out, stored);
    } else {
        ms_json_merge(out, stored, given);
    }
    return stored.ptr + stored.len;
}

static void put_snapshot(struct ms_buf *out, mastra_str snapshot, const struct ms_snapshot_parts *parts,
                         const struct steps *steps, mastra_str request)
{
    mastra_str stored = parts->request_context;
    const char *from = snapshot.ptr;

    if (stored.ptr && stored.ptr < parts->context.ptr) {
        from = put_request(out, from, stored, request);
    }
    put_between(out, from, parts->context.ptr);
    put_context(out, parts->context, steps);
    from = parts->context.ptr + parts->context.len;
    if (stored.ptr && stored.ptr > parts->context.ptr) {
        from = put_request(out, from, stored, request);
    }
    put_between(out, from, brace_of(snapshot));
    if (!stored.ptr) {
        ms_buf_add_text(out, ",\"requestContext\":");
        ms_json_merge(out, stored, request);
    }
    ms_buf_add_char(out, '}');
}

void ms_put_results(struct ms_buf *out, mastra_str snapshot, const struct ms_snapshot_parts *parts,
                    const struct ms_step_results *given)
{
    struct steps steps;
    struct ms_buf single_key;

    begin_part(&single_key, out);
    if (list_steps(&steps, &single_key, given)) {
        find_stored(&steps, parts->context);
        ms_buf_reserve(out, snapshot.len + given->result.len + given->results.len + given->context.len);
        put_snapshot(out, snapshot, parts, &steps, given->context);
    } else if (out->failed == MASTRA_OK) {
        out->failed = MASTRA_OUT_OF_MEMORY;
    }
    ms_heap_release(single_key.heap, steps.at);
    end_part(&single_key, out);
}
