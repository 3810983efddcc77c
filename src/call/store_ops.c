/* Operations on the store itself. */
#include "call/common.h"

#include "store/store.h"

static const char nothing = 0;

static mastra_status init(struct ms_call *call, const void *args, struct ms_buf *out)
{
    mastra_status status = ms_store_init(call);

    (void)args;
    if (status == MASTRA_OK) {
        ms_buf_add_text(out, "null");
    }
    return status;
}

static const struct ms_operation operations[] = {
    {.op = &ms_op_init,
     .domain = "store",
     .summary = "Creates missing tables, columns and indexes.",
     .blank = &nothing,
     .size = sizeof nothing,
     .result = &ms_result_null,
     .example = "{}",
     .handler = init},
};

const struct ms_operation_set ms_store_operations = {operations, MS_COUNT(operations)};
