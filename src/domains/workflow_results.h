/* How the results of workflow steps are laid into a run's snapshot, on raw JSON. */
#ifndef DOMAINS_WORKFLOW_RESULTS_H
#define DOMAINS_WORKFLOW_RESULTS_H

#include "base/json.h"

struct ms_step_results {
    mastra_str step_id; /* absent: `results` only */
    mastra_str result;  /* of that step, a checked value */
    mastra_str results; /* a checked object of step id to result; may be absent */
    mastra_str context; /* of the request, a checked object; may be absent */
};

/* What the rules look at in a snapshot, raw; absent: there is no such member. */
struct ms_snapshot_parts {
    mastra_str context;
    mastra_str request_context;
    mastra_str status;
    mastra_str run_id;
};

/* Finds them in one pass; none in what is no object. */
void ms_snapshot_parts(mastra_str snapshot, struct ms_snapshot_parts *ret);

/* The snapshot of a run of which nothing is known but its id, which is valid UTF-8. */
void ms_put_new_snapshot(struct ms_buf *out, mastra_str run_id, mastra_time now);

/*
 * Appends what a step's result becomes: the one given, unless it and the one stored (absent: none) both have an array
 * "output". Then other members are laid over the stored ones, and the arrays are merged element by element: what is not
 * null replaces. An element {"__mastra_pending__":true} marks what is to be run again: it clears its element when that
 * is empty, pending or suspended, and where there is any mark nothing but the marked elements changes.
 */
void ms_put_step_result(struct ms_buf *out, mastra_str stored, mastra_str given);

/* Appends the snapshot, a checked object whose context is an object, with the results laid into it. */
void ms_put_results(struct ms_buf *out, mastra_str snapshot, const struct ms_snapshot_parts *parts,
                    const struct ms_step_results *given);

#endif
