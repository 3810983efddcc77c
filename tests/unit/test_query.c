/* What the conditions on JSON mean, where no database says it. */
#include "base_support.h"

#include "store/query.h"

static mastra_str str(const char *text)
{
    return mastra_str_of(text);
}

static void contains(void **state)
{
    (void)state;
    assert_true(ms_json_contains(str("[\"a\",\"b\",\"c\"]"), str("[\"c\",\"a\"]")));
    assert_true(ms_json_contains(str("[\"a\"]"), str("[\"a\",\"a\"]")));
    assert_true(ms_json_contains(str("[]"), str("[]")));
    assert_true(ms_json_contains(str(" [1.0, {\"x\":[true]}] "), str("[1,{\"x\":[true]}]")));
    assert_false(ms_json_contains(str("[\"a\",\"b\"]"), str("[\"a\",\"c\"]")));
    assert_false(ms_json_contains(str("[\"1\"]"), str("[1]")));
    assert_false(ms_json_contains(str("[]"), str("[\"a\"]")));
    assert_false(ms_json_contains(str("\"a\""), str("[\"a\"]")));
    assert_false(ms_json_contains(str("{\"a\":1}"), str("[]")));
    assert_false(ms_json_contains(str("[\"a\""), str("[\"a\"]")));
    assert_false(ms_json_contains(str(NULL), str("[]")));
}

static void at_names(void **state)
{
    static const char run[] = "{\"status\":\"done\",\"a\":{\"b\":\"x\",\"c\":5},\"d.e\":\"y\",\"n\":null}";

    (void)state;
    assert_true(ms_json_at(str(run), ".status", str("done")));
    assert_true(ms_json_at(str(run), ".a.b", str("x")));
    assert_true(ms_json_at(str("\"x\""), "", str("x")));
    assert_true(ms_json_at(str("{\"st\\u0061tus\":\"d\\u006fne\"}"), ".status", str("done")));
    assert_false(ms_json_at(str(run), ".status", str("don")));
    assert_false(ms_json_at(str(run), ".a.c", str("5")));
    assert_false(ms_json_at(str(run), ".a", str("x")));
    assert_false(ms_json_at(str(run), ".a.b.c", str("x")));
    assert_false(ms_json_at(str(run), ".n", str("null")));
    assert_false(ms_json_at(str(run), ".missing.b", str("x")));
    assert_false(ms_json_at(str("{\"status\":\"done\""), ".status", str("done")));
    assert_false(ms_json_at(str("[\"done\"]"), ".status", str("done")));
    assert_false(ms_json_at(str(NULL), ".status", str("done")));
}

static void at_alternatives(void **state)
{
    static const char path[] = ".a.b|.c|.d.e";

    (void)state;
    assert_true(ms_json_at(str("{\"a\":{\"b\":\"x\"}}"), path, str("x")));
    assert_true(ms_json_at(str("{\"a\":{\"b\":\"y\"},\"c\":\"x\"}"), path, str("x")));
    assert_true(ms_json_at(str("{\"d\":{\"e\":\"x\"}}"), path, str("x")));
    assert_false(ms_json_at(str("{\"d\":\"x\",\"e\":\"x\",\"a\":\"x\"}"), path, str("x")));
}

static void at_any_member(void **state)
{
    static const char path[] = ".context.*status=suspended.to.id|.context.input.id";
    static const char any[] = ".*.id";

    (void)state;
    assert_true(ms_json_at(str("{\"context\":{\"s1\":{\"status\":\"done\"},\"s2\":{\"status\":\"suspended\","
                               "\"to\":{\"id\":\"t\"}}}}"),
                           path, str("t")));
    assert_false(ms_json_at(str("{\"context\":{\"s2\":{\"status\":\"done\",\"to\":{\"id\":\"t\"}}}}"), path,
                            str("t")));
    assert_false(ms_json_at(str("{\"context\":{\"s2\":{\"to\":{\"id\":\"t\"}}}}"), path, str("t")));
    assert_false(ms_json_at(str("{\"context\":{\"s2\":\"suspended\"}}"), path, str("suspended")));
    assert_true(ms_json_at(str("{\"context\":{\"input\":{\"id\":\"t\"}}}"), path, str("t")));
    assert_false(
        ms_json_at(str("{\"context\":[{\"status\":\"suspended\",\"to\":{\"id\":\"t\"}}]}"), path, str("t")));
    assert_true(ms_json_at(str("{\"a\":1,\"b\":{\"id\":\"t\"}}"), any, str("t")));
    assert_false(ms_json_at(str("{\"id\":\"t\"}"), any, str("t")));
    assert_false(ms_json_at(str("[]"), any, str("t")));
}

static void has_member(void **state)
{
    static const char info[] = " {\"a\":1,\"n\":null,\"e\":\"\",\"f\":false,\"\\u0062\":0,\"o\":{\"in\":1}} ";

    (void)state;
    assert_true(ms_json_has_member(str(info), str("a")));
    assert_true(ms_json_has_member(str(info), str("b")));
    assert_true(ms_json_has_member(str(info), str("e")));
    assert_true(ms_json_has_member(str(info), str("f")));
    assert_true(ms_json_has_member(str(info), str("o")));
    assert_false(ms_json_has_member(str(info), str("n")));
    assert_false(ms_json_has_member(str(info), str("in")));
    assert_false(ms_json_has_member(str(info), str("A")));
    assert_false(ms_json_has_member(str("[\"a\"]"), str("a")));
    assert_false(ms_json_has_member(str("\"a\""), str("a")));
    assert_false(ms_json_has_member(str("{\"a\":1"), str("a")));
    assert_false(ms_json_has_member(str(NULL), str("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contains),      cmocka_unit_test(at_names),   cmocka_unit_test(at_alternatives),
        cmocka_unit_test(at_any_member), cmocka_unit_test(has_member),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
