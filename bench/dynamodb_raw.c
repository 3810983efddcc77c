/*
 * The limit on DynamoDB: libcurl by hand on one connection that is kept, with requests that are put together by printf,
 * not signed and not checked, and answers that are hardly looked at. What is to be atomic is a transaction, of as many
 * items as DynamoDB Local takes.
 */
#include "dynamodb.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SIGNATURE                                                                                            \
    "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "            \
    "SignedHeaders=host, Signature=0"

enum operation { PUT, UPDATE, TRANSACT, QUERY, GET, OPERATIONS };

static const char *const targets[OPERATIONS] = {
    "X-Amz-Target: DynamoDB_20120810.PutItem",
    "X-Amz-Target: DynamoDB_20120810.UpdateItem",
    "X-Amz-Target: DynamoDB_20120810.TransactWriteItems",
    "X-Amz-Target: DynamoDB_20120810.Query",
    "X-Amz-Target: DynamoDB_20120810.GetItem",
};

static CURL *curl;
static struct curl_slist *headers[OPERATIONS];
static const char *table_name;
static char body[TRANSACTION * 4096];
static char answer[1 << 20];
static size_t answered;

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
    size_t room = sizeof(answer) - 1 - answered;
    size_t len = size * count < room ? size * count : room;

    (void)user;
    memcpy(answer + answered, bytes, len);
    answered += len;
    return size * count;
}

/* Sends what stands in `body`. */
static bool request(enum operation operation)
{
    long status = 0;
    bool done;

    answered = 0;
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers[operation]);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    done = curl_easy_perform(curl) == CURLE_OK &&
           curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK && status == 200;
    answer[answered] = '\0';
    if (!done) {
        fprintf(stderr, "bench: raw: %s: %ld %.300s\n", targets[operation], status, answer);
    }
    return done;
}

static void iso_time(char text[32], int64_t milliseconds)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;
    char whole[24];

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(text, 32, "%s.%03dZ", whole, (int)(milliseconds % 1000));
}

static int64_t milliseconds_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void escape(char *text, size_t room, const char *plain)
{
    size_t len = 0;

    for (; *plain && len + 3 < room; plain++) {
        if (*plain == '"') {
            text[len++] = '\\';
        }
        text[len++] = *plain;
    }
    text[len] = '\0';
}

/* A message as an item; gives its length. */
static size_t put_item(char *text, size_t room, const struct note *note)
{
    char content[2 * SAVED_BYTES];
    char created[32];
    char updated[32];

    escape(content, sizeof(content), note->content);
    iso_time(created, note->created_at);
    iso_time(updated, milliseconds_now());
    return (size_t)snprintf(
        text, room,
        "\"Item\":{\"entity\":{\"S\":\"message\"},\"createdAt\":{\"S\":\"%s\"},\"updatedAt\":{\"S\":\"%s\"},"
        "\"id\":{\"S\":\"%s\"},\"threadId\":{\"S\":\"%s\"},\"content\":{\"S\":\"%s\"},\"role\":{\"S\":"
        "\"user\"},"
        "\"type\":{\"S\":\"v2\"},\"resourceId\":{\"S\":\"user-1\"},\"pk\":{\"S\":\"$mastra#entity_message#id_"
        "%s\"},"
        "\"sk\":{\"S\":\"$message_1#entity_message\"},\"gsi1pk\":{\"S\":\"$mastra#entity_message#threadid_%"
        "s\"},"
        "\"gsi1sk\":{\"S\":\"$message_1#createdat_%s\"},\"__edb_e__\":{\"S\":\"message\"},"
        "\"__edb_v__\":{\"S\":\"1\"}}",
        created, updated, note->id, note->thread, content, note->id, note->thread, created);
}

static bool touch(const char *thread)
{
    char now[32];

    iso_time(now, milliseconds_now());
    (void)snprintf(body, sizeof(body),
                   "{\"TableName\":\"%s\",\"Key\":{\"pk\":{\"S\":\"$mastra#entity_thread#id_%s\"},"
                   "\"sk\":{\"S\":\"$thread_1#id_%s\"}},\"UpdateExpression\":\"SET updatedAt = :u\","
                   "\"ExpressionAttributeValues\":{\":u\":{\"S\":\"%s\"}}}",
                   table_name, thread, thread, now);
    return request(UPDATE);
}

static bool save_one(const struct note *note)
{
    size_t len = (size_t)snprintf(body, sizeof(body), "{\"TableName\":\"%s\",", table_name);

    len += put_item(body + len, sizeof(body) - len, note);
    (void)snprintf(body + len, sizeof(body) - len, "}");
    return request(PUT);
}

static bool save_transaction(const struct note *notes, size_t count)
{
    size_t len = (size_t)snprintf(body, sizeof(body), "{\"TransactItems\":[");

    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(body + len, sizeof(body) - len, "%s{\"Put\":{\"TableName\":\"%s\",",
                                i ? "," : "", table_name);
        len += put_item(body + len, sizeof(body) - len, &notes[i]);
        len += (size_t)snprintf(body + len, sizeof(body) - len, "}}");
    }
    (void)snprintf(body + len, sizeof(body) - len, "]}");
    return request(TRANSACT);
}

static double save(const struct note *notes, size_t count, size_t each)
{
    double begin = seconds_now();
    bool right = true;

    for (size_t i = 0; right && i < count; i += each) {
        for (size_t j = 0; right && j < each; j += TRANSACTION) {
            right = each == 1 ? save_one(&notes[i]) : save_transaction(&notes[i + j], TRANSACTION);
        }
        right = right && touch(notes[i].thread);
    }
    return right ? seconds_now() - begin : -1;
}

#define THREAD_QUERY                                                                                         \
    "\"TableName\":\"%s\",\"IndexName\":\"gsi1\",\"KeyConditionExpression\":\"gsi1pk = :p\","                \
    "\"ExpressionAttributeValues\":{\":p\":{\"S\":\"$mastra#entity_message#threadid_long\"}}"

static bool count_thread(void)
{
    (void)snprintf(body, sizeof(body), "{" THREAD_QUERY ",\"Select\":\"COUNT\"}", table_name);
    return request(QUERY) && strstr(answer, "\"Count\":1000");
}

/* The last page is read from the end, too. */
static double page(size_t operations, bool newest, bool total)
{
    double begin = seconds_now();

    (void)newest;
    for (size_t i = 0; i < operations; i++) {
        if (total && !count_thread()) {
            return -1;
        }
        (void)snprintf(body, sizeof(body), "{" THREAD_QUERY ",\"ScanIndexForward\":false,\"Limit\":%d}",
                       table_name, PAGE);
        if (!request(QUERY) || !strstr(answer, "\"Count\":40")) {
            return -1;
        }
    }
    return seconds_now() - begin;
}

static double get_thread(size_t operations)
{
    double begin = seconds_now();

    (void)snprintf(body, sizeof(body),
                   "{\"TableName\":\"%s\",\"ConsistentRead\":true,\"Key\":{\"pk\":{\"S\":"
                   "\"$mastra#entity_thread#id_long\"},\"sk\":{\"S\":\"$thread_1#id_long\"}}}",
                   table_name);
    for (size_t i = 0; i < operations; i++) {
        if (!request(GET) || !strstr(answer, "\"updatedAt\"")) {
            return -1;
        }
    }
    return seconds_now() - begin;
}

static bool open_raw(const char *endpoint, const char *table)
{
    static const char *const threads[] = {"one", "many", "long"};
    bool right = true;

    table_name = table;
    curl = curl_easy_init();
    if (!curl) {
        return false;
    }
    for (int i = 0; i < OPERATIONS; i++) {
        headers[i] = curl_slist_append(NULL, targets[i]);
        headers[i] = curl_slist_append(headers[i], "Content-Type: application/x-amz-json-1.0");
        headers[i] = curl_slist_append(headers[i], "X-Amz-Date: 20260101T000000Z");
        headers[i] = curl_slist_append(headers[i], "Expect:");
        headers[i] = curl_slist_append(headers[i], SIGNATURE);
    }
    (void)curl_easy_setopt(curl, CURLOPT_URL, endpoint);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    for (size_t i = 0; right && i < sizeof(threads) / sizeof(threads[0]); i++) {
        right = touch(threads[i]);
    }
    return right;
}

static void close_raw(void)
{
    for (int i = 0; i < OPERATIONS; i++) {
        curl_slist_free_all(headers[i]);
    }
    curl_easy_cleanup(curl);
}

const struct worker worker_raw = {open_raw, save, page, get_thread, close_raw};
