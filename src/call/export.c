/* Rows as lines of JSON. */
#include "call/export.h"

#include "call/records.h"
#include "domains/copy.h"

#include "base/error.h"
#include "base/json.h"
#include "store/store.h"

struct exporting {
    mastra_write_fn write;
    void *user;
    struct ms_buf line;
};

/* Outside of strings, where an end of line can stand, it means no more than a blank. */
static void add_on_one_line(struct ms_buf *out, mastra_str json)
{
    size_t from = out->len;

    ms_buf_add_str(out, json);
    for (size_t i = from; out->failed == MASTRA_OK && i < out->len; i++) {
        if (out->ptr[i] == '\n' || out->ptr[i] == '\r') {
            out->ptr[i] = ' ';
        }
    }
}

static void put_json(struct ms_buf *out, const struct ms_column *column, mastra_str text)
{
    mastra_str value;

    if (!text.ptr || ms_json_check(text, &value, NULL)) {
        ms_json_put_key(out, column->name);
        add_on_one_line(out, text.ptr ? value : mastra_str_of("null"));
        return;
    }
    ms_buf_add_char(out, '"');
    ms_buf_add_text(out, column->name);
    ms_buf_add_text(out, MS_EXPORT_TEXT "\":");
    ms_put_text(out, text);
}

static void put_column(struct ms_buf *out, const struct ms_entity *entity, const void *row, int n)
{
    const struct ms_column *column = &entity->columns[n];

    switch (column->type) {
    case MS_JSON:
        put_json(out, column, *ms_field_str(column, row));
        break;
    case MS_TEXT:
        ms_json_put_key(out, column->name);
        ms_put_text(out, *ms_field_str(column, row));
        break;
    default:
        ms_put_members(out, entity, row, MS_BIT(n), MS_BY_COLUMN);
        break;
    }
}

static mastra_status write_row(struct ms_transfer *transfer, const void *row)
{
    struct exporting *exporting = transfer->user;
    const struct ms_pair *pair = &transfer->pair;
    struct ms_buf *line = &exporting->line;
    const char *separator = "";

    ms_buf_clear(line);
    ms_buf_add_text(line, "{\"table\":\"");
    ms_buf_add_text(line, pair->own->table);
    ms_buf_add_text(line, "\",\"record\":{");
    for (int i = 0; i < pair->entity->column_count; i++) {
        if (pair->from_columns & MS_BIT(i)) {
            ms_buf_add_text(line, separator);
            put_column(line, pair->entity, row, i);
            separator = ",";
        }
    }
    ms_buf_add_text(line, "}}");
    if (line->failed != MASTRA_OK) {
        return ms_error_oom(&transfer->from->error);
    }
    if (!exporting->write(exporting->user, ms_buf_view(line))) {
        return ms_error_set(&transfer->from->error, MASTRA_INTERNAL, "the lines could not be written");
    }
    return MASTRA_OK;
}

static mastra_status write_page(struct ms_transfer *transfer, const struct ms_rows *page)
{
    mastra_status status = MASTRA_OK;

    for (size_t i = 0; status == MASTRA_OK && i < page->count; i++) {
        if (ms_transfer_wants(transfer, page->items[i])) {
            status = write_row(transfer, page->items[i]);
            transfer->event.added++;
        }
    }
    transfer->event.read += (int64_t)page->count;
    if (status == MASTRA_OK) {
        ms_transfer_tell(transfer, MASTRA_COPY_PROGRESS);
    }
    return status;
}

static mastra_status export_table(struct ms_transfer *transfer)
{
    const struct ms_pair *pair = &transfer->pair;
    struct ms_walk walk;
    mastra_status status = MASTRA_OK;

    if (!pair->from_columns) {
        return MASTRA_OK;
    }
    status = ms_walk_begin(&walk, transfer->from, pair->entity, pair->from_columns, true, 0);
    while (status == MASTRA_OK && (status = ms_walk_next(&walk)) == MASTRA_OK && walk.page.count > 0) {
        status = write_page(transfer, &walk.page);
    }
    ms_walk_end(&walk);
    return status;
}

static mastra_status export_store(struct ms_call *call, const mastra_copy_args *args, mastra_write_fn write,
                                  void *write_user, mastra_copy_report *ret)
{
    struct exporting exporting = {.write = write, .user = write_user};
    struct ms_transfer transfer = {.from = call, .report = MASTRA_COPY_REPORT_INIT, .user = &exporting};
    mastra_status status = ms_transfer_args(&transfer, args);

    if (status == MASTRA_OK && !write) {
        status = ms_error_argument(&call->error, "write", mastra_str_of(NULL), "must not be NULL");
    }
    if (status != MASTRA_OK) {
        return status;
    }
    ms_buf_init(&exporting.line, ms_store_heap(call->store), 0);
    status = ms_transfer_run(&transfer, false, export_table);
    ms_buf_release(&exporting.line);
    if (status == MASTRA_OK) {
        ms_transfer_report(&transfer, ret);
    }
    return status;
}

mastra_status mastra_export(mastra_store *store, const mastra_copy_args *args, mastra_write_fn write,
                            void *write_user, mastra_copy_report *ret_report, mastra_error *error)
{
    MS_RUN(export, export_store, args, write, write_user, ret_report);
}
