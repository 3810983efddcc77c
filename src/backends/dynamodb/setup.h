/* Making the table, and saying how. */
#ifndef BACKENDS_DYNAMODB_SETUP_H
#define BACKENDS_DYNAMODB_SETUP_H

#include "backends/dynamodb/table.h"

/* The caller's wishes, complete. */
struct ddb_wish {
    unsigned indexes;
    const char *ttl_attribute; /* NULL: none */
    bool recovery;
    bool encryption;
    int64_t wait_ms;
    mastra_dynamodb_step_fn step;
    void *step_user;
};

/* `setup` may be NULL; `settings` too: they say the attribute of expiry where `setup` does not. */
mastra_status ddb_wish_read(const mastra_dynamodb_setup_options *setup, const struct ddb_settings *settings,
                            struct ddb_wish *ret, mastra_error *error);

mastra_status ddb_setup(struct ddb_client *client, const struct ddb_wish *plan, mastra_error *error);

/* A name that no template has: INVALID_ARGUMENT. */
mastra_status ddb_template(const char *format, const char *table, const struct ddb_wish *plan,
                           struct ms_buf *out, mastra_error *error);

#endif
