/* Comparing and splicing raw values. */
#include "base/json_internal.h"

#include <stdlib.h>

/* The last member of an object whose key is the same as `key`; absent when there is none. */
static mastra_str find_last(struct ms_json_iter iter, mastra_str key)
{
    mastra_str found = {NULL, 0};
    mastra_str name, value;
    while (ms_json_next(&iter, &name, &value)) {
        if (ms_json_string_same(name, key)) {
            found = value;
        }
    }
    return found;
}

static bool arrays_equal(mastra_str a, mastra_str b)
{
    struct ms_json_iter iter_a, iter_b;
    mastra_str value_a, value_b;
    ms_json_iter_init(&iter_a, a);
    ms_json_iter_init(&iter_b, b);
    while (ms_json_next(&iter_a, NULL, &value_a)) {
        if (!ms_json_next(&iter_b, NULL, &value_b) || !ms_json_equal(value_a, value_b)) {
            return false;
        }
    }
    return !ms_json_next(&iter_b, NULL, &value_b);
}

static bool keys_in_same_order(mastra_str a, mastra_str b)
{
    struct ms_json_iter iter_a, iter_b;
    mastra_str key_a, key_b, value;
    ms_json_iter_init(&iter_a, a);
    ms_json_iter_init(&iter_b, b);
    while (ms_json_next(&iter_a, &key_a, &value)) {
        if (!ms_json_next(&iter_b, &key_b, &value) || !ms_json_string_same(key_a, key_b)) {
            return false;
        }
    }
    return !ms_json_next(&iter_b, NULL, &value);
}

/*
 * For objects whose keys come in the same order: each pair of values is compared once, however deep they
 * nest.
 */
static bool values_equal_in_order(mastra_str a, mastra_str b)
{
    struct ms_json_iter iter_a, iter_b;
    mastra_str key, value_a, value_b;
    ms_json_iter_init(&iter_a, a);
    ms_json_iter_init(&iter_b, b);
    while (ms_json_next(&iter_a, &key, &value_a) && ms_json_next(&iter_b, NULL, &value_b)) {
        /* A value that differs does not count when its key is repeated later. */
        if (!ms_json_equal(value_a, value_b) && !find_last(iter_a, key).ptr) {
            return false;
        }
    }
    return true;
}

/* Whether every member of a that counts has an equal one in b. */
static bool values_within(mastra_str a, mastra_str b)
{
    struct ms_json_iter iter_a, iter_b;
    mastra_str key, value;
    ms_json_iter_init(&iter_a, a);
    ms_json_iter_init(&iter_b, b);
    while (ms_json_next(&iter_a, &key, &value)) {
        if (find_last(iter_a, key).ptr) {
            continue;
        }
        mastra_str other = find_last(iter_b, key);
        if (!other.ptr || !ms_json_equal(value, other)) {
            return false;
        }
    }
    return true;
}

static bool keys_within(mastra_str a, mastra_str b)
{
    struct ms_json_iter iter_a, iter_b;
    mastra_str key, value;
    ms_json_iter_init(&iter_a, a);
    ms_json_iter_init(&iter_b, b);
    while (ms_json_next(&iter_a, &key, &value)) {
        if (!find_last(iter_b, key).ptr) {
            return false;
        }
    }
    return true;
}

static bool objects_equal(mastra_str a, mastra_str b)
{
    if (keys_in_same_order(a, b)) {
        return values_equal_in_order(a, b);
    }
    return keys_within(b, a) && values_within(a, b);
}

bool ms_json_equal(mastra_str a, mastra_str b)
{
    enum ms_json_kind kind = ms_json_kind(a);
    if (kind != ms_json_kind(b)) {
        return false;
    }
    if (a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0)) {
        return true;
    }
    switch (kind) {
    case MS_JSON_NUMBER:
        return ms_json_number_same(a, b);
    case MS_JSON_STRING:
        return ms_json_string_same(a, b);
    case MS_JSON_ARRAY:
        return arrays_equal(a, b);
    case MS_JSON_OBJECT:
        return objects_equal(a, b);
    case MS_JSON_NONE:
    case MS_JSON_NULL:
    case MS_JSON_FALSE:
    case MS_JSON_TRUE:
        break;
    }
    return true; /* of these a kind has one value only */
}

struct member {
    mastra_str key;
    mastra_str value;
};

#define FEW_MEMBERS 24

/* The members of an object, so that looking for one does not pass over all their values again. */
struct members {
    struct member few[FEW_MEMBERS];
    struct member *at; /* few, or heap memory */
    size_t count;
    const struct member **sorted; /* by key, those of one key by their places; NULL: few */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *const *left = a;
    const struct member *const *right = b;
    int order = ms_json_string_compare((*left)->key, (*right)->key);
    return order ? order : (*left > *right) - (*left < *right);
}

static bool members_init(struct members *members, struct ms_buf *buf, mastra_str object)
{
    members->at = members->few;
    members->sorted = NULL;
    members->count = 0;
    if (ms_json_kind(object) != MS_JSON_OBJECT) {
        return true;
    }
    size_t count = ms_json_count(object);
    if (count > FEW_MEMBERS) {
        members->at = ms_heap_alloc(buf->heap, count * (sizeof(members->few[0]) + sizeof(void *)));
        if (!members->at) {
            buf->failed = MASTRA_OUT_OF_MEMORY;
            return false;
        }
        members->sorted = (const struct member **)(void *)(members->at + count);
    }
    struct ms_json_iter iter;
    struct member member;
    ms_json_iter_init(&iter, object);
    while (ms_json_next(&iter, &member.key, &member.value)) {
        members->at[members->count] = member;
        if (members->sorted) {
            members->sorted[members->count] = &members->at[members->count];
        }
        members->count++;
    }
    if (members->sorted) {
        qsort(members->sorted, members->count, sizeof(void *), compare_members);
    }
    return true;
}

static void members_release(struct members *members, struct ms_buf *buf)
{
    if (members->at != members->few) {
        ms_heap_release(buf->heap, members->at);
    }
}

/* How many of the sorted members come before the key; `through`: before what follows it. */
static size_t rank_of(const struct members *members, mastra_str key, bool through)
{
    size_t low = 0;
    size_t high = members->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ms_json_string_compare(members->sorted[middle]->key, key) < (through ? 1 : 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The first member with the key, NULL when there is none. */
static const struct member *first_with_key(const struct members *members, mastra_str key)
{
    if (members->sorted) {
        size_t at = rank_of(members, key, false);
        bool found = at < members->count && ms_json_string_same(members->sorted[at]->key, key);
        return found ? members->sorted[at] : NULL;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (ms_json_string_same(members->at[i].key, key)) {
            return &members->at[i];
        }
    }
    return NULL;
}

/* The member with the key that counts, NULL when there is none. */
static const struct member *last_with_key(const struct members *members, mastra_str key)
{
    if (members->sorted) {
        size_t at = rank_of(members, key, true);
        bool found = at > 0 && ms_json_string_same(members->sorted[at - 1]->key, key);
        return found ? members->sorted[at - 1] : NULL;
    }
    for (size_t i = members->count; i > 0; i--) {
        if (ms_json_string_same(members->at[i - 1].key, key)) {
            return &members->at[i - 1];
        }
    }
    return NULL;
}

static void put_member(struct ms_buf *buf, size_t start, mastra_str key, mastra_str value)
{
    if (buf->len > start + 1) {
        ms_buf_add_char(buf, ',');
    }
    ms_buf_add_str(buf, key);
    ms_buf_add_char(buf, ':');
    ms_buf_add_str(buf, value);
}

static void put_merged(struct ms_buf *buf, const struct members *base, const struct members *patch)
{
    size_t start = buf->len;
    ms_buf_add_char(buf, '{');
    for (size_t i = 0; i < base->count; i++) {
        struct member member = base->at[i];
        const struct member *newer = last_with_key(patch, member.key);
        if (!newer) {
            put_member(buf, start, member.key, member.value);
        } else if (first_with_key(base, member.key) == &base->at[i]) {
            /* A repeated key is replaced in its first place only. */
            put_member(buf, start, member.key, newer->value);
        }
    }
    for (size_t i = 0; i < patch->count; i++) {
        mastra_str key = patch->at[i].key;
        if (!first_with_key(base, key) && first_with_key(patch, key) == &patch->at[i]) {
            put_member(buf, start, key, last_with_key(patch, key)->value);
        }
    }
    ms_buf_add_char(buf, '}');
}

void ms_json_merge(struct ms_buf *buf, mastra_str base, mastra_str patch)
{
    struct members base_members, patch_members;
    if (!members_init(&base_members, buf, base)) {
        return;
    }
    if (members_init(&patch_members, buf, patch)) {
        put_merged(buf, &base_members, &patch_members);
        members_release(&patch_members, buf);
    }
    members_release(&base_members, buf);
}

void ms_json_with_member(struct ms_buf *buf, mastra_str object, mastra_str name, mastra_str value)
{
    size_t start = buf->len;
    bool placed = false;
    struct ms_json_iter iter;
    mastra_str key, old;
    ms_buf_add_char(buf, '{');
    if (ms_json_kind(object) == MS_JSON_OBJECT) {
        ms_json_iter_init(&iter, object);
        while (ms_json_next(&iter, &key, &old)) {
            bool same = ms_json_string_equals(key, name);
            if (!same || !placed) {
                put_member(buf, start, key, same ? value : old);
            }
            placed |= same;
        }
    }
    if (!placed) {
        if (buf->len > start + 1) {
            ms_buf_add_char(buf, ',');
        }
        ms_json_put_string(buf, name);
        ms_buf_add_char(buf, ':');
        ms_buf_add_str(buf, value);
    }
    ms_buf_add_char(buf, '}');
}
