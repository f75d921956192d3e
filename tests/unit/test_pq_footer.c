/* test_pq_footer.c - thrift on bytes by hand; schema trees of all the older kinds; refusals. */
#include "support/support.h"

#include "parquet/footer.h"

/* ---- thrift ---- */

static void fields_are_read_by_number(void **state)
{
    (void)state;
    /* 1: i32 -3, 2: "ab", 4: true, 20: i64 300, stop */
    static const uint8_t bytes[] = {0x15, 5, 0x18, 2, 'a', 'b', 0x21, 0x06, 40, 0xd8, 4, 0};
    th_field f = {0};
    th t;

    th_init(&t, bytes, sizeof bytes);
    assert_true(th_next(&t, &f));
    assert_int_equal(f.id, 1);
    assert_int_equal(th_i32(&t, &f), -3);
    assert_true(th_next(&t, &f));
    assert_true(vj_span_is(th_bytes(&t, &f), "ab"));
    assert_true(th_next(&t, &f));
    assert_int_equal(f.id, 4);
    assert_true(th_bool(&t, &f));
    assert_true(th_next(&t, &f));
    assert_int_equal(f.id, 20);
    assert_int_equal(th_i64(&t, &f), 300);
    assert_false(th_next(&t, &f));
    assert_null(t.why);
}

static void skip_all(th *t)
{
    th_field f = {0};

    while (th_next(t, &f))
        th_skip(t, &f);
}

static void hostile_thrift_is_a_fault_and_no_loop(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[16];
        size_t len;
        const char *why;
    } cases[] = {
        {{0x15}, 1, "end inside"},
        {{0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x'}, 7, "end inside"},   /* 4 GB of text */
        {{0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, 8, "end inside"}, /* 4 G items */
        {{0x16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, 13, "10 bytes"},
        {{0x1e, 0}, 2, "unknown type"},
        {{0x1b, 0xff, 0xff, 0xff, 0x0f, 0x55, 1}, 7, "end inside"}, /* map of 16 M entries */
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        th t;

        th_init(&t, cases[i].bytes, cases[i].len);
        skip_all(&t);
        assert_non_null(t.why);
        assert_non_null(strstr(t.why, cases[i].why));
    }
}

static void nesting_is_limited(void **state)
{
    (void)state;
    static uint8_t deep[100000];
    th t;

    memset(deep, 0x1c, sizeof deep); /* a struct in a struct in a struct ... */
    th_init(&t, deep, sizeof deep);
    skip_all(&t);
    assert_non_null(strstr(t.why, "too deep"));
    memset(deep, 0x19, sizeof deep); /* lists of lists */
    th_init(&t, deep, sizeof deep);
    skip_all(&t);
    assert_non_null(strstr(t.why, "too deep"));
}

/* ---- schema ---- */

typedef struct schema_case {
    vj_pq_file file;
    vj_error err;
    vj_status rc;
} schema_case;

static void build(schema_case *c, const pq_element *els, int32_t n)
{
    *c = (schema_case){0};
    assert_ok(vj_source_memory("made-up", "", 0, &c->file.source, &c->err), &c->err);
    vj_arena_init(&c->file.arena, NULL, 0);
    c->rc = pq_schema_build(&c->file, els, n, &c->err);
}

static void fini(schema_case *c)
{
    vj_source_free(c->file.source);
    vj_arena_fini(&c->file.arena);
}

static void expect_type(const pq_element *els, int32_t n, const char *type, const char *leaf,
                        int max_def, int max_rep)
{
    schema_case c;
    char name[256];

    build(&c, els, n);
    assert_ok(c.rc, &c.err);
    vj_type_name(&c.file.meta.schema.fields[0].type, name, sizeof name);
    assert_string_equal(name, type);
    assert_string_equal(c.file.leaves[0].path, leaf);
    assert_int_equal(c.file.leaves[0].max_def, max_def);
    assert_int_equal(c.file.leaves[0].max_rep, max_rep);
    fini(&c);
}

#define GROUP(NAME, REP, N, CONVERTED)                                                     \
    {                                                                                      \
        .name = NAME, .physical = -1, .repetition = REP, .n_children = N,                  \
        .converted = CONVERTED                                                             \
    }
#define LEAF(NAME, REP, PHYSICAL, CONVERTED)                                               \
    {                                                                                      \
        .name = NAME, .physical = PHYSICAL, .repetition = REP, .converted = CONVERTED      \
    }
enum { REQUIRED, OPTIONAL, REPEATED };

static void lists_of_every_age_are_lists(void **state)
{
    (void)state;
    const pq_element three[] = {GROUP("r", 0, 1, -1), GROUP("a", OPTIONAL, 1, 3),
                                GROUP("list", REPEATED, 1, -1), LEAF("element", OPTIONAL, 6, 0)};
    const pq_element two[] = {GROUP("r", 0, 1, -1), GROUP("a", OPTIONAL, 1, 3),
                              LEAF("element", REPEATED, 1, -1)};
    const pq_element array[] = {GROUP("r", 0, 1, -1), GROUP("a", REQUIRED, 1, 3),
                                GROUP("array", REPEATED, 1, -1), LEAF("x", REQUIRED, 1, -1)};
    const pq_element tuple[] = {GROUP("r", 0, 1, -1), GROUP("a", REQUIRED, 1, 3),
                                GROUP("a_tuple", REPEATED, 1, -1), LEAF("x", OPTIONAL, 1, -1)};
    const pq_element pair[] = {GROUP("r", 0, 1, -1), GROUP("a", OPTIONAL, 1, 3),
                               GROUP("bag", REPEATED, 2, -1), LEAF("x", REQUIRED, 1, -1),
                               LEAF("y", OPTIONAL, 2, -1)};
    const pq_element bare[] = {GROUP("r", 0, 1, -1), LEAF("a", REPEATED, 5, -1)};
    const pq_element bare_group[] = {GROUP("r", 0, 1, -1), GROUP("a", REPEATED, 1, -1),
                                     LEAF("x", OPTIONAL, 1, -1)};

    expect_type(three, 4, "list<text>", "a.list.element", 3, 1);
    expect_type(two, 3, "list<int32>", "a.element", 2, 1);
    expect_type(array, 4, "list<struct<x: int32>>", "a.array.x", 1, 1);
    expect_type(tuple, 4, "list<struct<x: int32>>", "a.a_tuple.x", 2, 1);
    expect_type(pair, 5, "list<struct<x: int32, y: int64>>", "a.bag.x", 2, 1);
    expect_type(bare, 2, "list<float64>", "a", 1, 1);
    expect_type(bare_group, 3, "list<struct<x: int32>>", "a.x", 2, 1);
}

static void maps_are_lists_of_pairs(void **state)
{
    (void)state;
    const pq_element map[] = {GROUP("r", 0, 1, -1), GROUP("m", OPTIONAL, 1, 1),
                              GROUP("key_value", REPEATED, 2, -1), LEAF("key", REQUIRED, 6, 0),
                              LEAF("value", OPTIONAL, 1, -1)};
    const pq_element no_value[] = {GROUP("r", 0, 1, -1), GROUP("m", OPTIONAL, 1, 2),
                                   GROUP("map", REPEATED, 1, -1), LEAF("key", OPTIONAL, 6, 0)};

    expect_type(map, 5, "list<struct<key: text, value: int32>>", "m.key_value.key", 2, 1);
    expect_type(no_value, 4, "list<struct<key: text>>", "m.map.key", 3, 1);
}

static void broken_trees_are_refused(void **state)
{
    (void)state;
    const pq_element too_many[] = {GROUP("r", 0, 2, -1), LEAF("a", 0, 1, -1)};
    const pq_element too_few[] = {GROUP("r", 0, 1, -1), LEAF("a", 0, 1, -1), LEAF("b", 0, 1, -1)};
    const pq_element childless[] = {GROUP("r", 0, 1, -1), GROUP("a", 0, 0, -1)};
    const pq_element greedy[] = {GROUP("r", 0, 1, -1), GROUP("a", 0, 9, -1), LEAF("b", 0, 1, -1)};
    const pq_element open_list[] = {GROUP("r", 0, 1, -1), GROUP("a", 0, 1, 3),
                                    GROUP("list", REPEATED, 1, -1)};
    const pq_element leaf_root[] = {LEAF("a", 0, 1, -1)};
    static pq_element deep[200];
    const struct {
        const pq_element *els;
        int32_t n;
    } cases[] = {{too_many, 2}, {too_few, 3},   {childless, 2}, {greedy, 3},
                 {open_list, 3}, {leaf_root, 1}, {deep, 200},    {too_many, 0}};

    for (int i = 0; i < 199; i++)
        deep[i] = (pq_element)GROUP("d", REPEATED, 1, -1);
    deep[199] = (pq_element)LEAF("x", 0, 1, -1);
    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        schema_case c;

        build(&c, cases[i].els, cases[i].n);
        assert_int_equal(c.rc, VJ_E_CORRUPT);
        assert_non_null(strstr(c.err.text, "made-up: schema of the footer"));
        fini(&c);
    }
}

static void types_follow_their_annotations(void **state)
{
    (void)state;
    static const struct {
        pq_element el;
        const char *type;
    } cases[] = {
        {{.physical = PQ_INT32, .converted = 15}, "int8"},
        {{.physical = PQ_INT32, .converted = 12}, "uint16"},
        {{.physical = PQ_INT64, .converted = 14}, "uint64"},
        {{.physical = PQ_INT32, .converted = -1, .logical = 10, .int_bits = 16, .int_signed = true},
         "int16"},
        {{.physical = PQ_INT32, .converted = 6}, "date"},
        {{.physical = PQ_INT32, .converted = 7}, "time[ms, UTC]"},
        {{.physical = PQ_INT64, .converted = 10}, "timestamp[us, UTC]"},
        {{.physical = PQ_INT64, .converted = -1, .logical = 8, .unit = 3}, "timestamp[ns]"},
        {{.physical = PQ_INT32, .converted = -1, .logical = 8, .unit = 3}, "int32"},
        {{.physical = PQ_INT96, .converted = -1}, "timestamp[ns]"},
        {{.physical = PQ_INT32, .converted = 5, .precision = 9, .scale = 2}, "decimal(9,2)"},
        {{.physical = PQ_INT32, .converted = 5, .precision = 10, .scale = 2}, "int32"},
        {{.physical = PQ_INT64, .converted = 5, .precision = 18, .scale = 18}, "decimal(18,18)"},
        {{.physical = PQ_FLBA, .type_length = 9, .converted = 5, .precision = 20}, "decimal(20,0)"},
        {{.physical = PQ_BYTE_ARRAY, .converted = 5, .precision = 38, .scale = 4}, "decimal(38,4)"},
        {{.physical = PQ_BYTE_ARRAY, .converted = 0}, "text"},
        {{.physical = PQ_BYTE_ARRAY, .converted = -1}, "binary"},
        {{.physical = PQ_BYTE_ARRAY, .converted = -1, .logical = 12}, "json"},
        {{.physical = PQ_BYTE_ARRAY, .converted = -1, .logical = 16}, "binary"}, /* VARIANT */
        {{.physical = PQ_BYTE_ARRAY, .converted = -1, .logical = 99}, "binary"}, /* of the future */
        {{.physical = PQ_FLBA, .type_length = 16, .converted = -1, .logical = 14}, "uuid"},
        {{.physical = PQ_FLBA, .type_length = 2, .converted = -1, .logical = 15}, "float16"},
        {{.physical = PQ_FLBA, .type_length = 12, .converted = 21}, "interval"},
        {{.physical = PQ_FLBA, .type_length = 12, .converted = 21, .logical = 11}, "interval"},
        {{.physical = PQ_FLBA, .type_length = 5, .converted = -1}, "fixed[5]"},
        {{.physical = PQ_INT32, .converted = -1, .logical = 11}, "null"},
    };

    for (size_t i = 0; i < VJ_COUNT(cases); i++) {
        pq_leaf leaf = {0};
        char name[64];

        pq_leaf_type(&cases[i].el, &leaf);
        assert_string_equal(vj_type_name(&leaf.type, name, sizeof name), cases[i].type);
    }
}

/* ---- statistics ---- */

static void bounds_keep_to_the_rules_of_their_order(void **state)
{
    (void)state;
    const int64_t lo = -5;
    const int64_t hi = 7;
    const float nan_bits = __builtin_nanf("");
    const float zero = 0.0f;
    pq_chunk old = {.n_values = 4, .has_old_min = true, .has_old_max = true,
                    .old_min = {(const char *)&lo, 8}, .old_max = {(const char *)&hi, 8}};
    pq_leaf leaf = {.physical = PQ_INT64, .width_bytes = 8, .type = {.kind = VJ_I64}};
    vj_pq_stats s = {0};

    pq_stats_get(&leaf, &old, &s);
    assert_true(s.has_bounds && s.min_i64 == -5 && s.max_i64 == 7);
    assert_int_equal(s.n_nulls, -1);
    leaf.type.kind = VJ_U64; /* the deprecated pair has signed order */
    pq_stats_get(&leaf, &old, &s);
    assert_false(s.has_bounds);
    leaf = (pq_leaf){.physical = PQ_BYTE_ARRAY, .type = {.kind = VJ_TEXT}};
    pq_stats_get(&leaf, &old, &s);
    assert_false(s.has_bounds);

    pq_chunk real = {.n_values = 4, .has_min = true, .has_max = true, .has_null_count = true,
                     .null_count = 1, .min = {(const char *)&zero, 4}, .max = {(const char *)&zero, 4}};
    leaf = (pq_leaf){.physical = PQ_FLOAT, .width_bytes = 4, .type = {.kind = VJ_F32}};
    pq_stats_get(&leaf, &real, &s);
    assert_true(s.has_bounds && __builtin_signbit(s.min_f64) && !__builtin_signbit(s.max_f64));
    assert_int_equal(s.n_nulls, 1);
    real.max = (vj_span){(const char *)&nan_bits, 4};
    pq_stats_get(&leaf, &real, &s);
    assert_false(s.has_bounds);
    real.max = (vj_span){"abc", 3}; /* of another width */
    pq_stats_get(&leaf, &real, &s);
    assert_false(s.has_bounds);
}

static bool has_bounds(pq_leaf leaf, pq_order order, vj_span bound)
{
    pq_chunk c = {.n_values = 4, .has_min = true, .has_max = true, .min = bound, .max = bound};
    vj_pq_stats s = {0};

    leaf.order = (uint8_t)order;
    pq_stats_get(&leaf, &c, &s);
    return s.has_bounds;
}

/* The order of text and of unsigned numbers changed once: only a footer that names it counts. */
static void bounds_need_an_order_that_is_known(void **state)
{
    (void)state;
    const pq_leaf text = {.physical = PQ_BYTE_ARRAY, .type = {.kind = VJ_TEXT}};
    const pq_leaf i32 = {.physical = PQ_INT32, .width_bytes = 4, .type = {.kind = VJ_I32}};
    const pq_leaf u32 = {.physical = PQ_INT32, .width_bytes = 4, .type = {.kind = VJ_U32}};
    const pq_leaf f32 = {.physical = PQ_FLOAT, .width_bytes = 4, .type = {.kind = VJ_F32}};
    const vj_span four = {"abcd", 4};

    assert_false(has_bounds(text, PQ_ORDER_NONE, four));
    assert_true(has_bounds(text, PQ_ORDER_TYPE, four));
    assert_false(has_bounds(text, PQ_ORDER_OTHER, four));
    assert_true(has_bounds(i32, PQ_ORDER_NONE, four));
    assert_false(has_bounds(i32, PQ_ORDER_OTHER, four));
    assert_false(has_bounds(i32, PQ_ORDER_IEEE754, four));
    assert_false(has_bounds(u32, PQ_ORDER_NONE, four));
    assert_true(has_bounds(u32, PQ_ORDER_TYPE, four));
    assert_true(has_bounds(f32, PQ_ORDER_IEEE754, four));
}

/* A value of 8 bits that was stored sign-extended is another one than its bound. */
static void bounds_that_narrowing_changes_are_dropped(void **state)
{
    (void)state;
    const pq_leaf u8 = {.physical = PQ_INT32, .width_bytes = 4, .type = {.kind = VJ_U8}};
    const pq_leaf i16 = {.physical = PQ_INT32, .width_bytes = 4, .type = {.kind = VJ_I16}};

    assert_true(has_bounds(u8, PQ_ORDER_TYPE, (vj_span){"\xff\0\0\0", 4}));
    assert_false(has_bounds(u8, PQ_ORDER_TYPE, (vj_span){"\xff\xff\xff\xff", 4}));
    assert_true(has_bounds(i16, PQ_ORDER_TYPE, (vj_span){"\xff\xff\xff\xff", 4}));
    assert_false(has_bounds(i16, PQ_ORDER_TYPE, (vj_span){"\xff\xff\0\0", 4}));
}

/* ---- files ---- */

static void expect_open(const char *bytes, size_t len, vj_status status, const char *text)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_error err = {0};

    assert_ok(vj_source_memory("x.parquet", bytes, len, &source, &err), &err);
    assert_int_equal(vj_pq_open(source, NULL, &file, &err), status);
    assert_string_equal(err.text, text);
    assert_null(file);
}

static void what_is_no_parquet_file_is_named(void **state)
{
    (void)state;
    expect_open("PAR1", 4, VJ_E_CORRUPT,
                "x.parquet: not a Parquet file: expected at least 12 bytes, found 4");
    expect_open("##fileformat=VCFv4.2\n", 21, VJ_E_CORRUPT,
                "x.parquet: not a Parquet file, or cut off: expected PAR1 at its end, found "
                "'4.2\\x0a'");
    expect_open("JUNK\0\0\0\0\0\0\0\0PAR1", 16, VJ_E_CORRUPT,
                "x.parquet: not a Parquet file, or cut off: expected PAR1 at its beginning, found "
                "'JUNK'");
    expect_open("PARE\0\0\0\0\0\0\0\0PARE", 16, VJ_E_UNSUPPORTED,
                "x.parquet: the file has an encrypted footer (magic PARE), which is not read");
    expect_open("PAR1\x10\0\0\0PAR1", 12, VJ_E_CORRUPT,
                "x.parquet: footer length: expected at most 0 bytes, found 16");
    expect_open("PAR1\0\1\0\0\0PAR1", 13, VJ_E_CORRUPT, "x.parquet: footer has no schema");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_by_number),
        cmocka_unit_test(hostile_thrift_is_a_fault_and_no_loop),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(lists_of_every_age_are_lists),
        cmocka_unit_test(maps_are_lists_of_pairs),
        cmocka_unit_test(broken_trees_are_refused),
        cmocka_unit_test(types_follow_their_annotations),
        cmocka_unit_test(bounds_keep_to_the_rules_of_their_order),
        cmocka_unit_test(bounds_need_an_order_that_is_known),
        cmocka_unit_test(bounds_that_narrowing_changes_are_dropped),
        cmocka_unit_test(what_is_no_parquet_file_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
