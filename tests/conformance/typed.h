/* What the tests of the typed C interface share: a store on each backend in turn, and some records. */
#ifndef TYPED_H
#define TYPED_H

#include "conformance/conformance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define S(literal) ((mastra_str)MASTRA_STR(literal))

/* The state of each test. */
struct typed {
    const struct backend *backend;
    struct place place;
    mastra_store *store;
};

struct typed_test {
    const char *name;
    CMUnitTestFunction run;
    unsigned needs; /* traits without which it is left out */
};

/* Runs the tests on every backend; the result is for main. */
int typed_main(const char *group, const struct typed_test *tests, size_t count);

/* Fails the test unless the call went well. Its error is the local variable `error`. */
#define OK(call) typed_check((call), &error, __FILE__, __LINE__)
void typed_check(mastra_status status, const mastra_error *error, const char *file, int line);

#define assert_str(str, text)                                                                                \
    do {                                                                                                     \
        assert_non_null((str).ptr);                                                                          \
        assert_int_equal((str).len, strlen(text));                                                           \
        assert_string_equal((str).ptr, text);                                                                \
    } while (0)

/* JSON as it was given, or, where only its value is kept, of the same value. In tests whose argument is `state`. */
#define assert_json(got, text) typed_json(*state, got, text, __FILE__, __LINE__)
void typed_json(const struct typed *typed, mastra_str got, const char *text, const char *file, int line);

mastra_thread typed_thread(const char *id, mastra_time at);
mastra_message typed_message(const char *id, const char *thread, mastra_time at);

/* Saves the thread t and its messages a, b, c. */
void typed_save_three(mastra_store *store);

#endif
