#include <mastra/types.h>

const char *mastra_status_name(mastra_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, lower, text, exit_code, http)                                               \
    case MASTRA_##name:                                                                                      \
        return lower;
        MASTRA_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown";
}

const char *mastra_status_text(mastra_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, lower, text, exit_code, http)                                               \
    case MASTRA_##name:                                                                                      \
        return text;
        MASTRA_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

/*
 * A value outside the list comes from a newer library: the command and the HTTP side treat it as a plain
 * failure.
 */
int mastra_status_exit_code(mastra_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, lower, text, exit_code, http)                                               \
    case MASTRA_##name:                                                                                      \
        return exit_code;
        MASTRA_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return 1;
}

int mastra_status_http(mastra_status status)
{
    switch (status) {
#define STATUS_CASE(name, value, lower, text, exit_code, http)                                               \
    case MASTRA_##name:                                                                                      \
        return http;
        MASTRA_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
    }
    return 500;
}
