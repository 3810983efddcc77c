#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/utf8.h"

/* What is behind the size field is the record proper; a caller compiled earlier may have less of it. */
#define BODY_OFFSET offsetof(mastra_error, status)

static size_t shared_size(const mastra_error *error)
{
    return error->size < sizeof(*error) ? error->size : sizeof(*error);
}

/* Messages quote paths and values of unknown origin: bytes that are not UTF-8 become '?'. */
static void make_valid(char *text, size_t len)
{
    for (size_t at = ms_utf8_valid_prefix(text, len); at < len;
         at += ms_utf8_valid_prefix(text + at, len - at)) {
        text[at] = '?';
    }
}

void ms_error_copy(char *dst, size_t size, mastra_str text)
{
    if (!size) {
        return;
    }
    size_t len = text.ptr ? ms_utf8_cut(text.ptr, text.len, size - 1) : 0;
    if (len) {
        memcpy(dst, text.ptr, len);
    }
    dst[len] = '\0';
    make_valid(dst, len);
}

/*
 * The caller's record in full size, so that the texts can be set without minding what the caller has room
 * for.
 */
static mastra_error begin(const mastra_error *error, mastra_status status)
{
    mastra_error record = MASTRA_ERROR_INIT;
    size_t size = shared_size(error);
    if (size >= offsetof(mastra_error, field)) {
        memcpy(record.operation, error->operation, sizeof(record.operation));
        memcpy(record.category, error->category, sizeof(record.category));
        memcpy(record.id, error->id, sizeof(record.id));
    }
    record.status = status;
    return record;
}

static void __attribute__((format(printf, 2, 0)))
set_message(mastra_error *record, const char *format, va_list args)
{
    /* One byte more than fits, so that a cut shows and can be moved to the end of a character. */
    char text[sizeof(record->message) + 1];
    int len = vsnprintf(text, sizeof(text), format, args);
    if (len < 0) {
        ms_error_copy(record->message, sizeof(record->message),
                      mastra_str_of(mastra_status_text(record->status)));
        return;
    }
    ms_error_copy(record->message, sizeof(record->message), mastra_str_of(text));
}

mastra_status ms_error_set(mastra_error *error, mastra_status status, const char *format, ...)
{
    if (!error) {
        return status;
    }
    mastra_error record = begin(error, status);
    va_list args;
    va_start(args, format);
    set_message(&record, format, args);
    va_end(args);
    ms_error_export(error, &record);
    return status;
}

static void blank_controls(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = ' ';
        }
    }
}

/* Like ms_error_copy, but a NUL inside the value is shown as a space too instead of ending it. */
static void copy_value(char *dst, size_t size, mastra_str value)
{
    ms_error_copy(dst, size, value);
    size_t len = value.ptr ? ms_utf8_cut(value.ptr, value.len, size - 1) : 0;
    for (size_t i = 0; i < len; i++) {
        if (dst[i] == '\0') {
            dst[i] = ' ';
        }
    }
    blank_controls(dst);
}

mastra_status ms_error_argument(mastra_error *error, const char *field, mastra_str value,
                                const char *complaint)
{
    if (!error) {
        return MASTRA_INVALID_ARGUMENT;
    }
    mastra_error record = begin(error, MASTRA_INVALID_ARGUMENT);
    ms_error_copy(record.field, sizeof(record.field), mastra_str_of(field));
    if (!value.ptr) {
        snprintf(record.message, sizeof(record.message), "%s %s", record.field, complaint);
    } else {
        copy_value(record.value, sizeof(record.value), value);
        const char *more = strlen(record.value) < value.len ? "..." : "";
        /* The complaint gives way first: what was got must stay readable. */
        snprintf(record.message, sizeof(record.message), "%s %.300s, got \"%s\"%s", record.field, complaint,
                 record.value, more);
    }
    make_valid(record.message, strlen(record.message));
    ms_error_export(error, &record);
    return MASTRA_INVALID_ARGUMENT;
}

void ms_error_export(mastra_error *error, const mastra_error *from)
{
    if (!error || error == from) {
        return;
    }
    size_t size = shared_size(error);
    size_t from_size = shared_size(from);
    if (size > from_size) {
        size = from_size;
    }
    if (size <= BODY_OFFSET) {
        return;
    }
    memcpy((char *)error + BODY_OFFSET, (const char *)from + BODY_OFFSET, size - BODY_OFFSET);
    /* A record that ends inside a text must still end it. */
    if (size > offsetof(mastra_error, operation)) {
        ((char *)error)[size - 1] = '\0';
    }
}
