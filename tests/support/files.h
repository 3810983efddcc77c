/* Throw-away directories for tests. */
#ifndef SUPPORT_FILES_H
#define SUPPORT_FILES_H

#include <stdbool.h>
#include <stddef.h>

/* A new empty directory below TMPDIR; ends the test program when that is not possible. */
char *test_dir_new(void);

/* Removes a directory with all that is in it and frees the path. NULL is allowed. */
void test_dir_remove(char *path);

/* printf into fresh memory. */
char *test_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads or writes a whole file; these end the test program when they fail. The text of a read file is terminated. */
char *test_file_read(const char *path, size_t *ret_len);
void test_file_write(const char *path, const void *bytes, size_t len);

#endif
