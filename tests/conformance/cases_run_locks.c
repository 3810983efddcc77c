/* Run locks: leases, their owners and generations. What threads and processes do to each other stands elsewhere. */
#include "conformance/conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define ACQUIRE(run, owner, more)                                                                            \
    "tryAcquireWorkflowRunLock", "{'workflowName':'w','runId':'" run "','ownerId':'" owner "'" more "}"
#define RENEW(run, owner, more)                                                                              \
    "renewWorkflowRunLock", "{'workflowName':'w','runId':'" run "','ownerId':'" owner "'" more "}"
#define RELEASE(run, owner, more)                                                                            \
    "releaseWorkflowRunLock", "{'workflowName':'w','runId':'" run "','ownerId':'" owner "'" more "}"
#define GET(run) "getWorkflowRunLock", "{'workflowName':'w','runId':'" run "'}"
#define LOCK(run, owner, generation)                                                                         \
    "{'workflowName':'w','runId':'" run "','ownerId':'" owner "','generation':" generation                   \
    ",'acquiredAt':'$now','expiresAt':'$iso'}"
#define WRONG(field) "{'$error':'invalid_argument','$field':'" field "'}"

/* A lease of 1 ms, which has run out when the next call is made. */
static void let_expire(struct fixture *fixture, const char *args)
{
    struct timespec time = {0, 5000000};
    fixture_call(fixture, "tryAcquireWorkflowRunLock", args, "true");
    nanosleep(&time, NULL);
}

/* Where clocks may differ, what has run out for one is another's only when all of them agree. */
static void let_clocks_agree(struct fixture *fixture)
{
    struct timespec time = {2, 5000000};
    if (!(fixture->backend->traits & TRAIT_CLOCK))
        nanosleep(&time, NULL);
}

static void expired(struct fixture *fixture)
{
    let_expire(fixture, "{'workflowName':'w','runId':'r','ownerId':'a','ttlMs':1}");
    fixture_call(fixture, GET("r"), "null");
    fixture_call(fixture, RENEW("r", "a", ""), "false");
    fixture_call(fixture, "listWorkflowRunLocks", NULL, "{'locks':[]," PAGE("0", "0", "100", "false") "}");
    let_clocks_agree(fixture);
    fixture_call(fixture, ACQUIRE("r", "b", ""), "true");
    fixture_call(fixture, GET("r"), LOCK("r", "b", "2"));
    fixture_call(fixture, RELEASE("r", "a", ""), "false");
    fixture_call(fixture, GET("r"), LOCK("r", "b", "2"));
}

static void expired_and_mine(struct fixture *fixture)
{
    let_expire(fixture, "{'workflowName':'w','runId':'r','ownerId':'a','ttlMs':1}");
    fixture_call(fixture, ACQUIRE("r", "a", ""), "true");
    fixture_call(fixture, GET("r"), LOCK("r", "a", "2"));
    let_expire(fixture, "{'workflowName':'w','runId':'s','ownerId':'a','ttlMs':1}");
    fixture_call(fixture, RELEASE("s", "a", ""), "false");
    let_clocks_agree(fixture);
    fixture_call(fixture, ACQUIRE("s", "b", ""), "true");
    fixture_call(fixture, GET("s"), LOCK("s", "b", "2"));
}

/* Every store is somebody of its own. */
static void own_identity(struct fixture *fixture)
{
    mastra_run_lock_args args = MASTRA_RUN_LOCK_ARGS_INIT;
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_run_lock *lock = NULL;
    bool held = true;
    mastra_store *other = fixture_open_again(fixture);
    args.workflow_name = mastra_str_of("w");
    args.run_id = mastra_str_of("r");
    fixture_call(fixture, "tryAcquireWorkflowRunLock", "{'workflowName':'w','runId':'r'}", "true");
    fixture_call(fixture, GET("r"), "{'$open':true,'ownerId':'$bind:me','generation':1}");
    fixture_ok(mastra_try_acquire_workflow_run_lock(other, &args, &lock, &error), &error);
    assert_null(lock);
    fixture_ok(mastra_renew_workflow_run_lock(other, &args, &held, &error), &error);
    assert_false(held);
    held = true;
    fixture_ok(mastra_release_workflow_run_lock(other, &args, &held, &error), &error);
    assert_false(held);
    fixture_call(fixture, "releaseWorkflowRunLock", "{'workflowName':'w','runId':'r'}", "true");
    fixture_ok(mastra_try_acquire_workflow_run_lock(other, &args, &lock, &error), &error);
    assert_non_null(lock);
    assert_int_equal(lock->generation, 2);
    mastra_run_lock_free(lock);
    fixture_call(fixture, GET("r"), "{'$open':true,'ownerId':'$other:me','generation':2}");
    fixture_ok(mastra_close(other, &error), &error);
}

static const struct test_case cases[] = {
    {"R19", "tryAcquireWorkflowRunLock", "one holder, whoever asks again",
     STEPS({GET("r"), "null"}, {ACQUIRE("r", "a", ""), "true"}, {ACQUIRE("r", "a", ""), "false"},
           {ACQUIRE("r", "b", ""), "false"}, {GET("r"), LOCK("r", "a", "1")}, {REOPEN, NULL, NULL},
           {ACQUIRE("r", "b", ""), "false"}, {GET("r"), "{'$open':true,'ownerId':'a','generation':1}"})},
    {"R19", "tryAcquireWorkflowRunLock", "runs and workflows have locks of their own",
     STEPS_ON(TRAIT_CASED, {ACQUIRE("r", "a", ""), "true"}, {ACQUIRE("s", "a", ""), "true"},
              {"tryAcquireWorkflowRunLock", "{'workflowName':'v','runId':'r','ownerId':'b'}", "true"},
              {"getWorkflowRunLock", "{'workflowName':'v','runId':'r'}", "{'$open':true,'ownerId':'b'}"},
              {GET("r"), "{'$open':true,'ownerId':'a'}"})},
    {"R19", "releaseWorkflowRunLock", "the generation grows with every new holder",
     STEPS({ACQUIRE("r", "a", ""), "true"}, {RELEASE("r", "a", ""), "true"}, {GET("r"), "null"},
           {RELEASE("r", "a", ""), "false"}, {ACQUIRE("r", "b", ""), "true"}, {GET("r"), LOCK("r", "b", "2")},
           {RELEASE("r", "b", ""), "true"}, {REOPEN, NULL, NULL}, {ACQUIRE("r", "a", ""), "true"},
           {GET("r"), LOCK("r", "a", "3")})},
    {"R19", "releaseWorkflowRunLock", "only its holder gives a lock back",
     STEPS({RELEASE("r", "a", ""), "false"}, {ACQUIRE("r", "a", ""), "true"},
           {RELEASE("r", "b", ""), "false"}, {RELEASE("r", "a", ",'generation':2"), "false"},
           {GET("r"), LOCK("r", "a", "1")}, {RELEASE("r", "a", ",'generation':1"), "true"},
           {GET("r"), "null"})},
    {"R19", "renewWorkflowRunLock", "only its holder renews a lock",
     STEPS({RENEW("r", "a", ""), "false"}, {ACQUIRE("r", "a", ",'ttlMs':60000"), "true"},
           {GET("r"), "{'$open':true,'acquiredAt':'$bind:taken','expiresAt':'$bind:ends'}"},
           {RENEW("r", "b", ",'ttlMs':120000"), "false"},
           {RENEW("r", "a", ",'ttlMs':120000,'generation':2"), "false"},
           {GET("r"), "{'$open':true,'expiresAt':'$same:ends'}"},
           {RENEW("r", "a", ",'ttlMs':120000,'generation':1"), "true"},
           {GET("r"), "{'$open':true,'generation':1,'acquiredAt':'$same:taken','expiresAt':'$later:ends'}"},
           {RENEW("r", "a", ""), "true"})},
    {"R19", "getWorkflowRunLock", "a lock that has expired is free", RUN(expired)},
    {"R19", "tryAcquireWorkflowRunLock", "what has expired begins anew, even for its holder",
     RUN(expired_and_mine)},
    {"R19", "tryAcquireWorkflowRunLock", "every store is an owner of its own",
     RUN_ON(TRAIT_HANDLE | TRAIT_SHARED, own_identity)},
    {"M", "listWorkflowRunLocks", "what is held, in pages",
     STEPS({ACQUIRE("r", "a", ""), "true"}, {ACQUIRE("s", "b", ""), "true"}, {RELEASE("r", "a", ""), "true"},
           {"listWorkflowRunLocks", NULL,
            "{'locks':[" LOCK("s", "b", "1") "]," PAGE("1", "0", "100", "false") "}"},
           {ACQUIRE("t", "a", ""), "true"},
           {"listWorkflowRunLocks", "{'page':1,'perPage':1}",
            "{'locks':'$count:1'," PAGE("2", "1", "1", "false") "}"},
           {"listWorkflowRunLocks", "{'page':-1}", WRONG("page")})},
    {"M", "tryAcquireWorkflowRunLock", "keepAlive is a way of holding it",
     STEPS({ACQUIRE("r", "a", ",'keepAlive':true"), "true"},
           {ACQUIRE("r", "b", ",'keepAlive':true"), "false"}, {GET("r"), LOCK("r", "a", "1")},
           {RELEASE("r", "a", ""), "true"}, {GET("r"), "null"})},
    {"M", "tryAcquireWorkflowRunLock", "insists on what it needs",
     STEPS({"tryAcquireWorkflowRunLock", "{'runId':'r'}", WRONG("workflowName")},
           {"tryAcquireWorkflowRunLock", "{'workflowName':'w'}", WRONG("runId")},
           {"tryAcquireWorkflowRunLock", "{'workflowName':'','runId':'r'}", WRONG("workflowName")},
           {ACQUIRE("r", "", ""), WRONG("ownerId")}, {ACQUIRE("r", "a\\u0000", ""), WRONG("ownerId")},
           {ACQUIRE("r", "a", ",'ttlMs':-1"), WRONG("ttlMs")},
           {ACQUIRE("r", "a", ",'ttlMs':0"), WRONG("ttlMs")}, {RENEW("r", "a", ",'ttlMs':0"), WRONG("ttlMs")},
           {ACQUIRE("r", "a", ",'ttlMs':1e15"), WRONG("ttlMs")},
           {ACQUIRE("r", "a", ",'ttlMs':'5'"), WRONG("ttlMs")},
           {ACQUIRE("r", "a", ",'ttlMs':0.5"), WRONG("ttlMs")}, {GET("r"), "null"},
           {RENEW("r", "a", ",'generation':-1"), WRONG("generation")},
           {"getWorkflowRunLock", "{'runId':'r'}", WRONG("workflowName")},
           {"releaseWorkflowRunLock", "{'workflowName':'w'}", WRONG("runId")})},
};

const struct case_table run_lock_case_table = CASE_TABLE(cases);
