/* mastra-store: everything. */
#ifndef MASTRA_MASTRA_H
#define MASTRA_MASTRA_H

#include <mastra/aws.h>
#include <mastra/copy.h>
#include <mastra/dsql.h>
#include <mastra/dynamodb.h>
#include <mastra/evals.h>
#include <mastra/memory.h>
#include <mastra/observability.h>
#include <mastra/postgres.h>
#include <mastra/scores.h>
#include <mastra/store.h>
#include <mastra/tables.h>
#include <mastra/types.h>
#include <mastra/upkeep.h>
#include <mastra/workflows.h>

#endif
