/* Attributes as JSON. */
#include "backends/dynamodb/item.h"

#include "base/json.h"

void ms_item_write_string(struct ms_buf *buf, mastra_str text)
{
    ms_buf_add_text(buf, "{\"S\":");
    ms_json_put_string(buf, text);
    ms_buf_add_char(buf, '}');
}

void ms_item_write_number(struct ms_buf *buf, int64_t number)
{
    ms_buf_add_text(buf, "{\"N\":\"");
    ms_buf_add_int(buf, number);
    ms_buf_add_text(buf, "\"}");
}

static void write_strings(struct ms_buf *buf, mastra_str names)
{
    const char *separator = "{\"SS\":[\"";

    while (names.len > 0) {
        const char *comma = memchr(names.ptr, ',', names.len);
        size_t len = comma ? (size_t)(comma - names.ptr) : names.len;

        ms_buf_add_text(buf, separator);
        ms_buf_add(buf, names.ptr, len);
        separator = "\",\"";
        names.ptr += comma ? len + 1 : len;
        names.len -= comma ? len + 1 : len;
    }
    ms_buf_add_text(buf, "\"]}");
}

void ms_item_write_value(struct ms_buf *buf, const struct ms_item_attribute *attribute)
{
    switch (attribute->kind) {
    case MS_ITEM_STRING:
        ms_item_write_string(buf, attribute->text);
        break;
    case MS_ITEM_NUMBER:
        ms_buf_add_text(buf, "{\"N\":\"");
        ms_buf_add_str(buf, attribute->text);
        ms_buf_add_text(buf, "\"}");
        break;
    case MS_ITEM_BOOLEAN:
        ms_buf_add_text(buf, "{\"BOOL\":");
        ms_buf_add_str(buf, attribute->text);
        ms_buf_add_char(buf, '}');
        break;
    case MS_ITEM_STRINGS:
        write_strings(buf, attribute->text);
        break;
    }
}

/* Left open. */
static void write_open_key(struct ms_buf *buf, const struct ms_key *key)
{
    ms_buf_add_text(buf, "{\"pk\":");
    ms_item_write_string(buf, key->partition);
    ms_buf_add_text(buf, ",\"sk\":");
    ms_item_write_string(buf, key->sort);
}

void ms_item_write_key(struct ms_buf *buf, const struct ms_key *key)
{
    write_open_key(buf, key);
    ms_buf_add_char(buf, '}');
}

void ms_item_write_whole(struct ms_buf *buf, const struct ms_item_change *change)
{
    write_open_key(buf, &change->key);
    for (size_t i = 0; i < change->count; i++) {
        const struct ms_item_attribute *attribute = &change->attributes[i];

        if (attribute->action == MS_ITEM_SET || attribute->action == MS_ITEM_SET_ONCE) {
            ms_buf_add_char(buf, ',');
            ms_json_put_string(buf, mastra_str_of(attribute->name));
            ms_buf_add_char(buf, ':');
            ms_item_write_value(buf, attribute);
        }
    }
    ms_buf_add_char(buf, '}');
}
