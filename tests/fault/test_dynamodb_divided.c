/*
 * What takes several transactions on DynamoDB: large copies, of which one wins when several are made under one id, and of
 * which a failed one leaves nothing that the next would not take away; large records, which are whole at every moment.
 */
#include "support/client.h"
#include "support/crew.h"
#include "support/dynamodb.h"
#include "support/files.h"
#include "support/heap.h"
#include "support/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGES 10
#define RIVALS   4
#define LARGE    600000
#define MARK     "11111111-2222-4333-8444-555555555555"

struct lab {
    struct place place;
    mastra_store *store;
    atomic_int won;
    atomic_int lost;
    const char *target;
};

static mastra_store *open_with(const struct place *place, const char *parameter,
                               const mastra_options *options)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    char *url = place_url(place, parameter);
    if (mastra_open(url, options, &store, &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    free(url);
    return store;
}

static void call(mastra_store *store, const char *op, const char *args)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, op, NULL, &error, "%s", args) != MASTRA_OK)
        fail_msg("%s: %s", op, error.message);
}

static int begin(void **state)
{
    struct lab *lab = calloc(1, sizeof(*lab));
    mastra_error error = MASTRA_ERROR_INIT;
    if (!lab)
        return 1;
    dynamodb_wanted();
    place_dynamodb_begin(&lab->place);
    lab->store = open_with(&lab->place, "transaction_items=4", NULL);
    call(lab->store, "saveThread", "{'thread':{'id':'source','resourceId':'r','title':'T'}}");
    for (int i = 0; i < MESSAGES; i++)
        assert_int_equal(client_call(lab->store, "saveMessages", NULL, &error,
                                     "{'messages':[{'id':'m%d','threadId':'source','resourceId':'r',"
                                     "'role':'user','content':'x','createdAt':%d}]}",
                                     i, 1000 + i),
                         MASTRA_OK);
    *state = lab;
    return 0;
}

static int end(void **state)
{
    struct lab *lab = *state;
    assert_int_equal(mastra_close(lab->store, NULL), MASTRA_OK);
    place_end(&lab->place);
    free(lab);
    return 0;
}

/* Copies. */

static mastra_status copy_to(mastra_store *store, const char *id, mastra_error *error)
{
    return client_call(store, "cloneThread", NULL, error, "{'sourceThreadId':'source','newThreadId':'%s'}",
                       id);
}

static void race(int index, void *arg)
{
    struct lab *lab = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_status status = copy_to(lab->store, lab->target, &error);
    (void)index;
    if (status == MASTRA_OK)
        atomic_fetch_add(&lab->won, 1);
    else if (status == MASTRA_CONFLICT)
        atomic_fetch_add(&lab->lost, 1);
    else
        crew_fail("%s", error.message);
}

/* One wins, and its messages are the only ones. */
static void test_rivals(void **state)
{
    struct lab *lab = *state;
    char target[16];
    for (int round = 0; round < 3; round++) {
        snprintf(target, sizeof(target), "copy%d", round);
        lab->target = target;
        atomic_store(&lab->won, 0);
        atomic_store(&lab->lost, 0);
        crew_run(RIVALS, race, lab);
        crew_check();
        assert_int_equal(atomic_load(&lab->won), 1);
        assert_int_equal(atomic_load(&lab->lost), RIVALS - 1);
        assert_int_equal(client_total(lab->store, target), MESSAGES);
    }
}

/* One copies, the other saves a thread under that id as soon as it sees messages of the copy. */
static void overtake(int index, void *arg)
{
    struct lab *lab = arg;
    mastra_error error = MASTRA_ERROR_INIT;
    if (index == 0) {
        race(index, arg);
        return;
    }
    while (client_total(lab->store, lab->target) == 0 && !atomic_load(&lab->won) && !atomic_load(&lab->lost))
        continue;
    if (client_call(lab->store, "saveThread", NULL, &error, "{'thread':{'id':'%s','resourceId':'other'}}",
                    lab->target) != MASTRA_OK)
        crew_fail("%s", error.message);
}

/* A copy that is refused in the end leaves no messages in the thread of another. */
static void test_overtaken(void **state)
{
    struct lab *lab = *state;
    char target[16];
    for (int round = 0; round < 8; round++) {
        snprintf(target, sizeof(target), "over%d", round);
        lab->target = target;
        atomic_store(&lab->won, 0);
        atomic_store(&lab->lost, 0);
        crew_run(2, overtake, lab);
        crew_check();
        assert_int_equal(client_total(lab->store, target), atomic_load(&lab->won) ? MESSAGES : 0);
    }
}

/* An item of ours with a mark, in a table behind the store's back. */
static void put_claim(const struct lab *lab, const char *thread, const char *until)
{
    /* The hash is that of "$thread_1#id_" and the id. */
    unsigned long long hash = 0xcbf29ce484222325ULL;
    char sort[64];
    snprintf(sort, sizeof(sort), "$thread_1#id_%s", thread);
    for (const char *at = sort; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3ULL;
    char *json = test_format("{\"TableName\":\"%s\",\"Item\":{\"pk\":{\"S\":\"$mastra#entity_thread#id_%s\"},"
                             "\"sk\":{\"S\":\"$claim_1#%016llx\"},\"__edb_e__\":{\"S\":\"ext_claim\"},"
                             "\"__edb_v__\":{\"S\":\"1\"},\"mastra_claim\":{\"S\":\"somebody\"},"
                             "\"mastra_try\":{\"S\":\"" MARK "\"},\"mastra_until\":{\"N\":\"%s\"}}}",
                             lab->place.table, thread, hash, until);
    free(dynamodb_call("PutItem", json));
    free(json);
}

/* Marks a message that is there. */
static void mark(const struct lab *lab, const char *id)
{
    char *json =
        test_format("{\"TableName\":\"%s\",\"Key\":{\"pk\":{\"S\":\"$mastra#entity_message#id_%s\"},"
                    "\"sk\":{\"S\":\"$message_1#entity_message\"}},"
                    "\"UpdateExpression\":\"SET mastra_try = :m\",\"ExpressionAttributeValues\":{\":m\":"
                    "{\"S\":\"" MARK "\"}}}",
                    lab->place.table, id);
    free(dynamodb_call("UpdateItem", json));
    free(json);
}

static void save(mastra_store *store, const char *id, const char *thread)
{
    mastra_error error = MASTRA_ERROR_INIT;
    if (client_call(store, "saveMessages", NULL, &error,
                    "{'messages':[{'id':'%s','threadId':'%s','resourceId':'r','role':'user','content':'x'}]}",
                    id, thread) != MASTRA_OK)
        fail_msg("%s", error.message);
}

static bool is_there(mastra_store *store, const char *id)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    if (client_call(store, "listMessagesById", &json, &error, "{'messageIds':['%s']}", id) != MASTRA_OK)
        fail_msg("%s", error.message);
    bool there = strstr(json, "\"id\":\"") != NULL;
    mastra_json_free(json);
    return there;
}

/* Of a copy whose process has died, nothing remains but what was there before it. */
static void test_left_behind(void **state)
{
    struct lab *lab = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    save(lab->store, "left", "copy");
    save(lab->store, "early", "copy");
    mark(lab, "left");
    put_claim(lab, "copy", "1000");
    if (copy_to(lab->store, "copy", &error) != MASTRA_OK)
        fail_msg("%s", error.message);
    assert_false(is_there(lab->store, "left"));
    assert_true(is_there(lab->store, "early"));
    assert_int_equal(client_total(lab->store, "copy"), MESSAGES + 1);
    /* The claim has gone with it: after the thread, too, it can be made again. */
    call(lab->store, "deleteThread", "{'threadId':'copy'}");
    assert_int_equal(copy_to(lab->store, "copy", &error), MASTRA_OK);
    assert_int_equal(client_total(lab->store, "copy"), MESSAGES);
}

/* While somebody is at it nothing is written; small copies need no claim, and are refused when the thread is there. */
static void test_claimed(void **state)
{
    struct lab *lab = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *hasty = open_with(&lab->place, "transaction_items=4&busy_timeout=1", NULL);
    put_claim(lab, "copy", "99999999999999");
    assert_int_equal(copy_to(hasty, "copy", &error), MASTRA_CONFLICT);
    assert_non_null(strstr(error.message, "being made by another call"));
    assert_int_equal(client_total(hasty, "copy"), 0);
    assert_int_equal(mastra_close(hasty, NULL), MASTRA_OK);
    assert_int_equal(copy_to(lab->store, "source", &error), MASTRA_CONFLICT);
}

/* Each allocation fails in turn: the copy is made as a whole, or can be made again. */
static void test_copy_without_memory(void **state)
{
    struct lab *lab = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct test_heap heap;
    mastra_store *store;
    bool done = false;
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    store = open_with(&lab->place, "transaction_items=4", &options);
    assert_int_equal(mastra_init(store, &error), MASTRA_OK);
    /* Every one of the first, where most of what differs happens, then ever fewer. */
    for (long n = 1; !done; n += 1 + n / 20) {
        char id[24];
        snprintf(id, sizeof(id), "copy%ld", n);
        test_heap_fail(&heap, n, false);
        mastra_status status = copy_to(store, id, &error);
        done = atomic_load(&heap.refused) == 0;
        test_heap_fail(&heap, 0, false);
        if (status != MASTRA_OK && status != MASTRA_OUT_OF_MEMORY && status != MASTRA_UNKNOWN_OUTCOME)
            fail_msg("allocation %ld: %s", n, error.message);
        /* A copy of which it is not known, or was not told, that it was made. */
        if (status != MASTRA_OK && copy_to(store, id, &error) != MASTRA_OK &&
            !strstr(error.message, "already exists"))
            fail_msg("after allocation %ld: %s", n, error.message);
        assert_int_equal(client_total(store, id), MESSAGES);
    }
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(atomic_load(&heap.live), 0);
}

/* Large records. */

static char *large_text(char filler)
{
    char *text = malloc(LARGE + 1);
    assert_non_null(text);
    memset(text, filler, LARGE);
    text[LARGE] = '\0';
    return text;
}

static mastra_status save_large(mastra_store *store, const char *text, mastra_error *error)
{
    return client_call(store, "saveMessages", NULL, error,
                       "{'messages':[{'id':'large','threadId':'source','resourceId':'r','role':'user',"
                       "'content':'%s','createdAt':5}]}",
                       text);
}

/* What the message holds throughout; fails when it is in pieces. */
static char filler_of(mastra_store *store)
{
    mastra_error error = MASTRA_ERROR_INIT;
    char *json = NULL;
    if (client_call(store, "listMessagesById", &json, &error, "{'messageIds':['large']}") != MASTRA_OK)
        fail_msg("%s", error.message);
    const char *text = strstr(json, "\"content\":\"");
    assert_non_null(text);
    text += strlen("\"content\":\"");
    char filler = *text;
    for (size_t i = 0; i < LARGE; i++)
        assert_int_equal(text[i], filler);
    mastra_json_free(json);
    return filler;
}

/* How many items there are in its partition. */
static size_t items_of(const struct lab *lab, const char *partition)
{
    char *json =
        test_format("{\"TableName\":\"%s\",\"Select\":\"COUNT\",\"KeyConditionExpression\":\"pk = :p\","
                    "\"ExpressionAttributeValues\":{\":p\":{\"S\":\"%s\"}}}",
                    lab->place.table, partition);
    char *answer = dynamodb_call("Query", json);
    int64_t count = client_number(answer, "Count");
    free(answer);
    free(json);
    return (size_t)count;
}

#define LARGE_PARTITION "$mastra#entity_message#id_large"

/* However far an overwriting comes, the record is the old one or the new one; a completed one leaves no old parts. */
static void test_overwritten(void **state)
{
    struct lab *lab = *state;
    mastra_options options = MASTRA_OPTIONS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    struct test_heap heap;
    mastra_store *store;
    char was = 'a';
    bool done = false;
    char *texts[2] = {large_text('a'), large_text('b')};
    test_heap_init(&heap);
    options.allocator = &heap.allocator;
    store = open_with(&lab->place, "transaction_items=2&large_records=parts", &options);
    assert_int_equal(save_large(store, texts[0], &error), MASTRA_OK);
    assert_int_equal(items_of(lab, LARGE_PARTITION), 3);
    assert_int_equal(save_large(store, texts[1], &error), MASTRA_OK);
    assert_int_equal(save_large(store, texts[0], &error), MASTRA_OK);
    assert_int_equal(items_of(lab, LARGE_PARTITION), 3);
    for (long n = 1; !done; n++) {
        const char *text = texts[was == 'a' ? 1 : 0];
        test_heap_fail(&heap, n, false);
        mastra_status status = save_large(store, text, &error);
        done = atomic_load(&heap.refused) == 0;
        test_heap_fail(&heap, 0, false);
        if (status != MASTRA_OK && status != MASTRA_OUT_OF_MEMORY && status != MASTRA_UNKNOWN_OUTCOME)
            fail_msg("allocation %ld: %s", n, error.message);
        char is = filler_of(store);
        if (status != MASTRA_UNKNOWN_OUTCOME)
            assert_int_equal(is, status == MASTRA_OK ? text[0] : was);
        was = is;
    }
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    assert_int_equal(atomic_load(&heap.live), 0);
    free(texts[0]);
    free(texts[1]);
}

/* The parts go with the record, also where it is smaller than it was. */
static void test_deleted(void **state)
{
    struct lab *lab = *state;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = open_with(&lab->place, "transaction_items=2&large_records=parts", NULL);
    char *text = large_text('a');
    assert_int_equal(save_large(store, text, &error), MASTRA_OK);
    call(store, "updateMessages", "{'messages':[{'id':'large','content':{'content':'short'}}]}");
    assert_true(is_there(store, "large"));
    assert_int_equal(save_large(store, text, &error), MASTRA_OK);
    call(store, "deleteMessages", "['large']");
    assert_false(is_there(store, "large"));
    assert_int_equal(items_of(lab, LARGE_PARTITION), 0);
    assert_int_equal(save_large(store, text, &error), MASTRA_OK);
    call(store, "deleteThread", "{'threadId':'source'}");
    assert_int_equal(items_of(lab, LARGE_PARTITION), 0);
    assert_int_equal(mastra_close(store, NULL), MASTRA_OK);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rivals, begin, end),
        cmocka_unit_test_setup_teardown(test_overtaken, begin, end),
        cmocka_unit_test_setup_teardown(test_left_behind, begin, end),
        cmocka_unit_test_setup_teardown(test_claimed, begin, end),
        cmocka_unit_test_setup_teardown(test_copy_without_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_overwritten, begin, end),
        cmocka_unit_test_setup_teardown(test_deleted, begin, end),
    };
    return cmocka_run_group_tests_name("dynamodb divided", tests, NULL, NULL);
}
