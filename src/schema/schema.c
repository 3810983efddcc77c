#include "schema/form.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A column with a field in the C struct, one with a default as well, one that is always null. */
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
    FIELD(T, metadata, "metadata", "metadata", MS_JSON, MS_NULL, MS_TWICE),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
};
#undef T

#define T mastra_workflow_run
static const struct ms_column snapshot_columns[] = {
    FIELD(T, workflow_name, "workflow_name", "workflowName", MS_TEXT, MS_NULL_UNSET, MS_KEY | MS_STRICT),
    FIELD(T, run_id, "run_id", "runId", MS_TEXT, MS_NULL_UNSET, MS_KEY | MS_STRICT),
    FIELD(T, resource_id, "resourceId", "resourceId", MS_TEXT, MS_NULL, MS_STRICT | MS_STICKY),
    FIELD(T, snapshot, "snapshot", "snapshot", MS_JSON, MS_NULL_UNSET, MS_VALUE),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_OPTIONAL | MS_KEEP),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_OPTIONAL),
};
#undef T

#define T mastra_span
static const struct ms_column span_columns[] = {
    FIELD(T, trace_id, "traceId", "traceId", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, span_id, "spanId", "spanId", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, name, "name", "name", MS_TEXT, MS_NOT_NULL, 0),
    FIELD(T, span_type, "spanType", "spanType", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, is_event, "isEvent", "isEvent", MS_BOOLEAN, MS_NOT_NULL, MS_OPTIONAL),
    FIELD(T, started_at, "startedAt", "startedAt", MS_TIMESTAMP, MS_NOT_NULL, MS_STEADY),
    FIELD(T, parent_span_id, "parentSpanId", "parentSpanId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, entity_type, "entityType", "entityType", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, entity_id, "entityId", "entityId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, entity_name, "entityName", "entityName", MS_TEXT, MS_NULL, 0),
    FIELD(T, parent_entity_type, "parentEntityType", "parentEntityType", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, parent_entity_id, "parentEntityId", "parentEntityId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, parent_entity_name, "parentEntityName", "parentEntityName", MS_TEXT, MS_NULL, 0),
    FIELD(T, root_entity_type, "rootEntityType", "rootEntityType", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, root_entity_id, "rootEntityId", "rootEntityId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, root_entity_name, "rootEntityName", "rootEntityName", MS_TEXT, MS_NULL, 0),
    FIELD(T, user_id, "userId", "userId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, organization_id, "organizationId", "organizationId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, resource_id, "resourceId", "resourceId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, run_id, "runId", "runId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, session_id, "sessionId", "sessionId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, thread_id, "threadId", "threadId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, request_id, "requestId", "requestId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, environment, "environment", "environment", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, service_name, "serviceName", "serviceName", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, scope, "scope", "scope", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, entity_version_id, "entityVersionId", "entityVersionId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, parent_entity_version_id, "parentEntityVersionId", "parentEntityVersionId", MS_TEXT, MS_NULL,
          MS_STRICT),
    FIELD(T, root_entity_version_id, "rootEntityVersionId", "rootEntityVersionId", MS_TEXT, MS_NULL,
          MS_STRICT),
    FIELD(T, experiment_id, "experimentId", "experimentId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, source, "source", "source", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, metadata, "metadata", "metadata", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, tags, "tags", "tags", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, attributes, "attributes", "attributes", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, links, "links", "links", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, input, "input", "input", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, output, "output", "output", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, error, "error", "error", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, ended_at, "endedAt", "endedAt", MS_TIMESTAMP, MS_NULL, MS_STEADY),
    FIELD(T, request_context, "requestContext", "requestContext", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL, 0),
};
#undef T

#define T mastra_score
static const struct ms_column score_columns[] = {
    FIELD(T, id, "id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT | MS_OPTIONAL),
    FIELD(T, scorer_id, "scorerId", "scorerId", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, trace_id, "traceId", "traceId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, span_id, "spanId", "spanId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, run_id, "runId", "runId", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, scorer, "scorer", "scorer", MS_JSON, MS_NULL_UNSET,
          MS_VALUE | MS_TWICE | MS_REQUIRED | MS_OBJECT),
    FIELD(T, preprocess_step_result, "preprocessStepResult", "preprocessStepResult", MS_JSON, MS_NULL,
          MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, extract_step_result, "extractStepResult", "extractStepResult", MS_JSON, MS_NULL,
          MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, analyze_step_result, "analyzeStepResult", "analyzeStepResult", MS_JSON, MS_NULL,
          MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, score, "score", "score", MS_REAL, MS_NULL_UNSET, MS_REQUIRED),
    FIELD(T, reason, "reason", "reason", MS_TEXT, MS_NULL, 0),
    FIELD(T, metadata, "metadata", "metadata", MS_JSON, MS_NULL, MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, preprocess_prompt, "preprocessPrompt", "preprocessPrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, extract_prompt, "extractPrompt", "extractPrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, generate_score_prompt, "generateScorePrompt", "generateScorePrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, generate_reason_prompt, "generateReasonPrompt", "generateReasonPrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, analyze_prompt, "analyzePrompt", "analyzePrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, reason_prompt, "reasonPrompt", "reasonPrompt", MS_TEXT, MS_NULL, 0),
    FIELD(T, input, "input", "input", MS_JSON, MS_NULL_UNSET, MS_VALUE | MS_TWICE),
    FIELD(T, output, "output", "output", MS_JSON, MS_NULL_UNSET,
          MS_VALUE | MS_TWICE | MS_REQUIRED | MS_NULLABLE),
    FIELD(T, additional_context, "additionalContext", "additionalContext", MS_JSON, MS_NULL,
          MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, request_context, "requestContext", "requestContext", MS_JSON, MS_NULL,
          MS_VALUE | MS_TWICE | MS_OBJECT),
    FIELD(T, entity_type, "entityType", "entityType", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, entity, "entity", "entity", MS_JSON, MS_NULL, MS_VALUE | MS_TWICE | MS_REQUIRED | MS_OBJECT),
    FIELD(T, entity_id, "entityId", "entityId", MS_TEXT, MS_NULL, MS_STRICT | MS_REQUIRED),
    FIELD(T, source, "source", "source", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, resource_id, "resourceId", "resourceId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, thread_id, "threadId", "threadId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, organization_id, "organizationId", "organizationId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, project_id, "projectId", "projectId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, batch_id, "batchId", "batchId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, dataset_id, "datasetId", "datasetId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, dataset_item_id, "datasetItemId", "datasetItemId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_OPTIONAL),
    FIELD(T, updated_at, "updatedAt", "updatedAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_OPTIONAL),
};
#undef T

#define T mastra_eval
static const struct ms_column eval_columns[] = {
    FIELD(T, input, "input", "input", MS_TEXT, MS_NULL_UNSET, MS_REQUIRED),
    FIELD(T, output, "output", "output", MS_TEXT, MS_NULL_UNSET, MS_REQUIRED),
    FIELD(T, result, "result", "result", MS_JSON, MS_NULL_UNSET, MS_VALUE | MS_REQUIRED | MS_OBJECT),
    FIELD(T, agent_name, "agent_name", "agentName", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, metric_name, "metric_name", "metricName", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, instructions, "instructions", "instructions", MS_TEXT, MS_NULL_UNSET, MS_REQUIRED),
    FIELD(T, test_info, "test_info", "testInfo", MS_JSON, MS_NULL, MS_VALUE | MS_OBJECT),
    FIELD(T, global_run_id, "global_run_id", "globalRunId", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, run_id, "run_id", "runId", MS_TEXT, MS_NULL_UNSET, MS_STRICT | MS_REQUIRED),
    FIELD(T, created_at, "created_at", "createdAt", MS_TIMESTAMP, MS_NULL_UNSET, MS_OPTIONAL),
    PLAIN("createdAt", "createdAtLegacy", MS_TIMESTAMP, MS_NULL, 0),
};
#undef T

#define T mastra_trace_record
static const struct ms_column trace_columns[] = {
    FIELD(T, id, "id", "id", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, parent_span_id, "parentSpanId", "parentSpanId", MS_TEXT, MS_NULL, MS_STRICT),
    FIELD(T, name, "name", "name", MS_TEXT, MS_NOT_NULL, 0),
    FIELD(T, trace_id, "traceId", "traceId", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, scope, "scope", "scope", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, kind, "kind", "kind", MS_INTEGER, MS_NOT_NULL, 0),
    FIELD(T, attributes, "attributes", "attributes", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, status, "status", "status", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, events, "events", "events", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, links, "links", "links", MS_JSON, MS_NULL, MS_VALUE),
    FIELD(T, other, "other", "other", MS_TEXT, MS_NULL, MS_CONTENT),
    FIELD(T, start_time, "startTime", "startTime", MS_BIGINT, MS_NOT_NULL, 0),
    FIELD(T, end_time, "endTime", "endTime", MS_BIGINT, MS_NOT_NULL, 0),
    FIELD(T, created_at, "createdAt", "createdAt", MS_TIMESTAMP, MS_NOT_NULL, MS_OPTIONAL),
};
#undef T

#define T mastra_run_lock
static const struct ms_column run_lock_columns[] = {
    FIELD(T, workflow_name, "workflow_name", "workflowName", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, run_id, "run_id", "runId", MS_TEXT, MS_NOT_NULL, MS_KEY | MS_STRICT),
    FIELD(T, owner_id, "owner", "ownerId", MS_TEXT, MS_NOT_NULL, MS_STRICT),
    FIELD(T, generation, "generation", "generation", MS_BIGINT, MS_NOT_NULL, 0),
    FIELD(T, acquired_at, "acquired_at", "acquiredAt", MS_TIMESTAMP, MS_NOT_NULL, MS_TWINLESS),
    FIELD(T, expires_at, "expires_at", "expiresAt", MS_TIMESTAMP, MS_NOT_NULL, MS_TWINLESS),
};
#undef T

/* One column of an index: ascending, descending. */
#define UP(column)                                                                                           \
    {                                                                                                        \
        column, false                                                                                        \
    }
#define DOWN(column)                                                                                         \
    {                                                                                                        \
        column, true                                                                                         \
    }
#define INDEX(named, number, ...)                                                                            \
    {                                                                                                        \
        .name = (named), .column_count = (number), .columns = { __VA_ARGS__ }                                \
    }
#define SPARE_INDEX(named, number, ...)                                                                      \
    {                                                                                                        \
        .name = (named), .spare = true, .column_count = (number), .columns = { __VA_ARGS__ }                 \
    }

static const struct ms_index thread_indexes[] = {
    SPARE_INDEX("mastra_threads_resourceid_createdat_idx", 2, UP(MS_THREAD_RESOURCE_ID),
                UP(MS_THREAD_CREATED_AT)),
};

static const struct ms_index message_indexes[] = {
    INDEX("idx_messages_thread_created_at", 2, UP(MS_MESSAGE_THREAD_ID), UP(MS_MESSAGE_CREATED_AT)),
    INDEX("idx_messages_thread_resource_created_at", 3, UP(MS_MESSAGE_THREAD_ID), UP(MS_MESSAGE_RESOURCE_ID),
          UP(MS_MESSAGE_CREATED_AT)),
    SPARE_INDEX("mastra_messages_thread_id_createdat_idx", 2, UP(MS_MESSAGE_THREAD_ID),
                UP(MS_MESSAGE_CREATED_AT)),
};

static const struct ms_index span_indexes[] = {
    {.name = "mastra_ai_spans_spanid_traceid_idx",
     .unique = true,
     .column_count = 2,
     .columns = {UP(MS_SPAN_SPAN_ID), UP(MS_SPAN_TRACE_ID)}},
    {.name = "mastra_ai_spans_roots_started_at_idx",
     .where = MS_INDEX_ROOTS,
     .column_count = 1,
     .columns = {DOWN(MS_SPAN_STARTED_AT)}},
    INDEX("mastra_ai_spans_trace_started_at_idx", 2, UP(MS_SPAN_TRACE_ID), UP(MS_SPAN_STARTED_AT)),
    SPARE_INDEX("mastra_ai_spans_traceid_startedat_idx", 2, UP(MS_SPAN_TRACE_ID), UP(MS_SPAN_STARTED_AT)),
    SPARE_INDEX("mastra_ai_spans_parentspanid_startedat_idx", 2, UP(MS_SPAN_PARENT_SPAN_ID),
                UP(MS_SPAN_STARTED_AT)),
    SPARE_INDEX("mastra_ai_spans_name_idx", 1, UP(MS_SPAN_NAME)),
    SPARE_INDEX("mastra_ai_spans_spantype_startedat_idx", 2, UP(MS_SPAN_SPAN_TYPE), UP(MS_SPAN_STARTED_AT)),
};

static const struct ms_index score_indexes[] = {
    SPARE_INDEX("mastra_scores_trace_id_span_id_created_at_idx", 3, UP(MS_SCORE_TRACE_ID),
                UP(MS_SCORE_SPAN_ID), UP(MS_SCORE_CREATED_AT)),
};

static const mastra_thread thread_blank = MASTRA_THREAD_INIT;
static const mastra_message message_blank = MASTRA_MESSAGE_INIT;
static const mastra_resource resource_blank = MASTRA_RESOURCE_INIT;
static const mastra_workflow_run snapshot_blank = MASTRA_WORKFLOW_RUN_INIT;
static const mastra_span span_blank = MASTRA_SPAN_INIT;
static const mastra_score score_blank = MASTRA_SCORE_INIT;
static const mastra_eval eval_blank = MASTRA_EVAL_INIT;
static const mastra_trace_record trace_blank = MASTRA_TRACE_RECORD_INIT;
static const mastra_run_lock run_lock_blank = MASTRA_RUN_LOCK_INIT;

static const struct ms_entity entities[MS_ENTITY_COUNT] = {
    [MS_THREAD] = {.id = MS_THREAD,
                   .item = &ms_item_forms[MS_THREAD],
                   .noun = "Thread",
                   .table = "mastra_threads",
                   .columns = thread_columns,
                   .column_count = COUNT(thread_columns),
                   .key_count = 1,
                   .keys = {MS_THREAD_ID},
                   .key_form = MS_KEY_PRIMARY,
                   .created = MS_THREAD_CREATED_AT,
                   .size = sizeof(mastra_thread),
                   .blank = &thread_blank,
                   .indexes = thread_indexes,
                   .index_count = COUNT(thread_indexes)},
    [MS_MESSAGE] = {.id = MS_MESSAGE,
                    .item = &ms_item_forms[MS_MESSAGE],
                    .noun = "Message",
                    .table = "mastra_messages",
                    .columns = message_columns,
                    .column_count = COUNT(message_columns),
                    .key_count = 1,
                    .keys = {MS_MESSAGE_ID},
                    .key_form = MS_KEY_PRIMARY,
                    .created = MS_MESSAGE_CREATED_AT,
                    .sequence = "mastraSeq",
                    .sequence_within = MS_MESSAGE_THREAD_ID,
                    .size = sizeof(mastra_message),
                    .blank = &message_blank,
                    .indexes = message_indexes,
                    .index_count = COUNT(message_indexes)},
    [MS_RESOURCE] = {.id = MS_RESOURCE,
                     .item = &ms_item_forms[MS_RESOURCE],
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
                     .item = &ms_item_forms[MS_SNAPSHOT],
                     .noun = "Workflow run",
                     .table = "mastra_workflow_snapshot",
                     .columns = snapshot_columns,
                     .column_count = COUNT(snapshot_columns),
                     .key_count = 2,
                     .keys = {MS_SNAPSHOT_WORKFLOW_NAME, MS_SNAPSHOT_RUN_ID},
                     .key_form = MS_KEY_UNIQUE,
                     .created = MS_SNAPSHOT_CREATED_AT,
                     .size = sizeof(mastra_workflow_run),
                     .blank = &snapshot_blank},
    [MS_SPAN] = {.id = MS_SPAN,
                 .item = &ms_item_forms[MS_SPAN],
                 .noun = "Span",
                 .table = "mastra_ai_spans",
                 .columns = span_columns,
                 .column_count = COUNT(span_columns),
                 .key_count = 2,
                 .keys = {MS_SPAN_TRACE_ID, MS_SPAN_SPAN_ID},
                 .key_form = MS_KEY_UNIQUE_BACKWARDS,
                 .created = MS_SPAN_STARTED_AT,
                 .size = sizeof(mastra_span),
                 .blank = &span_blank,
                 .indexes = span_indexes,
                 .index_count = COUNT(span_indexes)},
    [MS_SCORE] = {.id = MS_SCORE,
                  .item = &ms_item_forms[MS_SCORE],
                  .noun = "Score",
                  .table = "mastra_scorers",
                  .columns = score_columns,
                  .column_count = COUNT(score_columns),
                  .key_count = 1,
                  .keys = {MS_SCORE_ID},
                  .key_form = MS_KEY_PRIMARY,
                  .created = MS_SCORE_CREATED_AT,
                  .size = sizeof(mastra_score),
                  .blank = &score_blank,
                  .indexes = score_indexes,
                  .index_count = COUNT(score_indexes)},
    [MS_EVAL] = {.id = MS_EVAL,
                 .item = &ms_item_forms[MS_EVAL],
                 .noun = "Eval",
                 .table = "mastra_evals",
                 .columns = eval_columns,
                 .column_count = COUNT(eval_columns),
                 .key_form = MS_KEY_NONE,
                 .created = MS_EVAL_CREATED_AT,
                 .sequence = "mastraSeq",
                 .legacy = true,
                 .size = sizeof(mastra_eval),
                 .blank = &eval_blank},
    [MS_TRACE] = {.id = MS_TRACE,
                  .item = &ms_item_forms[MS_TRACE],
                  .noun = "Trace",
                  .table = "mastra_traces",
                  .columns = trace_columns,
                  .column_count = COUNT(trace_columns),
                  .key_count = 1,
                  .keys = {MS_TRACE_ID},
                  .key_form = MS_KEY_PRIMARY,
                  .created = MS_TRACE_CREATED_AT,
                  .legacy = true,
                  .size = sizeof(mastra_trace_record),
                  .blank = &trace_blank},
    [MS_RUN_LOCK] = {.id = MS_RUN_LOCK,
                     .item = &ms_item_forms[MS_RUN_LOCK],
                     .noun = "Run lock",
                     .table = "mastra_workflow_run_locks",
                     .columns = run_lock_columns,
                     .column_count = COUNT(run_lock_columns),
                     .key_count = 2,
                     .keys = {MS_RUN_LOCK_WORKFLOW_NAME, MS_RUN_LOCK_RUN_ID},
                     .key_form = MS_KEY_PRIMARY_TABLE,
                     .created = MS_RUN_LOCK_ACQUIRED_AT,
                     .clocked = true,
                     .size = sizeof(mastra_run_lock),
                     .blank = &run_lock_blank},
};

const struct ms_entity *ms_entity(enum ms_entity_id id)
{
    return &entities[id];
}

const struct ms_entity *ms_entity_of_table(mastra_str table)
{
    for (size_t i = 0; i < MS_ENTITY_COUNT; i++) {
        if (strlen(entities[i].table) == table.len && memcmp(entities[i].table, table.ptr, table.len) == 0) {
            return &entities[i];
        }
    }
    return NULL;
}

/* Most names differ in their first letter: only then a length is worth counting. */
static bool is_called(const char *text, mastra_str name)
{
    return text[0] == name.ptr[0] && strlen(text) == name.len && memcmp(text, name.ptr, name.len) == 0;
}

int ms_entity_column(const struct ms_entity *entity, mastra_str name)
{
    for (int i = 0; i < entity->column_count && name.len > 0; i++) {
        const struct ms_column *column = &entity->columns[i];

        if (is_called(column->name, name) || is_called(column->json, name)) {
            return i;
        }
    }
    return -1;
}

uint64_t ms_entity_all(const struct ms_entity *entity)
{
    return entity->column_count == MS_COLUMNS_MOST ? UINT64_MAX : MS_BIT(entity->column_count) - 1;
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

uint64_t ms_entity_fields(const struct ms_entity *entity)
{
    uint64_t bits = 0;

    for (int i = 0; i < entity->column_count; i++) {
        if (entity->columns[i].offset) {
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
