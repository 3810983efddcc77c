#include "unit/base_support.h"

#include <pthread.h>

static void test_default_allocator(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    assert_non_null(heap);
    char *ptr = ms_heap_alloc(heap, 3);
    memcpy(ptr, "abc", 3);
    ptr = ms_heap_realloc(heap, ptr, 1000);
    assert_memory_equal(ptr, "abc", 3);
    ms_heap_release(heap, ptr);
    ms_heap_release(heap, NULL);
    ms_heap_unref(heap);
    ms_heap_unref(NULL);
}

static void test_everything_comes_from_the_given_allocator(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    assert_int_equal(memory.live, 1);
    void *a = ms_heap_alloc(heap, 10);
    void *b = ms_heap_calloc(heap, 10);
    void *c = ms_heap_realloc(heap, NULL, 10);
    char *d = ms_heap_strdup(heap, mastra_str_of("text"));
    assert_int_equal(memory.live, 5);
    assert_int_equal(memory.calls, 5);
    ms_heap_release(heap, a);
    ms_heap_release(heap, b);
    ms_heap_release(heap, c);
    ms_heap_release(heap, d);
    assert_int_equal(memory.live, 1);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void test_the_allocator_record_is_copied(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    mastra_allocator passing = memory.allocator;
    struct ms_heap *heap = ms_heap_new(&passing);
    memset(&passing, 0, sizeof(passing));
    ms_heap_release(heap, ms_heap_alloc(heap, 1));
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void test_the_last_reference_frees(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    assert_ptr_equal(ms_heap_ref(heap), heap);
    assert_ptr_equal(ms_heap_ref(heap), heap);
    ms_heap_unref(heap);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 1);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void *take_and_give_back(void *arg)
{
    struct ms_heap *heap = arg;
    for (int i = 0; i < 20000; i++)
        ms_heap_unref(ms_heap_ref(heap));
    ms_heap_unref(heap);
    return NULL;
}

static void test_references_are_counted_across_threads(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    pthread_t threads[4];
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give_back, ms_heap_ref(heap)), 0);
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(memory.live, 1);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void test_nothing_is_still_something(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    void *a = ms_heap_alloc(heap, 0);
    void *b = ms_heap_calloc(heap, 0);
    assert_non_null(a);
    assert_non_null(b);
    a = ms_heap_realloc(heap, a, 0);
    assert_non_null(a);
    ms_heap_release(heap, a);
    ms_heap_release(heap, b);
    ms_heap_unref(heap);
}

static void test_calloc_zeroes(void **state)
{
    (void)state;
    static const char zeros[300];
    struct ms_heap *heap = ms_heap_new(NULL);
    for (int i = 0; i < 50; i++) {
        char *dirty = ms_heap_alloc(heap, sizeof(zeros));
        memset(dirty, 0x55, sizeof(zeros));
        ms_heap_release(heap, dirty);
        char *clean = ms_heap_calloc(heap, sizeof(zeros));
        assert_memory_equal(clean, zeros, sizeof(zeros));
        ms_heap_release(heap, clean);
    }
    ms_heap_unref(heap);
}

static void test_strdup(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    mastra_str text = exact_copy("a\0b", 3);
    char *copy = ms_heap_strdup(heap, text);
    assert_memory_equal(copy, "a\0b", 4);
    ms_heap_release(heap, copy);
    copy = ms_heap_strdup(heap, mastra_str_of(NULL));
    assert_string_equal(copy, "");
    ms_heap_release(heap, copy);
    free_copy(text);
    ms_heap_unref(heap);
}

static void test_failures_are_reported(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 1);
    assert_null(ms_heap_new(&memory.allocator));
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    memory.fail_at = memory.calls + 1;
    assert_null(ms_heap_alloc(heap, 1));
    memory.fail_at = memory.calls + 1;
    assert_null(ms_heap_calloc(heap, 1));
    memory.fail_at = memory.calls + 1;
    assert_null(ms_heap_strdup(heap, mastra_str_of("x")));
    void *ptr = ms_heap_alloc(heap, 1);
    memory.fail_at = memory.calls + 1;
    assert_null(ms_heap_realloc(heap, ptr, 2));
    ms_heap_release(heap, ptr);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_allocator),
        cmocka_unit_test(test_everything_comes_from_the_given_allocator),
        cmocka_unit_test(test_the_allocator_record_is_copied),
        cmocka_unit_test(test_the_last_reference_frees),
        cmocka_unit_test(test_references_are_counted_across_threads),
        cmocka_unit_test(test_nothing_is_still_something),
        cmocka_unit_test(test_calloc_zeroes),
        cmocka_unit_test(test_strdup),
        cmocka_unit_test(test_failures_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
