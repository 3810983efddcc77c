/* What the tables of arguments and results say, as JSON Schema and as lines for people. */
#include "call/call.h"

#include <stdio.h>

enum direction {
    AS_ARGUMENT,
    AS_PATCH,   /* of a record: only the key is required */
    AS_UPDATES, /* the same without the key */
    AS_RESULT,
};

static void put_schema(struct ms_buf *out, const struct ms_arg *arg, enum direction direction);

static void put_member(struct ms_buf *out, const char *name, const char *text)
{
    ms_buf_add_char(out, ',');
    ms_json_put_key(out, name);
    ms_json_put_string(out, mastra_str_of(text));
}

/* "type":"string", or "type":["string","null"]. */
static void put_type(struct ms_buf *out, const char *type, bool nullable)
{
    ms_buf_printf(out, nullable ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"", type);
}

/* Columns. */

static bool column_required(const struct ms_column *column, enum direction direction)
{
    switch (direction) {
    case AS_PATCH:
        return (column->flags & MS_KEY) != 0;
    case AS_UPDATES:
        return false;
    case AS_RESULT:
        return column->null == MS_NOT_NULL && !column->default_text;
    case AS_ARGUMENT:
        break;
    }
    return ms_column_required(column);
}

/* Whether the column is a member of records of this kind. */
static bool column_shown(const struct ms_arg *arg, int index, enum direction direction)
{
    const struct ms_column *column = &ms_entity(arg->entity)->columns[index];

    if (!column->offset || (direction == AS_UPDATES && (column->flags & MS_KEY))) {
        return false;
    }
    return direction != AS_RESULT || !(arg->bit & MS_BIT(index));
}

static void put_column_type(struct ms_buf *out, const struct ms_column *column, enum direction direction)
{
    bool nullable =
        direction == AS_UPDATES ? column->null != MS_NOT_NULL : !column_required(column, direction);

    switch (column->type) {
    case MS_TEXT:
        if (column->flags & MS_CONTENT) {
            ms_buf_add_text(out, nullable ? "\"type\":[\"string\",\"object\",\"array\",\"null\"]"
                                          : "\"type\":[\"string\",\"object\",\"array\"]");
        } else {
            put_type(out, "string", nullable);
        }
        break;
    case MS_JSON:
        if (column->flags & MS_OBJECT) {
            put_type(out, "object", nullable);
        } else {
            ms_buf_add_text(out, "\"description\":\"any JSON value\"");
        }
        break;
    case MS_INTEGER:
    case MS_BIGINT:
        put_type(out, "integer", nullable);
        break;
    case MS_REAL:
        put_type(out, "number", nullable);
        break;
    case MS_BOOLEAN:
        put_type(out, "boolean", nullable);
        break;
    case MS_TIMESTAMP:
        if (direction == AS_RESULT) {
            put_type(out, "string", nullable);
        } else {
            ms_buf_add_text(out, nullable ? "\"type\":[\"string\",\"integer\",\"null\"]"
                                          : "\"type\":[\"string\",\"integer\"]");
        }
        ms_buf_add_text(out, ",\"format\":\"date-time\"");
        break;
    }
    if (column->default_text && direction == AS_ARGUMENT) {
        put_member(out, "default", column->default_text);
    }
}

static void put_record_required(struct ms_buf *out, const struct ms_arg *arg, enum direction direction)
{
    const struct ms_entity *entity = ms_entity(arg->entity);
    const char *separator = "";

    for (int i = 0; i < entity->column_count; i++) {
        if (column_shown(arg, i, direction) && column_required(&entity->columns[i], direction)) {
            ms_buf_printf(out, "%s\"%s\"", separator, entity->columns[i].json);
            separator = ",";
        }
    }
    for (size_t i = 0; i < arg->member_count; i++) {
        ms_buf_printf(out, "%s\"%s\"", separator, arg->members[i].name);
        separator = ",";
    }
}

/* The members of an object schema for the entity's records. */
static void put_record_form(struct ms_buf *out, const struct ms_arg *arg, enum direction direction,
                            bool nullable)
{
    const struct ms_entity *entity = ms_entity(arg->entity);
    const char *separator = "";

    put_type(out, "object", nullable);
    put_member(out, "title", entity->noun);
    ms_buf_add_text(out, ",\"properties\":{");
    for (int i = 0; i < entity->column_count; i++) {
        if (column_shown(arg, i, direction)) {
            ms_buf_printf(out, "%s\"%s\":{", separator, entity->columns[i].json);
            put_column_type(out, &entity->columns[i], direction);
            ms_buf_add_char(out, '}');
            separator = ",";
        }
    }
    for (size_t i = 0; i < arg->member_count; i++) {
        ms_buf_printf(out, "%s\"%s\":", separator, arg->members[i].name);
        put_schema(out, &arg->members[i], direction);
        separator = ",";
    }
    ms_buf_add_text(out, "},\"required\":[");
    put_record_required(out, arg, direction);
    ms_buf_add_text(out, "]");
}

/* Arguments. */

static void put_members(struct ms_buf *out, const struct ms_arg *table, size_t count,
                        enum direction direction, bool nullable)
{
    const char *separator = "";

    put_type(out, "object", nullable);
    ms_buf_add_text(out, ",\"properties\":{");
    for (size_t i = 0; i < count; i++) {
        ms_buf_printf(out, "%s\"%s\":", i ? "," : "", table[i].name);
        put_schema(out, &table[i], direction);
    }
    ms_buf_add_text(out, "},\"required\":[");
    for (size_t i = 0; i < count; i++) {
        if (table[i].flags & MS_ARG_REQUIRED) {
            ms_buf_printf(out, "%s\"%s\"", separator, table[i].name);
            separator = ",";
        }
    }
    ms_buf_add_char(out, ']');
}

static void put_record_list(struct ms_buf *out, const struct ms_arg *arg, enum direction direction,
                            bool nullable)
{
    enum direction inner = arg->type == MS_ARG_PATCHES ? AS_PATCH : direction;

    put_type(out, "array", nullable);
    ms_buf_add_text(out, ",\"items\":{");
    put_record_form(out, arg, inner, false);
    ms_buf_add_char(out, '}');
}

static void put_choices(struct ms_buf *out, const struct ms_choice *choices)
{
    const char *separator = "";

    ms_buf_add_text(out, "\"type\":\"string\",\"enum\":[");
    for (const struct ms_choice *choice = choices; choice->name; choice++) {
        if (!choice->alias) {
            ms_buf_printf(out, "%s\"%s\"", separator, choice->name);
            separator = ",";
        }
    }
    ms_buf_add_char(out, ']');
}

static void put_texts(struct ms_buf *out, const struct ms_arg *arg)
{
    ms_buf_add_text(
        out, arg->flags & MS_ARG_OR_ONE
                 ? "\"oneOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]"
                 : "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
}

static void put_time_form(struct ms_buf *out, bool nullable)
{
    ms_buf_add_text(out, nullable ? "\"type\":[\"string\",\"integer\",\"null\"]"
                                  : "\"type\":[\"string\",\"integer\"]");
    ms_buf_add_text(out, ",\"format\":\"date-time\"");
}

/* The members of the schema that say which values are right. */
static void put_form(struct ms_buf *out, const struct ms_arg *arg, enum direction direction)
{
    bool nullable = (arg->flags & MS_ARG_NULLABLE) || (arg->bit && direction != AS_RESULT);

    switch (arg->type) {
    case MS_ARG_TEXT:
    case MS_ARG_FREE_TEXT:
        put_type(out, "string", nullable);
        break;
    case MS_ARG_OBJECT:
        put_type(out, "object", nullable);
        break;
    case MS_ARG_ARRAY:
        put_type(out, "array", nullable);
        break;
    case MS_ARG_OBJECTS:
        ms_buf_add_text(out, "\"type\":\"array\",\"items\":{\"type\":\"object\"}");
        break;
    case MS_ARG_TIMES:
        ms_buf_add_text(out, "\"oneOf\":[{");
        put_time_form(out, false);
        ms_buf_add_text(out, "},{\"type\":\"object\",\"additionalProperties\":{");
        put_time_form(out, false);
        ms_buf_add_text(out, "}}]");
        break;
    case MS_ARG_TIME:
        put_time_form(out, nullable);
        break;
    case MS_ARG_INTEGER:
        put_type(out, "integer", nullable);
        break;
    case MS_ARG_PER_PAGE:
        ms_buf_add_text(out, "\"oneOf\":[{\"type\":\"integer\"},{\"enum\":[false]}]");
        break;
    case MS_ARG_BOOLEAN:
        put_type(out, "boolean", nullable);
        break;
    case MS_ARG_CHOICE:
        put_choices(out, arg->choices);
        break;
    case MS_ARG_TEXTS:
        put_texts(out, arg);
        break;
    case MS_ARG_GROUP:
        put_members(out, arg->members, arg->member_count, direction, nullable);
        break;
    case MS_ARG_GROUPS:
        put_type(out, "array", nullable);
        ms_buf_add_text(out, ",\"items\":{");
        put_members(out, arg->members, arg->member_count, direction, false);
        ms_buf_add_char(out, '}');
        break;
    case MS_ARG_RECORD:
        put_record_form(out, arg, direction, nullable);
        break;
    case MS_ARG_UPDATES:
        put_record_form(out, arg, AS_UPDATES, false);
        break;
    case MS_ARG_RECORDS:
    case MS_ARG_PATCHES:
        put_record_list(out, arg, direction, nullable);
        break;
    case MS_ARG_NULL:
        put_type(out, "null", false);
        break;
    case MS_ARG_TEXT_MAP:
        put_type(out, "object", nullable);
        ms_buf_add_text(out, ",\"additionalProperties\":{\"type\":\"string\"}");
        break;
    }
}

static void put_schema(struct ms_buf *out, const struct ms_arg *arg, enum direction direction)
{
    ms_buf_add_char(out, '{');
    put_form(out, arg, direction);
    if (arg->about) {
        put_member(out, "description", arg->about);
    }
    if (arg->standard) {
        ms_buf_add_text(out, ",\"default\":");
        ms_buf_add_text(out, arg->standard);
    }
    ms_buf_add_char(out, '}');
}

static void put_args_schema(struct ms_buf *out, const struct ms_operation *operation)
{
    bool bare = operation->arg_count && (operation->args[0].flags & MS_ARG_BARE);

    if (bare) {
        ms_buf_add_text(out, "{\"oneOf\":[");
        put_schema(out, &operation->args[0], AS_ARGUMENT);
        ms_buf_add_char(out, ',');
    }
    ms_buf_add_char(out, '{');
    put_members(out, operation->args, operation->arg_count, AS_ARGUMENT, false);
    if (operation->arg_count && (operation->args[0].flags & MS_ARG_CLOSED)) {
        ms_buf_add_text(out, ",\"additionalProperties\":false");
    }
    ms_buf_add_text(out, bare ? "}]}" : "}");
}

/* The names of what the operation may end in, besides what any may. */
static void put_errors(struct ms_buf *out, uint32_t errors)
{
    const char *separator = "";

    ms_buf_add_char(out, '[');
    for (int bit = 0; bit < 32; bit++) {
        if (errors & (UINT32_C(1) << bit)) {
            ms_buf_printf(out, "%s\"%s\"", separator, mastra_status_name((mastra_status)-bit));
            separator = ",";
        }
    }
    ms_buf_add_char(out, ']');
}

void ms_operation_describe(struct ms_buf *out, const struct ms_operation *operation)
{
    ms_buf_printf(out, "{\"name\":\"%s\",\"domain\":\"%s\"", operation->op->name, operation->domain);
    put_member(out, "summary", operation->summary);
    ms_buf_add_text(out, ",\"args\":");
    put_args_schema(out, operation);
    ms_buf_add_text(out, ",\"result\":");
    put_schema(out, operation->result, AS_RESULT);
    ms_buf_add_text(out, ",\"writes\":");
    ms_json_put_bool(out, operation->op->writes);
    ms_buf_add_text(out, ",\"repeatable\":");
    ms_json_put_bool(out, operation->op->repeatable);
    ms_buf_add_text(out, ",\"errors\":");
    put_errors(out, operation->errors);
    ms_buf_add_text(out, ",\"example\":");
    ms_buf_add_text(out, operation->example ? operation->example : "null");
    ms_buf_add_char(out, '}');
}

/* For people. */

static const char *type_label(const struct ms_arg *arg)
{
    switch (arg->type) {
    case MS_ARG_TEXT:
    case MS_ARG_FREE_TEXT:
        return "string";
    case MS_ARG_TIME:
        return "time";
    case MS_ARG_TIMES:
        return "time or times";
    case MS_ARG_INTEGER:
        return "integer";
    case MS_ARG_PER_PAGE:
        return "integer or false";
    case MS_ARG_BOOLEAN:
        return "boolean";
    case MS_ARG_CHOICE:
        return "choice";
    case MS_ARG_TEXTS:
        return arg->flags & MS_ARG_OR_ONE ? "string or strings" : "strings";
    case MS_ARG_ARRAY:
    case MS_ARG_OBJECTS:
    case MS_ARG_GROUPS:
    case MS_ARG_RECORDS:
    case MS_ARG_PATCHES:
        return "array";
    default:
        return "object";
    }
}

static const char *column_label(const struct ms_column *column)
{
    switch (column->type) {
    case MS_TEXT:
        return column->flags & MS_CONTENT ? "string or JSON" : "string";
    case MS_JSON:
        return column->flags & MS_OBJECT ? "object" : "JSON";
    case MS_INTEGER:
    case MS_BIGINT:
        return "integer";
    case MS_REAL:
        return "number";
    case MS_BOOLEAN:
        return "boolean";
    case MS_TIMESTAMP:
        break;
    }
    return "time";
}

#define EXPLAIN_PATH 96

static void begin_line(struct ms_buf *out, const char *path, const char *label, bool required)
{
    ms_buf_printf(out, "  %-34s %-18s %-8s", path, label, required ? "required" : "");
}

static void end_line(struct ms_buf *out)
{
    while (out->len && out->ptr[out->len - 1] == ' ') {
        out->len--;
    }
    ms_buf_add_char(out, '\n');
}

static void explain_record(struct ms_buf *out, const char *prefix, const struct ms_arg *arg)
{
    const struct ms_entity *entity = ms_entity(arg->entity);
    enum direction direction = AS_ARGUMENT;

    if (arg->type == MS_ARG_PATCHES) {
        direction = AS_PATCH;
    } else if (arg->type == MS_ARG_UPDATES) {
        direction = AS_UPDATES;
    }
    for (int i = 0; i < entity->column_count; i++) {
        const struct ms_column *column = &entity->columns[i];
        char path[EXPLAIN_PATH];

        if (!column_shown(arg, i, direction)) {
            continue;
        }
        snprintf(path, sizeof path, "%.60s.%.30s", prefix, column->json);
        begin_line(out, path, column_label(column), column_required(column, direction));
        end_line(out);
    }
}

/* What is said of an argument's values, behind its type. */
static void explain_values(struct ms_buf *out, const struct ms_arg *arg)
{
    const char *separator = "  one of ";

    for (const struct ms_choice *choice = arg->choices; choice && choice->name; choice++) {
        if (!choice->alias) {
            ms_buf_printf(out, "%s%s", separator, choice->name);
            separator = ", ";
        }
    }
    if (arg->about) {
        ms_buf_printf(out, "  %s", arg->about);
    }
    if (arg->standard) {
        ms_buf_printf(out, "  (default %s)", arg->standard);
    }
}

static void explain(struct ms_buf *out, const char *prefix, const struct ms_arg *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ms_arg *arg = &table[i];
        bool list = arg->type == MS_ARG_GROUPS || arg->type == MS_ARG_RECORDS || arg->type == MS_ARG_PATCHES;
        char path[EXPLAIN_PATH];

        snprintf(path, sizeof path, "%.60s%s%.30s%s", prefix, prefix[0] ? "." : "", arg->name,
                 list ? "[]" : "");
        begin_line(out, path, type_label(arg), (arg->flags & MS_ARG_REQUIRED) != 0);
        explain_values(out, arg);
        end_line(out);
        if (arg->members) {
            explain(out, path, arg->members, arg->member_count);
        } else if (list || arg->type == MS_ARG_RECORD || arg->type == MS_ARG_UPDATES) {
            explain_record(out, path, arg);
        }
    }
}

void ms_operation_explain(struct ms_buf *out, const struct ms_operation *operation)
{
    explain(out, "", operation->args, operation->arg_count);
}
