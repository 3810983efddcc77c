#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"

/*
 * Straight from the kernel each time: no state to protect from threads, and none that a fork could duplicate.
 */
bool ms_random_bytes(void *out, size_t len)
{
    unsigned char *at = out;
    while (len) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        len -= (size_t)got;
    }
    return true;
}

bool ms_uuid_v4(char out[MS_UUID_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[16];
    if (!ms_random_bytes(bytes, sizeof(bytes))) {
        return false;
    }
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    char *at = out;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *at++ = '-';
        }
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 0x0f];
    }
    *at = '\0';
    return true;
}

uint64_t ms_random_below(uint64_t bound)
{
    if (bound == 0) {
        return 0;
    }
    /* Values under the remainder would make the first results likelier than the others. */
    uint64_t unfair = (0 - bound) % bound;
    uint64_t value;
    do {
        /* Without the generator jitter must still vary: the clock's low bits do for that. */
        if (!ms_random_bytes(&value, sizeof(value))) {
            return (uint64_t)ms_clock_monotonic_ns() % bound;
        }
    } while (value < unfair);
    return value % bound;
}
