/* The credentials that `aws login` has left. They are used as long as they last; renewing them is the command's. */
#include <errno.h>
#include <stdio.h>

#include <openssl/evp.h>

#include "aws/credentials_source.h"
#include "base/json.h"

#define MOST_CACHE ((size_t)256 << 10)
#define PATH_SIZE  4096

/* <folder>/<SHA-256 of the session>.json */
static bool cache_path(const struct ms_fetch *fetch, mastra_str session, char out[PATH_SIZE])
{
    const char *folder = ms_fetch_variable(fetch, "AWS_LOGIN_CACHE_DIRECTORY");
    const char *home = ms_fetch_variable(fetch, "HOME");
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;

    if ((!folder && !home) || !EVP_Digest(session.ptr, session.len, digest, &len, EVP_sha256(), NULL)) {
        return false;
    }
    for (unsigned i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return snprintf(out, PATH_SIZE, "%s%s/%s.json", folder ? folder : home, folder ? "" : "/.aws/login/cache",
                    hex) < PATH_SIZE;
}

enum ms_found ms_login_fetch(struct ms_fetch *fetch, mastra_str session, const char *source,
                             struct ms_credentials **ret)
{
    static const struct ms_json_names names = {
        "accessKeyId", "secretAccessKey", "sessionToken", "expiresAt", "accountId", 4, false};
    struct ms_secret text = {0};
    char path[PATH_SIZE];
    char said[MS_SOURCE_SIZE];
    mastra_str object = {NULL, 0};
    enum ms_found found;

    if (!cache_path(fetch, session, path)) {
        return ms_fail(fetch, MASTRA_DENIED, "%s: there is no HOME in which its login could be", source);
    }
    switch (ms_file_read(fetch->aws->heap, path, MOST_CACHE, &text)) {
    case 0:
        break;
    case ENOMEM:
        return ms_fail_oom(fetch);
    default:
        return ms_fail(fetch, MASTRA_DENIED, "%s: nobody is logged in; run: aws login", source);
    }
    if (ms_json_check(ms_secret_view(&text), &object, NULL)) {
        object = ms_json_member(object, mastra_str_of("accessToken"));
    }
    snprintf(said, sizeof said, "%.200s: login", source);
    found = ms_found_json(fetch, object, &names, said, MS_FAILED, ret);
    if (found == MS_FAILED && fetch->status == MASTRA_DENIED) {
        char why[sizeof fetch->why];

        memcpy(why, fetch->why, sizeof why);
        ms_fail(fetch, MASTRA_DENIED, "%.300s; run: aws login", why);
    }
    ms_secret_release(&text);
    return found;
}
