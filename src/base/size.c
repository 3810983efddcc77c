#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>

size_t ms_size_format(int64_t bytes, char out[MS_SIZE_SIZE])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    size_t unit = 0;

    while (unit + 1 < sizeof units / sizeof units[0] && bytes >= (unit == 0 ? 1024 : 10240)) {
        bytes = (bytes + 512) / 1024;
        unit++;
    }
    return (size_t)snprintf(out, MS_SIZE_SIZE, "%" PRId64 " %s", bytes, units[unit]);
}
