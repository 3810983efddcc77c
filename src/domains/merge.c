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

static mastra_status merge(struct ms_unit *unit, mastra_str base, mastra_str patch, mastra_str *ret)
{
    struct ms_buf buf;

    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_json_merge(&buf, base, patch);
    return ms_unit_keep(unit, &buf, ret);
}

mastra_status ms_merge_stored(struct ms_unit *unit, mastra_str stored, mastra_str patch, mastra_str *ret)
{
    return merge(unit, ms_stored_object(stored), patch, ret);
}

mastra_status ms_merge_content(struct ms_unit *unit, mastra_str stored, mastra_str patch, mastra_str *ret)
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
    status = merge(unit, base, over, &merged);
    if (status != MASTRA_OK || ms_json_kind(base_metadata) != MS_JSON_OBJECT ||
        ms_json_kind(over_metadata) != MS_JSON_OBJECT) {
        *ret = merged;
        return status;
    }
    status = merge(unit, base_metadata, over_metadata, &over_metadata);
    if (status != MASTRA_OK) {
        return status;
    }
    ms_buf_init(&buf, ms_arena_heap(unit->arena), 0);
    ms_json_with_member(&buf, merged, metadata, over_metadata);
    return ms_unit_keep(unit, &buf, ret);
}
