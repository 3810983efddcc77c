/* Which page of a list is asked for: the checks and the arithmetic that all lists share. */
#ifndef DOMAINS_LISTING_H
#define DOMAINS_LISTING_H

#include "domains/result.h"

/* The page size of lists that have no other. */
#define MS_RECORDS_PER_PAGE 100

struct ms_paging {
    int64_t page;
    int64_t per_page; /* MASTRA_PER_PAGE_ALL: no limit */
    int64_t offset;
};

/*
 * Checks page and per_page; `fallback` is the list's own page size. Errors name the argument, with INVALID_PAGE as the
 * last part of their id.
 */
mastra_status ms_paging_of(mastra_error *error, int64_t page, int64_t per_page, int64_t fallback,
                           struct ms_paging *ret);

/* Refuses an argument that says which page, with INVALID_PAGE. */
mastra_status ms_paging_refuse(mastra_error *error, const char *field, int64_t value, const char *message);

/* The same from an offset and a limit. */
mastra_status ms_paging_of_window(mastra_error *error, int64_t offset, int64_t limit, struct ms_paging *ret);

/* The query's window. */
void ms_paging_apply(const struct ms_paging *paging, struct ms_query *query);

/* What the answer says of its page: there is more when rows lie beyond it. */
mastra_page ms_paging_answer(const struct ms_paging *paging, int64_t total);

/* Reads the query's page and what the answer says of it, the exact total included. */
mastra_status ms_page_read(struct ms_unit *unit, struct ms_query *query, const struct ms_paging *paging,
                           struct ms_rows *rows, mastra_page *page);

/* A list that is nothing but a page of a query. */
struct ms_listing {
    struct ms_query query; /* its window is set from `paging` */
    struct ms_paging paging;
    struct ms_list *list;
};

/* The unit that does it; `arg` is a struct ms_listing whose window is set. */
mastra_status ms_listing_read(struct ms_unit *unit, void *arg);

/* Reads page and total in one snapshot; listing->list lives in *ret_arena, which is the caller's. */
mastra_status ms_listing_run(struct ms_call *call, struct ms_listing *listing, struct ms_arena **ret_arena);

#endif
