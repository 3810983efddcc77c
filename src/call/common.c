#include "call/common.h"

#include "domains/result.h"

const struct ms_choice ms_directions[] = {
    {"ASC", MASTRA_ASCENDING, false},
    {"DESC", MASTRA_DESCENDING, false},
    {"asc", MASTRA_ASCENDING, true},
    {"desc", MASTRA_DESCENDING, true},
    {NULL, 0, false},
};

const struct ms_arg ms_result_null = {.type = MS_ARG_NULL};
const struct ms_arg ms_result_boolean = {.type = MS_ARG_BOOLEAN};

const struct ms_arg ms_page_members[MS_PAGE_MEMBER_COUNT] = {
    {.name = "total", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED},
    {.name = "page", .type = MS_ARG_INTEGER, .flags = MS_ARG_REQUIRED},
    {.name = "perPage", .type = MS_ARG_PER_PAGE, .flags = MS_ARG_REQUIRED},
    {.name = "hasMore", .type = MS_ARG_BOOLEAN, .flags = MS_ARG_REQUIRED},
};

void ms_put_list(struct ms_buf *out, enum ms_entity_id entity, const void *list, unsigned flags)
{
    const struct ms_list *records = list;

    ms_buf_add_char(out, '[');
    for (size_t i = 0; i < records->count; i++) {
        ms_buf_add_text(out, i ? "," : "");
        ms_put_record(out, entity, records->items[i], flags);
    }
    ms_buf_add_char(out, ']');
}

static void put_page_members(struct ms_buf *out, const mastra_page *page)
{
    ms_buf_add_text(out, "\"total\":");
    ms_json_put_int(out, page->total);
    ms_buf_add_text(out, ",\"page\":");
    ms_json_put_int(out, page->page);
    ms_buf_add_text(out, ",\"perPage\":");
    if (page->per_page == MASTRA_PER_PAGE_ALL) {
        ms_json_put_bool(out, false);
    } else {
        ms_json_put_int(out, page->per_page);
    }
    ms_buf_add_text(out, ",\"hasMore\":");
    ms_json_put_bool(out, page->has_more);
    ms_buf_add_char(out, '}');
}

void ms_put_page(struct ms_buf *out, const mastra_page *page)
{
    ms_buf_add_char(out, ',');
    put_page_members(out, page);
}

void ms_put_page_object(struct ms_buf *out, const mastra_page *page)
{
    ms_buf_add_char(out, '{');
    put_page_members(out, page);
}
