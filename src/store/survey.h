/*
 * The surveys of a call; see struct ms_survey_ops in backend.h. What walks through several tables takes one of all of them
 * first, in a single look through the database; it is dropped when the call ends.
 */
#ifndef STORE_SURVEY_H
#define STORE_SURVEY_H

#include "store/call.h"
#include "store/unit.h"

/* Whether the store's rows cannot be read in pages otherwise. */
bool ms_survey_wanted(const struct ms_call *call);

/*
 * Takes a survey, to be dropped by the caller: of the entities whose bits are set, the rows of each by the time in that
 * column of `times`; NULL: by the time that lists order by.
 */
mastra_status ms_survey_take(struct ms_call *call, uint32_t entities, const uint8_t *times,
                             struct ms_survey **ret);
void ms_survey_drop(const struct ms_call *call, struct ms_survey *survey);

/* Takes the one of the call itself, where surveys are wanted and it has none yet. */
mastra_status ms_survey_begin(struct ms_call *call, uint32_t entities, const uint8_t *times);
void ms_survey_end(struct ms_call *call);

/* That of the call, when it has the entity; else NULL. */
struct ms_survey *ms_survey_of(const struct ms_call *call, enum ms_entity_id id);

int64_t ms_survey_count(const struct ms_call *call, const struct ms_survey *survey, enum ms_entity_id id);

mastra_status ms_survey_page(struct ms_unit *unit, struct ms_survey *survey, enum ms_entity_id id,
                             const struct ms_query *query, int64_t *at, struct ms_rows *ret);

#endif
