/* Checking a store. The public header says what it does. */
#ifndef DOMAINS_CHECKUP_H
#define DOMAINS_CHECKUP_H

#include "domains/api.h"
#include "domains/pair.h"

#include <mastra/upkeep.h>

#define MS_CHECKUP_OPS(X)                                                                                    \
    X(check, "check", "CHECK", true, true)                                                                   \
    X(backup, "backup", "BACKUP", false, true)                                                               \
    X(stats, "stats", "STATS", false, true)

MS_CHECKUP_OPS(MS_OP_DECLARE)

mastra_status ms_check(struct ms_call *call, const mastra_check_args *args, mastra_check_report *ret);

#endif
