#include "store/match.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

#include <math.h>
#include <stdlib.h>

static bool is_null(const struct ms_column *column, const void *record)
{
    const void *field = ms_field(column, record);

    if (!column->offset) {
        return true;
    }
    switch (column->type) {
    case MS_TIMESTAMP:
        return *(const mastra_time *)field == MASTRA_TIME_NONE;
    case MS_INTEGER:
    case MS_BIGINT:
        return *(const int64_t *)field == MASTRA_INTEGER_NONE;
    case MS_REAL:
        return isnan(*(const double *)field);
    case MS_BOOLEAN:
        return false;
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    return !((const mastra_str *)field)->ptr;
}

static void clear(const struct ms_column *column, void *record)
{
    void *field = ms_field(column, record);

    switch (column->type) {
    case MS_TIMESTAMP:
        *(mastra_time *)field = MASTRA_TIME_NONE;
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        *(int64_t *)field = MASTRA_INTEGER_NONE;
        break;
    case MS_REAL:
        *(double *)field = MASTRA_REAL_NONE;
        break;
    case MS_BOOLEAN:
        *(bool *)field = false;
        break;
    case MS_TEXT:
    case MS_JSON:
        *(mastra_str *)field = (mastra_str){NULL, 0};
        break;
    }
}

void ms_match_narrow(const struct ms_entity *entity, void *record, uint64_t columns)
{
    for (uint8_t i = 0; i < entity->column_count; i++) {
        if (!(columns & MS_BIT(i)) && entity->columns[i].offset) {
            clear(&entity->columns[i], record);
        }
    }
}

uint64_t ms_match_columns(const struct ms_query *query)
{
    const struct ms_entity *entity = query->entity;
    uint64_t columns = query->columns | MS_BIT(query->order) | ms_entity_keys(entity);

    if (entity->sequence) {
        columns |= MS_BIT(entity->sequence_within);
    }
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *related = query->where[i].related;

        columns |= MS_BIT(query->where[i].column) | (related ? MS_BIT(related->column) : 0);
    }
    return columns & ms_entity_fields(entity);
}

/* Predicates. */

static bool is_any_of(mastra_str text, const struct ms_predicate *predicate)
{
    for (size_t i = 0; i < predicate->set_count; i++) {
        if (predicate->set[i].ptr && ms_str_compare(text, predicate->set[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool begins_with(mastra_str text, mastra_str beginning)
{
    return text.len >= beginning.len &&
           (beginning.len == 0 || !memcmp(text.ptr, beginning.ptr, beginning.len));
}

static bool compares(enum ms_compare compare, int order)
{
    switch (compare) {
    case MS_EQUAL:
    case MS_NUMBER:
        return order == 0;
    case MS_AT_LEAST:
        return order >= 0;
    case MS_AFTER:
    case MS_MORE:
    case MS_ABOVE:
        return order > 0;
    case MS_AT_MOST:
        return order <= 0;
    default:
        return order < 0;
    }
}

/* A number that a text tells, as it comes with MS_EQUAL. */
static bool equals_text(const struct ms_column *column, const void *field, mastra_str text)
{
    mastra_str number;
    int64_t whole = 0;

    if (!ms_json_check(text, &number, NULL) || ms_json_kind(number) != MS_JSON_NUMBER) {
        return false;
    }
    if (column->type == MS_REAL) {
        return *(const double *)field == ms_json_double(number);
    }
    return ms_json_int(number, &whole) &&
           whole == (column->type == MS_BOOLEAN ? *(const bool *)field : *(const int64_t *)field);
}

static int compare_numbers(const struct ms_column *column, const void *field, int64_t number)
{
    if (column->type == MS_REAL) {
        double value = *(const double *)field;

        return (value > (double)number) - (value < (double)number);
    }
    int64_t value = column->type == MS_BOOLEAN ? *(const bool *)field : *(const int64_t *)field;

    return (value > number) - (value < number);
}

static bool text_matches(const struct ms_predicate *predicate, mastra_str text)
{
    switch (predicate->compare) {
    case MS_ANY_OF:
        return is_any_of(text, predicate);
    case MS_HAS:
        return ms_json_has(text, mastra_str_of(predicate->member), predicate->text);
    case MS_CONTAINS:
        return ms_json_contains(text, predicate->text);
    case MS_AT:
        return ms_json_at(text, predicate->path, predicate->text);
    case MS_MEMBER:
        return ms_json_has_member(text, predicate->text);
    case MS_PREFIX:
        return begins_with(text, predicate->text);
    default:
        return predicate->text.ptr && compares(predicate->compare, ms_str_compare(text, predicate->text));
    }
}

bool ms_match_one(const struct ms_entity *entity, const struct ms_predicate *predicate, const void *record)
{
    const struct ms_column *column = &entity->columns[predicate->column];
    const void *field = ms_field(column, record);
    bool null = is_null(column, record);

    switch (predicate->compare) {
    case MS_RELATED:
    case MS_UNRELATED:
        return true;
    case MS_NULL_VALUE:
        return null;
    case MS_ANY_VALUE:
        return !null;
    case MS_NO_MEMBER:
        return null || !ms_json_has_member(*(const mastra_str *)field, predicate->text);
    default:
        break;
    }
    if (null) {
        return false;
    }
    switch (column->type) {
    case MS_TIMESTAMP: {
        mastra_time time = *(const mastra_time *)field;

        return predicate->time != MASTRA_TIME_NONE &&
               compares(predicate->compare, (time > predicate->time) - (time < predicate->time));
    }
    case MS_TEXT:
    case MS_JSON:
        return text_matches(predicate, *(const mastra_str *)field);
    default:
        if (predicate->compare == MS_EQUAL) {
            return equals_text(column, field, predicate->text);
        }
        return compares(predicate->compare, compare_numbers(column, field, predicate->number));
    }
}

bool ms_match(const struct ms_query *query, uint64_t done, const void *record)
{
    for (size_t i = 0; i < query->where_count; i++) {
        if (!(done >> i & 1) && !ms_match_one(query->entity, &query->where[i], record)) {
            return false;
        }
    }
    return true;
}

bool ms_match_relates(const struct ms_query *query)
{
    for (size_t i = 0; i < query->where_count; i++) {
        if (query->where[i].compare == MS_RELATED || query->where[i].compare == MS_UNRELATED) {
            return true;
        }
    }
    return false;
}

/* The total order. */

static int compare_values(const struct ms_column *column, const void *a, const void *b)
{
    const void *left = ms_field(column, a);
    const void *right = ms_field(column, b);

    switch (column->type) {
    case MS_TIMESTAMP:
    case MS_INTEGER:
    case MS_BIGINT: {
        int64_t x = *(const int64_t *)left;
        int64_t y = *(const int64_t *)right;

        return (x > y) - (x < y);
    }
    case MS_REAL: {
        double x = *(const double *)left;
        double y = *(const double *)right;

        return (x > y) - (x < y);
    }
    case MS_BOOLEAN:
        return *(const bool *)left - *(const bool *)right;
    case MS_TEXT:
    case MS_JSON:
        break;
    }
    return ms_str_compare(*(const mastra_str *)left, *(const mastra_str *)right);
}

_Static_assert(sizeof(mastra_time) == sizeof(int64_t), "times compare as numbers");

/* Null counts as the latest, as an end that has not come; in tables of which nothing is known, as the earliest. */
static int compare_nulls(const struct ms_entity *entity, const struct ms_column *column, bool a, bool b)
{
    bool first = entity->id == MS_FOREIGN && column->null == MS_NULL_UNSET;

    return first ? b - a : a - b;
}

static int compare_columns(const struct ms_entity *entity, uint8_t number, const void *a, const void *b)
{
    const struct ms_column *column = &entity->columns[number];
    bool a_null = is_null(column, a);
    bool b_null = is_null(column, b);

    return a_null || b_null ? compare_nulls(entity, column, a_null, b_null) : compare_values(column, a, b);
}

/* As keys of an index have it, which are lower-cased. */
static mastra_str creation_text(const struct ms_query *query, const struct ms_match_row *row,
                                char out[MS_ISO_SIZE])
{
    const struct ms_column *column = &query->entity->columns[query->order];

    if (row->odd.ptr || is_null(column, row->record)) {
        return row->odd;
    }
    return (mastra_str){out, ms_time_format(*ms_field_time(column, row->record), out)};
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int compare_creation(const struct ms_query *query, const struct ms_match_row *a,
                            const struct ms_match_row *b)
{
    char a_iso[MS_ISO_SIZE];
    char b_iso[MS_ISO_SIZE];
    mastra_str left = creation_text(query, a, a_iso);
    mastra_str right = creation_text(query, b, b_iso);

    for (size_t i = 0; i < left.len && i < right.len; i++) {
        if (lower(left.ptr[i]) != lower(right.ptr[i])) {
            return lower(left.ptr[i]) < lower(right.ptr[i]) ? -1 : 1;
        }
    }
    return (left.len > right.len) - (left.len < right.len);
}

int ms_match_order(const struct ms_query *query, const struct ms_match_row *a, const struct ms_match_row *b)
{
    const struct ms_entity *entity = query->entity;

    if ((a->odd.ptr || b->odd.ptr) && query->order == entity->created &&
        entity->columns[query->order].type == MS_TIMESTAMP) {
        return compare_creation(query, a, b);
    }
    return compare_columns(entity, query->order, a->record, b->record);
}

static int compare_ascending(const struct ms_query *query, const struct ms_match_row *a,
                             const struct ms_match_row *b)
{
    const struct ms_entity *entity = query->entity;
    int order = 0;

    if (query->grouped) {
        order = compare_columns(entity, entity->sequence_within, a->record, b->record);
    }
    if (order == 0) {
        order = ms_match_order(query, a, b);
    }
    if (order == 0 && entity->sequence && !(entity->key_count == 1 && query->order == entity->keys[0])) {
        order = (a->sequence > b->sequence) - (a->sequence < b->sequence);
    }
    for (uint8_t i = 0; order == 0 && i < entity->key_count; i++) {
        order = compare_columns(entity, entity->keys[i], a->record, b->record);
    }
    return order;
}

int ms_match_compare(const struct ms_query *query, const struct ms_match_row *a, const struct ms_match_row *b)
{
    int order = compare_ascending(query, a, b);

    return query->descending ? -order : order;
}

/* Heap sort: in place, without help. */

static void swap(struct ms_match_row *a, struct ms_match_row *b)
{
    struct ms_match_row other = *a;

    *a = *b;
    *b = other;
}

static void sift(const struct ms_query *query, struct ms_match_row *rows, size_t from, size_t count)
{
    for (size_t child = 2 * from + 1; child < count; child = 2 * from + 1) {
        if (child + 1 < count && ms_match_compare(query, &rows[child], &rows[child + 1]) < 0) {
            child++;
        }
        if (ms_match_compare(query, &rows[from], &rows[child]) >= 0) {
            return;
        }
        swap(&rows[from], &rows[child]);
        from = child;
    }
}

/* 1: they are in order, -1: they are in the opposite one, 0: neither. */
static int runs(const struct ms_query *query, const struct ms_match_row *rows, size_t count)
{
    bool up = true;
    bool down = true;

    for (size_t i = 1; i < count && (up || down); i++) {
        int order = ms_match_compare(query, &rows[i - 1], &rows[i]);

        up = up && order <= 0;
        down = down && order > 0;
    }
    return up ? 1 : -(int)down;
}

void ms_match_sort(const struct ms_query *query, struct ms_match_row *rows, size_t count)
{
    int run = runs(query, rows, count);

    if (run > 0) {
        return;
    }
    if (run < 0) {
        for (size_t i = 0; i < count / 2; i++) {
            swap(&rows[i], &rows[count - 1 - i]);
        }
        return;
    }
    for (size_t i = count / 2; i-- > 0;) {
        sift(query, rows, i, count);
    }
    for (size_t i = count; i-- > 1;) {
        swap(&rows[0], &rows[i]);
        sift(query, rows, 0, i);
    }
}

/* Relations. */

/* The values of a column that some relative has, sorted. */
struct values {
    mastra_str *texts;
    size_t count;
};

static int compare_texts(const void *a, const void *b)
{
    return ms_str_compare(*(const mastra_str *)a, *(const mastra_str *)b);
}

static bool collect(const struct ms_entity *entity, const struct ms_predicate *predicate,
                    const struct ms_match_set *set, struct values *ret)
{
    const struct ms_column *column = &entity->columns[predicate->column];

    ret->count = 0;
    ret->texts = ms_arena_alloc(set->arena, (set->relative_count + 1) * sizeof *ret->texts);
    if (!ret->texts) {
        return false;
    }
    for (size_t i = 0; i < set->relative_count; i++) {
        const void *record = set->relatives[i].record;

        if (ms_match_one(entity, predicate->related, record) && !is_null(column, record)) {
            ret->texts[ret->count++] = *ms_field_str(column, record);
        }
    }
    qsort(ret->texts, ret->count, sizeof *ret->texts, compare_texts);
    return true;
}

/* Rows without the value that would relate them are related to none, and not known to be unrelated either. */
static bool keeps(const struct ms_column *column, const struct ms_predicate *predicate,
                  const struct values *values, const void *record)
{
    const mastra_str *text = ms_field_str(column, record);
    bool found = text->ptr && bsearch(text, values->texts, values->count, sizeof *text, compare_texts);

    return predicate->compare == MS_RELATED ? found : !found && (text->ptr || values->count == 0);
}

static bool filter_related(const struct ms_query *query, const struct ms_predicate *predicate,
                           struct ms_match_set *set)
{
    const struct ms_column *column = &query->entity->columns[predicate->column];
    struct values values;
    size_t kept = 0;

    if (!collect(query->entity, predicate, set, &values)) {
        return false;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (keeps(column, predicate, &values, set->rows[i].record)) {
            set->rows[kept++] = set->rows[i];
        }
    }
    set->count = kept;
    return true;
}

static bool on_side(const struct ms_query *query, const struct ms_match_set *set,
                    const struct ms_match_row *row)
{
    if (query->side == MS_SIDE_ALL) {
        return true;
    }
    return set->anchor && (compare_ascending(query, row, set->anchor) <= 0) == (query->side == MS_SIDE_UP_TO);
}

bool ms_match_filter(const struct ms_query *query, struct ms_match_set *set)
{
    size_t kept = 0;

    for (size_t i = 0; i < set->count; i++) {
        if (ms_match(query, set->done, set->rows[i].record) && on_side(query, set, &set->rows[i])) {
            set->rows[kept++] = set->rows[i];
        }
    }
    set->count = kept;
    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];

        if (predicate->related && !(set->done >> i & 1) && !filter_related(query, predicate, set)) {
            return false;
        }
    }
    return true;
}

bool ms_match_rows(const struct ms_query *query, int64_t offset_done, struct ms_match_set *set,
                   struct ms_rows *ret)
{
    int64_t skip = query->offset - offset_done;
    size_t first;

    if (!ms_match_filter(query, set)) {
        return false;
    }
    ms_match_sort(query, set->rows, set->count);
    first = skip <= 0 ? 0 : (uint64_t)skip > set->count ? set->count : (size_t)skip;
    ret->count = set->count - first;
    if (query->limit >= 0 && ret->count > (uint64_t)query->limit) {
        ret->count = (size_t)query->limit;
    }
    ret->items = ms_arena_alloc(set->arena, (ret->count + 1) * sizeof *ret->items);
    if (!ret->items) {
        return false;
    }
    for (size_t i = 0; i < ret->count; i++) {
        ret->items[i] = set->rows[first + i].record;
        ms_match_narrow(query->entity, ret->items[i], query->columns);
    }
    return true;
}
