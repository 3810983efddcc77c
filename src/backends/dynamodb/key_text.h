/* Key templates (see schema/form.h): taking them apart, and putting texts together from them. */
#ifndef BACKENDS_DYNAMODB_KEY_TEXT_H
#define BACKENDS_DYNAMODB_KEY_TEXT_H

#include "backends/dynamodb/key.h"

/* What stands in a template, one after the other: a literal, then a place for a value. */
struct ms_piece {
    mastra_str literal;
    int column;    /* -1: there is none */
    bool day;      /* the day of the column's time */
    bool doubled;  /* every # of it twice */
    bool sequence; /* no column, but the order of insertion */
};

/* Moves *at, which begins at the template, behind the next piece. False at the end. */
bool ms_template_next(const struct ms_entity *entity, const char **at, struct ms_piece *ret);

/* What a template begins with. */
mastra_str ms_template_literal(const char *template);

/* No value that fits a key is longer before it is lower-cased. */
#define MS_TEMPLATE_ROOM (3 * MS_KEY_PARTITION_MOST)

/* A text of a key that is being put together. */
struct ms_key_text {
    const struct ms_entity *entity;
    size_t most;
    int column; /* of the longest value in it, -1: none */
    mastra_str value;
    bool over;   /* it does not fit any more */
    bool steady; /* only so much of it is wanted as is the same whatever follows */
    size_t len;
    char raw[MS_TEMPLATE_ROOM];
};

void ms_key_text_init(struct ms_key_text *text, const struct ms_entity *entity, size_t most);
void ms_key_text_add(struct ms_key_text *text, mastra_str part);
/* The value of a piece; an absent one adds nothing. */
void ms_key_text_add_value(struct ms_key_text *text, const struct ms_piece *piece, mastra_str value);

/* Hands it over, lower-cased where the entity is shared. *ret_over: it is too long. False: memory is out. */
bool ms_key_text_end(struct ms_key_text *text, struct ms_arena *arena, mastra_str *ret, bool *ret_over);

/* That it is too long: INVALID_ARGUMENT naming the column. */
mastra_status ms_key_text_error(const struct ms_key_text *text, mastra_error *error);

/* A text of a key of a record; *ret_complete false: one of its values is absent. */
mastra_status ms_template_compose(const struct ms_entity *entity, const char *template, size_t most,
                                  const void *record, int64_t sequence, struct ms_arena *arena,
                                  mastra_str *ret, bool *ret_complete, mastra_error *error);
uint64_t ms_template_columns(const struct ms_entity *entity, const char *template);

/* A column's value in a key, in `room` or where it stands; absent when it is null. */
#define MS_VALUE_ROOM 40
mastra_str ms_key_value(const struct ms_column *column, const void *record, bool day,
                        char room[MS_VALUE_ROOM]);

#endif
