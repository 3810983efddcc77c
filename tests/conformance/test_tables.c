/* The cases of tables, indexes and pruning. */
#include "conformance/conformance.h"

static const struct case_table *const tables[] = {
    &table_case_table,
    &row_case_table,
    &index_case_table,
    &prune_case_table,
};

int main(void)
{
    return conformance_main("tables", tables, sizeof(tables) / sizeof(tables[0]));
}
