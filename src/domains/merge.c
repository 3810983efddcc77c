#include "domains/merge.h"

#include "base/error.h"
#include "base/json.h"

mastra_str ms_stored_object(mastra_str text)
{
    mastra_str value = {NULL, 0};

    if (!text.ptr || !ms_json_check(text, &value, NULL) || ms_json_kind(value) != MS_JSON_OBJECT) {
        return mastra_str_of(NULL);
    }
    return value;
}

mastra_status ms_unit_keep(struct ms_unit *unit, struct ms_buf *buf, mastra_str *ret)
{
    mastra_status status = MASTRA_OK;

    if (buf->failed || !ms_arena_str(unit->arena, ms_buf_view(buf), ret)) {
        status = ms_error_oom(unit->error);
    }
    ms_buf_release(buf);
    return status;
}

static bool is_among(mastra_str key, mastra_str names)
{
    struct ms_json_iter iter;
    mastra_str name;
    bool found = false;

    ms_json_iter_init(&iter, names);
    while (!found && ms_json_next(&iter, NULL, &name)) {
        found = ms_json_equal(key, name);
    }
    return found;
}

void ms_put_without(struct ms_buf *out, mastra_str object, mastra_str names)
{
    const char *separator = "{";
    struct ms_json_iter iter;
    mastra_str key;
    mastra_str value;

    ms_json_iter_init(&iter, object);
    while (ms_json_next(&iter, &key, &value)) {
        if (names.ptr && is_among(key, names)) {
            continue;
        }
        ms_buf_add_text(out, separator);
        ms_buf_add_str(out, key);
        ms_buf_add_char(out, ':');
        ms_buf_add_str(out, value);
        separator = ",";
    }
    ms_buf_add_text(out, separator[0] == '{' ? "{}" : "}");
}

static mastra_status merge(struct ms_unit *unit, mastra_str base, mastra_str unset, mastra_str patch,
                           mastra_str *ret)
{
    struct ms_buf buf;

    if (base.ptr && unset.ptr) {
        mastra_status status;

        ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
        ms_put_without(&buf, base, unset);
        status = ms_unit_keep(unit, &buf, &base);
        if (status != MASTRA_OK) {
            return status;
        }
    }
    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_json_merge(&buf, base, patch);
    return ms_unit_keep(unit, &buf, ret);
}

mastra_status ms_merge_stored(struct ms_unit *unit, mastra_str stored, mastra_str unset, mastra_str patch,
                              mastra_str *ret)
{
    return merge(unit, ms_stored_object(stored), unset, patch, ret);
}

mastra_status ms_merge_content(struct ms_unit *unit, mastra_str stored, mastra_str unset, mastra_str patch,
                               mastra_str *ret)
{
    static const mastra_str metadata = MASTRA_STR("metadata");
    mastra_str base = ms_stored_object(stored);
    mastra_str over = ms_stored_object(patch);
    mastra_str base_metadata;
    mastra_str over_metadata;
    mastra_str merged = {NULL, 0};
    struct ms_buf buf;
    mastra_status status;

    if (!base.ptr || !over.ptr) {
        return ms_arena_str(unit->arena, patch, ret) ? MASTRA_OK : ms_error_oom(unit->error);
    }
    base_metadata = ms_json_member(base, metadata);
    over_metadata = ms_json_member(over, metadata);
    status = merge(unit, base, mastra_str_of(NULL), over, &merged);
    if (status != MASTRA_OK || ms_json_kind(base_metadata) != MS_JSON_OBJECT ||
        ms_json_kind(over_metadata) != MS_JSON_OBJECT) {
        *ret = merged;
        return status;
    }
    status = merge(unit, base_metadata, unset, over_metadata, &over_metadata);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_json_with_member(&buf, merged, metadata, over_metadata);
    return ms_unit_keep(unit, &buf, ret);
}
