/* Where a container gets its credentials; for its tests. */
#ifndef AWS_CREDENTIALS_CONTAINER_H
#define AWS_CREDENTIALS_CONTAINER_H

#include <mastra/types.h>

/*
 * Whether keys may be fetched from that URL: over https from anybody, else only from this machine or the addresses at
 * which containers' credentials are served.
 */
bool ms_container_url_allowed(const char *url);

/* The URL that the environment names; `relative` wins. False when it does not fit. */
bool ms_container_url(const char *relative, const char *full, char *out, size_t size);

#endif
