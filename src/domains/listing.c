#include "domains/listing.h"

#include "base/error.h"
#include "store/call.h"

#include <stdio.h>

mastra_status ms_paging_refuse(mastra_error *error, const char *field, int64_t value, const char *message)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%lld", (long long)value);

    if (!error) {
        return MASTRA_INVALID_ARGUMENT;
    }
    ms_error_set(error, MASTRA_INVALID_ARGUMENT, "%s", message);
    ms_error_copy(error->field, sizeof error->field, mastra_str_of(field));
    ms_error_copy(error->value, sizeof error->value, (mastra_str){text, (size_t)len});
    return ms_call_reason(error, "INVALID_PAGE", "USER");
}

mastra_status ms_paging_of(mastra_error *error, int64_t page, int64_t per_page, int64_t fallback,
                           struct ms_paging *ret)
{
    if (page < 0) {
        return ms_paging_refuse(error, "page", page, "page must be >= 0");
    }
    ret->page = page;
    ret->per_page = per_page == MASTRA_PER_PAGE_DEFAULT ? fallback : per_page;
    if (ret->per_page < 0) {
        return ms_paging_refuse(error, "perPage", per_page, "perPage must be >= 0");
    }
    if (ret->per_page == MASTRA_PER_PAGE_ALL) {
        ret->offset = 0;
        return MASTRA_OK;
    }
    if (ret->per_page > 0 && page > (INT64_C(1) << 53) / ret->per_page) {
        return ms_paging_refuse(error, "page", page, "page value too large");
    }
    ret->offset = page * ret->per_page;
    return MASTRA_OK;
}

mastra_status ms_paging_of_window(mastra_error *error, int64_t offset, int64_t limit, struct ms_paging *ret)
{
    if (offset < 0) {
        return ms_paging_refuse(error, "offset", offset, "offset must be >= 0");
    }
    if (limit < 0) {
        return ms_paging_refuse(error, "limit", limit, "limit must be >= 0");
    }
    ret->page = limit > 0 ? offset / limit : 0;
    ret->per_page = limit;
    ret->offset = offset;
    return MASTRA_OK;
}

void ms_paging_apply(const struct ms_paging *paging, struct ms_query *query)
{
    query->offset = paging->offset;
    query->limit = paging->per_page == MASTRA_PER_PAGE_ALL ? MS_NO_LIMIT : paging->per_page;
}

mastra_page ms_paging_answer(const struct ms_paging *paging, int64_t total)
{
    mastra_page page = {.total = total, .page = paging->page, .per_page = paging->per_page};

    page.has_more = paging->per_page != MASTRA_PER_PAGE_ALL && total > paging->offset &&
                    total - paging->offset > paging->per_page;
    return page;
}

mastra_status ms_page_read(struct ms_unit *unit, struct ms_query *query, const struct ms_paging *paging,
                           struct ms_rows *rows, mastra_page *page)
{
    int64_t total = 0;
    mastra_status status = ms_unit_page(unit, query, rows, &total);

    *page = ms_paging_answer(paging, total);
    return status;
}

mastra_status ms_listing_read(struct ms_unit *unit, void *arg)
{
    struct ms_listing *listing = arg;
    struct ms_rows rows = {NULL, 0};
    mastra_page page;
    mastra_status status = ms_page_read(unit, &listing->query, &listing->paging, &rows, &page);

    if (status != MASTRA_OK) {
        return status;
    }
    listing->list = ms_list_new(unit->arena, rows.items, rows.count, page);
    return listing->list ? MASTRA_OK : ms_error_oom(unit->error);
}

mastra_status ms_listing_run(struct ms_call *call, struct ms_listing *listing, struct ms_arena **ret_arena)
{
    ms_paging_apply(&listing->paging, &listing->query);
    return ms_read(call, ms_page_mode(call, &listing->query), ms_listing_read, listing, ret_arena);
}
