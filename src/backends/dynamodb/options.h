/* What URL and options say about a store on DynamoDB. */
#ifndef BACKENDS_DYNAMODB_OPTIONS_H
#define BACKENDS_DYNAMODB_OPTIONS_H

#include "aws/aws.h"
#include "store/backend.h"

#include <mastra/dynamodb.h>

/* When items of an entity expire. */
struct ddb_ttl {
    const char *attribute; /* NULL: never */
    int64_t seconds;
};

/* Texts live in the arena that they were read into. */
struct ddb_settings {
    const char *table;
    const char *region;   /* NULL: the environment's or the profile's */
    const char *endpoint; /* NULL: the same, or AWS's own */
    const char *profile;  /* NULL: the default */
    const char *ca_file;
    const mastra_aws_credentials *keys;
    mastra_aws_credentials_fn credentials;
    void *credentials_user;
    struct ddb_ttl ttl[MS_ENTITY_COUNT];
    int64_t timeout_ms;
    uint32_t parallel;
    uint32_t transaction_items; /* most of one transaction; 0: 100, until an endpoint takes fewer */
    uint32_t scan_segments;     /* 0: by the size of the table on AWS, one on other endpoints */
    bool large_parts;
    bool count_capacity; /* have answers tell what they cost */
};

/*
 * Reads them from the URL and from what mastra_open_dynamodb hands over (config->special), and refuses what nobody
 * understands: a backend reads its own parameters before. Errors: INVALID_ARGUMENT (names the option), OUT_OF_MEMORY.
 */
mastra_status ddb_settings_read(struct ms_config *config, struct ms_arena *arena,
                                struct ddb_settings *settings, mastra_error *error);

/* Whether a table may have that name. */
mastra_status ddb_check_table_name(mastra_str name, mastra_error *error);

/* Whether items may have an attribute of that name for their time of expiry. `entity` NULL: of all entities. */
mastra_status ddb_check_ttl_attribute(mastra_str name, const struct ms_entity *entity, mastra_error *error);

#endif
