/*
 * Keeps credentials and renews them: in the background while those that there are still hold, with their users waiting
 * once they have expired. One renewal is under way at a time.
 */
#ifndef AWS_PROVIDER_H
#define AWS_PROVIDER_H

#include "aws/credentials_source.h"

/* Below this much left they are renewed. */
#define MS_RENEW_BEFORE_MS (5 * INT64_C(60000))

/* And after an attempt to renew them that brought nothing better, not for this long. */
#define MS_RENEW_PAUSE_MS  INT64_C(10000)

/* `fn` NULL: the default chain. Errors: OUT_OF_MEMORY, INTERNAL. */
mastra_status ms_provider_new(struct mastra_aws *aws, mastra_aws_credentials_fn fn, void *user,
                              struct ms_provider **ret_provider, mastra_error *error);

/* Credentials that stay as they are. */
void ms_provider_set(struct ms_provider *provider, struct ms_credentials *credentials);

mastra_status ms_provider_get(struct ms_provider *provider, int64_t deadline_ns, struct ms_credentials **ret,
                              mastra_error *error);
void ms_provider_distrust(struct ms_provider *provider, const struct ms_credentials *credentials);

/* Ends what is under way, without waiting for its end; those who wait are told CLOSED. */
void ms_provider_stop(struct ms_provider *provider);

/* The same, and waits. To be followed by ms_provider_free. */
void ms_provider_close(struct ms_provider *provider);
void ms_provider_free(struct ms_provider *provider); /* NULL is allowed */

#endif
