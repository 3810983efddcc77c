/* SQL as Aurora DSQL speaks it: no more of PostgreSQL than every state of the service knows. */
#include "backends/postgres/dialect.h"

#include "backends/dsql/dsql.h"
#include "backends/postgres/ddl.h"

/* JSON stands in columns of text. */
static void array(struct ms_buf *out, const struct ms_column *column, size_t n)
{
    if (column && column->type == MS_JSON) {
        pg_sql_placeholder(out, n);
        ms_buf_add_text(out, "::text[]");
    } else {
        pg_sql_array(out, column, n);
    }
}

/* The database has one collation, that of bytes. A row that is read by its key with FOR UPDATE is among those that must
 * not have changed when the transaction commits; rows that are written are so anyway. The peer's tables of runs and
 * spans have no primary key: what is read there to be written later is written by the same unit. */
const struct ms_dialect dsql_dialect = {PG_DIALECT_COMMON,    PG_DIALECT_TEXT,       .array = array,
                                        .bytewise = "",       .lock = " FOR UPDATE", .lock_list = "",
                                        .locks_primary = true};

#define INDEX(entity, name, columns)                                                                         \
    {                                                                                                        \
        entity, name, columns, PG_PREFIX_PLAIN, false, NULL, NULL, NULL                                      \
    }

static const struct pg_index indexes[] = {
    INDEX(MS_THREAD, "mastra_threads_resourceid_createdat_idx", "(\"resourceId\", \"createdAt\")"),
    INDEX(MS_MESSAGE, "mastra_messages_thread_id_createdat_idx", "(thread_id, \"createdAt\")"),
    INDEX(MS_SPAN, "mastra_ai_spans_traceid_startedat_idx", "(\"traceId\", \"startedAt\")"),
    INDEX(MS_SPAN, "mastra_ai_spans_parentspanid_startedat_idx", "(\"parentSpanId\", \"startedAt\")"),
    INDEX(MS_SPAN, "mastra_ai_spans_name_idx", "(name)"),
    INDEX(MS_SPAN, "mastra_ai_spans_spantype_startedat_idx", "(\"spanType\", \"startedAt\")"),
    INDEX(MS_SCORE, "mastra_scores_trace_id_span_id_created_at_idx",
          "(\"traceId\", \"spanId\", \"createdAt\")"),
};

const struct pg_flavour dsql_flavour = {
    .dialect = &dsql_dialect,
    .text_dialect = &dsql_dialect,
    /* Every transaction has a snapshot, and another isolation cannot be asked for. */
    .begin = "BEGIN",
    .begin_snapshot = "BEGIN READ ONLY",
    .clock = "SELECT now()",
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .json_is_text = true,
    .optimistic = true,
    .narrow = true,
    .bears_no_key = true,
    .build_index = dsql_build_index,
};
