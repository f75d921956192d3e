/* Columns: builders, gather, type names, content hash. */
#include "support/support.h"

#include <math.h>

#include "col/col.h"

static vj_error err;

static void type_names_are_readable(void **state)
{
    const vj_type list = vj_type_list_of(VJ_TEXT);
    const vj_type decimal = {.kind = VJ_I64, .logical = VJ_LOGICAL_DECIMAL, .precision = 10,
                             .scale = 2};
    const vj_type stamp = {.kind = VJ_I64, .logical = VJ_LOGICAL_TIMESTAMP, .unit = VJ_US,
                           .utc = true};
    char name[64];

    (void)state;
    assert_string_equal(vj_type_name(&list, name, sizeof name), "list<text>");
    assert_string_equal(vj_type_name(&decimal, name, sizeof name), "decimal(10,2)");
    assert_string_equal(vj_type_name(&stamp, name, sizeof name), "timestamp[us, UTC]");
}

static void nulls_and_values_come_back(void **state)
{
    const vj_type type = vj_type_of(VJ_U32);
    vj_colb b = {0};

    (void)state;
    assert_ok(vj_colb_init(&b, &type, NULL, &err), &err);
    assert_ok(vj_colb_int(&b, 4294967295, &err), &err);
    assert_ok(vj_colb_null(&b, &err), &err);
    assert_ok(vj_colb_int(&b, 7, &err), &err);
    vj_col col = vj_colb_view(&b);
    assert_int_equal(col.n_rows, 3);
    assert_int_equal(vj_col_null_count(&col), 1);
    assert_true(vj_col_i64(&col, 0) == 4294967295);
    assert_true(vj_col_is_null(&col, 1));
    assert_int_equal(vj_col_i64(&col, 2), 7);
    vj_colb_fini(&b);
}

/* What stands behind the last row of many appended at once is nothing that a single one may find. */
static void one_value_behind_many(void **state)
{
    const vj_type type = vj_type_of(VJ_U32);
    const int32_t idx[] = {0, -1, 0};
    vj_colb from = {0}, b = {0};

    (void)state;
    assert_ok(vj_colb_init(&from, &type, NULL, &err), &err);
    assert_ok(vj_colb_init(&b, &type, NULL, &err), &err);
    assert_ok(vj_colb_int(&from, 5, &err), &err);
    vj_col col = vj_colb_view(&from);
    assert_ok(vj_colb_gather(&b, &col, idx, 3, &err), &err);
    assert_ok(vj_colb_int(&b, 6, &err), &err);
    col = vj_colb_view(&b);
    assert_false(vj_col_is_null(&col, 3));
    assert_int_equal(vj_col_i64(&col, 3), 6);
    /* no null among many of a column that has some; then values, then a null */
    vj_colb_reset(&b);
    assert_ok(vj_colb_null(&from, &err), &err);
    col = vj_colb_view(&from);
    assert_ok(vj_colb_gather(&b, &col, idx, 1, &err), &err);
    assert_ok(vj_colb_int(&b, 7, &err), &err);
    assert_ok(vj_colb_append(&b, &col, 0, 1, &err), &err);
    assert_ok(vj_colb_null(&b, &err), &err);
    col = vj_colb_view(&b);
    assert_int_equal(vj_col_null_count(&col), 1);
    assert_true(vj_col_is_null(&col, 3));
    vj_colb_fini(&from);
    vj_colb_fini(&b);
}

static void list_of(vj_colb *b, const char *const *elements, int n)
{
    for (int i = 0; i < n; i++)
        assert_ok(vj_colb_bytes(&b->kids[0], elements[i], strlen(elements[i]), &err), &err);
    assert_ok(vj_colb_end_list(b, &err), &err);
}

static void gather_takes_rows_and_gives_nulls(void **state)
{
    const vj_type type = vj_type_list_of(VJ_TEXT);
    const int32_t idx[] = {2, -1, 0, 2};
    vj_colb from = {0}, to = {0};

    (void)state;
    assert_ok(vj_colb_init(&from, &type, NULL, &err), &err);
    assert_ok(vj_colb_init(&to, &type, NULL, &err), &err);
    list_of(&from, (const char *[]){"A", "G"}, 2);
    list_of(&from, NULL, 0);
    list_of(&from, (const char *[]){"TTT"}, 1);
    vj_col view = vj_colb_view(&from);
    assert_ok(vj_colb_gather(&to, &view, idx, 4, &err), &err);
    vj_col got = vj_colb_view(&to);
    assert_int_equal(got.n_rows, 4);
    assert_true(vj_col_is_null(&got, 1));
    assert_int_equal(got.offs[1] - got.offs[0], 1);
    assert_int_equal(got.offs[3] - got.offs[2], 2);
    assert_true(vj_span_is(vj_col_bytes(&got.kids[0], got.offs[0]), "TTT"));
    assert_true(vj_span_is(vj_col_bytes(&got.kids[0], got.offs[2] + 1), "G"));
    vj_colb_fini(&from);
    vj_colb_fini(&to);
}

/* ---- content hash (S-54, docs/formats.md) ---- */

#define MAX_ROWS 8
/* A table of an integer, a float and a text; kinds vary, values stay. */
static vj_content_hash hash_rows(vj_kind int_kind, vj_kind float_kind, const int *order, int n,
                                 int cut)
{
    const vj_field fields[] = {{"i", vj_type_of(int_kind), true},
                               {"f", vj_type_of(float_kind), true},
                               {"t", vj_type_of(VJ_TEXT), true}};
    const vj_schema schema = {3, fields};
    vj_content_hash hash = {0};
    uint64_t scratch[MAX_ROWS];

    for (int beg = 0; beg < n; beg += cut) {
        int end = beg + cut < n ? beg + cut : n;
        vj_colb b[3] = {0};
        vj_col cols[3];

        for (int c = 0; c < 3; c++)
            assert_ok(vj_colb_init(&b[c], &fields[c].type, NULL, &err), &err);
        for (int i = beg; i < end; i++) {
            int row = order[i];
            char text[2] = {(char)('a' + row), '\0'};

            assert_ok(row == 3 ? vj_colb_null(&b[0], &err) : vj_colb_int(&b[0], row, &err), &err);
            if (float_kind == VJ_F32)
                assert_ok(vj_colb_f32(&b[1], row == 2 ? NAN : (float)row / 2, &err), &err);
            else
                assert_ok(vj_colb_f64(&b[1], row == 2 ? -NAN : (double)row / 2, &err), &err);
            assert_ok(vj_colb_bytes(&b[2], text, (size_t)(row % 2), &err), &err);
        }
        for (int c = 0; c < 3; c++)
            cols[c] = vj_colb_view(&b[c]);
        vj_content_hash_add(&hash, &(vj_batch){&schema, end - beg, cols}, scratch);
        for (int c = 0; c < 3; c++)
            vj_colb_fini(&b[c]);
    }
    return hash;
}

static void assert_same_hash(vj_content_hash a, vj_content_hash b, bool same)
{
    char x[40], y[40];

    vj_content_hash_text(&a, x);
    vj_content_hash_text(&b, y);
    if (same)
        assert_string_equal(x, y);
    else
        assert_string_not_equal(x, y);
}

static void hash_ignores_order_batches_and_widths(void **state)
{
    const int order[] = {0, 1, 2, 3, 4}, other[] = {4, 2, 3, 0, 1};
    vj_content_hash hash = hash_rows(VJ_I32, VJ_F64, order, 5, 5);

    (void)state;
    assert_same_hash(hash, hash_rows(VJ_I32, VJ_F64, other, 5, 5), true);
    assert_same_hash(hash, hash_rows(VJ_I32, VJ_F64, order, 5, 2), true);
    assert_same_hash(hash, hash_rows(VJ_U8, VJ_F32, other, 5, 1), true);
}

static void hash_sees_each_row_and_each_copy(void **state)
{
    const int order[] = {0, 1, 2, 3}, changed[] = {0, 1, 2, 4}, twice[] = {0, 1, 2, 3, 3};
    vj_content_hash hash = hash_rows(VJ_I64, VJ_F64, order, 4, 4);

    (void)state;
    assert_same_hash(hash, hash_rows(VJ_I64, VJ_F64, changed, 4, 4), false);
    assert_same_hash(hash, hash_rows(VJ_I64, VJ_F64, order, 3, 4), false);
    assert_same_hash(hash, hash_rows(VJ_I64, VJ_F64, twice, 5, 4), false);
}

static void hash_of_parts_is_hash_of_the_whole(void **state)
{
    const int order[] = {0, 1, 2, 3, 4};
    vj_content_hash whole = hash_rows(VJ_I64, VJ_F64, order, 5, 5);
    vj_content_hash part = hash_rows(VJ_I64, VJ_F64, order, 2, 5);
    vj_content_hash rest = hash_rows(VJ_I64, VJ_F64, order + 2, 3, 5);

    (void)state;
    vj_content_hash_merge(&part, &rest);
    assert_same_hash(whole, part, true);
}

static void bits_are_copied_between_any_offsets(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    uint8_t src[40 + 16];
    uint8_t dst[40];
    uint8_t before[40];

    for (int round = 0; round < 2000; round++) {
        int64_t from = (int64_t)(test_random(&seed) % 60);
        int64_t to = (int64_t)(test_random(&seed) % 60);
        int64_t n = (int64_t)(test_random(&seed) % 200);

        for (size_t i = 0; i < sizeof src; i++)
            src[i] = (uint8_t)test_random(&seed);
        for (size_t i = 0; i < sizeof dst; i++)
            before[i] = dst[i] = (uint8_t)test_random(&seed);
        vj_bits_copy(dst, to, src, from, n);
        for (int64_t i = 0; i < (int64_t)sizeof dst * 8; i++) {
            bool inside = i >= to && i < to + n;
            bool want = inside ? vj_bit_get(src, from + i - to) : vj_bit_get(before, i);

            assert_int_equal(vj_bit_get(dst, i), want);
        }
    }
}

static void ones_are_counted_from_anywhere(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    uint8_t bits[40];

    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (uint8_t)test_random(&seed);
    for (int64_t off = 0; off < 70; off++)
        for (int64_t n = 0; n < 200; n++) {
            int64_t ones = 0;

            for (int64_t i = 0; i < n; i++)
                ones += vj_bit_get(bits, off + i);
            assert_int_equal(vj_bits_count_at(bits, off, n), ones);
        }
}

/* Rows of every flat kind with nulls among them. */
static void fill_at_random(vj_colb *b, int64_t n, bool nulls, uint64_t *seed)
{
    static const char letters[] = "ACGTACGTACGTACGTACGTACGT";

    for (int64_t i = 0; i < n; i++) {
        if (nulls && test_random(seed) % 4 == 0)
            assert_ok(vj_colb_null(b, &err), &err);
        else if (b->type.kind == VJ_BOOL)
            assert_ok(vj_colb_bool(b, test_random(seed) % 2, &err), &err);
        else if (b->type.kind == VJ_TEXT)
            assert_ok(vj_colb_bytes(b, letters, test_random(seed) % sizeof letters, &err), &err);
        else if (b->type.kind == VJ_FIXED)
            assert_ok(vj_colb_bytes(b, letters, (size_t)b->type.width_bytes, &err), &err);
        else
            assert_ok(vj_colb_int(b, (int64_t)test_random(seed), &err), &err);
    }
}

static void assert_same_rows(vj_colb *a, vj_colb *b)
{
    vj_col x = vj_colb_view(a);
    vj_col y = vj_colb_view(b);

    assert_int_equal(x.n_rows, y.n_rows);
    assert_int_equal(a->n_nulls, b->n_nulls);
    for (int64_t i = 0; i < x.n_rows; i++) {
        assert_int_equal(vj_col_is_null(&x, i), vj_col_is_null(&y, i));
        if (vj_col_is_null(&x, i))
            continue;
        if (a->type.kind == VJ_TEXT || a->type.kind == VJ_FIXED)
            assert_true(vj_span_eq(vj_col_bytes(&x, i), vj_col_bytes(&y, i)));
        else if (a->type.kind == VJ_BOOL)
            assert_int_equal(vj_bit_get(x.data, i), vj_bit_get(y.data, i));
        else
            assert_true(vj_col_i64(&x, i) == vj_col_i64(&y, i));
    }
}

static void placed_rows_are_gathered_ones(void **state)
{
    (void)state;
    static const vj_kind kinds[] = {VJ_BOOL, VJ_U8, VJ_I16, VJ_U32, VJ_I64, VJ_TEXT, VJ_FIXED};
    uint64_t seed = test_seed();

    for (int round = 0; round < 1400; round++) {
        vj_type type = {.kind = kinds[round % 7], .width_bytes = 3};
        int64_t n = (int64_t)(test_random(&seed) % 300);
        unsigned gap = 1 + (unsigned)(test_random(&seed) % 5);
        unsigned disorder = test_random(&seed) % 2 ? 1000 : 20;
        int32_t idx[300];
        uint64_t memory[64];
        int32_t used = (int32_t)(test_random(&seed) % 3);
        vj_places places;
        vj_colb from = {0}, placed = {0}, gathered = {0};

        for (int64_t i = 0; i < n; i++)
            idx[i] = test_random(&seed) % gap == 0 ? used++ : -1;
        for (int64_t i = 0; i < n; i++) /* some twice, some out of order */
            if (test_random(&seed) % disorder == 0)
                idx[i] = used > 0 ? (int32_t)(test_random(&seed) % (uint64_t)used) : -1;
        assert_true(vj_places_bytes(n) <= sizeof memory);
        vj_places_find(idx, n, memory, &places);
        assert_ok(vj_colb_init(&from, &type, NULL, &err), &err);
        assert_ok(vj_colb_init(&placed, &type, NULL, &err), &err);
        assert_ok(vj_colb_init(&gathered, &type, NULL, &err), &err);
        fill_at_random(&from, used, round % 2, &seed);
        vj_col view = vj_colb_view(&from);
        assert_ok(vj_colb_gather(&gathered, &view, idx, n, &err), &err);
        assert_ok(vj_colb_place(&placed, &from, &places, &err), &err);
        assert_same_rows(&placed, &gathered);
        vj_colb_fini(&from);
        vj_colb_fini(&placed);
        vj_colb_fini(&gathered);
    }
}

static void many_at_once_are_one_after_the_other(void **state)
{
    (void)state;
    static const vj_kind kinds[] = {VJ_I8, VJ_U16, VJ_I32, VJ_U64, VJ_TEXT};
    uint64_t seed = test_seed();
    static char letters[40] = "GATTACAGATTACAGATTACAGATTACA";

    for (int round = 0; round < 200; round++) {
        vj_type type = vj_type_of(kinds[round % 5]);
        vj_colb many = {0}, one = {0};

        assert_ok(vj_colb_init(&many, &type, NULL, &err), &err);
        assert_ok(vj_colb_init(&one, &type, NULL, &err), &err);
        for (int part = 0; part < 3; part++) {
            int64_t values[50];
            vj_span texts[50];
            int64_t n = (int64_t)(test_random(&seed) % 50);

            for (int64_t i = 0; i < n; i++) {
                bool null = type.kind == VJ_TEXT && test_random(&seed) % 5 == 0;

                values[i] = (int64_t)test_random(&seed);
                texts[i] = (vj_span){null ? NULL : letters,
                                     null ? 0 : test_random(&seed) % 29};
                if (null)
                    assert_ok(vj_colb_null(&one, &err), &err);
                else if (type.kind == VJ_TEXT)
                    assert_ok(vj_colb_bytes(&one, letters, texts[i].len_bytes, &err), &err);
                else
                    assert_ok(vj_colb_int(&one, values[i], &err), &err);
            }
            if (type.kind == VJ_TEXT)
                assert_ok(vj_colb_spans(&many, texts, n, &err), &err);
            else
                assert_ok(vj_colb_ints(&many, values, n, &err), &err);
            if (part == 1) {
                assert_ok(vj_colb_null(&one, &err), &err);
                assert_ok(vj_colb_null(&many, &err), &err);
            }
        }
        assert_same_rows(&many, &one);
        vj_colb_fini(&many);
        vj_colb_fini(&one);
    }
}

static vj_status build(void *arg, vj_error *fault)
{
    const vj_type type = vj_type_list_of(VJ_TEXT);
    vj_colb b = {0};
    vj_status rc;

    (void)arg;
    VJ_GO(rc, vj_colb_init(&b, &type, NULL, fault));
    for (int i = 0; i < 200; i++) {
        VJ_GO(rc, vj_colb_bytes(&b.kids[0], "ACGTACGTACGT", 12, fault));
        VJ_GO(rc, vj_colb_end_list(&b, fault));
        VJ_GO(rc, vj_colb_null(&b, fault));
    }
out:
    vj_colb_fini(&b);
    return rc;
}

static void builders_survive_each_failed_allocation(void **state)
{
    (void)state;
    sweep_allocations(build, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type_names_are_readable),
        cmocka_unit_test(nulls_and_values_come_back),
        cmocka_unit_test(one_value_behind_many),
        cmocka_unit_test(gather_takes_rows_and_gives_nulls),
        cmocka_unit_test(hash_ignores_order_batches_and_widths),
        cmocka_unit_test(hash_sees_each_row_and_each_copy),
        cmocka_unit_test(hash_of_parts_is_hash_of_the_whole),
        cmocka_unit_test(bits_are_copied_between_any_offsets),
        cmocka_unit_test(ones_are_counted_from_anywhere),
        cmocka_unit_test(placed_rows_are_gathered_ones),
        cmocka_unit_test(many_at_once_are_one_after_the_other),
        cmocka_unit_test(builders_survive_each_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
