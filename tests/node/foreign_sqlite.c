/* A library that has SQLite's names and none of its sense: preloaded, it is found first by whoever looks for them. */
#include <stdlib.h>

const char *sqlite3_libversion(void);
int sqlite3_libversion_number(void);
int sqlite3_open_v2(const char *name, void **ret, int flags, const char *vfs);
int sqlite3_prepare_v3(void *db, const char *sql, int len, unsigned flags, void **ret, const char **tail);

const char *sqlite3_libversion(void)
{
    return "0.0.0";
}

int sqlite3_libversion_number(void)
{
    return 0;
}

int sqlite3_open_v2(const char *name, void **ret, int flags, const char *vfs)
{
    (void)name, (void)ret, (void)flags, (void)vfs;
    abort();
}

int sqlite3_prepare_v3(void *db, const char *sql, int len, unsigned flags, void **ret, const char **tail)
{
    (void)db, (void)sql, (void)len, (void)flags, (void)ret, (void)tail;
    abort();
}
