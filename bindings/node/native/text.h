/*
 * Texts between UTF-8, which the library speaks, and UTF-16, which JavaScript holds. Node-API has both conversions, but
 * takes many times as long for texts that are not all ASCII, and on the thread of JavaScript.
 */
#ifndef NATIVE_TEXT_H
#define NATIVE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <uchar.h>

bool text_is_ascii(const char *text, size_t len);

/* Writes at most `len` units; *ret_units is how many. False when the text is not UTF-8. */
bool text_to_utf16(const char *text, size_t len, char16_t *units, size_t *ret_units);

/* Writes at most three bytes for each unit and returns how many. A lone surrogate becomes U+FFFD. */
size_t text_to_utf8(const char16_t *units, size_t count, char *text);

#endif
