/* The cases of the workflows domain. */
#include "conformance/conformance.h"

static const struct case_table *const tables[] = {
    &workflow_case_table,
    &workflow_result_case_table,
    &workflow_list_case_table,
    &run_lock_case_table,
};

int main(void)
{
    return conformance_main("workflows", tables, sizeof(tables) / sizeof(tables[0]));
}
