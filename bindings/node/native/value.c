/* Texts to and from JavaScript. */
#include "addon.h"

#include <stdlib.h>

char *value_text(napi_env env, napi_value value, char *room, size_t room_size, size_t *ret_len)
{
    char *text = room;
    size_t len = 0;

    if (napi_get_value_string_utf8(env, value, room, room_size, &len) != napi_ok) {
        return NULL;
    }
    /* What may have been cut, at most before a character of four bytes, is longer. */
    if (len + 4 >= room_size) {
        if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) {
            return NULL;
        }
        text = malloc(len + 1);
        if (text && napi_get_value_string_utf8(env, value, text, len + 1, &len) != napi_ok) {
            free(text);
            text = NULL;
        }
    }
    *ret_len = len;
    return text;
}

napi_value value_string(napi_env env, const char *text, size_t len, bool ascii)
{
    napi_value string;
    napi_status status = ascii ? napi_create_string_latin1(env, text, len, &string)
                               : napi_create_string_utf8(env, text, len, &string);

    return status == napi_ok ? string : NULL;
}

napi_value value_error(napi_env env, const mastra_error *error)
{
    napi_value string = NULL;
    char *json = NULL;
    size_t len = 0;

    if (mastra_error_json(error, &json, &len) == MASTRA_OK) {
        string = value_string(env, json, len, false);
        mastra_json_free(json);
    }
    if (!string) {
        napi_get_null(env, &string);
    }
    return string;
}
