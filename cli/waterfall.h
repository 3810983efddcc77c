/* The spans of a trace as a tree, each with a bar that shows when it ran. */
#ifndef CLI_WATERFALL_H
#define CLI_WATERFALL_H

#include <mastra/mastra.h>

#include <stdio.h>

struct waterfall_style {
    size_t width; /* columns */
    bool whole;   /* names are not cut, and the width is the bars' concern */
    bool utf8;
    bool coloured;
};

/* Prints the tree, what its errors say, and what is wrong with it. Returns false when memory ran out. */
bool waterfall_print(FILE *out, const mastra_span_list *spans, const struct waterfall_style *style);

#endif
