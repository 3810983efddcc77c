/* Predicates of a query as key conditions. */
#include "backends/dynamodb/key_text.h"

#include "base/clock.h"
#include "base/error.h"

/* The bounds that predicates set to a time, both included. */
struct bounds {
    mastra_time from;
    mastra_time to;
    uint64_t predicates;
};

static uint64_t bit(size_t predicate)
{
    return UINT64_C(1) << predicate;
}

_Static_assert(MS_QUERY_PREDICATES <= 64, "predicates fit in bits");

/* The first predicate of that kind on a column, -1: there is none. */
static int find(const struct ms_query *query, enum ms_compare compare, int column)
{
    for (size_t i = 0; i < query->where_count; i++) {
        if (query->where[i].compare == compare && query->where[i].column == column) {
            return (int)i;
        }
    }
    return -1;
}

static struct bounds bounds_of(const struct ms_query *query, int column)
{
    struct bounds bounds = {MS_TIME_FIRST, MS_TIME_LAST, 0};

    for (size_t i = 0; i < query->where_count; i++) {
        const struct ms_predicate *predicate = &query->where[i];
        bool lower = predicate->compare == MS_AT_LEAST || predicate->compare == MS_AFTER;
        bool upper = predicate->compare == MS_AT_MOST || predicate->compare == MS_BEFORE;

        if (predicate->column != column || (!lower && !upper)) {
            continue;
        }
        bounds.predicates |= bit(i);
        if (lower) {
            mastra_time from = predicate->time + (predicate->compare == MS_AFTER);

            bounds.from = from > bounds.from ? from : bounds.from;
        } else {
            mastra_time to = predicate->time - (predicate->compare == MS_BEFORE);

            bounds.to = to < bounds.to ? to : bounds.to;
        }
    }
    return bounds;
}

/* A column whose value a predicate gives, alone or as one of a set. Only one set can be put as conditions. */
static bool use_value(const struct ms_query *query, int column, struct ms_key_use *use)
{
    int equal = find(query, MS_EQUAL, column);
    int any;

    if (equal >= 0) {
        use->answered |= bit((size_t)equal);
        use->terms++;
        use->ranges = query->where[equal].text.ptr ? use->ranges : 0;
        return true;
    }
    any = find(query, MS_ANY_OF, column);
    if (any < 0 || (use->set && use->set_predicate != any)) {
        return false;
    }
    use->answered |= bit((size_t)any);
    use->terms += !use->set;
    use->set = true;
    use->set_predicate = (uint8_t)any;
    use->ranges = use->ranges > 0 ? query->where[any].set_count : 0;
    return true;
}

static bool use_partition(const struct ms_query *query, struct ms_key_use *use)
{
    const struct ms_entity *entity = query->entity;
    const char *at = use->path->partition;
    struct ms_piece piece;

    while (ms_template_next(entity, &at, &piece)) {
        if (piece.day) {
            use->by_day = true;
        } else if (piece.column >= 0 && !use_value(query, piece.column, use)) {
            return false;
        }
    }
    return true;
}

/* Whether the keys of a column sort as its values do: lower-cased texts do not, nor those that something follows (`rest` of
 * the template), and numbers have no fixed width. */
static bool sorts_alike(const struct ms_entity *entity, int column, const char *rest)
{
    enum ms_type type = entity->columns[column].type;

    return type == MS_TIMESTAMP || (type == MS_TEXT && !entity->item->shared && !*rest);
}

/* The first column of the sort key that no predicate gives: it may be bounded, and the items come in its order. */
static void use_rest(const struct ms_query *query, const struct ms_piece *piece, const char *rest,
                     struct ms_key_use *use)
{
    const struct ms_entity *entity = query->entity;
    struct bounds bounds;
    int prefix;

    use->ordered = piece->column == query->order && sorts_alike(entity, piece->column, rest);
    if (entity->columns[piece->column].type == MS_TIMESTAMP) {
        bounds = bounds_of(query, piece->column);
        use->answered |= bounds.predicates;
        use->exact |= bounds.predicates;
        use->terms += bounds.predicates != 0;
        use->ranges = bounds.from > bounds.to ? 0 : use->ranges;
        return;
    }
    prefix = find(query, MS_PREFIX, piece->column);
    if (prefix >= 0) {
        use->terms++;
        use->answered |= entity->item->shared ? 0 : bit((size_t)prefix);
        return;
    }
    use->terms += sorts_alike(entity, piece->column, rest) && find(query, MS_ABOVE, piece->column) >= 0;
}

static void use_sort(const struct ms_query *query, struct ms_key_use *use)
{
    const char *at = use->path->sort;
    struct ms_piece piece;

    while (ms_template_next(query->entity, &at, &piece)) {
        if (piece.sequence) {
            return;
        }
        if (piece.column >= 0 && !use_value(query, piece.column, use)) {
            use_rest(query, &piece, at, use);
            return;
        }
    }
    use->single = use->path->index == 0;
    use->ordered = use->single;
}

bool ms_key_use_path(const struct ms_query *query, const struct ms_item_path *path, struct ms_key_use *ret)
{
    *ret = (struct ms_key_use){.path = path, .ranges = 1};
    for (uint8_t i = 0; i < query->entity->column_count; i++) {
        int null = path->absent & MS_BIT(i) ? find(query, MS_NULL_VALUE, i) : 0;

        if (null < 0) {
            return false;
        }
        if (path->absent & MS_BIT(i)) {
            ret->answered |= bit((size_t)null);
            ret->exact |= bit((size_t)null);
        }
    }
    if (!use_partition(query, ret)) {
        return false;
    }
    use_sort(query, ret);
    return true;
}

/* Building a condition. */

struct condition {
    const struct ms_query *query;
    const struct ms_key_use *use;
    size_t element; /* of the set */
    mastra_str day;
    struct ms_arena *arena;
    struct ms_key_range *range;
    bool empty;
    bool memory_out;
};

/* The value that a predicate gives a column; absent when none does. */
static mastra_str given(const struct condition *condition, const struct ms_piece *piece)
{
    const struct ms_query *query = condition->query;
    const struct ms_key_use *use = condition->use;
    int equal;

    if (piece->day) {
        return condition->day;
    }
    equal = find(query, MS_EQUAL, piece->column);
    if (equal >= 0) {
        return query->where[equal].text;
    }
    if (use->set && query->where[use->set_predicate].column == piece->column) {
        return query->where[use->set_predicate].set[condition->element];
    }
    return (mastra_str){NULL, 0};
}

static void finish(struct condition *condition, struct ms_key_text *text, mastra_str *ret)
{
    bool over = false;

    if (!ms_key_text_end(text, condition->arena, ret, &over)) {
        condition->memory_out = true;
    }
    condition->empty = condition->empty || over;
}

static void build_partition(struct condition *condition)
{
    const struct ms_entity *entity = condition->query->entity;
    const char *at = condition->use->path->partition;
    struct ms_key_text text;
    struct ms_piece piece;

    ms_key_text_init(&text, entity, MS_KEY_PARTITION_MOST);
    while (ms_template_next(entity, &at, &piece)) {
        ms_key_text_add(&text, piece.literal);
        if (piece.column >= 0) {
            ms_key_text_add_value(&text, &piece, given(condition, &piece));
        }
    }
    finish(condition, &text, &condition->range->partition);
}

/* Behind all texts that begin as this one does, which ends in an ASCII character. */
static void step_behind(struct ms_key_text *text)
{
    text->raw[text->len - 1]++;
}

static void add_time(struct ms_key_text *text, mastra_time time)
{
    char iso[MS_ISO_SIZE];

    ms_key_text_add(text, (mastra_str){iso, ms_time_format(time, iso)});
}

/* `text` holds what precedes the time; what follows it in the template is `rest`. */
static void build_times(struct condition *condition, struct ms_key_text *text, int column, const char *rest)
{
    struct ms_key_range *range = condition->range;
    struct bounds bounds = bounds_of(condition->query, column);
    size_t len = text->len;

    range->sort = MS_SORT_BETWEEN;
    if (bounds.from > MS_TIME_FIRST) {
        add_time(text, bounds.from);
    }
    finish(condition, text, &range->low);
    text->len = len;
    if (bounds.to < MS_TIME_LAST) {
        add_time(text, bounds.to);
    }
    if (bounds.to >= MS_TIME_LAST) {
        step_behind(text);
    } else if (*rest) {
        ms_key_text_add(text, (mastra_str){rest, 1});
        step_behind(text);
    }
    finish(condition, text, &range->high);
}

/* `text` holds what precedes the column that no predicate gives. */
static void build_rest(struct condition *condition, struct ms_key_text *text, const struct ms_piece *piece,
                       const char *rest)
{
    const struct ms_query *query = condition->query;
    struct ms_key_range *range = condition->range;
    int column = piece->column;
    int prefix = find(query, MS_PREFIX, column);
    int above = sorts_alike(query->entity, column, rest) ? find(query, MS_ABOVE, column) : -1;
    size_t len = text->len;

    range->sort = MS_SORT_PREFIX;
    if (query->entity->columns[column].type == MS_TIMESTAMP) {
        if (bounds_of(query, column).predicates) {
            build_times(condition, text, column, rest);
            return;
        }
    } else if (prefix >= 0) {
        ms_key_text_add_value(text, piece, query->where[prefix].text);
        text->steady = true;
    } else if (above >= 0) {
        range->sort = MS_SORT_BETWEEN;
        ms_key_text_add_value(text, piece, query->where[above].text);
        finish(condition, text, &range->low);
        text->len = len;
        step_behind(text);
        finish(condition, text, &range->high);
        return;
    }
    finish(condition, text, &range->low);
}

static void build_sort(struct condition *condition)
{
    const struct ms_entity *entity = condition->query->entity;
    const char *at = condition->use->path->sort;
    struct ms_key_text text;
    struct ms_piece piece;

    ms_key_text_init(&text, entity, MS_KEY_SORT_MOST);
    condition->range->sort = MS_SORT_EQUAL;
    while (ms_template_next(entity, &at, &piece)) {
        mastra_str value = {NULL, 0};

        ms_key_text_add(&text, piece.literal);
        if (piece.sequence) {
            condition->range->sort = MS_SORT_PREFIX;
            break;
        }
        if (piece.column < 0) {
            continue;
        }
        value = given(condition, &piece);
        if (!value.ptr) {
            build_rest(condition, &text, &piece, at);
            return;
        }
        ms_key_text_add_value(&text, &piece, value);
    }
    finish(condition, &text, &condition->range->low);
}

mastra_status ms_key_use_range(const struct ms_query *query, const struct ms_key_use *use, size_t i,
                               mastra_str day, struct ms_arena *arena, struct ms_key_range *ret,
                               bool *ret_empty, mastra_error *error)
{
    struct condition condition = {
        .query = query, .use = use, .element = i, .day = day, .arena = arena, .range = ret};

    memset(ret, 0, sizeof *ret);
    build_partition(&condition);
    build_sort(&condition);
    *ret_empty = condition.empty;
    return condition.memory_out ? ms_error_oom(error) : MASTRA_OK;
}
