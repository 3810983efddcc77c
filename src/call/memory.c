#include "call/memory.h"

const struct ms_choice ms_order_fields[] = {
    {"createdAt", MASTRA_ORDER_CREATED_AT, false},
    {"updatedAt", MASTRA_ORDER_UPDATED_AT, false},
    {NULL, 0, false},
};

const struct ms_choice ms_directions[] = {
    {"ASC", MASTRA_ASCENDING, false},
    {"DESC", MASTRA_DESCENDING, false},
    {"asc", MASTRA_ASCENDING, true},
    {"desc", MASTRA_DESCENDING, true},
    {NULL, 0, false},
};

const struct ms_arg ms_result_null = {.type = MS_ARG_NULL};
const struct ms_arg ms_result_thread = {.type = MS_ARG_RECORD, .entity = MS_THREAD};

void ms_put_page(struct ms_buf *out, const mastra_page *page)
{
    ms_buf_add_text(out, ",\"total\":");
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

void ms_put_messages(struct ms_buf *out, const mastra_message_list *list, unsigned flags)
{
    size_t count = mastra_message_list_count(list);

    ms_buf_add_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i) {
            ms_buf_add_char(out, ',');
        }
        ms_put_record(out, MS_MESSAGE, mastra_message_list_at(list, i), flags);
    }
    ms_buf_add_char(out, ']');
}
