/* Forms of tables that are not in the catalogue, made at run time: all rows of a table stand in one partition, by their key. */
#include "backends/dynamodb/item.h"

#include <stdio.h>

#define PARTITION "$mastra_ext#entity_row#table_"
#define SORT      "$row_1"
#define PARTS     "$row_part_1"
#define RENAMED   "c_"

/* "#name_{name:#}" for each column of the key, or the order of insertion where there is none, behind `start`. */
static const char *sort_of(struct ms_arena *arena, const struct ms_entity *entity, const char *start,
                           const char *end)
{
    size_t room = strlen(start) + strlen(end) + 8;
    size_t len;
    char *text;

    for (uint8_t i = 0; i < entity->key_count; i++) {
        room += 2 * strlen(entity->columns[entity->keys[i]].name) + 8;
    }
    text = ms_arena_bytes(arena, room);
    if (!text) {
        return NULL;
    }
    len = (size_t)snprintf(text, room, "%s%s", start, entity->key_count == 0 ? "{#}" : "");
    for (uint8_t i = 0; i < entity->key_count; i++) {
        const char *name = entity->columns[entity->keys[i]].name;

        len += (size_t)snprintf(text + len, room - len, "#%s_{%s:#}", name, name);
    }
    snprintf(text + len, room - len, "%s", end);
    return text;
}

/* Whether an attribute of that name may be there for another reason, or be what another column is renamed to. */
static bool is_taken(const char *name)
{
    static const char *const starts[] = {"pk", "sk", "gsi", "__edb_", "mastra_", RENAMED};

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncmp(name, starts[i], strlen(starts[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Columns whose names are taken go by others. */
static bool rename_taken(struct ms_arena *arena, const struct ms_entity *entity, struct ms_item_form *form)
{
    struct ms_item_name *names = ms_arena_calloc(arena, (entity->column_count + 1u) * sizeof *names);

    if (!names) {
        return false;
    }
    for (uint8_t i = 0; i < entity->column_count; i++) {
        const char *name = entity->columns[i].name;
        size_t room = sizeof RENAMED + strlen(name);
        char *other;

        if (!is_taken(name)) {
            continue;
        }
        other = ms_arena_bytes(arena, room);
        if (!other) {
            return false;
        }
        snprintf(other, room, RENAMED "%s", name);
        names[form->name_count].column = i;
        names[form->name_count++].name = other;
    }
    form->names = names;
    return true;
}

const struct ms_item_form *ms_item_form_of_table(struct ms_arena *arena, const struct ms_entity *entity)
{
    struct ms_item_form *form = ms_arena_calloc(arena, sizeof *form);
    size_t room = sizeof PARTITION + strlen(entity->table);
    char *partition = ms_arena_bytes(arena, room);

    if (!form || !partition || !rename_taken(arena, entity, form)) {
        return NULL;
    }
    snprintf(partition, room, "%s%s", PARTITION, entity->table);
    form->type = "ext_row";
    form->path_count = 1;
    form->paths[0].partition = partition;
    form->paths[0].sort = sort_of(arena, entity, SORT, "");
    form->proof = MS_ITEM_REVISION;
    form->witnesses[0] = MS_ITEM_REVISION;
    form->witnesses_number = true;
    form->parts = sort_of(arena, entity, PARTS, "#");
    return form->paths[0].sort && form->parts ? form : NULL;
}
