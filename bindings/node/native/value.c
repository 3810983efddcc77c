/* Texts to and from JavaScript. */
#include "addon.h"
#include "text.h"

#include <stdlib.h>

/* Takes memory for what does not fit on the stack. */
static void *room_for(struct value_room *room, size_t size, void *own, size_t own_size)
{
    room->block = NULL;
    if (size <= own_size) {
        return own;
    }
    room->block_size = size;
    room->block = malloc(size);
    return room->block;
}

/* Characters that take a byte each. */
static char *ascii_text(napi_env env, napi_value value, struct value_room *room, size_t count,
                        size_t *ret_len)
{
    char *text = room_for(room, count + 1, room->text, sizeof room->text);

    return text && napi_get_value_string_latin1(env, value, text, count + 1, ret_len) == napi_ok ? text
                                                                                                 : NULL;
}

char *value_text(napi_env env, napi_value value, struct value_room *room, size_t *ret_len)
{
    char16_t *units;
    char *text = room->text;
    size_t count = 0;
    size_t bytes = 0;

    room->block = NULL;
    if (napi_get_value_string_utf16(env, value, NULL, 0, &count) != napi_ok ||
        napi_get_value_string_utf8(env, value, NULL, 0, &bytes) != napi_ok) {
        return NULL;
    }
    if (bytes == count) {
        return ascii_text(env, value, room, count, ret_len);
    }
    units = room_for(room, (count + 1) * (sizeof *units + 3), room->units,
                     VALUE_ROOM_UNITS * (sizeof *units + 3));
    if (!units) {
        return NULL;
    }
    if (room->block) {
        text = (char *)(units + count + 1);
    }
    if (napi_get_value_string_utf16(env, value, units, count + 1, &count) != napi_ok) {
        return NULL;
    }
    *ret_len = text_to_utf8(units, count, text);
    text[*ret_len] = '\0';
    return text;
}

void value_room_release(struct value_room *room)
{
    free(room->block);
    room->block = NULL;
}

napi_value value_of_outcome(napi_env env, const struct outcome *outcome)
{
    napi_value string;
    napi_status status;

    switch (outcome->form) {
    case TEXT_ASCII:
        status = napi_create_string_latin1(env, outcome->text, outcome->len, &string);
        break;
    case TEXT_UTF16:
        status = napi_create_string_utf16(env, outcome->text, outcome->len, &string);
        break;
    case TEXT_UTF8:
        status = napi_create_string_utf8(env, outcome->text, outcome->len, &string);
        break;
    default:
        return NULL;
    }
    return status == napi_ok ? string : NULL;
}

napi_value value_error(napi_env env, const mastra_error *error)
{
    napi_value string = NULL;
    char *json = NULL;
    size_t len = 0;

    if (mastra_error_json(error, &json, &len) == MASTRA_OK) {
        if (napi_create_string_utf8(env, json, len, &string) != napi_ok) {
            string = NULL;
        }
        mastra_json_free(json);
    }
    if (!string) {
        napi_get_null(env, &string);
    }
    return string;
}
