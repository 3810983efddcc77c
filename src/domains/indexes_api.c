/* The typed functions of <mastra/tables.h> on indexes. */
#include "domains/indexes.h"

MS_INDEX_OPS(MS_OP_DEFINE)
MS_INDEX_SCHEMA_OPS(MS_OP_DEFINE_ALONE)

mastra_status mastra_create_index(mastra_store *store, const mastra_create_index_args *args,
                                  mastra_error *error)
{
    MS_RUN(create_index, ms_create_index, args);
}

mastra_status mastra_list_indexes(mastra_store *store, mastra_str table, mastra_index_list **ret_indexes,
                                  mastra_error *error)
{
    MS_RUN(list_indexes, ms_list_indexes, table, ret_indexes);
}

mastra_status mastra_describe_index(mastra_store *store, mastra_str name, mastra_index_list **ret_indexes,
                                    mastra_error *error)
{
    MS_RUN(describe_index, ms_describe_index, name, ret_indexes);
}

mastra_status mastra_drop_index(mastra_store *store, mastra_str name, mastra_error *error)
{
    MS_RUN(drop_index, ms_drop_index, name);
}
