/* Reading JSON texts that a store holds, which need not be well formed. Values are views of their text. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <mastra/mastra.h>

/* Goes through the members of an object or the elements of an array. */
struct json_iter {
    const char *at;
    const char *end;
    bool object;
};

void json_iter_init(struct json_iter *iter, mastra_str value); /* of nothing when it is neither */

/* The next member (key NULL: its name is not wanted) or element; false at the end. The key is a JSON string. */
bool json_next(struct json_iter *iter, mastra_str *key, mastra_str *value);

/* The member of that name; absent when there is none. */
mastra_str json_member(mastra_str object, const char *name);

bool json_is_object(mastra_str value);
bool json_is_null(mastra_str value); /* or absent */

/* What a string says; any other value as it is spelled, absent for null. *ret_owned is to be freed; false: no memory. */
bool json_text(mastra_str value, mastra_str *ret_text, char **ret_owned);

/* What an error says: its message when it is an object that has one. */
mastra_str json_error_text(mastra_str error);

/* A number as a time; MASTRA_TIME_NONE for anything else. */
mastra_time json_time(mastra_str value);

#endif
