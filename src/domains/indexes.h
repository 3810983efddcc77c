/*
 * Indexes. The public header says what each operation does; these are the same with the call in place of store and
 * error.
 */
#ifndef DOMAINS_INDEXES_H
#define DOMAINS_INDEXES_H

#include "domains/api.h"

#include <mastra/tables.h>

#define MS_INDEX_OPS(X)                                                                                      \
    X(list_indexes, "listIndexes", "INDEX_LIST", false, true)                                                \
    X(describe_index, "describeIndex", "INDEX_DESCRIBE", false, true)

#define MS_INDEX_SCHEMA_OPS(X)                                                                               \
    X(create_index, "createIndex", "INDEX_CREATE", true, true)                                               \
    X(drop_index, "dropIndex", "INDEX_DROP", true, true)

MS_INDEX_OPS(MS_OP_DECLARE)
MS_INDEX_SCHEMA_OPS(MS_OP_DECLARE)

mastra_status ms_create_index(struct ms_call *call, const mastra_create_index_args *args);
mastra_status ms_list_indexes(struct ms_call *call, mastra_str table, mastra_index_list **ret);
mastra_status ms_describe_index(struct ms_call *call, mastra_str name, mastra_index_list **ret);
mastra_status ms_drop_index(struct ms_call *call, mastra_str name);

/*
 * Whether a text can be put in parentheses as an expression: brackets and quotes are closed in it, and it holds no
 * comment and no end of a statement. What else makes an expression is for the database to say.
 */
bool ms_is_closed_expression(mastra_str text);

#endif
