/* The tables that --only chooses. */
#ifndef CLI_CHOICE_H
#define CLI_CHOICE_H

#include <mastra/mastra.h>

#define CHOICE_MOST 16

struct choice {
    mastra_str names[CHOICE_MOST]; /* as the library knows them */
    size_t count;
};

/* Takes a list with commas apart, NULL for all; returns 0 or, after saying what is wrong, an exit code. */
int choice_read(struct choice *choice, const char *list);

#endif
