#include "domains/check.h"
#include "domains/listing.h"
#include "domains/memory.h"
#include "domains/merge.h"

#include "base/error.h"
#include "base/utf8.h"

struct resource_work {
    mastra_str id;
    const mastra_resource *given;
    bool lock; /* the resource will be written */
    bool set_working_memory;
    mastra_str metadata; /* a checked object, or absent */
    mastra_str unset;    /* names of members of the stored metadata, or absent */
    mastra_resource *resource;
};

static mastra_status get(struct ms_unit *unit, void *arg)
{
    struct resource_work *work = arg;
    void *found = NULL;
    mastra_status status = ms_unit_get(unit, MS_RESOURCE, &work->id, work->lock, &found);

    work->resource = found;
    return status;
}

mastra_status ms_get_resource_by_id(struct ms_call *call, mastra_str resource_id, mastra_resource **ret)
{
    struct resource_work work = {.id = resource_id};
    struct ms_arena *arena = NULL;
    mastra_status status = ms_check_sought(&call->error, "resourceId", resource_id);

    if (status == MASTRA_OK) {
        status = ms_read(call, MS_READ_ROW, get, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.resource, ret);
    }
    return status;
}

static mastra_status save(struct ms_unit *unit, void *arg)
{
    struct resource_work *work = arg;

    work->resource = ms_record_dup(unit->arena, ms_entity(MS_RESOURCE), work->given);
    unit->result = work->resource;
    if (!work->resource) {
        return ms_error_oom(unit->error);
    }
    return ms_unit_put(unit, MS_RESOURCE, work->resource);
}

mastra_status ms_save_resource(struct ms_call *call, const mastra_resource *given, mastra_resource **ret)
{
    const struct ms_entity *entity = ms_entity(MS_RESOURCE);
    mastra_resource resource;
    struct resource_work work = {.given = &resource};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "resource", mastra_str_of(NULL), "is required");
    }
    ms_record_copy(entity, &resource, given);
    if (resource.created_at == MASTRA_TIME_NONE) {
        resource.created_at = call->now;
    }
    if (resource.updated_at == MASTRA_TIME_NONE) {
        resource.updated_at = call->now;
    }
    status = ms_check_record(&call->error, "resource", entity, &resource, ms_entity_all(entity));
    if (status == MASTRA_OK) {
        status = ms_transact(call, save, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.resource, ret);
    }
    return status;
}

static mastra_status create(struct ms_unit *unit, struct resource_work *work)
{
    mastra_resource *resource = ms_unit_record(unit, MS_RESOURCE);

    work->resource = resource;
    unit->result = resource;
    if (!resource) {
        return MASTRA_OUT_OF_MEMORY;
    }
    if (!ms_arena_str(unit->arena, work->id, &resource->id) ||
        !ms_arena_str(unit->arena, work->given->working_memory, &resource->working_memory) ||
        !ms_arena_str(unit->arena, work->metadata.ptr ? work->metadata : mastra_str_of("{}"),
                      &resource->metadata)) {
        return ms_error_oom(unit->error);
    }
    resource->created_at = unit->call->now;
    resource->updated_at = unit->call->now;
    return ms_unit_put(unit, MS_RESOURCE, resource);
}

static mastra_status update(struct ms_unit *unit, void *arg)
{
    struct resource_work *work = arg;
    uint64_t columns = MS_BIT(MS_RESOURCE_UPDATED_AT);
    mastra_status status = get(unit, arg);
    mastra_resource *resource = work->resource;

    if (status != MASTRA_OK) {
        return status;
    }
    if (!resource) {
        return create(unit, work);
    }
    unit->result = resource;
    if (work->set_working_memory) {
        columns |= MS_BIT(MS_RESOURCE_WORKING_MEMORY);
        if (!ms_arena_str(unit->arena, work->given->working_memory, &resource->working_memory)) {
            return ms_error_oom(unit->error);
        }
    }
    if (work->metadata.ptr || work->unset.ptr) {
        columns |= MS_BIT(MS_RESOURCE_METADATA);
        status =
            ms_merge_stored(unit, resource->metadata, work->unset,
                            work->metadata.ptr ? work->metadata : mastra_str_of("{}"), &resource->metadata);
    }
    resource->updated_at = unit->call->now;
    return status == MASTRA_OK ? ms_unit_patch(unit, MS_RESOURCE, resource, columns) : status;
}

mastra_status ms_update_resource(struct ms_call *call, const mastra_resource_patch *given, mastra_str unset,
                                 mastra_resource **ret)
{
    const struct ms_entity *entity = ms_entity(MS_RESOURCE);
    mastra_resource values;
    struct resource_work work = {.given = &values};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (!given) {
        return ms_error_argument(&call->error, "patch", mastra_str_of(NULL), "is required");
    }
    ms_record_copy(entity, &values, &given->values);
    work.id = values.id;
    work.lock = true;
    work.set_working_memory = (given->set & MASTRA_RESOURCE_SET_WORKING_MEMORY) != 0;
    if (!work.set_working_memory) {
        values.working_memory = mastra_str_of(NULL);
    }
    status = ms_check_id(&call->error, "resourceId", values.id);
    if (status == MASTRA_OK && values.working_memory.ptr && !ms_utf8_valid(values.working_memory)) {
        status =
            ms_error_argument(&call->error, "workingMemory", values.working_memory, "is not valid UTF-8");
    }
    if (status == MASTRA_OK && given->set & MASTRA_RESOURCE_SET_METADATA) {
        status = ms_check_json(&call->error, "metadata", values.metadata, true, &work.metadata);
    }
    if (status == MASTRA_OK) {
        status = ms_check_names(&call->error, "unset", unset, &work.unset);
    }
    if (status == MASTRA_OK) {
        status = ms_transact(call, update, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, work.resource, ret);
    }
    return status;
}

mastra_status ms_list_resources(struct ms_call *call, const mastra_list_resources_args *given,
                                mastra_resource_list **ret)
{
    mastra_list_resources_args args = MASTRA_LIST_RESOURCES_INIT;
    struct ms_listing work = {0};
    struct ms_arena *arena = NULL;
    mastra_status status;

    if (given) {
        memcpy(&args, given, given->size < sizeof args ? given->size : sizeof args);
    }
    ms_query_init(&work.query, MS_RESOURCE);
    work.query.descending = true;
    status = ms_paging_of(&call->error, args.page, args.per_page, MS_RECORDS_PER_PAGE, &work.paging);
    if (status == MASTRA_OK) {
        status = ms_listing_run(call, &work, &arena);
    }
    if (status == MASTRA_OK) {
        MS_HAND_OVER(arena, (mastra_resource_list *)work.list, ret);
    }
    return status;
}
