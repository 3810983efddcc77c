/* Operations on resources: arguments, results, handlers. */
#include "call/memory.h"

static const struct ms_arg resource_result = {.type = MS_ARG_RECORD, .entity = MS_RESOURCE};

/* getResourceById */

struct get_args {
    mastra_str resource_id;
};

static const struct get_args get_blank = {{NULL, 0}};

static const struct ms_arg get_table[] = {
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = offsetof(struct get_args, resource_id)},
};

static const struct ms_arg get_result = {
    .type = MS_ARG_RECORD, .entity = MS_RESOURCE, .flags = MS_ARG_NULLABLE};

static mastra_status get_resource_by_id(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct get_args *get = args;
    mastra_resource *resource = NULL;
    mastra_status status = ms_get_resource_by_id(call, get->resource_id, &resource);

    if (status == MASTRA_OK) {
        ms_put_record(out, MS_RESOURCE, resource, 0);
    }
    mastra_resource_free(resource);
    return status;
}

/* saveResource */

struct save_args {
    mastra_resource resource;
};

static const struct save_args save_blank = {MASTRA_RESOURCE_INIT};

static const struct ms_arg save_table[] = {
    {.name = "resource",
     .type = MS_ARG_RECORD,
     .flags = MS_ARG_REQUIRED,
     .offset = offsetof(struct save_args, resource),
     .entity = MS_RESOURCE},
};

static void put_saved(struct ms_buf *out, const void *resource)
{
    ms_put_record(out, MS_RESOURCE, resource, MS_OMIT_ABSENT);
}

static mastra_status save_resource(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct save_args *save = args;

    (void)out;
    return ms_save_resource(call, &save->resource, NULL);
}

/* updateResource */

struct update_args {
    mastra_resource_patch patch;
    mastra_str unset;
};

static const struct update_args update_blank = {MASTRA_RESOURCE_PATCH_INIT, {NULL, 0}};

#define PATCH(field) offsetof(struct update_args, patch.field)
static const struct ms_arg update_table[] = {
    {.name = "resourceId",
     .type = MS_ARG_TEXT,
     .flags = MS_ARG_REQUIRED | MS_ARG_LEFT,
     .offset = PATCH(values.id)},
    {.name = "workingMemory",
     .type = MS_ARG_FREE_TEXT,
     .offset = PATCH(values.working_memory),
     .also = PATCH(set),
     .bit = MASTRA_RESOURCE_SET_WORKING_MEMORY,
     .about = "absent: kept"},
    {.name = "metadata",
     .type = MS_ARG_OBJECT,
     .offset = PATCH(values.metadata),
     .also = PATCH(set),
     .bit = MASTRA_RESOURCE_SET_METADATA,
     .about = "laid over the stored members, one level deep"},
    {.name = "unset",
     .type = MS_ARG_ARRAY,
     .offset = offsetof(struct update_args, unset),
     .about = "names of members of the stored metadata that are taken away before"},
};
#undef PATCH

static void put_updated(struct ms_buf *out, const void *resource)
{
    ms_put_record(out, MS_RESOURCE, resource, 0);
}

static mastra_status update_resource(struct ms_call *call, const void *args, struct ms_buf *out)
{
    const struct update_args *update = args;

    (void)out;
    return ms_update_resource(call, &update->patch, update->unset, NULL);
}

/* listResources */

static const mastra_list_resources_args list_blank = MASTRA_LIST_RESOURCES_INIT;

static const struct ms_arg list_table[] = {
    MS_PAGE_ARG(mastra_list_resources_args),
    MS_PER_PAGE_ARG(mastra_list_resources_args, "100", "must be false or a safe integer", "INVALID_PAGE"),
};

static const struct ms_arg list_members[] = {MS_PAGE_RESULT("resources", MS_RESOURCE)};
static const struct ms_arg list_result = {
    .type = MS_ARG_GROUP, .members = list_members, .member_count = MS_COUNT(list_members)};

static mastra_status list_resources(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_resource_list *list = NULL;
    mastra_status status = ms_list_resources(call, args, &list);

    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "{\"resources\":");
        ms_put_list(out, MS_RESOURCE, list, 0);
        ms_put_page(out, mastra_resource_list_page(list));
    }
    mastra_resource_list_free(list);
    return status;
}

/* The operations. */

static const struct ms_operation operations[] = {
    MS_MEMORY_ENTRY(
        save_resource, "Creates or wholly replaces a resource.", save_table, save_blank, resource_result,
        NULL, put_saved,
        "{\"resource\":{\"id\":\"r1\",\"workingMemory\":\"# Notes\",\"metadata\":{\"plan\":\"pro\"}}}", 0),
    MS_MEMORY_ENTRY(
        update_resource, "Changes working memory and metadata of a resource, or creates it.", update_table,
        update_blank, resource_result, NULL, put_updated,
        "{\"resourceId\":\"r1\",\"workingMemory\":\"# Notes\\n- likes tea\",\"metadata\":{\"seats\":3}}", 0),
    MS_MEMORY_ENTRY(get_resource_by_id, "Reads one resource.", get_table, get_blank, get_result, NULL, NULL,
                    "{\"resourceId\":\"r1\"}", 0),
    MS_MEMORY_ENTRY(list_resources, "Lists resources, newest first.", list_table, list_blank, list_result,
                    NULL, NULL, "{\"page\":0,\"perPage\":50}", 0),
};

const struct ms_operation_set ms_resource_operations = {operations, MS_COUNT(operations)};
