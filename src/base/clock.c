#include "base/clock.h"

#include <errno.h>
#include <time.h>

#define MS_PER_DAY    INT64_C(86400000)
#define MS_PER_MINUTE INT64_C(60000)
#define TIME_LIMIT    INT64_C(8640000000000000)

mastra_time ms_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (mastra_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t ms_clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t ms_clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void ms_clock_sleep_us(int64_t microseconds)
{
    if (microseconds <= 0) {
        return;
    }
    /* An absolute deadline, so that signals do not lengthen the sleep. */
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(microseconds / 1000000);
    until.tv_nsec += (long)(microseconds % 1000000) * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        continue;
    }
}

bool ms_time_valid(mastra_time time)
{
    return time >= -TIME_LIMIT && time <= TIME_LIMIT;
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar; days past the month's end run on. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    /* Years that begin in March put the leap day last; 400 of them repeat exactly. */
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (int)(5 * day_of_year + 2) / 153;
    *ret_day = (int)day_of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

size_t ms_time_format(mastra_time time, char out[MS_ISO_SIZE])
{
    int64_t days = time / MS_PER_DAY;
    int64_t rest = time % MS_PER_DAY;
    if (rest < 0) {
        rest += MS_PER_DAY;
        days--;
    }
    int64_t year;
    int month, day;
    civil_from_days(days, &year, &month, &day);

    char *at = out;
    if (year >= 0 && year <= 9999) {
        at = put_digits(at, year, 4);
    } else {
        *at++ = year < 0 ? '-' : '+';
        at = put_digits(at, year < 0 ? -year : year, 6);
    }
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, rest / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, rest / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, rest / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, rest % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

struct reader {
    const char *at;
    const char *end;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool accept(struct reader *reader, char c)
{
    if (reader->at == reader->end || *reader->at != c) {
        return false;
    }
    reader->at++;
    return true;
}

static bool accept_either(struct reader *reader, char a, char b)
{
    return accept(reader, a) || accept(reader, b);
}

/* Exactly `width` digits that give a number from `min` to `max`. */
static bool read_number(struct reader *reader, int width, int min, int max, int *ret)
{
    if (reader->end - reader->at < width) {
        return false;
    }
    int value = 0;
    for (int i = 0; i < width; i++) {
        if (!is_digit(reader->at[i])) {
            return false;
        }
        value = 10 * value + (reader->at[i] - '0');
    }
    if (value < min || value > max) {
        return false;
    }
    reader->at += width;
    *ret = value;
    return true;
}

/* Year, or year and month, or all three: what is missing is 1. Returns the day's number since the epoch. */
static bool read_date(struct reader *reader, int64_t *ret_days)
{
    int year, month = 1, day = 1;
    if (accept(reader, '+')) {
        if (!read_number(reader, 6, 0, 999999, &year)) {
            return false;
        }
    } else if (accept(reader, '-')) {
        if (!read_number(reader, 6, 1, 999999, &year)) {
            return false;
        }
        year = -year;
    } else if (!read_number(reader, 4, 0, 9999, &year)) {
        return false;
    }
    if (accept(reader, '-')) {
        if (!read_number(reader, 2, 1, 12, &month)) {
            return false;
        }
        /* JavaScript takes 31 days for every month and lets 30 February run on into March. */
        if (accept(reader, '-') && !read_number(reader, 2, 1, 31, &day)) {
            return false;
        }
    }
    *ret_days = days_from_civil(year, month, day);
    return true;
}

/* The digits behind the point, cut to milliseconds. */
static bool read_fraction(struct reader *reader, int *ret)
{
    if (reader->at == reader->end || !is_digit(*reader->at)) {
        return false;
    }
    int value = 0;
    for (int scale = 100; reader->at < reader->end && is_digit(*reader->at); reader->at++) {
        value += scale * (*reader->at - '0');
        scale /= 10;
    }
    *ret = value;
    return true;
}

static bool read_clock(struct reader *reader, int64_t *ret_ms)
{
    int hour, minute, second = 0, milli = 0;
    if (!read_number(reader, 2, 0, 24, &hour) || !accept(reader, ':') ||
        !read_number(reader, 2, 0, 59, &minute)) {
        return false;
    }
    if (accept(reader, ':')) {
        if (!read_number(reader, 2, 0, 59, &second)) {
            return false;
        }
        if (accept(reader, '.') && !read_fraction(reader, &milli)) {
            return false;
        }
    }
    int64_t ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + milli;
    if (ms > MS_PER_DAY) {
        return false;
    }
    *ret_ms = ms;
    return true;
}

/* Z, +hh, +hhmm, +hh:mm or nothing, which is UTC. */
static bool read_zone(struct reader *reader, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (reader->at == reader->end || accept_either(reader, 'Z', 'z')) {
        return true;
    }
    bool west = *reader->at == '-';
    if (!accept_either(reader, '+', '-')) {
        return false;
    }
    int hour, minute = 0;
    if (!read_number(reader, 2, 0, 23, &hour)) {
        return false;
    }
    bool more = accept(reader, ':') || reader->at < reader->end;
    if (more && !read_number(reader, 2, 0, 59, &minute)) {
        return false;
    }
    int64_t ms = (hour * 60 + minute) * MS_PER_MINUTE;
    *ret_ms = west ? -ms : ms;
    return true;
}

/* Two digits; -1 when they are none. */
static int pair(const char *at)
{
    unsigned tens = (unsigned)(at[0] - '0');
    unsigned ones = (unsigned)(at[1] - '0');
    return tens > 9 || ones > 9 ? -1 : (int)(tens * 10 + ones);
}

/* The form in which times are stored, "2024-01-01T00:00:01.000Z", which is nearly all that is ever read. Leaves what is
 * out of the ordinary to the reader of all forms. */
static bool parse_stored(const char *at, mastra_time *ret)
{
    int century = pair(at), year = pair(at + 2), month = pair(at + 5), day = pair(at + 8);
    int hour = pair(at + 11), minute = pair(at + 14), second = pair(at + 17), hundredths = pair(at + 20);
    unsigned thousandths = (unsigned)(at[22] - '0');
    if ((century | year | month | day | hour | minute | second | hundredths) < 0 || thousandths > 9 ||
        at[4] != '-' || at[7] != '-' || at[10] != 'T' || at[13] != ':' || at[16] != ':' || at[19] != '.' ||
        at[23] != 'Z') {
        return false;
    }
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret = days_from_civil(century * 100 + year, month, day) * MS_PER_DAY +
           ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + hundredths * 10 + (int)thousandths;
    return true;
}

bool ms_time_parse(mastra_str text, mastra_time *ret)
{
    if (!text.ptr) {
        return false;
    }
    if (text.len == sizeof("2024-01-01T00:00:01.000Z") - 1 && parse_stored(text.ptr, ret)) {
        return true;
    }
    struct reader reader = {text.ptr, text.ptr + text.len};
    int64_t days, clock = 0, zone = 0;
    if (!read_date(&reader, &days)) {
        return false;
    }
    if (reader.at < reader.end) {
        if (!accept_either(&reader, 'T', 't') && !accept(&reader, ' ')) {
            return false;
        }
        if (!read_clock(&reader, &clock) || !read_zone(&reader, &zone)) {
            return false;
        }
    }
    mastra_time time = days * MS_PER_DAY + clock - zone;
    if (reader.at != reader.end || !ms_time_valid(time)) {
        return false;
    }
    *ret = time;
    return true;
}
