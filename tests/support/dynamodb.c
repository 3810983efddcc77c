#include "support/dynamodb.h"

#include "support/files.h"
#include "support/script.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define FACT "MASTRA_TEST_DYNAMODB"

static pthread_once_t shared_once = PTHREAD_ONCE_INIT;
static struct script *shared_script; /* NULL: another program started it */
static const char *shared_endpoint;

static void end_shared(void)
{
    script_end(shared_script);
    shared_script = NULL;
}

/* What the server tells goes into the environment, where clients look for credentials: any will do, those that another
 * server insists on as well. */
static void find_shared(void)
{
    static const char *const no_arguments[] = {NULL};
    shared_endpoint = getenv(FACT);
    if (shared_endpoint)
        return;
    shared_script = script_start("dynamodb-server", no_arguments);
    atexit(end_shared);
    char *line = script_line(shared_script);
    for (; line && *line; line = script_line(shared_script)) {
        char *value = strchr(line, '=');
        if (!value)
            abort();
        *value++ = '\0';
        setenv(line, value, 0);
        free(line);
    }
    free(line);
    shared_endpoint = getenv(FACT);
}

const char *dynamodb_endpoint(void)
{
    pthread_once(&shared_once, find_shared);
    return shared_endpoint;
}

const char *dynamodb_wanted(void)
{
    const char *endpoint = dynamodb_endpoint();
    if (!endpoint)
        skip();
    return endpoint;
}

/* A connection to "http://ADDRESS:PORT", -1 when there is none. */
static int reach(const char *endpoint)
{
    char host[64];
    unsigned port = 0;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (sscanf(endpoint, "http://%63[0-9.]:%u", host, &port) != 2 ||
        inet_pton(AF_INET, host, &address.sin_addr) != 1)
        fail_msg("no endpoint of a test: %s", endpoint);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t done = send(fd, text, len, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        text += done;
        len -= (size_t)done;
    }
    return true;
}

/* Everything until the other end closes; to be freed. */
static char *read_all(int fd)
{
    char *text = NULL;
    size_t len = 0;
    char chunk[16384];
    ssize_t got;
    FILE *stream = open_memstream(&text, &len);
    if (!stream)
        abort();
    while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        fwrite(chunk, 1, (size_t)got, stream);
    fclose(stream);
    return text;
}

/* HTTP/1.0: the answer ends with the connection. DynamoDB Local takes any signature, but wants one. */
static char *request_of(const char *operation, const char *json)
{
    return test_format(
        "POST / HTTP/1.0\r\n"
        "Host: localhost\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        "X-Amz-Target: DynamoDB_20120810.%s\r\n"
        "X-Amz-Date: 20260101T000000Z\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        operation, strlen(json), json);
}

char *dynamodb_call_at(const char *endpoint, const char *operation, const char *json, int *ret_status)
{
    int fd = reach(endpoint);
    if (fd < 0)
        return NULL;
    char *request = request_of(operation, json);
    char *answer = send_all(fd, request, strlen(request)) ? read_all(fd) : NULL;
    char *body = answer ? strstr(answer, "\r\n\r\n") : NULL;
    int status = 0;
    char *found = NULL;
    if (body && sscanf(answer, "HTTP/%*s %d", &status) == 1)
        found = test_format("%s", body + 4);
    if (ret_status)
        *ret_status = status;
    close(fd);
    free(request);
    free(answer);
    return found;
}

char *dynamodb_call(const char *operation, const char *json)
{
    int status = 0;
    char *answer = dynamodb_call_at(dynamodb_endpoint(), operation, json, &status);
    if (!answer || status != 200)
        fail_msg("%s %.300s: %d %.300s", operation, json, status, answer ? answer : "no answer");
    return answer;
}

char *dynamodb_table_name(void)
{
    static atomic_uint next;
    /* Tests of other programs share the server, and process ids come again within a run. */
    return test_format("t%d_%u_%lld", (int)getpid(), atomic_fetch_add(&next, 1), (long long)time(NULL));
}

static void put_key_schema(FILE *stream, const char *hash, const char *range)
{
    fprintf(stream,
            "\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
            "{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}]",
            hash, range);
}

static void put_index(FILE *stream, int number)
{
    char hash[16];
    char range[16];
    snprintf(hash, sizeof(hash), "gsi%dpk", number);
    snprintf(range, sizeof(range), "gsi%dsk", number);
    fprintf(stream, "%s{\"IndexName\":\"gsi%d\",", number > 1 ? "," : "", number);
    put_key_schema(stream, hash, range);
    fputs(",\"Projection\":{\"ProjectionType\":\"ALL\"}}", stream);
}

static char *definition_of(const char *table, int indexes)
{
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);
    if (!stream)
        abort();
    fprintf(stream,
            "{\"TableName\":\"%s\",\"BillingMode\":\"PAY_PER_REQUEST\",\"AttributeDefinitions\":["
            "{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},{\"AttributeName\":\"sk\",\"AttributeType\":"
            "\"S\"}",
            table);
    for (int i = 1; i <= indexes; i++)
        fprintf(stream,
                ",{\"AttributeName\":\"gsi%dpk\",\"AttributeType\":\"S\"},"
                "{\"AttributeName\":\"gsi%dsk\",\"AttributeType\":\"S\"}",
                i, i);
    fputs("],", stream);
    put_key_schema(stream, "pk", "sk");
    if (indexes > 0)
        fputs(",\"GlobalSecondaryIndexes\":[", stream);
    for (int i = 1; i <= indexes; i++)
        put_index(stream, i);
    fputs(indexes > 0 ? "]}" : "}", stream);
    fclose(stream);
    return text;
}

void dynamodb_create(const char *table, int indexes)
{
    char *definition = definition_of(table, indexes);
    /* Local's tables are ready at once. */
    free(dynamodb_call("CreateTable", definition));
    free(definition);
}

void dynamodb_delete(const char *table)
{
    char *json = test_format("{\"TableName\":\"%s\"}", table);
    free(dynamodb_call_at(dynamodb_endpoint(), "DeleteTable", json, NULL));
    free(json);
}

char *dynamodb_url(const char *endpoint, const char *table)
{
    return test_format("dynamodb://us-east-1/%s?endpoint=%s", table, endpoint);
}
