/* mastra-store: everything. */
#ifndef MASTRA_MASTRA_H
#define MASTRA_MASTRA_H

#include <mastra/memory.h>
#include <mastra/store.h>
#include <mastra/types.h>

#endif
