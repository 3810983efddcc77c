#include "backends/dynamodb/client.h"

#include "base/clock.h"
#include "base/error.h"

#define SERVICE "dynamodb"
#define TARGET  "DynamoDB_20120810"

static mastra_status connect_client(struct ddb_client *client, mastra_error *error)
{
    const struct ddb_settings *settings = &client->settings;
    struct ms_aws_config config = {.heap = client->heap,
                                   .profile = settings->profile,
                                   .region = settings->region,
                                   .ca_file = settings->ca_file,
                                   .keys = settings->keys,
                                   .credentials = settings->credentials,
                                   .credentials_user = settings->credentials_user,
                                   .timeout_ms = settings->timeout_ms};
    mastra_status status;

    if (client->log) {
        config.log = *client->log;
    }
    status = ms_aws_open(&config, &client->aws, error);
    /* They are the caller's, and his only while the store is opened. */
    client->settings.keys = NULL;
    if (status == MASTRA_OK) {
        status = ms_service_init(&client->service, client->aws, SERVICE, TARGET, &ms_retry_dynamodb,
                                 settings->region, settings->endpoint, error);
    }
    return status;
}

mastra_status ddb_client_open(struct ddb_client *client, struct ms_config *config, mastra_error *error)
{
    mastra_status status;

    client->heap = config->heap;
    client->log = config->log;
    atomic_init(&client->indexes, 0);
    atomic_init(&client->looked_ns, 0);
    atomic_init(&client->bytes, 0);
    client->texts = ms_arena_new(client->heap, 0);
    if (!client->texts) {
        return ms_error_oom(error);
    }
    status = ddb_settings_read(config, client->texts, &client->settings, error);
    return status == MASTRA_OK ? connect_client(client, error) : status;
}

void ddb_client_close(struct ddb_client *client)
{
    ms_service_release(&client->service);
    ms_aws_close(client->aws);
    ms_arena_free(client->texts);
    client->service = (struct ms_aws_service){.aws = NULL};
    client->aws = NULL;
    client->texts = NULL;
}

void ddb_client_interrupt(struct ddb_client *client)
{
    ms_aws_interrupt(client->aws);
}

int64_t ddb_client_deadline(const struct ddb_client *client)
{
    return ms_clock_monotonic_ns() + client->settings.timeout_ms * 1000000;
}
