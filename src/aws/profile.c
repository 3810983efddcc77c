#include "aws/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define MOST_FILE ((size_t)1 << 20)
#define PATH_SIZE 4096

/* Reads up to `cap` bytes; returns how many, or -1. */
static ssize_t read_up_to(int fd, char *out, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t got = read(fd, out + len, cap - len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -1;
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    return (ssize_t)len;
}

static int read_all(int fd, struct ms_heap *heap, size_t most, struct ms_secret *ret)
{
    struct ms_secret text = {0};
    struct stat info;
    size_t cap = most;
    ssize_t len;

    /* A size of zero may mean that the file system does not know it. */
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 && (size_t)info.st_size < most) {
        cap = (size_t)info.st_size;
    }
    /* One byte more shows that there is more. */
    if (!ms_secret_reserve(&text, heap, cap + 1)) {
        return ENOMEM;
    }
    len = read_up_to(fd, text.ptr, cap + 1);
    if (len < 0 || (size_t)len > cap) {
        int failed = len < 0 ? errno : EFBIG;

        ms_secret_release(&text);
        return failed;
    }
    text.ptr[len] = '\0';
    text.len = (size_t)len;
    ms_secret_release(ret);
    *ret = text;
    return 0;
}

int ms_file_read(struct ms_heap *heap, const char *path, size_t most, struct ms_secret *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed;

    if (fd < 0) {
        return errno;
    }
    failed = read_all(fd, heap, most, ret);
    close(fd);
    return failed;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static mastra_str trim(mastra_str text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* The line up to a "#" or ";" that begins it or follows a blank. */
static mastra_str without_comment(mastra_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        bool mark = line.ptr[i] == '#' || line.ptr[i] == ';';

        if (mark && (i == 0 || is_blank(line.ptr[i - 1]))) {
            line.len = i;
        }
    }
    return line;
}

static bool equals(mastra_str text, const char *other)
{
    return ms_str_compare(text, mastra_str_of(other)) == 0;
}

static bool equals_any_case(mastra_str text, const char *other)
{
    return text.len == strlen(other) && strncasecmp(text.ptr, other, text.len) == 0;
}

/* "profile dev" and the like, the name perhaps in quotes. */
static mastra_str name_behind(mastra_str header, size_t word)
{
    mastra_str name = trim((mastra_str){header.ptr + word, header.len - word});
    bool quoted =
        name.len >= 2 && (name.ptr[0] == '"' || name.ptr[0] == '\'') && name.ptr[name.len - 1] == name.ptr[0];

    return quoted ? (mastra_str){name.ptr + 1, name.len - 2} : name;
}

static void read_header(mastra_str header, bool bare, struct ms_ini_entry *entry)
{
    static const struct {
        const char *word;
        enum ms_ini_kind kind;
    } kinds[] = {
        {"profile", MS_INI_PROFILE},
        {"sso-session", MS_INI_SSO_SESSION},
        {"services", MS_INI_SERVICES},
    };
    size_t word = 0;

    *entry = (struct ms_ini_entry){.kind = MS_INI_OTHER, .section = header};
    if (bare || equals(header, "default")) {
        entry->kind = MS_INI_PROFILE;
        return;
    }
    while (word < header.len && !is_blank(header.ptr[word])) {
        word++;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && word < header.len; i++) {
        if (equals((mastra_str){header.ptr, word}, kinds[i].word)) {
            entry->kind = kinds[i].kind;
            entry->section = name_behind(header, word);
        }
    }
}

static bool add_entry(struct ms_ini *ini, const struct ms_ini_entry *entry)
{
    if (ini->count == ini->cap) {
        size_t cap = ini->cap ? 2 * ini->cap : 32;
        struct ms_ini_entry *entries = ms_heap_realloc(ini->heap, ini->entries, cap * sizeof *entries);

        if (!entries) {
            return false;
        }
        ini->entries = entries;
        ini->cap = cap;
    }
    ini->entries[ini->count++] = *entry;
    return true;
}

/* `current` is the section that the line stands in, and the group. */
static bool read_line(struct ms_ini *ini, mastra_str line, bool bare, struct ms_ini_entry *current)
{
    bool indented = line.len > 0 && is_blank(line.ptr[0]);
    mastra_str text = trim(without_comment(line));
    const char *sign;
    struct ms_ini_entry entry;

    if (text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']') {
        read_header(trim((mastra_str){text.ptr + 1, text.len - 2}), bare, current);
        return add_entry(ini, current);
    }
    sign = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;
    if (!sign || sign == text.ptr || !current->section.ptr) {
        return true;
    }
    entry = *current;
    entry.key = trim((mastra_str){text.ptr, (size_t)(sign - text.ptr)});
    entry.value = trim((mastra_str){sign + 1, text.len - (size_t)(sign + 1 - text.ptr)});
    if (entry.value.len == 0) {
        current->group = entry.key;
        return true;
    }
    if (!indented) {
        current->group = (mastra_str){NULL, 0};
        entry.group = current->group;
    }
    return add_entry(ini, &entry);
}

bool ms_ini_parse(struct ms_ini *ini, struct ms_heap *heap, struct ms_secret *text, bool bare)
{
    struct ms_ini_entry current = {0};
    mastra_str rest;

    *ini = (struct ms_ini){.heap = heap, .text = *text};
    *text = (struct ms_secret){0};
    rest = ms_secret_view(&ini->text);
    if (rest.len >= 3 && memcmp(rest.ptr, "\xef\xbb\xbf", 3) == 0) {
        rest.ptr += 3;
        rest.len -= 3;
    }
    while (rest.len > 0) {
        const char *end = memchr(rest.ptr, '\n', rest.len);
        mastra_str line = {rest.ptr, end ? (size_t)(end - rest.ptr) : rest.len};
        size_t used = line.len + (end ? 1 : 0);

        if (!read_line(ini, line, bare, &current)) {
            return false;
        }
        rest.ptr += used;
        rest.len -= used;
    }
    return true;
}

void ms_ini_release(struct ms_ini *ini)
{
    if (ini->heap) {
        ms_heap_release(ini->heap, ini->entries);
    }
    ms_secret_release(&ini->text);
    *ini = (struct ms_ini){0};
}

mastra_str ms_ini_get(const struct ms_ini *ini, enum ms_ini_kind kind, mastra_str section, const char *group,
                      const char *key)
{
    for (size_t i = ini->count; i-- > 0;) {
        const struct ms_ini_entry *entry = &ini->entries[i];
        bool grouped = group ? equals_any_case(entry->group, group) : !entry->group.ptr;

        if (entry->kind == kind && grouped && equals_any_case(entry->key, key) &&
            ms_str_compare(entry->section, section) == 0) {
            return entry->value;
        }
    }
    return (mastra_str){NULL, 0};
}

bool ms_ini_has(const struct ms_ini *ini, enum ms_ini_kind kind, mastra_str section)
{
    for (size_t i = 0; i < ini->count; i++) {
        if (ini->entries[i].kind == kind && ms_str_compare(ini->entries[i].section, section) == 0) {
            return true;
        }
    }
    return false;
}

/* False: memory is out. A file that is not there is an empty one. */
static bool load(struct ms_profiles *profiles, struct ms_ini *ini, struct ms_heap *heap,
                 const struct ms_environment *environment, const char *variable, const char *name, bool bare)
{
    const char *path = ms_environment_get(environment, variable);
    const char *home = ms_environment_get(environment, "HOME");
    struct ms_secret text = {0};
    char own[PATH_SIZE];
    int failed;

    if (!path) {
        if (!home || snprintf(own, sizeof own, "%s/.aws/%s", home, name) >= (int)sizeof own) {
            return true;
        }
        path = own;
    }
    failed = ms_file_read(heap, path, MOST_FILE, &text);
    if (failed == ENOMEM) {
        return false;
    }
    if (failed != 0) {
        if (failed != ENOENT && failed != ENOTDIR) {
            snprintf(profiles->why, sizeof profiles->why, "%.100s: %s", path, strerror(failed));
        }
        return true;
    }
    return ms_ini_parse(ini, heap, &text, bare);
}

bool ms_profiles_load(struct ms_profiles *profiles, struct ms_heap *heap,
                      const struct ms_environment *environment)
{
    *profiles = (struct ms_profiles){.why = ""};
    return load(profiles, &profiles->config, heap, environment, "AWS_CONFIG_FILE", "config", false) &&
           load(profiles, &profiles->credentials, heap, environment, "AWS_SHARED_CREDENTIALS_FILE",
                "credentials", true);
}

void ms_profiles_release(struct ms_profiles *profiles)
{
    ms_ini_release(&profiles->config);
    ms_ini_release(&profiles->credentials);
}

mastra_str ms_profile_get(const struct ms_profiles *profiles, mastra_str profile, const char *key)
{
    mastra_str value = ms_ini_get(&profiles->credentials, MS_INI_PROFILE, profile, NULL, key);

    return value.ptr ? value : ms_ini_get(&profiles->config, MS_INI_PROFILE, profile, NULL, key);
}

bool ms_profile_exists(const struct ms_profiles *profiles, mastra_str profile)
{
    return ms_ini_has(&profiles->credentials, MS_INI_PROFILE, profile) ||
           ms_ini_has(&profiles->config, MS_INI_PROFILE, profile);
}
