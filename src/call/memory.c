#include "call/memory.h"

const struct ms_choice ms_order_fields[] = {
    {"createdAt", MASTRA_ORDER_CREATED_AT, false},
    {"updatedAt", MASTRA_ORDER_UPDATED_AT, false},
    {NULL, 0, false},
};

const struct ms_arg ms_result_thread = {.type = MS_ARG_RECORD, .entity = MS_THREAD};
