/* What everything that speaks to one table begins with: how it is reached, and what it is known to have. */
#ifndef BACKENDS_DYNAMODB_CLIENT_H
#define BACKENDS_DYNAMODB_CLIENT_H

#include "aws/service.h"
#include "backends/dynamodb/options.h"

#include <stdatomic.h>

#define DDB_INDEXES_LEAST 2
#define DDB_INDEXES_MOST  7

/* Zeroed is closed. */
struct ddb_client {
    struct ms_heap *heap;
    const struct ms_log *log;
    struct ms_arena *texts; /* of the settings */
    struct ddb_settings settings;
    struct mastra_aws *aws;
    struct ms_aws_service service;

    atomic_uint indexes;       /* see ddb_table_indexes; 0: not known */
    _Atomic int64_t bytes;     /* of the table, when they were looked at; a hint */
    _Atomic int64_t looked_ns; /* when they were looked at */
};

/*
 * Reads the settings and becomes ready to send; asks nobody for anything yet. To be closed in any case. Errors:
 * INVALID_ARGUMENT, OUT_OF_MEMORY, INTERNAL.
 */
mastra_status ddb_client_open(struct ddb_client *client, struct ms_config *config, mastra_error *error);
void ddb_client_close(struct ddb_client *client);

/* Ends what is under way and refuses what comes, with CLOSED; ddb_client_close must follow. Any thread. */
void ddb_client_interrupt(struct ddb_client *client);

/* When a request that begins now must have ended, of ms_clock_monotonic_ns. */
int64_t ddb_client_deadline(const struct ddb_client *client);

/* The first part of the backend's own struct. */
struct ddb_backend {
    struct ms_backend base; /* first */
    struct ddb_client client;
};

static inline struct ddb_client *ddb_client_of(struct ms_backend *backend)
{
    return &((struct ddb_backend *)backend)->client;
}

#endif
