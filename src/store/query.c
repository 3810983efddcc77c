#include "store/query.h"

#include "base/clock.h"
#include "base/json.h"

#include <assert.h>

void ms_query_init(struct ms_query *query, enum ms_entity_id id)
{
    ms_query_init_on(query, ms_entity(id));
}

void ms_query_init_on(struct ms_query *query, const struct ms_entity *entity)
{
    query->entity = entity;
    query->columns = ms_entity_fields(entity);
    query->where_count = 0;
    query->order = entity->created;
    query->descending = false;
    query->side = MS_SIDE_ALL;
    memset(query->anchor, 0, sizeof query->anchor);
    query->offset = 0;
    query->limit = MS_NO_LIMIT;
    query->known_total = -1;
    query->lock = false;
    query->grouped = false;
    query->most_bytes = 0;
}

static struct ms_predicate *add(struct ms_query *query, enum ms_compare compare, uint8_t column)
{
    assert(query->where_count < MS_QUERY_PREDICATES);
    struct ms_predicate *predicate = &query->where[query->where_count++];

    memset(predicate, 0, sizeof *predicate);
    predicate->compare = compare;
    predicate->column = column;
    return predicate;
}

void ms_query_equal(struct ms_query *query, uint8_t column, mastra_str text)
{
    add(query, MS_EQUAL, column)->text = text;
}

void ms_query_any_of(struct ms_query *query, uint8_t column, const mastra_str *set, size_t count)
{
    if (count == 1) {
        ms_query_equal(query, column, set[0]);
        return;
    }
    struct ms_predicate *predicate = add(query, MS_ANY_OF, column);

    predicate->set = set;
    predicate->set_count = count;
}

void ms_query_time(struct ms_query *query, enum ms_compare compare, uint8_t column, mastra_time time)
{
    add(query, compare, column)->time = time;
}

/* Times compare as text in some databases, which holds for the years 0 to 9999; stored times are checked to lie there
 * (see the domains), and a bound beyond them is met by all of them or by none. */
void ms_query_range(struct ms_query *query, uint8_t column, mastra_time from, bool from_excluded,
                    mastra_time to, bool to_excluded)
{
    if (from > MS_TIME_LAST) {
        from = MS_TIME_LAST;
        from_excluded = true;
    }
    if (to != MASTRA_TIME_NONE && to < MS_TIME_FIRST) {
        to = MS_TIME_FIRST;
        to_excluded = true;
    }
    if (from >= MS_TIME_FIRST) {
        ms_query_time(query, from_excluded ? MS_AFTER : MS_AT_LEAST, column, from);
    }
    if (to != MASTRA_TIME_NONE && to <= MS_TIME_LAST) {
        ms_query_time(query, to_excluded ? MS_BEFORE : MS_AT_MOST, column, to);
    }
}

void ms_query_has(struct ms_query *query, uint8_t column, const char *member, mastra_str object)
{
    struct ms_predicate *predicate = add(query, MS_HAS, column);

    predicate->member = member;
    predicate->text = object;
}

void ms_query_null(struct ms_query *query, uint8_t column, bool null)
{
    add(query, null ? MS_NULL_VALUE : MS_ANY_VALUE, column);
}

void ms_query_text(struct ms_query *query, enum ms_compare compare, uint8_t column, mastra_str text)
{
    add(query, compare, column)->text = text;
}

void ms_query_contains(struct ms_query *query, uint8_t column, mastra_str array)
{
    ms_query_text(query, MS_CONTAINS, column, array);
}

void ms_query_at(struct ms_query *query, uint8_t column, const char *path, mastra_str text)
{
    struct ms_predicate *predicate = add(query, MS_AT, column);

    predicate->path = path;
    predicate->text = text;
}

void ms_query_member(struct ms_query *query, bool wanted, uint8_t column, mastra_str name)
{
    add(query, wanted ? MS_MEMBER : MS_NO_MEMBER, column)->text = name;
}

void ms_query_number(struct ms_query *query, enum ms_compare compare, uint8_t column, int64_t number)
{
    add(query, compare, column)->number = number;
}

void ms_query_related(struct ms_query *query, bool wanted, uint8_t column, const struct ms_predicate *related)
{
    add(query, wanted ? MS_RELATED : MS_UNRELATED, column)->related = related;
}

static bool has_element(mastra_str array, mastra_str wanted)
{
    struct ms_json_iter iter;
    mastra_str item;

    ms_json_iter_init(&iter, array);
    while (ms_json_next(&iter, NULL, &item)) {
        if (ms_json_equal(item, wanted)) {
            return true;
        }
    }
    return false;
}

bool ms_json_contains(mastra_str text, mastra_str wanted)
{
    struct ms_json_iter iter;
    mastra_str array;
    mastra_str item;

    if (!text.ptr || !ms_json_check(text, &array, NULL) || ms_json_kind(array) != MS_JSON_ARRAY) {
        return false;
    }
    ms_json_iter_init(&iter, wanted);
    while (ms_json_next(&iter, NULL, &item)) {
        if (!has_element(array, item)) {
            return false;
        }
    }
    return true;
}

static bool is_string(mastra_str value, mastra_str wanted)
{
    return ms_json_kind(value) == MS_JSON_STRING && ms_json_string_equals(value, wanted);
}

/* One segment of a path, as its text up to the next "." or "|". */
static mastra_str segment_of(const char *path)
{
    return (mastra_str){path, strcspn(path, ".|")};
}

static bool at_path(mastra_str value, const char *path, mastra_str wanted);

/* "*" or "*name=text": whether a member lets the path go on through it, and leads to what is wanted. */
static bool at_any_member(mastra_str value, mastra_str segment, const char *rest, mastra_str wanted)
{
    const char *equals = memchr(segment.ptr, '=', segment.len);
    mastra_str name = {segment.ptr + 1, equals ? (size_t)(equals - segment.ptr) - 1 : 0};
    mastra_str text = {equals ? equals + 1 : NULL,
                       equals ? segment.len - (size_t)(equals + 1 - segment.ptr) : 0};
    struct ms_json_iter iter;
    mastra_str member;

    if (ms_json_kind(value) != MS_JSON_OBJECT) {
        return false;
    }
    ms_json_iter_init(&iter, value);
    while (ms_json_next(&iter, NULL, &member)) {
        bool open = !equals || is_string(ms_json_member(member, name), text);

        if (open && at_path(member, rest, wanted)) {
            return true;
        }
    }
    return false;
}

/* `path` stands before a ".", or at its end. */
static bool at_path(mastra_str value, const char *path, mastra_str wanted)
{
    while (*path == '.') {
        mastra_str segment = segment_of(path + 1);

        path = segment.ptr + segment.len;
        if (segment.len > 0 && segment.ptr[0] == '*') {
            return at_any_member(value, segment, path, wanted);
        }
        value = ms_json_member(value, segment);
    }
    return is_string(value, wanted);
}

bool ms_json_at(mastra_str text, const char *path, mastra_str wanted)
{
    mastra_str value;

    if (!text.ptr || !ms_json_check(text, &value, NULL)) {
        return false;
    }
    for (;;) {
        if (at_path(value, path, wanted)) {
            return true;
        }
        path = strchr(path, '|');
        if (!path) {
            return false;
        }
        path++;
    }
}

bool ms_json_has_member(mastra_str text, mastra_str name)
{
    enum ms_json_kind kind;
    mastra_str object;

    if (!text.ptr || !ms_json_check(text, &object, NULL)) {
        return false;
    }
    kind = ms_json_kind(ms_json_member(object, name));
    return kind != MS_JSON_NONE && kind != MS_JSON_NULL;
}

bool ms_json_has(mastra_str text, mastra_str member, mastra_str filter)
{
    char name[MS_FILTER_KEY_RAW];
    struct ms_json_iter iter;
    mastra_str object;
    mastra_str key;
    mastra_str expected;

    if (!text.ptr || !ms_json_check(text, &object, NULL)) {
        return false;
    }
    if (member.ptr) {
        object = ms_json_member(object, member);
    }
    if (ms_json_kind(object) != MS_JSON_OBJECT) {
        return false;
    }
    ms_json_iter_init(&iter, filter);
    while (ms_json_next(&iter, &key, &expected)) {
        mastra_str found = {NULL, 0};

        if (key.len <= sizeof name) {
            found = ms_json_member(object, (mastra_str){name, ms_json_unescape(key, name, NULL)});
        }
        if (!found.ptr || !ms_json_equal(found, expected)) {
            return false;
        }
    }
    return true;
}
