#include "unit/base_support.h"

#include "base/arena.h"

static void test_one_allocation_makes_an_arena(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    size_t before = memory.calls;
    struct ms_arena *arena = ms_arena_new(heap, 4000);
    assert_non_null(ms_arena_alloc(arena, 4000));
    assert_int_equal(memory.calls, before + 1);
    assert_ptr_equal(ms_arena_heap(arena), heap);
    ms_arena_free(arena);
    ms_arena_free(NULL);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void test_an_arena_keeps_its_heap(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    ms_heap_unref(heap);
    assert_non_null(ms_arena_alloc(arena, 100000));
    assert_int_equal(memory.live, 3);
    ms_arena_free(arena);
    assert_int_equal(memory.live, 0);
}

/* An allocator that keeps to no alignment, as callers may give one. */
static void *odd_alloc(void *user, size_t size)
{
    (void)user;
    char *block = malloc(size + 8);
    return block ? block + 8 : NULL;
}

static void *odd_realloc(void *user, void *ptr, size_t size)
{
    (void)user;
    char *block = realloc(ptr ? (char *)ptr - 8 : NULL, size + 8);
    return block ? block + 8 : NULL;
}

static void odd_release(void *user, void *ptr)
{
    (void)user;
    free((char *)ptr - 8);
}

struct block {
    unsigned char *ptr;
    size_t size;
    unsigned char fill;
};

static void fill_and_check(struct ms_heap *heap, size_t hint, uint64_t seed)
{
    enum { BLOCKS = 2000 };
    struct block *blocks = calloc(BLOCKS, sizeof(*blocks));
    assert_non_null(blocks);
    struct ms_arena *arena = ms_arena_new(heap, hint);
    assert_non_null(arena);
    for (size_t i = 0; i < BLOCKS; i++) {
        uint64_t bits = noise(&seed);
        blocks[i].size = bits % 97 == 0 ? bits >> 8 & 0xffff : bits >> 8 & 0x7f;
        blocks[i].fill = (unsigned char)(bits >> 32);
        if (bits >> 40 & 1) {
            blocks[i].ptr = ms_arena_alloc(arena, blocks[i].size);
            assert_int_equal((uintptr_t)blocks[i].ptr % 16, 0);
        } else {
            blocks[i].ptr = (unsigned char *)ms_arena_bytes(arena, blocks[i].size);
        }
        assert_non_null(blocks[i].ptr);
        memset(blocks[i].ptr, blocks[i].fill, blocks[i].size);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        for (size_t k = 0; k < blocks[i].size; k++)
            assert_int_equal(blocks[i].ptr[k], blocks[i].fill);
    }
    ms_arena_free(arena);
    free(blocks);
}

static void test_blocks_are_aligned_and_apart(void **state)
{
    (void)state;
    const mastra_allocator odd = {odd_alloc, odd_realloc, odd_release, NULL};
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_heap *odd_heap = ms_heap_new(&odd);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        fill_and_check(heap, 0, seed);
        fill_and_check(odd_heap, 100 * seed, seed);
    }
    ms_heap_unref(heap);
    ms_heap_unref(odd_heap);
}

static void test_chunks_grow(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    for (int i = 0; i < (4 << 20) / 64; i++)
        assert_non_null(ms_arena_alloc(arena, 64));
    /* 1 KB doubling to 1 MB, then a few of 1 MB: far fewer than the 65,536 blocks. */
    assert_in_range(memory.live, 10, 20);
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_a_big_block_does_not_end_the_current_chunk(void **state)
{
    (void)state;
    struct test_memory memory;
    test_memory_init(&memory, 0);
    struct ms_heap *heap = ms_heap_new(&memory.allocator);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    char *first = ms_arena_alloc(arena, 16);
    assert_non_null(ms_arena_alloc(arena, 5 << 20));
    assert_non_null(ms_arena_bytes(arena, 5 << 20));
    char *second = ms_arena_alloc(arena, 16);
    assert_ptr_equal(second, first + 16);
    assert_int_equal(memory.live, 4);
    ms_arena_free(arena);
    ms_heap_unref(heap);
    assert_int_equal(memory.live, 0);
}

static void test_impossible_sizes(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    char c = 'x';
    mastra_str endless = {&c, SIZE_MAX};
    mastra_str copy;
    assert_null(ms_arena_alloc(arena, SIZE_MAX));
    assert_null(ms_arena_alloc(arena, SIZE_MAX - 15));
    assert_null(ms_arena_calloc(arena, SIZE_MAX));
    assert_null(ms_arena_bytes(arena, SIZE_MAX));
    assert_false(ms_arena_str(arena, endless, &copy));
    assert_null(ms_arena_new(heap, SIZE_MAX));
    assert_non_null(ms_arena_alloc(arena, 0));
    assert_non_null(ms_arena_bytes(arena, 0));
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_texts(void **state)
{
    (void)state;
    struct ms_heap *heap = ms_heap_new(NULL);
    struct ms_arena *arena = ms_arena_new(heap, 0);
    mastra_str source = exact_copy("a\0b", 3);
    mastra_str copy;
    assert_true(ms_arena_str(arena, source, &copy));
    assert_int_equal(copy.len, 3);
    assert_memory_equal(copy.ptr, "a\0b", 4);
    assert_ptr_not_equal(copy.ptr, source.ptr);
    free_copy(source);
    assert_true(ms_arena_str(arena, mastra_str_of(""), &copy));
    assert_string_equal(copy.ptr, "");
    assert_true(ms_arena_str(arena, mastra_str_of(NULL), &copy));
    assert_null(copy.ptr);
    assert_int_equal(copy.len, 0);
    ms_arena_free(arena);
    ms_heap_unref(heap);
}

static void test_calloc_zeroes(void **state)
{
    (void)state;
    static const char zeros[333];
    struct ms_heap *heap = ms_heap_new(NULL);
    for (int i = 0; i < 20; i++) {
        struct ms_arena *arena = ms_arena_new(heap, 0);
        void *clean = ms_arena_calloc(arena, sizeof(zeros));
        assert_memory_equal(clean, zeros, sizeof(zeros));
        memset(clean, 0x77, sizeof(zeros));
        ms_arena_free(arena);
    }
    ms_heap_unref(heap);
}

/* Returns false as soon as something fails; everything must be given back then too. */
static bool use_arena(struct ms_heap *heap)
{
    struct ms_arena *arena = ms_arena_new(heap, 0);
    if (!arena)
        return false;
    mastra_str text;
    bool ok = true;
    for (int i = 0; ok && i < 200; i++) {
        ok = ms_arena_alloc(arena, 40) && ms_arena_bytes(arena, 13) && ms_arena_calloc(arena, 70) &&
             ms_arena_str(arena, mastra_str_of("some text"), &text);
    }
    ok = ok && ms_arena_alloc(arena, 3 << 20);
    ms_arena_free(arena);
    return ok;
}

static void test_each_allocation_fails_in_turn(void **state)
{
    (void)state;
    size_t failures = 0;
    for (size_t fail_at = 1;; fail_at++) {
        struct test_memory memory;
        test_memory_init(&memory, fail_at);
        struct ms_heap *heap = ms_heap_new(&memory.allocator);
        bool ok = heap && use_arena(heap);
        ms_heap_unref(heap);
        assert_int_equal(memory.live, 0);
        assert_int_equal(ok, memory.calls < fail_at);
        if (ok)
            break;
        failures++;
    }
    assert_in_range(failures, 5, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_allocation_makes_an_arena),
        cmocka_unit_test(test_an_arena_keeps_its_heap),
        cmocka_unit_test(test_blocks_are_aligned_and_apart),
        cmocka_unit_test(test_chunks_grow),
        cmocka_unit_test(test_a_big_block_does_not_end_the_current_chunk),
        cmocka_unit_test(test_impossible_sizes),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_calloc_zeroes),
        cmocka_unit_test(test_each_allocation_fails_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
