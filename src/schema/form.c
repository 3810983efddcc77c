#include "schema/form.h"

#include <string.h>

/* Keys as the peer composes them, before they are lower-cased. */
#define OWN(partition, sort)                                                                                 \
    {                                                                                                        \
        0, partition, sort, 0, false                                                                         \
    }
#define GSI(number, partition, sort)                                                                         \
    {                                                                                                        \
        number, partition, sort, 0, false                                                                    \
    }
#define GSI_ALWAYS(number, partition, sort)                                                                  \
    {                                                                                                        \
        number, partition, sort, 0, true                                                                     \
    }
#define GSI_WITHOUT(column, number, partition, sort)                                                         \
    {                                                                                                        \
        number, partition, sort, MS_BIT(column), false                                                       \
    }

#define SCORE_TIME "$score_1#createdAt_{createdAt}"
#define SPAN_TIME  "$ai_span_1#startedat_{startedAt}#spanid_{spanId}"

static const struct ms_item_name message_names[] = {{MS_MESSAGE_THREAD_ID, "threadId", false}};

static const struct ms_item_name score_names[] = {{MS_SCORE_ENTITY, "entityData", false}};

static const struct ms_item_name run_lock_names[] = {{MS_RUN_LOCK_OWNER_ID, "ownerId", false},
                                                     {MS_RUN_LOCK_ACQUIRED_AT, "acquiredAt", false},
                                                     {MS_RUN_LOCK_EXPIRES_AT, "leaseExpiresAt", true}};

const struct ms_item_form ms_item_forms[MS_ENTITY_COUNT] = {
    [MS_THREAD] = {.type = "thread",
                   .shared = true,
                   .path_count = 2,
                   .paths = {OWN("$mastra#entity_thread#id_{id}", "$thread_1#id_{id}"),
                             GSI(1, "$mastra#entity_thread#resourceId_{resourceId}",
                                 "$thread_1#createdAt_{createdAt}")},
                   .proof = "createdAt",
                   .witnesses = {"updatedAt"},
                   .parts = "$thread_part_1#"},
    [MS_MESSAGE] = {.type = "message",
                    .shared = true,
                    .path_count = 2,
                    .paths = {OWN("$mastra#entity_message#id_{id}", "$message_1#entity_message"),
                              GSI(1, "$mastra#entity_message#threadId_{thread_id}",
                                  "$message_1#createdAt_{createdAt}")},
                    .name_count = 1,
                    .names = message_names,
                    .proof = "createdAt",
                    .stamp = "updatedAt",
                    .witnesses = {"updatedAt"},
                    .parts = "$message_part_1#"},
    [MS_RESOURCE] = {.type = "resource",
                     .shared = true,
                     .path_count = 1,
                     .paths = {OWN("$mastra#entity_resource#id_{id}", "$resource_1#entity_resource")},
                     .proof = "createdAt",
                     .witnesses = {"updatedAt"},
                     .parts = "$resource_part_1#"},
    [MS_SNAPSHOT] = {.type = "workflow_snapshot",
                     .shared = true,
                     .path_count = 2,
                     .paths = {OWN("$mastra#entity_workflow_snapshot#workflow_name_{workflow_name}",
                                   "$workflow_snapshot_1#run_id_{run_id}"),
                               GSI(2, "$mastra#entity_workflow_snapshot#run_id_{run_id}",
                                   "$workflow_snapshot_1#workflow_name_{workflow_name}")},
                     .proof = "createdAt",
                     .witnesses = {"updatedAt"},
                     .parts = "$workflow_snapshot_part_1#run_id_{run_id}#"},
    [MS_SPAN] = {.type = "ext_ai_span",
                 .path_count = 4,
                 .paths = {OWN("$mastra_ext#entity_ai_span#traceid_{traceId}", "$ai_span_1#spanid_{spanId}"),
                           GSI(1, "$mastra_ext#entity_ai_span#name_{name}", SPAN_TIME),
                           GSI(2, "$mastra_ext#entity_ai_span#parentspanid_{parentSpanId}", SPAN_TIME),
                           GSI_WITHOUT(MS_SPAN_PARENT_SPAN_ID, 2,
                                       "$mastra_ext#entity_ai_span#rootday_{startedAt:day}", SPAN_TIME)},
                 .proof = "createdAt",
                 .witnesses = {"updatedAt"},
                 .parts = "$ai_span_chunk_1#spanid_{spanId}#",
                 .days = {"ext_ai_span_day", "$mastra_ext#entity_ai_span_day#all", "$ai_span_day_1#"}},
    [MS_SCORE] = {.type = "score",
                  .shared = true,
                  .path_count = 8,
                  .paths = {OWN("$mastra#entity_score#id_{id}", "$score_1#entity_score"),
                            GSI_ALWAYS(1, "$mastra#entity_score#scorerId_{scorerId}", SCORE_TIME),
                            GSI_ALWAYS(2, "$mastra#entity_score#runId_{runId}", SCORE_TIME),
                            GSI_ALWAYS(3, "$mastra#entity_score#traceId_{traceId}", SCORE_TIME),
                            GSI_ALWAYS(4, "$mastra#entity_score#entityId_{entityId}", SCORE_TIME),
                            GSI_ALWAYS(5, "$mastra#entity_score#resourceId_{resourceId}", SCORE_TIME),
                            GSI_ALWAYS(6, "$mastra#entity_score#threadId_{threadId}", SCORE_TIME),
                            GSI_ALWAYS(7, "$mastra#entity_score#traceId_{traceId}#spanId_{spanId}",
                                       SCORE_TIME)},
                  .name_count = 1,
                  .names = score_names,
                  .plain = MS_BIT(MS_SCORE_INPUT) | MS_BIT(MS_SCORE_OUTPUT),
                  .hollow = MS_BIT(MS_SCORE_TRACE_ID) | MS_BIT(MS_SCORE_SPAN_ID) |
                            MS_BIT(MS_SCORE_RESOURCE_ID) | MS_BIT(MS_SCORE_THREAD_ID),
                  .proof = "createdAt",
                  .witnesses = {"updatedAt"},
                  .parts = "$score_part_1#"},
    /* The peer's sort key ends before the number: of a run there could be but one. */
    [MS_EVAL] = {.type = "eval",
                 .shared = true,
                 .path_count = 2,
                 .paths = {OWN("$mastra#entity_eval#run_id_{run_id}", "$eval_1{#}"),
                           GSI(1, "$mastra#entity_eval#agent_name_{agent_name}",
                               "$eval_1#created_at_{created_at}")},
                 .proof = "created_at",
                 .stamp = "updatedAt",
                 .stamp_first = "createdAt",
                 .witnesses = {"updatedAt"},
                 .parts = "$eval_part_1{#}#"},
    [MS_TRACE] = {.type = "trace",
                  .shared = true,
                  .path_count = 3,
                  .paths = {OWN("$mastra#entity_trace#id_{id}", "$trace_1"),
                            GSI(1, "$mastra#entity_trace#name_{name}", "$trace_1#startTime_{startTime}"),
                            GSI(2, "$mastra#entity_trace#scope_{scope}", "$trace_1#startTime_{startTime}")},
                  .proof = "createdAt",
                  .stamp = "updatedAt",
                  .witnesses = {"updatedAt"},
                  .parts = "$trace_part_1#"},
    /* Later peers' own: they know neither workflow names nor times of acquiring, and runs whose ids differ only in case
     * share a lock. */
    [MS_RUN_LOCK] = {.type = "workflow_run_owner",
                     .shared = true,
                     .path_count = 1,
                     .paths = {OWN("$mastra#entity_workflow_run_owner#run_id_{run_id}",
                                   "$workflow_run_owner_1#entity_workflow_run_owner")},
                     .name_count = 3,
                     .names = run_lock_names,
                     .proof = "generation",
                     .witnesses = {"generation", "leaseExpiresAt"},
                     .witnesses_number = true,
                     .nameless = MS_BIT(MS_RUN_LOCK_WORKFLOW_NAME) | MS_BIT(MS_RUN_LOCK_RUN_ID),
                     .lease = MS_BIT(MS_RUN_LOCK_EXPIRES_AT),
                     .holder = MS_RUN_LOCK_OWNER_ID},
};

static const struct ms_item_name *exception(const struct ms_entity *entity, uint8_t column)
{
    for (uint8_t i = 0; i < entity->item->name_count; i++) {
        if (entity->item->names[i].column == column) {
            return &entity->item->names[i];
        }
    }
    return NULL;
}

const char *ms_item_attribute(const struct ms_entity *entity, uint8_t column)
{
    const struct ms_item_name *other = exception(entity, column);

    return other ? other->name : entity->columns[column].name;
}

bool ms_item_epoch(const struct ms_entity *entity, uint8_t column)
{
    const struct ms_item_name *other = exception(entity, column);

    return other && other->epoch;
}
