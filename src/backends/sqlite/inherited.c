/*
 * The one piece of state that this library keeps per process, because SQLite does: its list of open files. A child of
 * fork inherits that list but not the locks behind it (POSIX locks belong to a process). SQLite would believe in the
 * child that it already holds the lock of a file that the parent has open, take none, and lose writes when the parent
 * closes. So a process in which a parent's files still count as open must not open any.
 */
#include "backends/sqlite/sqlite.h"
#include "base/error.h"

#include <stdatomic.h>
#include <unistd.h>

/* The process that opened files, in the upper half, and how many are open, in the lower. */
static _Atomic uint64_t open_files;

static uint64_t packed(uint64_t pid, uint64_t count)
{
    return pid << 32 | count;
}

mastra_status sqlite_count_open(mastra_error *error)
{
    uint64_t self = (uint64_t)getpid();
    uint64_t before = atomic_load(&open_files);
    uint64_t after;

    do {
        uint64_t count = before & UINT32_MAX;

        if (count > 0 && before >> 32 != self) {
            return ms_error_set(
                error, MASTRA_FORKED,
                "a store on a SQLite file was open when this process was forked: open stores after "
                "fork, or start a new program");
        }
        after = packed(self, count + 1);
    } while (!atomic_compare_exchange_weak(&open_files, &before, after));
    return MASTRA_OK;
}

void sqlite_count_closed(void)
{
    atomic_fetch_sub(&open_files, 1);
}
