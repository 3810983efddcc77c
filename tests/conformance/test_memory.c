/* The cases of the memory domain. */
#include "conformance/conformance.h"

static const struct case_table *const tables[] = {
    &thread_case_table, &thread_list_case_table, &clone_case_table,    &message_case_table,
    &update_case_table, &list_case_table,        &window_case_table,   &filter_case_table,
    &error_case_table,  &text_case_table,        &resource_case_table, &model_case_table,
};

int main(void)
{
    return conformance_main("memory", tables, sizeof(tables) / sizeof(tables[0]));
}
