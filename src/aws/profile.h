/* The shared files of AWS: ~/.aws/config and ~/.aws/credentials. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "aws/environment.h"

enum ms_ini_kind {
    MS_INI_PROFILE,
    MS_INI_SSO_SESSION,
    MS_INI_SERVICES,
    MS_INI_OTHER,
};

struct ms_ini_entry {
    enum ms_ini_kind kind;
    mastra_str section;
    mastra_str group; /* of indented lines: what stands before "=" on the line above them; else absent */
    mastra_str key;   /* empty: only tells that the section is there */
    mastra_str value;
};

/* One file. All texts are views of it. */
struct ms_ini {
    struct ms_heap *heap;
    struct ms_secret text;
    struct ms_ini_entry *entries;
    size_t count;
    size_t cap;
};

/*
 * Takes the text apart, which it takes over from `text`. `bare`: section names are profiles, as in the credentials file.
 * Lines that are neither a section nor "key = value" mean nothing. False: memory is out; still to be released.
 */
bool ms_ini_parse(struct ms_ini *ini, struct ms_heap *heap, struct ms_secret *text, bool bare);
void ms_ini_release(struct ms_ini *ini);

/* The last value of that key, whose case does not matter; absent when there is none. `group` NULL: of no group. */
mastra_str ms_ini_get(const struct ms_ini *ini, enum ms_ini_kind kind, mastra_str section, const char *group,
                      const char *key);
bool ms_ini_has(const struct ms_ini *ini, enum ms_ini_kind kind, mastra_str section);

struct ms_profiles {
    struct ms_ini config;
    struct ms_ini credentials;
    char why[160]; /* a file that is there and cannot be read */
};

/* Reads both files, as far as they are there. False: memory is out. To be released in any case. */
bool ms_profiles_load(struct ms_profiles *profiles, struct ms_heap *heap,
                      const struct ms_environment *environment);
void ms_profiles_release(struct ms_profiles *profiles);

/* A key of a profile: the credentials file goes first. */
mastra_str ms_profile_get(const struct ms_profiles *profiles, mastra_str profile, const char *key);
bool ms_profile_exists(const struct ms_profiles *profiles, mastra_str profile);

/*
 * A whole file. Returns 0, or an errno: EFBIG when it is longer than `most`, ENOMEM. The text is wiped when it is
 * released.
 */
int ms_file_read(struct ms_heap *heap, const char *path, size_t most, struct ms_secret *ret);

#endif
