/* Rows that share a key, in a table whose key no index keeps. */
#include "sql/walk.h"

static void key_names(struct ms_sql *sql, const struct ms_entity *entity, const char *separator,
                      const char *suffix)
{
    for (size_t i = 0; i < entity->key_count; i++) {
        walk_text(sql, i == 0 ? "" : separator);
        walk_name(sql, entity->columns[entity->keys[i]].name);
        walk_text(sql, suffix);
    }
}

/* From the best to the worst. What nothing else tells apart goes by where it is stored: the last one is the best. */
static void ranking(struct ms_sql *sql, const struct ms_repeats *repeats)
{
    walk_text(sql, " ORDER BY ");
    walk_name(sql, repeats->entity->columns[repeats->present].name);
    walk_text(sql, " IS NULL, ");
    for (size_t i = 0; i < MS_REPEATS_LATEST; i++) {
        walk_time(sql, &repeats->entity->columns[repeats->latest[i]]);
        walk_text(sql, " DESC NULLS LAST, ");
    }
    walk_text(sql, sql->dialect->row_id);
    walk_text(sql, " DESC");
}

/* Nulls are no key: rows that have one in it are not alike. */
void ms_sql_erase_repeats(struct ms_sql *sql, const void *what)
{
    const struct ms_repeats *repeats = what;
    const struct ms_entity *entity = repeats->entity;

    walk_shape(sql, VERB_ERASE_REPEATS);
    walk_shape_entity(sql, entity);
    walk_shape(sql, repeats->present);
    for (size_t i = 0; i < MS_REPEATS_LATEST; i++) {
        walk_shape(sql, repeats->latest[i]);
    }
    walk_text(sql, "DELETE FROM ");
    walk_table(sql, entity);
    walk_text(sql, " WHERE (");
    walk_text(sql, sql->dialect->row_place);
    walk_text(sql, ") IN (SELECT ");
    walk_text(sql, sql->dialect->row_place);
    walk_text(sql, " FROM (SELECT ");
    walk_text(sql, sql->dialect->row_place);
    walk_text(sql, ", row_number() OVER (PARTITION BY ");
    key_names(sql, entity, ", ", "");
    ranking(sql, repeats);
    walk_text(sql, ") AS mastra_rank FROM ");
    walk_table(sql, entity);
    walk_text(sql, " WHERE ");
    key_names(sql, entity, " AND ", " IS NOT NULL");
    walk_text(sql, ") AS mastra_ranked WHERE mastra_rank > 1) RETURNING ");
    walk_columns(sql, entity, ms_entity_keys(entity));
}
