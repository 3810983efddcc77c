/* Comparing stores: a walk through one side, looking for its rows in the other, then one back for what is left. */
#include "domains/copy.h"

#include "base/error.h"
#include "store/store.h"

struct finding {
    const struct ms_entity *entity;
    const struct ms_rows *page;
    uint64_t columns;
    void **found;
};

static mastra_status find(struct ms_unit *unit, void *arg)
{
    struct finding *finding = arg;

    return ms_find_rows(unit, finding->entity, finding->page->items, finding->page->count, finding->columns,
                        false, &finding->found);
}

/* The rows of a page that the other store has, in an arena of the caller's. */
static mastra_status find_page(struct ms_transfer *transfer, struct ms_call *in, bool there,
                               struct finding *finding, struct ms_arena **ret_arena)
{
    struct ms_heap *heap = ms_store_heap(transfer->from->store);
    mastra_status status;

    if (!there) {
        *ret_arena = ms_arena_new(heap, 0);
        finding->found =
            *ret_arena ? ms_arena_calloc(*ret_arena, (finding->page->count + 1) * sizeof(void *)) : NULL;
        return finding->found ? MASTRA_OK : ms_error_oom(&transfer->from->error);
    }
    ms_call_renew_deadline(in);
    status = ms_read(in, MS_READ_SNAPSHOT, find, finding, ret_arena);
    return status == MASTRA_OK ? status : ms_transfer_fail(transfer, in, status);
}

static mastra_status tell(struct ms_transfer *transfer, mastra_copy_news news, const void *row,
                          uint64_t columns)
{
    transfer->event.different++;
    return ms_transfer_tell_row(transfer, news, row, columns, mastra_str_of(NULL));
}

/* From `from` to `to`: what is missing, and what differs. */
static mastra_status compare_page(struct ms_transfer *transfer, const struct ms_rows *page)
{
    struct finding finding = {transfer->pair.entity, page, ms_pair_common(&transfer->pair), NULL};
    struct ms_arena *arena = NULL;
    mastra_status status =
        find_page(transfer, transfer->to, transfer->pair.to_columns != 0, &finding, &arena);

    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        const void *row = page->items[i];

        if (!ms_transfer_wants(transfer, row)) {
            continue;
        }
        if (!finding.found[i]) {
            status = tell(transfer, MASTRA_COPY_MISSING, row, 0);
            continue;
        }
        uint64_t columns = ms_pair_differences(&transfer->pair, row, finding.found[i]);

        if (columns) {
            status = tell(transfer, MASTRA_COPY_DIFFERENT, row, columns);
        }
    }
    ms_arena_free(arena);
    return status;
}

/* Back: what `to` has besides. */
static mastra_status look_back(struct ms_transfer *transfer, const struct ms_rows *page)
{
    struct finding finding = {transfer->pair.entity, page, 0, NULL};
    struct ms_arena *arena = NULL;
    mastra_status status =
        find_page(transfer, transfer->from, transfer->pair.from_columns != 0, &finding, &arena);

    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        if (!finding.found[i] && ms_transfer_wants(transfer, page->items[i])) {
            status = tell(transfer, MASTRA_COPY_EXTRA, page->items[i], 0);
        }
    }
    ms_arena_free(arena);
    return status;
}

/* The next page of a walk through either side. */
static mastra_status next_page(struct ms_transfer *transfer, struct ms_walk *walk)
{
    mastra_status status = ms_walk_next(walk);

    return status == MASTRA_OK ? status : ms_transfer_fail(transfer, walk->call, status);
}

static mastra_status begin_walk(struct ms_transfer *transfer, struct ms_walk *walk, struct ms_call *call,
                                uint64_t columns)
{
    mastra_status status = ms_walk_begin(walk, call, transfer->pair.entity, columns, false, 0);

    return status == MASTRA_OK ? status : ms_transfer_fail(transfer, call, status);
}

typedef mastra_status (*page_fn)(struct ms_transfer *transfer, const struct ms_rows *page);

static mastra_status walk_side(struct ms_transfer *transfer, struct ms_call *call, uint64_t columns,
                               page_fn page)
{
    struct ms_walk walk;
    mastra_status status = begin_walk(transfer, &walk, call, columns);

    while (status == MASTRA_OK && (status = next_page(transfer, &walk)) == MASTRA_OK && walk.page.count > 0) {
        status = page(transfer, &walk.page);
        transfer->event.read += (int64_t)walk.page.count;
        if (status == MASTRA_OK) {
            ms_transfer_tell(transfer, MASTRA_COPY_PROGRESS);
        }
    }
    ms_walk_end(&walk);
    return status;
}

/* The columns by which a row's times are judged. */
static uint64_t time_columns(const struct ms_transfer *transfer)
{
    const struct ms_entity *entity = transfer->pair.entity;
    uint64_t columns = 0;

    for (int i = 0; i < entity->column_count; i++) {
        columns |= entity->columns[i].type == MS_TIMESTAMP ? MS_BIT(i) : 0;
    }
    return columns & transfer->pair.to_columns;
}

static mastra_status diff_keyed(struct ms_transfer *transfer)
{
    const struct ms_pair *pair = &transfer->pair;
    mastra_status status = MASTRA_OK;

    if (pair->from_columns) {
        status = walk_side(transfer, transfer->from, pair->from_columns, compare_page);
    }
    if (status == MASTRA_OK && pair->to_columns) {
        status = walk_side(transfer, transfer->to, time_columns(transfer), look_back);
    }
    return status;
}

/* Tables without a key. */

/* Takes the rows of a page out of a tally; what it does not hold is told of. */
static mastra_status take_page(struct ms_transfer *transfer, struct ms_tally *tally, mastra_copy_news news,
                               const struct ms_rows *page)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        const void *row = page->items[i];

        if (!ms_tally_take(tally, transfer->pair.entity, row, ms_pair_identity(&transfer->pair)) &&
            ms_transfer_wants(transfer, row)) {
            status = tell(transfer, news, row, 0);
        }
    }
    return status;
}

/* What `side` has more often than `other`. */
static mastra_status diff_keyless(struct ms_transfer *transfer, struct ms_call *side, struct ms_call *other,
                                  bool there, mastra_copy_news news)
{
    const struct ms_pair *pair = &transfer->pair;
    struct ms_tally tally;
    struct ms_walk walk;
    mastra_status status = MASTRA_OK;

    ms_tally_init(&tally, ms_store_heap(transfer->from->store));
    if (there) {
        status = ms_tally_table(&tally, other, pair);
        status = status == MASTRA_OK ? status : ms_transfer_fail(transfer, other, status);
    }
    if (status == MASTRA_OK) {
        status = begin_walk(transfer, &walk, side, ms_pair_identity(pair));
        while (status == MASTRA_OK && (status = next_page(transfer, &walk)) == MASTRA_OK &&
               walk.page.count > 0) {
            status = take_page(transfer, &tally, news, &walk.page);
            transfer->event.read += (int64_t)walk.page.count;
        }
        ms_walk_end(&walk);
    }
    ms_tally_release(&tally);
    return status;
}

mastra_status ms_diff_table(struct ms_transfer *transfer)
{
    const struct ms_pair *pair = &transfer->pair;
    mastra_status status = MASTRA_OK;

    if (pair->entity->key_count > 0) {
        return diff_keyed(transfer);
    }
    if (pair->from_columns) {
        status =
            diff_keyless(transfer, transfer->from, transfer->to, pair->to_columns != 0, MASTRA_COPY_MISSING);
    }
    if (status == MASTRA_OK && pair->to_columns) {
        status =
            diff_keyless(transfer, transfer->to, transfer->from, pair->from_columns != 0, MASTRA_COPY_EXTRA);
    }
    return status;
}
