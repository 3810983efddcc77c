/* The typed functions of <mastra/tables.h> on tables; those whose rows are JSON stand in call/rows.c. */
#include "domains/tables.h"

MS_TABLE_OPS(MS_OP_DEFINE)
MS_SCHEMA_OPS(MS_OP_DEFINE_ALONE)

mastra_status mastra_create_table(mastra_store *store, const mastra_create_table_args *args,
                                  mastra_error *error)
{
    MS_RUN(create_table, ms_create_table, args);
}

mastra_status mastra_alter_table(mastra_store *store, const mastra_alter_table_args *args,
                                 mastra_error *error)
{
    MS_RUN(alter_table, ms_alter_table, args);
}

mastra_status mastra_clear_table(mastra_store *store, mastra_str table_name, mastra_error *error)
{
    MS_RUN(clear_table, ms_clear_table, table_name);
}

mastra_status mastra_drop_table(mastra_store *store, mastra_str table_name, mastra_error *error)
{
    MS_RUN(drop_table, ms_drop_table, table_name);
}

mastra_status mastra_has_column(mastra_store *store, mastra_str table_name, mastra_str column, bool *ret_has,
                                mastra_error *error)
{
    MS_RUN(has_column, ms_has_column, table_name, column, ret_has);
}
