/* Pruning. The public header says what it does; this is the same with the call in place of store and error. */
#ifndef DOMAINS_PRUNE_H
#define DOMAINS_PRUNE_H

#include "domains/api.h"
#include "schema/schema.h"

#include <mastra/tables.h>

#define MS_PRUNE_OPS(X) X(prune, "prune", "PRUNE", true, true)

MS_PRUNE_OPS(MS_OP_DECLARE)

#define MS_PRUNE_BATCH 1000

mastra_status ms_prune(struct ms_call *call, const mastra_prune_args *args, mastra_prune_report *ret);

/* A table that can be pruned. */
struct ms_prune_target {
    enum ms_entity_id entity;
    uint8_t column;    /* the time that is judged */
    uint16_t before;   /* offset of the time in mastra_prune_args */
    uint16_t deleted;  /* of the count in mastra_prune_report */
    const char *alias; /* besides the table's name, with mastra_ and without; or NULL */
};

#define MS_PRUNE_TARGETS 8
extern const struct ms_prune_target ms_prune_targets[MS_PRUNE_TARGETS];

#endif
