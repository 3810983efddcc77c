/* Tables that are not in the catalogue. */
#include "backends/dynamodb/dynamodb.h"

#include "base/error.h"

mastra_status ddb_describe_table(struct ms_session *session, mastra_str table, struct ms_arena *arena,
                                 const struct ms_entity **ret, mastra_error *error)
{
    (void)session;
    (void)arena;
    (void)error;
    *ret = ms_entity_of_table(table);
    return MASTRA_OK;
}

mastra_status ddb_ensure_table(struct ms_session *session, const struct ms_entity *entity, uint64_t columns,
                               mastra_error *error)
{
    (void)session;
    (void)entity;
    (void)columns;
    (void)error;
    return MASTRA_OK;
}

mastra_status ddb_drop_table(struct ms_session *session, mastra_str table, mastra_error *error)
{
    (void)session;
    (void)table;
    (void)error;
    return MASTRA_OK;
}
