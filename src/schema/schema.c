#include "schema/schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A column with a field in the C struct, one with a default as well, one whose entity has no C struct yet. */
#define FIELD(struct_name, field, name, json, type, null, flags)                                             \
    {                                                                                                        \
        name, json, type, null, flags, offsetof(struct_name, field), NULL                                    \
    }
#define FIELD_OR(struct_name, field, name, json, type, null, flags, text)                                    \
    {                                                                                                        \
        name, json, type, null, flags, offsetof(struct_name, field), text                                    \
    }
#define PLAIN(name, json, type, null, flags)                                                                 \
    {                                                                                                        \
        name, json, type, null, flags, 0, NULL                                                               \
    }

#define T mastra_thread
static const struct ms_column thread_columns[] = {
    FIELD(T, id, "id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, resource_id, "resourceId", "resourceId", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, title, "title", "title", MS_TEXT, MS_NOT_NULL, MS_STRICT | MS_OPTIONAL),
    FIELD(T, metadata, "metadata", "metadata", MS_JSON, MS_NULL, 0),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
};
#undef T

#define T mastra_message
static const struct ms_column message_columns[] = {
    FIELD(T, id, "id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, thread_id, "thread_id", "threadId", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, content, "content", "content", MS_TEXT, MS_NOT_NULL, MS_CONTENT),
    FIELD(T, role, "role", "role", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD_OR(T, type, "type", "type", MS_TEXT, MS_NOT_NULL, MS_STRICT | MS_OPTIONAL, "v2"),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL | MS_KEEP),
    FIELD(T, resource_id, "resourceId", "resourceId", MS_TEXT, MS_NULL, MS_STRICT),
};
#undef T

#define T mastra_resource
static const struct ms_column resource_columns[] = {
    FIELD(T, id, "id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, working_memory, "workingMemory", "workingMemory", MS_TEXT, MS_NULL, 0),
    FIELD(T, metadata, "metadata", "metadata", MS_JSON, MS_NULL, 0),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
};
#undef T

static const struct ms_column snapshot_columns[] = {
    PLAIN("workflow_name", "workflowName", MS_TEXT, MS_NULL_UNSET, MS_KEY | MS_STRICT),
    PLAIN("run_id", "runId", MS_TEXT, MS_NULL_UNSET, MS_KEY | MS_STRICT),
    PLAIN("resourceId", "resourceId", MS_TEXT, MS_NULL, 0),
    PLAIN("snapshot", "snapshot", MS_JSON, MS_NULL_UNSET, 0),
    PLAIN("createdAt", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_KEEP),
    PLAIN("updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL_UNSET, 0),
};

static const struct ms_column span_columns[] = {
    PLAIN("traceId", "traceId", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    PLAIN("spanId", "spanId", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    PLAIN("name", "name", MS_TEXT, MS_NOT_NULL, 0),
    PLAIN("spanType", "spanType", MS_TEXT, MS_NOT_NULL, 0),
    PLAIN("isEvent", "isEvent", MS_BOOLEAN, MS_NOT_NULL, 0),
    PLAIN("startedAt", "startedAt", MS_TIMESTAMP, MS_NOT_NULL, 0),
    PLAIN("parentSpanId", "parentSpanId", MS_TEXT, MS_NULL, 0),
    PLAIN("entityType", "entityType", MS_TEXT, MS_NULL, 0),
    PLAIN("entityId", "entityId", MS_TEXT, MS_NULL, 0),
    PLAIN("entityName", "entityName", MS_TEXT, MS_NULL, 0),
    PLAIN("parentEntityType", "parentEntityType", MS_TEXT, MS_NULL, 0),
    PLAIN("parentEntityId", "parentEntityId", MS_TEXT, MS_NULL, 0),
    PLAIN("parentEntityName", "parentEntityName", MS_TEXT, MS_NULL, 0),
    PLAIN("rootEntityType", "rootEntityType", MS_TEXT, MS_NULL, 0),
    PLAIN("rootEntityId", "rootEntityId", MS_TEXT, MS_NULL, 0),
    PLAIN("rootEntityName", "rootEntityName", MS_TEXT, MS_NULL, 0),
    PLAIN("userId", "userId", MS_TEXT, MS_NULL, 0),
    PLAIN("organizationId", "organizationId", MS_TEXT, MS_NULL, 0),
    PLAIN("resourceId", "resourceId", MS_TEXT, MS_NULL, 0),
    PLAIN("runId", "runId", MS_TEXT, MS_NULL, 0),
    PLAIN("sessionId", "sessionId", MS_TEXT, MS_NULL, 0),
    PLAIN("threadId", "threadId", MS_TEXT, MS_NULL, 0),
    PLAIN("requestId", "requestId", MS_TEXT, MS_NULL, 0),
    PLAIN("environment", "environment", MS_TEXT, MS_NULL, 0),
    PLAIN("serviceName", "serviceName", MS_TEXT, MS_NULL, 0),
    PLAIN("scope", "scope", MS_JSON, MS_NULL, 0),
    PLAIN("entityVersionId", "entityVersionId", MS_TEXT, MS_NULL, 0),
    PLAIN("parentEntityVersionId", "parentEntityVersionId", MS_TEXT, MS_NULL, 0),
    PLAIN("rootEntityVersionId", "rootEntityVersionId", MS_TEXT, MS_NULL, 0),
    PLAIN("experimentId", "experimentId", MS_TEXT, MS_NULL, 0),
    PLAIN("source", "source", MS_TEXT, MS_NULL, 0),
    PLAIN("metadata", "metadata", MS_JSON, MS_NULL, 0),
    PLAIN("tags", "tags", MS_JSON, MS_NULL, 0),
    PLAIN("attributes", "attributes", MS_JSON, MS_NULL, 0),
    PLAIN("links", "links", MS_JSON, MS_NULL, 0),
    PLAIN("input", "input", MS_JSON, MS_NULL, 0),
    PLAIN("output", "output", MS_JSON, MS_NULL, 0),
    PLAIN("error", "error", MS_JSON, MS_NULL, 0),
    PLAIN("endedAt", "endedAt", MS_TIMESTAMP, MS_NULL, 0),
    PLAIN("requestContext", "requestContext", MS_JSON, MS_NULL, 0),
    PLAIN("createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, 0),
    PLAIN("updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL, 0),
};

static const struct ms_column score_columns[] = {
    PLAIN("id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    PLAIN("scorerId", "scorerId", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("traceId", "traceId", MS_TEXT, MS_NULL, 0),
    PLAIN("spanId", "spanId", MS_TEXT, MS_NULL, 0),
    PLAIN("runId", "runId", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("scorer", "scorer", MS_JSON, MS_NULL_UNSET, 0),
    PLAIN("preprocessStepResult", "preprocessStepResult", MS_JSON, MS_NULL, 0),
    PLAIN("extractStepResult", "extractStepResult", MS_JSON, MS_NULL, 0),
    PLAIN("analyzeStepResult", "analyzeStepResult", MS_JSON, MS_NULL, 0),
    PLAIN("score", "score", MS_REAL, MS_NULL_UNSET, 0),
    PLAIN("reason", "reason", MS_TEXT, MS_NULL, 0),
    PLAIN("metadata", "metadata", MS_JSON, MS_NULL, 0),
    PLAIN("preprocessPrompt", "preprocessPrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("extractPrompt", "extractPrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("generateScorePrompt", "generateScorePrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("generateReasonPrompt", "generateReasonPrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("analyzePrompt", "analyzePrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("reasonPrompt", "reasonPrompt", MS_TEXT, MS_NULL, 0),
    PLAIN("input", "input", MS_JSON, MS_NULL_UNSET, 0),
    PLAIN("output", "output", MS_JSON, MS_NULL_UNSET, 0),
    PLAIN("additionalContext", "additionalContext", MS_JSON, MS_NULL, 0),
    PLAIN("requestContext", "requestContext", MS_JSON, MS_NULL, 0),
    PLAIN("entityType", "entityType", MS_TEXT, MS_NULL, 0),
    PLAIN("entity", "entity", MS_JSON, MS_NULL, 0),
    PLAIN("entityId", "entityId", MS_TEXT, MS_NULL, 0),
    PLAIN("source", "source", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("resourceId", "resourceId", MS_TEXT, MS_NULL, 0),
    PLAIN("threadId", "threadId", MS_TEXT, MS_NULL, 0),
    PLAIN("organizationId", "organizationId", MS_TEXT, MS_NULL, 0),
    PLAIN("projectId", "projectId", MS_TEXT, MS_NULL, 0),
    PLAIN("batchId", "batchId", MS_TEXT, MS_NULL, 0),
    PLAIN("datasetId", "datasetId", MS_TEXT, MS_NULL, 0),
    PLAIN("datasetItemId", "datasetItemId", MS_TEXT, MS_NULL, 0),
    PLAIN("createdAt", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, 0),
    PLAIN("updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL_UNSET, 0),
};

static const struct ms_column eval_columns[] = {
    PLAIN("input", "input", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("output", "output", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("result", "result", MS_JSON, MS_NULL_UNSET, 0),
    PLAIN("agent_name", "agentName", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("metric_name", "metricName", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("instructions", "instructions", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("test_info", "testInfo", MS_JSON, MS_NULL, 0),
    PLAIN("global_run_id", "globalRunId", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("run_id", "runId", MS_TEXT, MS_NULL_UNSET, 0),
    PLAIN("created_at", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, 0),
    PLAIN("createdAt", "createdAtLegacy", MS_TIMESTAMP, MS_NULL, 0),
};

static const struct ms_column trace_columns[] = {
    PLAIN("id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    PLAIN("parentSpanId", "parentSpanId", MS_TEXT, MS_NULL, 0),
    PLAIN("name", "name", MS_TEXT, MS_NOT_NULL, 0),
    PLAIN("traceId", "traceId", MS_TEXT, MS_NOT_NULL, 0),
    PLAIN("scope", "scope", MS_TEXT, MS_NOT_NULL, 0),
    PLAIN("kind", "kind", MS_INTEGER, MS_NOT_NULL, 0),
    PLAIN("attributes", "attributes", MS_JSON, MS_NULL, 0),
    PLAIN("status", "status", MS_JSON, MS_NULL, 0),
    PLAIN("events", "events", MS_JSON, MS_NULL, 0),
    PLAIN("links", "links", MS_JSON, MS_NULL, 0),
    PLAIN("other", "other", MS_TEXT, MS_NULL, 0),
    PLAIN("startTime", "startTime", MS_BIGINT, MS_NOT_NULL, 0),
    PLAIN("endTime", "endTime", MS_BIGINT, MS_NOT_NULL, 0),
    PLAIN("createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, 0),
};

static const struct ms_index message_indexes[] = {
    {"idx_messages_thread_created_at",
     false,
     MS_INDEX_ALL,
     2,
     {{MS_MESSAGE_THREAD_ID, false}, {MS_MESSAGE_CREATED_AT, false}}},
    {"idx_messages_thread_resource_created_at",
     false,
     MS_INDEX_ALL,
     3,
     {{MS_MESSAGE_THREAD_ID, false}, {MS_MESSAGE_RESOURCE_ID, false}, {MS_MESSAGE_CREATED_AT, false}}},
};

enum span_column {
    SPAN_TRACE_ID = 0,
    SPAN_SPAN_ID = 1,
    SPAN_STARTED_AT = 5,
};

static const struct ms_index span_indexes[] = {
    {"mastra_ai_spans_spanid_traceid_idx",
     true,
     MS_INDEX_ALL,
     2,
     {{SPAN_SPAN_ID, false}, {SPAN_TRACE_ID, false}}},
    {"mastra_ai_spans_roots_started_at_idx", false, MS_INDEX_ROOTS, 1, {{SPAN_STARTED_AT, true}}},
    {"mastra_ai_spans_trace_started_at_idx",
     false,
     MS_INDEX_ALL,
     2,
     {{SPAN_TRACE_ID, false}, {SPAN_STARTED_AT, false}}},
};

static const mastra_thread thread_blank = MASTRA_THREAD_INIT;
static const mastra_message message_blank = MASTRA_MESSAGE_INIT;
static const mastra_resource resource_blank = MASTRA_RESOURCE_INIT;

static const struct ms_entity entities[MS_ENTITY_COUNT] = {
    [MS_THREAD] = {.id = MS_THREAD,
                   .noun = "Thread",
                   .table = "mastra_threads",
                   .columns = thread_columns,
                   .column_count = COUNT(thread_columns),
                   .key_count = 1,
                   .keys = {MS_THREAD_ID},
                   .key_form = MS_KEY_PRIMARY,
                   .created = MS_THREAD_CREATED_AT,
                   .size = sizeof(mastra_thread),
                   .blank = &thread_blank},
    [MS_MESSAGE] = {.id = MS_MESSAGE,
                    .noun = "Message",
                    .table = "mastra_messages",
                    .columns = message_columns,
                    .column_count = COUNT(message_columns),
                    .key_count = 1,
                    .keys = {MS_MESSAGE_ID},
                    .key_form = MS_KEY_PRIMARY,
                    .created = MS_MESSAGE_CREATED_AT,
                    .sequenced = true,
                    .size = sizeof(mastra_message),
                    .blank = &message_blank,
                    .indexes = message_indexes,
                    .index_count = COUNT(message_indexes)},
    [MS_RESOURCE] = {.id = MS_RESOURCE,
                     .noun = "Resource",
                     .table = "mastra_resources",
                     .columns = resource_columns,
                     .column_count = COUNT(resource_columns),
                     .key_count = 1,
                     .keys = {MS_RESOURCE_ID},
                     .key_form = MS_KEY_PRIMARY,
                     .created = MS_RESOURCE_CREATED_AT,
                     .size = sizeof(mastra_resource),
                     .blank = &resource_blank},
    [MS_SNAPSHOT] = {.id = MS_SNAPSHOT,
                     .noun = "Workflow run",
                     .table = "mastra_workflow_snapshot",
                     .columns = snapshot_columns,
                     .column_count = COUNT(snapshot_columns),
                     .key_count = 2,
                     .keys = {0, 1},
                     .key_form = MS_KEY_UNIQUE,
                     .created = 4},
    [MS_SPAN] = {.id = MS_SPAN,
                 .noun = "Span",
                 .table = "mastra_ai_spans",
                 .columns = span_columns,
                 .column_count = COUNT(span_columns),
                 .key_count = 2,
                 .keys = {SPAN_SPAN_ID, SPAN_TRACE_ID},
                 .key_form = MS_KEY_UNIQUE,
                 .created = SPAN_STARTED_AT,
                 .indexes = span_indexes,
                 .index_count = COUNT(span_indexes)},
    [MS_SCORE] = {.id = MS_SCORE,
                  .noun = "Score",
                  .table = "mastra_scorers",
                  .columns = score_columns,
                  .column_count = COUNT(score_columns),
                  .key_count = 1,
                  .keys = {0},
                  .key_form = MS_KEY_PRIMARY,
                  .created = 33},
    [MS_EVAL] = {.id = MS_EVAL,
                 .noun = "Eval",
                 .table = "mastra_evals",
                 .columns = eval_columns,
                 .column_count = COUNT(eval_columns),
                 .key_form = MS_KEY_NONE,
                 .created = 9,
                 .legacy = true},
    [MS_TRACE] = {.id = MS_TRACE,
                  .noun = "Trace",
                  .table = "mastra_traces",
                  .columns = trace_columns,
                  .column_count = COUNT(trace_columns),
                  .key_count = 1,
                  .keys = {0},
                  .key_form = MS_KEY_PRIMARY,
                  .created = 13,
                  .legacy = true},
};

const struct ms_entity *ms_entity(enum ms_entity_id id)
{
    return &entities[id];
}

int ms_entity_column(const struct ms_entity *entity, mastra_str name)
{
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (strlen(column->name) == name.len && memcmp(column->name, name.ptr, name.len) == 0) {
            return i;
        }
        if (strlen(column->json) == name.len && memcmp(column->json, name.ptr, name.len) == 0) {
            return i;
        }
    }
    return -1;
}

uint64_t ms_entity_all(const struct ms_entity *entity)
{
    return (UINT64_C(1) << entity->column_count) - 1;
}

static uint64_t flagged(const struct ms_entity *entity, unsigned flag)
{
    uint64_t bits = 0;

    for (int i = 0; i < entity->column_count; i++) {
        if (entity->columns[i].flags & flag) {
            bits |= MS_BIT(i);
        }
    }
    return bits;
}

uint64_t ms_entity_keys(const struct ms_entity *entity)
{
    return flagged(entity, MS_KEY);
}

uint64_t ms_entity_kept(const struct ms_entity *entity)
{
    return flagged(entity, MS_KEEP);
}

void ms_record_copy(const struct ms_entity *entity, void *out, const void *input)
{
    size_t size = *(const size_t *)input;

    memcpy(out, entity->blank, entity->size);
    memcpy(out, input, size < entity->size ? size : entity->size);
    *(size_t *)out = entity->size;
}
