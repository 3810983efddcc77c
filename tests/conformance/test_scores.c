/* The cases of scores, evals and the traces of Mastra 0.x. */
#include "conformance/conformance.h"

static const struct case_table *const tables[] = {
    &score_case_table,
    &score_list_case_table,
    &eval_case_table,
    &trace_record_case_table,
};

int main(void)
{
    return conformance_main("scores", tables, sizeof(tables) / sizeof(tables[0]));
}
