#include "backends/postgres/ddl.h"

#include "base/error.h"

#include <ctype.h>
#include <stdio.h>

#define SNAPSHOT_THREAD                                                                                      \
    "(COALESCE(jsonb_path_query_first(snapshot, '$.context.* ? (@.status == \"suspended\")"                  \
    ".suspendPayload.__streamState.messageList.memoryInfo.threadId') #>> '{}',"                              \
    " snapshot #>> '{context,input,messageListState,memoryInfo,threadId}'))"

/* Messages in the total order of their lists, see pg_dialect: no page needs a sort, and the index alone tells their
 * number. */
#define MESSAGE_PAGES                                                                                        \
    "(thread_id, (COALESCE(\"createdAtZ\", \"createdAt\" AT TIME ZONE 'UTC')), (COALESCE(\"mastraSeq\", "    \
    "0)),"                                                                                                   \
    " id COLLATE \"C\")"

const struct pg_index pg_indexes[PG_INDEX_COUNT] = {
    {MS_THREAD, "mastra_threads_resourceid_createdat_idx", "(\"resourceId\", \"createdAt\" DESC)",
     PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_MESSAGE, "mastra_messages_thread_id_createdat_idx", "(thread_id, \"createdAt\" DESC)",
     PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_MESSAGE, "mastra_messages_pages_idx", MESSAGE_PAGES, PG_PREFIX_PLAIN, false, NULL, "(\"resourceId\")",
     NULL},
    {MS_SNAPSHOT, "mastra_workflow_snapshot_name_createdat_idx", "(workflow_name, \"createdAt\" DESC)",
     PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_SNAPSHOT, "mastra_workflow_snapshot_name_status_createdat_idx",
     "(workflow_name, (snapshot ->> 'status'), \"createdAt\" DESC)", PG_PREFIX_FOLDED, true, NULL, NULL,
     NULL},
    {MS_SNAPSHOT, "mastra_workflow_snapshot_threadid_idx", "(" SNAPSHOT_THREAD ")", PG_PREFIX_DIGEST, true,
     NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_traceid_startedat_idx", "(\"traceId\", \"startedAt\" DESC)", PG_PREFIX_PLAIN,
     false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_parentspanid_startedat_idx", "(\"parentSpanId\", \"startedAt\" DESC)",
     PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_name_idx", "(name)", PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_spantype_startedat_idx", "(\"spanType\", \"startedAt\" DESC)", PG_PREFIX_PLAIN,
     false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_root_spans_idx", "(\"startedAt\" DESC)", PG_PREFIX_PLAIN, false, NULL, NULL,
     "\"parentSpanId\" IS NULL"},
    {MS_SPAN, "mastra_ai_spans_entitytype_entityid_idx", "(\"entityType\", \"entityId\")", PG_PREFIX_PLAIN,
     false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_entitytype_entityname_idx", "(\"entityType\", \"entityName\")",
     PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_orgid_userid_idx", "(\"organizationId\", \"userId\")", PG_PREFIX_PLAIN, false,
     NULL, NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_metadata_gin_idx", "(metadata)", PG_PREFIX_PLAIN, false, "gin", NULL, NULL},
    {MS_SPAN, "mastra_ai_spans_tags_gin_idx", "(tags)", PG_PREFIX_PLAIN, false, "gin", NULL, NULL},
    {MS_SCORE, "mastra_scores_trace_id_span_id_created_at_idx",
     "(\"traceId\", \"spanId\", \"createdAt\" DESC)", PG_PREFIX_PLAIN, false, NULL, NULL, NULL},
    {MS_EVAL, "mastra_evals_agent_name_created_at_idx", "(agent_name, created_at DESC)", PG_PREFIX_PLAIN,
     false, NULL, NULL, NULL},
    {MS_TRACE, "mastra_traces_name_starttime_idx", "(name, \"startTime\" DESC)", PG_PREFIX_PLAIN, false, NULL,
     NULL, NULL},
};

/* Names. */

/* As much of a name as the server keeps, cut between characters. */
static void keep(const char *name, char out[PG_NAME_MOST + 1])
{
    ms_error_copy(out, PG_NAME_MOST + 1, mastra_str_of(name));
}

/* A different beginning for each name that would be the same once it is cut. */
static void keep_apart(const char *name, char out[PG_NAME_MOST + 1])
{
    uint32_t hash = 2166136261u;

    if (strlen(name) <= PG_NAME_MOST) {
        keep(name, out);
        return;
    }
    for (const char *c = name; *c; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    }
    ms_error_copy(out, PG_NAME_MOST - 8, mastra_str_of(name));
    snprintf(out + strlen(out), 10, "_%08x", hash);
}

static void fold(char *text)
{
    for (; *text; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

/* The schema as a part of an identifier. */
static size_t put_prefix(const char *schema, char *out)
{
    size_t len = 0;

    if (isdigit((unsigned char)schema[0])) {
        out[len++] = '_';
    }
    for (; *schema; schema++) {
        /* One "_" for each character, not for each byte. */
        if (((unsigned char)*schema & 0xc0) != 0x80) {
            out[len++] =
                (char)(isalnum((unsigned char)*schema) && (unsigned char)*schema < 0x80 ? *schema : '_');
        }
    }
    out[len++] = '_';
    out[len] = '\0';
    return len;
}

static void whole_name(const char *schema, const struct pg_index *index, char out[PG_LONG_NAME])
{
    size_t len = 0;

    if (strcmp(schema, "public") != 0) {
        len = index->prefix == PG_PREFIX_PLAIN ? put_prefix(schema, out)
                                               : (size_t)snprintf(out, PG_LONG_NAME, "%s_", schema);
    }
    snprintf(out + len, PG_LONG_NAME - len, "%s", index->name);
    if (index->prefix != PG_PREFIX_PLAIN) {
        fold(out);
    }
}

bool pg_needs_digest(const struct pg_flavour *flavour, const char *schema, char out[PG_LONG_NAME])
{
    for (size_t i = 0; i < flavour->index_count; i++) {
        if (flavour->indexes[i].prefix == PG_PREFIX_DIGEST) {
            whole_name(schema, &flavour->indexes[i], out);
            return strlen(out) > PG_NAME_MOST;
        }
    }
    return false;
}

void pg_index_name(const char *schema, const char *digest, const struct pg_index *index,
                   char out[PG_NAME_MOST + 1])
{
    char name[PG_LONG_NAME];

    whole_name(schema, index, name);
    if (index->prefix == PG_PREFIX_DIGEST && strlen(name) > PG_NAME_MOST) {
        ms_error_copy(out, PG_NAME_MOST + 1 - PG_DIGEST_SIZE, mastra_str_of(name));
        snprintf(out + strlen(out), PG_DIGEST_SIZE + 1, "_%s", digest);
    } else if (index->prefix == PG_PREFIX_PLAIN) {
        keep_apart(name, out);
    } else {
        keep(name, out);
    }
}

/* Where it is the name of an index that is built by itself, it has the prefix of one. */
void pg_constraint_name(const struct pg_flavour *flavour, const char *schema, const struct ms_entity *entity,
                        char out[PG_NAME_MOST + 1])
{
    bool spans = entity->id == MS_SPAN;
    bool bare = flavour->narrow && strcmp(schema, "public") == 0;
    char name[PG_LONG_NAME];
    size_t len = bare ? 0 : put_prefix(schema, name);

    snprintf(name + len, sizeof name - len, "%s_%s", entity->table,
             spans ? "traceid_spanid_pk" : "workflow_name_run_id_key");
    fold(name);
    /* In a schema with a long name the peer gives both the same, and then has no key for spans. */
    if (spans && len > PG_NAME_MOST - 1) {
        keep_apart(name, out);
    } else {
        keep(name, out);
    }
}

/* Statements. */

void pg_put_qualified(struct ms_buf *out, const char *schema, const char *name)
{
    ms_sql_quote(out, schema);
    ms_buf_add_char(out, '.');
    ms_sql_quote(out, name);
}

static const char *declared_type(const struct pg_flavour *flavour, const struct ms_column *column)
{
    switch (column->type) {
    case MS_TEXT:
        return column->flags & MS_UUID ? "UUID" : "TEXT";
    case MS_JSON:
        return flavour->json_is_text ? "TEXT" : "JSONB";
    case MS_INTEGER:
        return "INTEGER";
    case MS_BIGINT:
        return "BIGINT";
    case MS_REAL:
        return "DOUBLE PRECISION";
    case MS_BOOLEAN:
        return "BOOLEAN";
    case MS_TIMESTAMP:
        break;
    }
    return column->flags & MS_TWINLESS ? "TIMESTAMPTZ" : "TIMESTAMP";
}

static bool has_twin(const struct ms_column *column)
{
    return column->type == MS_TIMESTAMP && !(column->flags & MS_TWINLESS);
}

static void put_twin_name(struct ms_buf *out, const struct ms_column *column)
{
    ms_sql_quote_twin(out, column->name);
}

static void put_columns(struct ms_buf *out, const struct pg_flavour *flavour, const struct ms_entity *entity)
{
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        ms_buf_add_text(out, i == 0 ? " (" : ", ");
        ms_sql_quote(out, column->name);
        ms_buf_add_char(out, ' ');
        ms_buf_add_text(out, declared_type(flavour, column));
        if (entity->key_form == MS_KEY_PRIMARY && column->flags & MS_KEY) {
            ms_buf_add_text(out, " PRIMARY KEY");
        }
        ms_buf_add_text(out, column->null == MS_NULL ? "" : " NOT NULL");
    }
    for (int i = 0; i < entity->column_count; i++) {
        if (has_twin(&entity->columns[i])) {
            ms_buf_add_text(out, ", ");
            put_twin_name(out, &entity->columns[i]);
            ms_buf_add_text(out, " TIMESTAMPTZ DEFAULT NOW()");
        }
    }
    if (entity->sequence) {
        ms_buf_add_text(out, ", ");
        ms_sql_quote(out, entity->sequence);
        ms_buf_add_text(out, " BIGINT");
    }
}

static void put_key_columns(struct ms_buf *out, const struct ms_entity *entity)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        ms_buf_add_text(out, i == 0 ? "(" : ", ");
        ms_sql_quote(out, entity->columns[entity->keys[i]].name);
    }
    ms_buf_add_char(out, ')');
}

static bool has_named_key(const struct ms_entity *entity)
{
    return entity->id == MS_SNAPSHOT || entity->id == MS_SPAN;
}

static void put_constraint(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                           const struct ms_entity *entity)
{
    char name[PG_NAME_MOST + 1];

    pg_constraint_name(flavour, schema, entity, name);
    ms_buf_add_text(out, "CONSTRAINT ");
    ms_sql_quote(out, name);
}

void pg_put_table(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                  const struct ms_entity *entity)
{
    bool named = flavour->narrow && has_named_key(entity);

    ms_buf_add_text(out, "CREATE TABLE IF NOT EXISTS ");
    pg_put_qualified(out, schema, entity->table);
    put_columns(out, flavour, entity);
    if (entity->key_form == MS_KEY_PRIMARY_TABLE || named) {
        ms_buf_add_text(out, ", ");
        if (named) {
            put_constraint(out, flavour, schema, entity);
        }
        ms_buf_add_text(out, " PRIMARY KEY ");
        put_key_columns(out, entity);
    }
    ms_buf_add_char(out, ')');
}

static void alter(struct ms_buf *out, const char *schema, const struct ms_entity *entity)
{
    ms_buf_add_text(out, "ALTER TABLE ");
    pg_put_qualified(out, schema, entity->table);
}

/* A column that rows exist without, and that must not be null, takes a default. */
static const char *default_of(const struct ms_column *column)
{
    switch (column->type) {
    case MS_TEXT:
        return column->flags & MS_UUID ? " NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000'"
                                       : " NOT NULL DEFAULT ''";
    case MS_JSON:
        return " NOT NULL DEFAULT '{}'::jsonb";
    case MS_BOOLEAN:
        return " NOT NULL DEFAULT FALSE";
    case MS_TIMESTAMP:
        return " NOT NULL DEFAULT NOW()";
    default:
        return " NOT NULL DEFAULT 0";
    }
}

void pg_put_column(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                   const struct ms_entity *entity, const struct ms_column *column)
{
    bool plain = flavour->narrow || column->null == MS_NULL;

    alter(out, schema, entity);
    ms_buf_add_text(out, " ADD COLUMN IF NOT EXISTS ");
    ms_sql_quote(out, column->name);
    ms_buf_add_char(out, ' ');
    ms_buf_add_text(out, declared_type(flavour, column));
    ms_buf_add_text(out, plain ? "" : default_of(column));
}

/* Rows that are there keep null: the time at which they get the column is not theirs. */
void pg_put_twin(struct ms_buf *out, const char *schema, const struct ms_entity *entity,
                 const struct ms_column *column)
{
    alter(out, schema, entity);
    ms_buf_add_text(out, " ADD COLUMN IF NOT EXISTS ");
    put_twin_name(out, column);
    ms_buf_add_text(out, " TIMESTAMPTZ");
}

void pg_put_twin_default(struct ms_buf *out, const char *schema, const struct ms_entity *entity,
                         const struct ms_column *column)
{
    alter(out, schema, entity);
    ms_buf_add_text(out, " ALTER COLUMN ");
    put_twin_name(out, column);
    ms_buf_add_text(out, " SET DEFAULT NOW()");
}

void pg_put_sequence(struct ms_buf *out, const char *schema, const struct ms_entity *entity)
{
    alter(out, schema, entity);
    ms_buf_add_text(out, " ADD COLUMN IF NOT EXISTS ");
    ms_sql_quote(out, entity->sequence);
    ms_buf_add_text(out, " BIGINT");
}

/* The peer's tables, where constraints cannot be added: the index that it makes, or would make. */
static void put_key_index(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                          const struct ms_entity *entity)
{
    char name[PG_NAME_MOST + 1];

    pg_constraint_name(flavour, schema, entity, name);
    ms_buf_add_text(out, "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS ");
    ms_sql_quote(out, name);
    ms_buf_add_text(out, " ON ");
    pg_put_qualified(out, schema, entity->table);
    ms_buf_add_char(out, ' ');
    put_key_columns(out, entity);
}

void pg_put_key(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                const struct ms_entity *entity)
{
    if (flavour->narrow) {
        put_key_index(out, flavour, schema, entity);
        return;
    }
    alter(out, schema, entity);
    ms_buf_add_text(out, " ADD ");
    if (has_named_key(entity)) {
        put_constraint(out, flavour, schema, entity);
    }
    ms_buf_add_text(out, entity->id == MS_SNAPSHOT ? " UNIQUE " : " PRIMARY KEY ");
    put_key_columns(out, entity);
}

void pg_put_replica_identity(struct ms_buf *out, const char *schema, const struct ms_entity *entity)
{
    char name[PG_NAME_MOST + 1];

    pg_constraint_name(&pg_flavour, schema, entity, name);
    alter(out, schema, entity);
    ms_buf_add_text(out, " REPLICA IDENTITY USING INDEX ");
    ms_sql_quote(out, name);
}

void pg_put_index(struct ms_buf *out, const struct pg_flavour *flavour, const char *schema,
                  const char *digest, const struct pg_index *index)
{
    char name[PG_NAME_MOST + 1];

    pg_index_name(schema, digest, index, name);
    ms_buf_add_text(out,
                    flavour->narrow ? "CREATE INDEX ASYNC IF NOT EXISTS " : "CREATE INDEX IF NOT EXISTS ");
    ms_sql_quote(out, name);
    ms_buf_add_text(out, " ON ");
    pg_put_qualified(out, schema, ms_entity(index->entity)->table);
    if (!flavour->narrow) {
        ms_buf_add_text(out, " USING ");
        ms_buf_add_text(out, index->method ? index->method : "btree");
    }
    ms_buf_add_char(out, ' ');
    ms_buf_add_text(out, index->columns);
    if (index->include) {
        ms_buf_add_text(out, " INCLUDE ");
        ms_buf_add_text(out, index->include);
    }
    if (index->where) {
        ms_buf_add_text(out, " WHERE ");
        ms_buf_add_text(out, index->where);
    }
}

/* Word for word the peer's, which makes it anew at each start. */
void pg_put_trigger_function(struct ms_buf *out, const char *schema)
{
    ms_buf_add_text(out, "CREATE OR REPLACE FUNCTION ");
    pg_put_qualified(out, schema, "trigger_set_timestamps");
    ms_buf_add_text(out, "()\nRETURNS TRIGGER AS $$\n"
                         "BEGIN\n"
                         "    IF TG_OP = 'INSERT' THEN\n"
                         "        NEW.\"createdAt\" = NOW();\n"
                         "        NEW.\"updatedAt\" = NOW();\n"
                         "        NEW.\"createdAtZ\" = NOW();\n"
                         "        NEW.\"updatedAtZ\" = NOW();\n"
                         "    ELSIF TG_OP = 'UPDATE' THEN\n"
                         "        NEW.\"updatedAt\" = NOW();\n"
                         "        NEW.\"updatedAtZ\" = NOW();\n"
                         "        NEW.\"createdAt\" = OLD.\"createdAt\";\n"
                         "        NEW.\"createdAtZ\" = OLD.\"createdAtZ\";\n"
                         "    END IF;\n"
                         "    RETURN NEW;\n"
                         "END;\n"
                         "$$ LANGUAGE plpgsql");
}

void pg_put_trigger(struct ms_buf *out, const char *schema)
{
    ms_buf_add_text(out, "CREATE TRIGGER \"mastra_ai_spans_timestamps\" BEFORE INSERT OR UPDATE ON ");
    pg_put_qualified(out, schema, ms_entity(MS_SPAN)->table);
    ms_buf_add_text(out, " FOR EACH ROW EXECUTE FUNCTION ");
    pg_put_qualified(out, schema, "trigger_set_timestamps");
    ms_buf_add_text(out, "()");
}
