#include "store/survey.h"

#include "store/store.h"

static const struct ms_survey_ops *ops_of(const struct ms_call *call)
{
    return call->store->backend->ops->surveys;
}

bool ms_survey_wanted(const struct ms_call *call)
{
    return ops_of(call) != NULL;
}

struct taking {
    uint32_t entities;
    uint8_t times[MS_ENTITY_COUNT];
    struct ms_survey *taken;
};

static mastra_status take(struct ms_unit *unit, void *arg)
{
    struct taking *taking = arg;

    return ops_of(unit->call)
        ->take(unit->session, taking->entities, taking->times, &taking->taken, unit->error);
}

mastra_status ms_survey_take(struct ms_call *call, uint32_t entities, const uint8_t *times,
                             struct ms_survey **ret)
{
    struct taking taking = {.entities = entities};
    mastra_status status;

    for (int e = 0; e < MS_ENTITY_COUNT; e++) {
        taking.times[e] = times ? times[e] : ms_entity(e)->created;
    }
    ms_call_renew_deadline(call);
    status = ms_read(call, MS_READ_SNAPSHOT, take, &taking, NULL);
    *ret = status == MASTRA_OK ? taking.taken : NULL;
    return status;
}

void ms_survey_drop(const struct ms_call *call, struct ms_survey *survey)
{
    if (survey) {
        ops_of(call)->drop(survey);
    }
}

mastra_status ms_survey_begin(struct ms_call *call, uint32_t entities, const uint8_t *times)
{
    mastra_status status;

    if (!ms_survey_wanted(call) || call->survey || entities == 0) {
        return MASTRA_OK;
    }
    status = ms_survey_take(call, entities, times, &call->survey);
    call->surveyed = status == MASTRA_OK ? entities : 0;
    return status;
}

void ms_survey_end(struct ms_call *call)
{
    if (call->survey) {
        ms_survey_drop(call, call->survey);
        call->survey = NULL;
        call->surveyed = 0;
    }
}

struct ms_survey *ms_survey_of(const struct ms_call *call, enum ms_entity_id id)
{
    return (call->surveyed & (UINT32_C(1) << id)) ? call->survey : NULL;
}

int64_t ms_survey_count(const struct ms_call *call, const struct ms_survey *survey, enum ms_entity_id id)
{
    return ops_of(call)->count(survey, id);
}

mastra_status ms_survey_page(struct ms_unit *unit, struct ms_survey *survey, enum ms_entity_id id,
                             const struct ms_query *query, int64_t *at, struct ms_rows *ret)
{
    return ops_of(unit->call)->page(unit->session, survey, id, query, at, unit->arena, ret, unit->error);
}
