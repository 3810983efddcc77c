/* The typed function of <mastra/tables.h> that prunes. */
#include "domains/prune.h"

MS_PRUNE_OPS(MS_OP_DEFINE_ALONE)

mastra_status mastra_prune(mastra_store *store, const mastra_prune_args *args,
                           mastra_prune_report *ret_report, mastra_error *error)
{
    MS_RUN(prune, ms_prune, args, ret_report);
}
