#include "moment.h"

#include <stdlib.h>
#include <time.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

mastra_time moment_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (mastra_time)now.tv_sec * SECOND + now.tv_nsec / 1000000;
}

/* Takes in this many digits; moves *at behind them. */
static bool read_digits(const char **at, int count, int *ret)
{
    int number = 0;

    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        number = 10 * number + (**at - '0');
    }
    *ret = number;
    return true;
}

/* A separator and two digits. */
static bool read_pair(const char **at, char separator, int *ret)
{
    if (separator && **at != separator) {
        return false;
    }
    *at += separator != '\0';
    return read_digits(at, 2, ret);
}

static bool read_date(const char **at, struct tm *parts)
{
    if (!read_digits(at, 4, &parts->tm_year) || !read_pair(at, '-', &parts->tm_mon) ||
        !read_pair(at, '-', &parts->tm_mday)) {
        return false;
    }
    parts->tm_year -= 1900;
    parts->tm_mon -= 1;
    return true;
}

static bool read_clock(const char **at, struct tm *parts, int *millis)
{
    int unit = 100;

    if (!read_pair(at, '\0', &parts->tm_hour) || !read_pair(at, ':', &parts->tm_min)) {
        return false;
    }
    if (**at != ':') {
        return true;
    }
    if (!read_pair(at, ':', &parts->tm_sec)) {
        return false;
    }
    if (**at == '.') {
        for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, unit /= 10) {
            *millis += unit * (**at - '0');
        }
    }
    return true;
}

/* "Z", "+02:00", "-0530" or nothing: minutes east. */
static bool read_zone(const char **at, int *minutes)
{
    int sign = **at == '-' ? -1 : 1;
    int hours;

    if (**at == 'Z' || **at == 'z') {
        (*at)++;
        return true;
    }
    if (**at != '+' && **at != '-') {
        return true;
    }
    (*at)++;
    if (!read_digits(at, 2, &hours)) {
        return false;
    }
    *at += **at == ':';
    if (!read_digits(at, 2, minutes)) {
        return false;
    }
    *minutes = sign * (60 * hours + *minutes);
    return true;
}

static bool read_time(const char *text, mastra_time *ret)
{
    struct tm parts = {0};
    struct tm meant;
    int millis = 0;
    int zone = 0;
    time_t seconds;

    if (!read_date(&text, &parts)) {
        return false;
    }
    if (*text == 'T' || *text == ' ') {
        text++;
        if (!read_clock(&text, &parts, &millis) || !read_zone(&text, &zone)) {
            return false;
        }
    }
    meant = parts;
    seconds = timegm(&parts);
    /* The 30th of February has become a day of March. */
    if (*text || parts.tm_mday != meant.tm_mday || parts.tm_mon != meant.tm_mon ||
        parts.tm_hour != meant.tm_hour || parts.tm_min != meant.tm_min || parts.tm_sec != meant.tm_sec) {
        return false;
    }
    *ret = (mastra_time)seconds * SECOND + millis - zone * MINUTE;
    return true;
}

static bool read_age(const char *text, mastra_time *ret)
{
    static const struct {
        char name;
        int64_t length;
    } units[] = {{'s', SECOND}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}, {'w', 7 * DAY}};
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6 || !text[digits] || text[digits + 1]) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].name == text[digits]) {
            *ret = moment_now() - strtoll(text, NULL, 10) * units[i].length;
            return true;
        }
    }
    return false;
}

bool moment_read(const char *text, mastra_time *ret)
{
    return read_age(text, ret) || read_time(text, ret);
}

void moment_write_span(FILE *out, mastra_time from, mastra_time to)
{
    int64_t length;

    if (from == MASTRA_TIME_NONE || to == MASTRA_TIME_NONE || __builtin_sub_overflow(to, from, &length)) {
        fputc('-', out);
        return;
    }
    if (length < 0) {
        fputc('-', out);
        length = length == INT64_MIN ? INT64_MAX : -length;
    }
    if (length < SECOND) {
        fprintf(out, "%lld ms", (long long)length);
    } else if (length < MINUTE) {
        fprintf(out, "%lld.%02lld s", (long long)(length / SECOND), (long long)(length % SECOND / 10));
    } else if (length < HOUR) {
        fprintf(out, "%lld min %02lld s", (long long)(length / MINUTE),
                (long long)(length % MINUTE / SECOND));
    } else if (length < DAY) {
        fprintf(out, "%lld h %02lld min", (long long)(length / HOUR), (long long)(length % HOUR / MINUTE));
    } else {
        fprintf(out, "%lld d %lld h", (long long)(length / DAY), (long long)(length % DAY / HOUR));
    }
}
