#include "domains/pair.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "store/store.h"

#include <math.h>
#include <stdlib.h>

/* What a table is made of in each store. */

struct look {
    const char *table;
    const struct ms_entity *found;
};

static mastra_status describe(struct ms_unit *unit, void *arg)
{
    struct look *look = arg;

    return ms_unit_describe_table(unit, mastra_str_of(look->table), &look->found);
}

static mastra_status look_at(struct ms_call *call, const char *table, const struct ms_entity **ret,
                             struct ms_arena **ret_arena)
{
    struct look look = {table, NULL};
    mastra_status status = ms_read(call, MS_READ_ONE, describe, &look, ret_arena);

    *ret = look.found;
    return status;
}

static int column_named(const struct ms_entity *entity, const char *name)
{
    for (int i = 0; entity && i < entity->column_count; i++) {
        if (strcmp(entity->columns[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Of the catalogue's columns, those that a table has. */
static uint64_t columns_there(const struct ms_entity *own, const struct ms_entity *found)
{
    uint64_t columns = 0;

    for (int i = 0; i < own->column_count; i++) {
        if (own->columns[i].offset && column_named(found, own->columns[i].name) >= 0) {
            columns |= MS_BIT(i);
        }
    }
    return columns;
}

static bool is_backends_own(const struct ms_call *call, const struct ms_entity *own, const char *name)
{
    const struct ms_backend_ops *ops = call ? call->store->backend->ops : NULL;

    return ops && ops->own_column && ops->own_column(own, name);
}

static uint64_t stamped_by(const struct ms_call *call, const struct ms_entity *own)
{
    const struct ms_backend_ops *ops = call ? call->store->backend->ops : NULL;

    return ops && ops->stamped ? ops->stamped(own) : 0;
}

static void add_lone(struct ms_pair *pair, const char *name, bool in_from, bool in_to)
{
    pair->lone[pair->lone_count++] = (struct ms_lone_column){name, in_from, in_to};
}

/* Columns of the catalogue that no operation reads, and that have no field for that reason, get one. */
static size_t plain_columns(const struct ms_entity *own, const struct ms_entity *from,
                            const struct ms_entity *to, struct ms_foreign_column *shared)
{
    size_t count = 0;

    for (int i = 0; i < own->column_count; i++) {
        const struct ms_column *column = &own->columns[i];

        if (!column->offset && (!from || column_named(from, column->name) >= 0) &&
            (!to || column_named(to, column->name) >= 0)) {
            shared[count++] = (struct ms_foreign_column){mastra_str_of(column->name), column->type,
                                                         column->null, column->flags, 0};
        }
    }
    return count;
}

/* Columns of someone else's: those that both have as the same type are taken along. */
static size_t shared_columns(struct ms_pair *pair, const struct ms_entity *from, const struct ms_entity *to,
                             struct ms_foreign_column *shared, size_t count)
{
    for (int i = 0; i < from->column_count; i++) {
        const struct ms_column *column = &from->columns[i];
        int other = column_named(to, column->name);

        if (column_named(pair->own, column->name) >= 0 ||
            is_backends_own(pair->from, pair->own, column->name)) {
            continue;
        }
        if (to && other >= 0 && to->columns[other].type == column->type) {
            shared[count++] = (struct ms_foreign_column){mastra_str_of(column->name), column->type,
                                                         column->null, column->flags & ~(unsigned)MS_KEY, 0};
        } else {
            add_lone(pair, column->name, true, other >= 0);
        }
    }
    return count;
}

/* What only one of them has. */
static void note_lone(struct ms_pair *pair, const struct ms_entity *from, const struct ms_entity *to)
{
    uint64_t one_sided = pair->from_columns ^ pair->to_columns;

    for (int i = 0; i < pair->own->column_count; i++) {
        if (one_sided & MS_BIT(i)) {
            bool in_from = (pair->from_columns & MS_BIT(i)) != 0;

            add_lone(pair, pair->own->columns[i].name, in_from, !in_from);
        }
    }
    for (int i = 0; i < to->column_count; i++) {
        const char *name = to->columns[i].name;

        if (column_named(pair->own, name) < 0 && column_named(from, name) < 0 &&
            !is_backends_own(pair->to, pair->own, name)) {
            add_lone(pair, name, false, true);
        }
    }
}

static mastra_status extend(struct ms_pair *pair, struct ms_arena *arena,
                            const struct ms_foreign_column *shared, size_t count, mastra_error *error)
{
    mastra_status status;

    if (count == 0) {
        return MASTRA_OK;
    }
    status = ms_foreign_extend(arena, pair->own, shared, count, &pair->entity, error);
    for (size_t i = 0; status == MASTRA_OK && i < count; i++) {
        pair->from_columns |= MS_BIT(pair->own->column_count + i);
        pair->to_columns |= pair->to ? MS_BIT(pair->own->column_count + i) : 0;
    }
    return status;
}

static mastra_status compare_tables(struct ms_pair *pair, const struct ms_entity *from,
                                    const struct ms_entity *to)
{
    struct ms_foreign_column shared[MS_COLUMNS_MOST];
    size_t count;

    pair->from_columns = columns_there(pair->own, from);
    pair->to_columns = columns_there(pair->own, to);
    if (!from || (pair->to && !to)) {
        return MASTRA_OK;
    }
    if (to) {
        note_lone(pair, from, to);
    }
    count = plain_columns(pair->own, from, to, shared);
    count = shared_columns(pair, from, to, shared, count);
    return extend(pair, pair->from_arena, shared, count, &pair->from->error);
}

mastra_status ms_pair_open(struct ms_pair *pair, struct ms_call *from, struct ms_call *to,
                           const struct ms_entity *own, struct ms_call **ret_failed)
{
    const struct ms_entity *in_from = NULL;
    const struct ms_entity *in_to = NULL;
    mastra_status status;

    memset(pair, 0, sizeof *pair);
    pair->from = from;
    pair->to = to;
    pair->own = own;
    pair->entity = own;
    pair->by_value = ((from->store->traits | (to ? to->store->traits : 0)) & MS_TRAIT_JSON_BY_VALUE) != 0;
    pair->stamped = stamped_by(from, own) | stamped_by(to, own);
    *ret_failed = from;
    status = look_at(from, own->table, &in_from, &pair->from_arena);
    if (status == MASTRA_OK && to) {
        *ret_failed = to;
        status = look_at(to, own->table, &in_to, &pair->to_arena);
    }
    if (status == MASTRA_OK) {
        *ret_failed = from;
        status = compare_tables(pair, in_from, in_to);
    }
    if (status != MASTRA_OK) {
        ms_pair_close(pair);
    }
    return status;
}

mastra_status ms_pair_open_target(struct ms_pair *pair, struct ms_call *to, const struct ms_entity *own)
{
    struct ms_foreign_column plain[MS_COLUMNS_MOST];
    const struct ms_entity *found = NULL;
    mastra_status status;

    memset(pair, 0, sizeof *pair);
    pair->to = to;
    pair->own = own;
    pair->entity = own;
    pair->by_value = (to->store->traits & MS_TRAIT_JSON_BY_VALUE) != 0;
    pair->stamped = stamped_by(to, own);
    status = look_at(to, own->table, &found, &pair->to_arena);
    pair->from_columns = ms_entity_fields(own);
    pair->to_columns = columns_there(own, found);
    if (status == MASTRA_OK) {
        status = extend(pair, pair->to_arena, plain, plain_columns(own, NULL, found, plain), &to->error);
    }
    if (!found) {
        pair->to_columns = 0;
    }
    return status;
}

void ms_pair_close(struct ms_pair *pair)
{
    ms_arena_free(pair->from_arena);
    ms_arena_free(pair->to_arena);
    pair->from_arena = NULL;
    pair->to_arena = NULL;
}

uint64_t ms_pair_common(const struct ms_pair *pair)
{
    return pair->from_columns & pair->to_columns;
}

uint64_t ms_pair_identity(const struct ms_pair *pair)
{
    bool both = pair->from_columns && pair->to_columns;
    uint64_t columns = both ? ms_pair_common(pair) : pair->from_columns | pair->to_columns;

    for (int i = 0; pair->by_value && i < pair->entity->column_count; i++) {
        if (pair->entity->columns[i].type == MS_JSON) {
            columns &= ~MS_BIT(i);
        }
    }
    return columns;
}

/* Comparing. */

static bool same_json(mastra_str a, mastra_str b)
{
    return ms_json_check(a, &a, NULL) && ms_json_check(b, &b, NULL) && ms_json_equal(a, b);
}

static bool same_field(const struct ms_column *column, const void *a, const void *b, bool by_value)
{
    const void *left = ms_field(column, a);
    const void *right = ms_field(column, b);

    switch (column->type) {
    case MS_REAL:
        return *(const double *)left == *(const double *)right ||
               (isnan(*(const double *)left) && isnan(*(const double *)right));
    case MS_BOOLEAN:
        return *(const bool *)left == *(const bool *)right;
    case MS_INTEGER:
    case MS_BIGINT:
    case MS_TIMESTAMP:
        return *(const int64_t *)left == *(const int64_t *)right;
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    mastra_str text = *(const mastra_str *)left;
    mastra_str other = *(const mastra_str *)right;

    if (!text.ptr || !other.ptr) {
        return text.ptr == other.ptr;
    }
    if (ms_str_compare(text, other) == 0) {
        return true;
    }
    return by_value && column->type == MS_JSON && same_json(text, other);
}

uint64_t ms_pair_differences(const struct ms_pair *pair, const void *a, const void *b)
{
    uint64_t common = ms_pair_common(pair) & ~pair->stamped;
    uint64_t differences = 0;

    for (int i = 0; i < pair->entity->column_count; i++) {
        if ((common & MS_BIT(i)) && !same_field(&pair->entity->columns[i], a, b, pair->by_value)) {
            differences |= MS_BIT(i);
        }
    }
    return differences;
}

bool ms_pair_is_newer(const struct ms_pair *pair, const void *a, const void *b)
{
    for (int i = 0; i < pair->own->column_count; i++) {
        const struct ms_column *column = &pair->own->columns[i];

        if ((ms_pair_common(pair) & MS_BIT(i)) && strcmp(column->json, "updatedAt") == 0) {
            mastra_time other = *ms_field_time(column, b);

            return other != MASTRA_TIME_NONE && *ms_field_time(column, a) > other;
        }
    }
    return false;
}

/* Finding. */

/* A row and where it stands among those that are looked for. */
struct keyed {
    const struct ms_entity *entity;
    void *row;
    size_t place;
};

static mastra_str key_part(const struct keyed *keyed, size_t part)
{
    return *ms_field_str(&keyed->entity->columns[keyed->entity->keys[part]], keyed->row);
}

static int compare_parts(const struct keyed *a, const struct keyed *b, size_t parts)
{
    for (size_t i = 0; i < parts; i++) {
        int order = ms_str_compare(key_part(a, i), key_part(b, i));

        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    const struct keyed *left = a;
    const struct keyed *right = b;

    return compare_parts(left, right, left->entity->key_count);
}

static struct keyed *sort_keys(struct ms_arena *arena, const struct ms_entity *entity, void *const *rows,
                               size_t count)
{
    struct keyed *keyed = ms_arena_alloc(arena, (count + 1) * sizeof *keyed);

    for (size_t i = 0; keyed && i < count; i++) {
        keyed[i] = (struct keyed){entity, rows[i], i};
    }
    if (keyed && count > 1) {
        qsort(keyed, count, sizeof *keyed, compare_keys);
    }
    return keyed;
}

/* Hands the rows that were found to those that look for them; both are sorted. */
static void hand_out(const struct keyed *wanted, size_t count, const struct keyed *found, size_t found_count,
                     void **ret)
{
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        while (at < found_count && compare_keys(&found[at], &wanted[i]) < 0) {
            at++;
        }
        if (at < found_count && compare_keys(&found[at], &wanted[i]) == 0) {
            ret[wanted[i].place] = found[at].row;
        }
    }
}

/* Of rows that agree in all of their key but the last part. */
static mastra_status find_run(struct ms_unit *unit, struct ms_query *query, const struct keyed *wanted,
                              size_t count, void **ret)
{
    const struct ms_entity *entity = query->entity;
    size_t last = entity->key_count - 1u;
    mastra_str *set = ms_arena_alloc(unit->arena, count * sizeof *set);
    struct ms_rows rows = {NULL, 0};
    struct keyed *found;
    mastra_status status;

    if (!set) {
        return ms_error_oom(unit->error);
    }
    for (size_t i = 0; i < count; i++) {
        set[i] = key_part(&wanted[i], last);
    }
    query->where_count = 0;
    for (size_t i = 0; i < last; i++) {
        ms_query_equal(query, entity->keys[i], key_part(&wanted[0], i));
    }
    ms_query_any_of(query, entity->keys[last], set, count);
    status = ms_unit_list(unit, query, &rows);
    if (status != MASTRA_OK) {
        return status;
    }
    found = sort_keys(unit->arena, entity, rows.items, rows.count);
    if (!found) {
        return ms_error_oom(unit->error);
    }
    hand_out(wanted, count, found, rows.count, ret);
    return MASTRA_OK;
}

mastra_status ms_find_rows(struct ms_unit *unit, const struct ms_entity *entity, void *const *wanted,
                           size_t count, uint64_t columns, bool lock, void ***ret)
{
    struct keyed *sorted = sort_keys(unit->arena, entity, wanted, count);
    void **matches = ms_arena_calloc(unit->arena, (count + 1) * sizeof *matches);
    mastra_status status = MASTRA_OK;
    struct ms_query query;

    if (!sorted || !matches) {
        return ms_error_oom(unit->error);
    }
    ms_query_init_on(&query, entity);
    query.columns = columns;
    query.order = entity->keys[0];
    query.lock = lock;
    for (size_t i = 0; i < entity->key_count; i++) {
        query.columns |= MS_BIT(entity->keys[i]);
    }
    for (size_t from = 0, to = 0; status == MASTRA_OK && from < count; from = to) {
        while (to < count && compare_parts(&sorted[to], &sorted[from], entity->key_count - 1u) == 0) {
            to++;
        }
        status = find_run(unit, &query, sorted + from, to - from, matches);
    }
    *ret = matches;
    return status;
}

/* Counting and naming. */

struct count_work {
    const struct ms_entity *entity;
    int64_t count;
};

static mastra_status count_all(struct ms_unit *unit, void *arg)
{
    struct count_work *work = arg;
    struct ms_query query;

    ms_query_init_on(&query, work->entity);
    for (size_t i = 0; i < work->entity->key_count; i++) {
        ms_query_null(&query, work->entity->keys[i], false);
    }
    return ms_unit_count(unit, &query, &work->count);
}

mastra_status ms_count_rows(struct ms_call *call, const struct ms_entity *entity, int64_t *ret)
{
    const struct ms_survey *survey = ms_survey_of(call, entity->id);
    struct count_work work = {entity, 0};
    mastra_status status;

    if (survey) {
        *ret = ms_survey_count(call, survey, entity->id);
        return MASTRA_OK;
    }
    ms_call_renew_deadline(call);
    status = ms_read(call, MS_READ_ONE, count_all, &work, NULL);
    *ret = work.count;
    return status;
}

void ms_put_row_name(struct ms_buf *out, const struct ms_entity *entity, const void *row)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        ms_buf_add_text(out, i == 0 ? "" : " ");
        ms_buf_add_str(out, *ms_field_str(&entity->columns[entity->keys[i]], row));
    }
    if (entity->key_count == 0) {
        mastra_time time = *ms_field_time(&entity->columns[entity->created], row);
        char iso[MS_ISO_SIZE] = "-";

        if (time != MASTRA_TIME_NONE && ms_time_valid(time)) {
            ms_time_format(time, iso);
        }
        ms_buf_add_text(out, iso);
    }
}

void ms_put_column_names(struct ms_buf *out, const struct ms_entity *entity, uint64_t columns)
{
    const char *separator = "";

    for (int i = 0; i < entity->column_count; i++) {
        if (columns & MS_BIT(i)) {
            ms_buf_add_text(out, separator);
            ms_buf_add_text(out, entity->columns[i].name);
            separator = ", ";
        }
    }
}

mastra_status ms_choose_tables(mastra_error *error, const mastra_str *names, size_t count, uint32_t *ret)
{
    static const char prefix[] = "mastra_";
    uint32_t chosen = 0;

    if (count > 0 && !names) {
        return ms_error_argument(error, "tables", mastra_str_of(NULL), "must not be NULL");
    }
    for (size_t i = 0; i < count; i++) {
        int e = 0;

        while (e < MS_ENTITY_COUNT && ms_str_compare(names[i], mastra_str_of(ms_entity(e)->table)) != 0 &&
               ms_str_compare(names[i], mastra_str_of(ms_entity(e)->table + sizeof prefix - 1)) != 0) {
            e++;
        }
        if (e == MS_ENTITY_COUNT) {
            return ms_error_argument(error, "tables", names[i], "must name tables of the store");
        }
        chosen |= UINT32_C(1) << e;
    }
    *ret = count ? chosen : MS_ALL_ENTITIES;
    return MASTRA_OK;
}
