#include "store/query.h"

#include "base/clock.h"
#include "base/json.h"

#include <assert.h>

void ms_query_init(struct ms_query *query, enum ms_entity_id id)
{
    const struct ms_entity *entity = ms_entity(id);

    query->entity = entity;
    query->columns = ms_entity_all(entity);
    query->where_count = 0;
    query->order = entity->created;
    query->descending = false;
    query->side = MS_SIDE_ALL;
    query->anchor[0] = mastra_str_of(NULL);
    query->anchor[1] = mastra_str_of(NULL);
    query->offset = 0;
    query->limit = MS_NO_LIMIT;
    query->known_total = -1;
    query->lock = false;
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
