#include "base/utf8.h"

/* The length of the character that begins at ptr with a byte above 0x7f, 0 when it is not valid. */
static size_t sequence_length(const unsigned char *ptr, size_t len)
{
    unsigned char lead = ptr[0];
    if (lead < 0xc2 || lead > 0xf4 || len < 2 || (ptr[1] & 0xc0) != 0x80) {
        return 0;
    }
    if (lead < 0xe0) {
        return 2;
    }
    if (len < 3 || (ptr[2] & 0xc0) != 0x80) {
        return 0;
    }
    if (lead < 0xf0) {
        /* Below 0xa0 the form of 0xe0 is overlong; from 0xa0 on that of 0xed is a surrogate. */
        bool bad = (lead == 0xe0 && ptr[1] < 0xa0) || (lead == 0xed && ptr[1] > 0x9f);
        return bad ? 0 : 3;
    }
    if (len < 4 || (ptr[3] & 0xc0) != 0x80) {
        return 0;
    }
    bool bad = (lead == 0xf0 && ptr[1] < 0x90) || (lead == 0xf4 && ptr[1] > 0x8f);
    return bad ? 0 : 4;
}

size_t ms_utf8_valid_prefix(const char *ptr, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)ptr;
    size_t at = 0;
    while (at < len) {
        while (len - at >= 8) {
            uint64_t word;
            memcpy(&word, bytes + at, sizeof(word));
            if (word & UINT64_C(0x8080808080808080)) {
                break;
            }
            at += 8;
        }
        while (at < len && bytes[at] < 0x80) {
            at++;
        }
        while (at < len && bytes[at] >= 0x80) {
            size_t step = sequence_length(bytes + at, len - at);
            if (!step) {
                return at;
            }
            at += step;
        }
    }
    return at;
}

bool ms_utf8_valid(mastra_str text)
{
    return ms_utf8_valid_prefix(text.ptr, text.len) == text.len;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t ms_utf8_cut(const char *ptr, size_t len, size_t max)
{
    if (len <= max) {
        return len;
    }
    size_t cut = max;
    while (cut > 0 && max - cut < 3 && is_continuation(ptr[cut])) {
        cut--;
    }
    /* A longer run of continuation bytes belongs to no character, so there is none to spare. */
    return is_continuation(ptr[cut]) ? max : cut;
}
