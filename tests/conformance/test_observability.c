/* The cases of the observability domain. */
#include "conformance/conformance.h"

static const struct case_table *const tables[] = {
    &span_case_table,
    &trace_case_table,
    &trace_list_case_table,
    &trace_model_case_table,
};

int main(void)
{
    return conformance_main("observability", tables, sizeof(tables) / sizeof(tables[0]));
}
