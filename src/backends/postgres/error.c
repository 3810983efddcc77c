#include "base/error.h"
#include "backends/postgres/wire.h"

/* What an SQLSTATE, or the class that its first characters are, means to us; the first that fits counts. */
static const struct {
    const char *prefix;
    mastra_status status;
    bool retriable;
} states[] = {
    {"08P01", MASTRA_INTERNAL, false},   {"08", MASTRA_UNAVAILABLE, true},
    {"0A", MASTRA_NOT_SUPPORTED, false}, {"22", MASTRA_INVALID_ARGUMENT, false},
    {"23", MASTRA_CONFLICT, false},      {"25006", MASTRA_READ_ONLY, false},
    {"25P03", MASTRA_UNAVAILABLE, true}, {"28", MASTRA_DENIED, false},
    {"3D", MASTRA_CANNOT_OPEN, false},   {"3F", MASTRA_CANNOT_OPEN, false},
    {"40", MASTRA_CONFLICT, true},       {"42501", MASTRA_DENIED, false},
    {"42P01", MASTRA_NOT_FOUND, false},  {"42P07", MASTRA_CONFLICT, false},
    {"53100", MASTRA_FULL, false},       {"53300", MASTRA_UNAVAILABLE, true},
    {"53", MASTRA_FULL, false},          {"54", MASTRA_LIMIT_EXCEEDED, false},
    {"55006", MASTRA_BUSY, true},        {"55P03", MASTRA_BUSY, true},
    {"57014", MASTRA_TIMEOUT, false},    {"57P", MASTRA_UNAVAILABLE, true},
    {"58", MASTRA_FULL, false},          {"XX001", MASTRA_CORRUPT, false},
    {"XX002", MASTRA_CORRUPT, false},    {"2BP01", MASTRA_INVALID_ARGUMENT, false},
};

mastra_status pg_error_state(const char *sqlstate, const char *message, mastra_error *error)
{
    mastra_status status = MASTRA_INTERNAL;
    bool retriable = false;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strncmp(sqlstate, states[i].prefix, strlen(states[i].prefix)) == 0) {
            status = states[i].status;
            retriable = states[i].retriable;
            break;
        }
    }
    ms_error_set(error, status, "%s", message);
    if (error) {
        error->retriable = retriable;
        ms_error_copy(error->backend, sizeof error->backend, mastra_str_of(sqlstate));
    }
    return status;
}

/* The primary message alone: the details behind it quote rows. */
mastra_status pg_error_result(const PGresult *result, mastra_error *error)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    return pg_error_state(state ? state : "", message ? message : "the server refused a statement", error);
}
