/* Random bits for ids and for jitter. Thread-safe, safe after fork. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <mastra/types.h>

#define MS_UUID_LEN 36

/* Fills from the system's generator (getrandom); returns false when it fails. */
bool ms_random_bytes(void *out, size_t len);

/* A random v4 UUID in lower case, terminated. Returns false when the system's generator fails. */
bool ms_uuid_v4(char out[MS_UUID_LEN + 1]);

/* A number in 0..bound-1 for jitter, not for secrets; 0 when bound is 0. */
uint64_t ms_random_below(uint64_t bound);

#endif
