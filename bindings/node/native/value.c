/* Texts to and from JavaScript. */
#include "addon.h"
#include "text.h"

#include <stdlib.h>

char *value_text(napi_env env, napi_value value, struct value_room *room, size_t *ret_len)
{
    char16_t *units = room->units;
    char *text = room->text;
    size_t count = 0;

    room->block = NULL;
    if (napi_get_value_string_utf16(env, value, NULL, 0, &count) != napi_ok) {
        return NULL;
    }
    if (count >= VALUE_ROOM_UNITS) {
        room->block_size = (count + 1) * (sizeof *units + 3);
        room->block = units = malloc(room->block_size);
        if (!units) {
            return NULL;
        }
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
