/* The join against an O(n*m) oracle on seeded random keys and rows (S-24 ... S-31, S-37). */
#include <stdio.h>
#include <stdlib.h>

#include "join/join.h"
#include "support/support.h"

#define MAX_KEYS 60
#define MAX_ROWS 80

typedef struct row {
    int64_t start;
    bool null_start, null_alt;
    char ref[8];
    char alt[24];
} row;

typedef struct world {
    char key_ref[MAX_KEYS][8], key_alt[MAX_KEYS][8];
    vj_key_list list;
    row rows[MAX_ROWS];
    int n_rows;
    bool alt_is_list;
    int64_t shift;
} world;

static void random_allele(uint64_t *rng, char *dst)
{
    int n = 1 + (int)(test_random(rng) % 3);

    for (int i = 0; i < n; i++)
        dst[i] = "ACacGT"[test_random(rng) % 6];
    dst[n] = '\0';
}

static void upper(char *text)
{
    for (; *text != '\0'; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 32);
}

static void make_keys(world *w, uint64_t *rng, vj_error *err)
{
    int n = (int)(test_random(rng) % MAX_KEYS);
    bool sorted = test_random(rng) % 2;
    bool crowded = test_random(rng) % 4 == 0; /* few positions, many equal keys */
    int64_t pos1 = 1;
    int64_t length = -1;
    vj_span name = vj_span_of("1");

    for (int i = 0; i < n; i++) {
        vj_key key = {.matchable = test_random(rng) % 8 != 0};

        random_allele(rng, w->key_ref[i]);
        random_allele(rng, w->key_alt[i]);
        upper(w->key_ref[i]);
        upper(w->key_alt[i]);
        pos1 = sorted ? pos1 + (int64_t)(test_random(rng) % 3) : (int64_t)(test_random(rng) % 40);
        if (crowded) {
            pos1 = 3 + i / 24;
            w->key_ref[i][1] = w->key_alt[i][1] = '\0';
        }
        key.pos1 = pos1;
        key.ref = vj_span_of(w->key_ref[i]);
        key.alt = vj_span_of(w->key_alt[i]);
        assert_ok(VJ_VEC_PUSH(&w->list.keys, key, err), err);
    }
    assert_ok(VJ_VEC_PUSH(&w->list.contig_names, name, err), err);
    assert_ok(VJ_VEC_PUSH(&w->list.contig_lengths, length, err), err);
}

static void make_rows(world *w, uint64_t *rng)
{
    bool sorted = test_random(rng) % 2;
    bool nulls = test_random(rng) % 3 == 0;
    int64_t start = 0;

    w->n_rows = (int)(test_random(rng) % MAX_ROWS);
    w->alt_is_list = test_random(rng) % 3 == 0;
    w->shift = (int64_t)(test_random(rng) % 2);
    for (int i = 0; i < w->n_rows; i++) {
        row *r = &w->rows[i];
        int n_alts = test_random(rng) % 4 == 0 ? 2 + (int)(test_random(rng) % 2) : 1;

        start = sorted ? start + (int64_t)(test_random(rng) % 2) : (int64_t)(test_random(rng) % 40);
        r->start = start;
        r->null_start = nulls && test_random(rng) % 5 == 0;
        r->null_alt = test_random(rng) % 12 == 0;
        random_allele(rng, r->ref);
        for (int a = 0; a < n_alts; a++) {
            char one[8] = "*";

            if (test_random(rng) % 15 != 0)
                random_allele(rng, one);
            if (a > 0)
                strcat(r->alt, test_random(rng) % 2 ? "|" : ",");
            strcat(r->alt, one);
        }
    }
}

/* ---- oracle: every key against every row, written without the module's helpers ---- */

static bool letters(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (!((*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z')))
            return false;
    return true;
}

static int oracle_one(const world *w, size_t k, const row *r)
{
    char alts[24];
    char *save = NULL;
    int best = 1;
    bool several = !r->null_alt && strpbrk(r->alt, ",|") != NULL;

    snprintf(alts, sizeof alts, "%s", r->null_alt ? "." : r->alt);
    for (char *one = strtok_r(alts, ",|", &save); one != NULL; one = strtok_r(NULL, ",|", &save)) {
        char ref[8];
        char alt[24];

        snprintf(ref, sizeof ref, "%s", r->ref);
        snprintf(alt, sizeof alt, "%s", one);
        upper(ref);
        upper(alt);
        while (several && letters(alt) && strlen(ref) > 1 && strlen(alt) > 1 &&
               ref[strlen(ref) - 1] == alt[strlen(alt) - 1]) {
            ref[strlen(ref) - 1] = '\0';
            alt[strlen(alt) - 1] = '\0';
        }
        if (strcmp(ref, w->key_ref[k]) != 0)
            continue;
        int reached = letters(alt) && strcmp(alt, w->key_alt[k]) == 0 ? 3 : 2;
        best = reached > best ? reached : best;
    }
    return best;
}

static void oracle(const world *w, char *pairs, size_t cap, uint8_t *best)
{
    size_t used = 0;

    pairs[0] = '\0';
    for (size_t k = 0; k < w->list.keys.n; k++) {
        for (int i = 0; i < w->n_rows && w->list.keys.ptr[k].matchable; i++) {
            const row *r = &w->rows[i];

            if (r->null_start || r->start + w->shift != w->list.keys.ptr[k].pos1)
                continue;
            int reached = oracle_one(w, k, r);
            best[k] = (uint8_t)(reached > best[k] ? reached : best[k]);
            if (reached == 3)
                used += (size_t)snprintf(pairs + used, cap - used, "%zu>%d ", k, i);
        }
    }
}

/* ---- the module ---- */

typedef struct columns {
    vj_colb start, ref, alt;
} columns;

static void append_alleles(const world *w, int i, columns *c, vj_error *err)
{
    const row *r = &w->rows[i];
    char alts[24];
    char *save = NULL;

    assert_ok(vj_colb_bytes(&c->ref, r->ref, strlen(r->ref), err), err);
    if (r->null_alt) {
        assert_ok(vj_colb_null(&c->alt, err), err);
    } else if (!w->alt_is_list) {
        assert_ok(vj_colb_bytes(&c->alt, r->alt, strlen(r->alt), err), err);
    } else {
        snprintf(alts, sizeof alts, "%s", r->alt);
        for (char *one = strtok_r(alts, ",|", &save); one != NULL;
             one = strtok_r(NULL, ",|", &save))
            assert_ok(vj_colb_bytes(&c->alt.kids[0], one, strlen(one), err), err);
        assert_ok(vj_colb_end_list(&c->alt, err), err);
    }
}

static int by_key(const void *a, const void *b)
{
    const vj_pair *x = a;
    const vj_pair *y = b;

    return x->key != y->key ? x->key - y->key : x->candidate - y->candidate;
}

static void init_columns(const world *w, vj_kind start_kind, columns *c, vj_error *err)
{
    vj_type start = vj_type_of(start_kind);
    vj_type text = vj_type_of(VJ_TEXT);
    vj_type list = vj_type_list_of(VJ_TEXT);

    assert_ok(vj_colb_init(&c->start, &start, NULL, err), err);
    assert_ok(vj_colb_init(&c->ref, &text, NULL, err), err);
    assert_ok(vj_colb_init(&c->alt, w->alt_is_list ? &list : &text, NULL, err), err);
    for (int i = 0; i < w->n_rows; i++)
        assert_ok(w->rows[i].null_start ? vj_colb_null(&c->start, err)
                                        : vj_colb_int(&c->start, w->rows[i].start, err), err);
}

static void run_module(const world *w, vj_kind start_kind, char *text, size_t cap, uint8_t *best,
                       vj_error *err)
{
    vj_join_index index;
    vj_candidates cands = {0};
    vj_pairs pairs = {0};
    columns c = {0};
    size_t used = 0;

    vj_join_index_init(&index, NULL);
    assert_ok(vj_join_index_build(&index, &w->list, err), err);
    init_columns(w, start_kind, &c, err);
    vj_col start = vj_colb_view(&c.start);
    if (index.runs.n > 0)
        assert_ok(vj_join_positions(&index, &index.runs.ptr[0], &start, 0, w->shift, &cands, err),
                  err);
    for (size_t i = 0; i < cands.n; i++)
        append_alleles(w, cands.ptr[i].row, &c, err);
    vj_col ref = vj_colb_view(&c.ref);
    vj_col alt = vj_colb_view(&c.alt);
    assert_ok(vj_join_alleles(&index, cands.ptr, (int64_t)cands.n, &ref, &alt, best, &pairs, err),
              err);
    if (pairs.n > 0)
        qsort(pairs.ptr, pairs.n, sizeof *pairs.ptr, by_key);
    text[0] = '\0';
    /* of equal keys only the first is in the pairs */
    for (size_t k = 0; k < w->list.keys.n; k++) {
        best[k] = best[vj_join_twin(&index, (int32_t)k)];
        for (size_t i = 0; i < pairs.n; i++)
            if (pairs.ptr[i].key == vj_join_twin(&index, (int32_t)k))
                used += (size_t)snprintf(text + used, cap - used, "%zu>%d ", k,
                                         cands.ptr[pairs.ptr[i].candidate].row);
    }
    vj_join_index_fini(&index);
    VJ_VEC_FINI(&cands);
    VJ_VEC_FINI(&pairs);
    vj_colb_fini(&c.start);
    vj_colb_fini(&c.ref);
    vj_colb_fini(&c.alt);
}

static void joins_as_the_oracle_does(void **state)
{
    (void)state;
    static const vj_kind kinds[] = {VJ_U32, VJ_I64, VJ_I32, VJ_U16};
    static char expected[1 << 16];
    static char found[1 << 16];
    uint64_t rng = test_seed();
    vj_error err = {0};

    for (int round = 0; round < 4000; round++) {
        world *w = calloc(1, sizeof *w);
        uint8_t expected_best[MAX_KEYS] = {0};
        uint8_t found_best[MAX_KEYS] = {0};

        make_keys(w, &rng, &err);
        make_rows(w, &rng);
        oracle(w, expected, sizeof expected, expected_best);
        run_module(w, kinds[round % 4], found, sizeof found, found_best, &err);
        assert_string_equal(found, expected);
        assert_memory_equal(found_best, expected_best, MAX_KEYS);
        VJ_VEC_FINI(&w->list.keys);
        VJ_VEC_FINI(&w->list.contig_names);
        VJ_VEC_FINI(&w->list.contig_lengths);
        free(w);
    }
}

/* ---- positions of long sorted slices ---- */

#define LONG_ROWS 3000
#define LONG_KEYS 200

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Sorted values of the kind, dense ones and ones at both ends of its range. */
static void make_long(vj_kind kind, int64_t spread, int64_t *values, int64_t n, uint64_t *rng)
{
    int64_t low = kind == VJ_I32 ? INT32_MIN : 0;
    int64_t high = kind == VJ_U32 ? UINT32_MAX : INT32_MAX;

    for (int64_t i = 0; i < n; i++) {
        int64_t v = (int64_t)(test_random(rng) % (uint64_t)spread);

        switch (test_random(rng) % 8) {
        case 0:
            values[i] = low + v / 3;
            break;
        case 1:
            values[i] = high - v / 3;
            break;
        default:
            values[i] = v;
        }
    }
    qsort(values, (size_t)n, sizeof *values, by_value);
}

static void check_long(vj_kind kind, uint64_t *rng, vj_error *err)
{
    static int64_t rows[LONG_ROWS];
    static int64_t wanted[LONG_KEYS];
    int64_t n_rows = (int64_t)(test_random(rng) % LONG_ROWS);
    int64_t n_keys = 1 + (int64_t)(test_random(rng) % (LONG_KEYS - 1));
    int64_t spread = test_random(rng) % 2 ? 2000 : 100000;
    vj_key_list list = {0};
    vj_type type = vj_type_of(kind);
    vj_colb start;
    vj_join_index index;
    vj_candidates cands = {0};
    size_t at = 0;

    make_long(kind, spread, rows, n_rows, rng);
    make_long(VJ_I64, spread, wanted, n_keys, rng);
    assert_ok(vj_colb_init(&start, &type, NULL, err), err);
    for (int64_t i = 0; i < n_rows; i++)
        assert_ok(vj_colb_int(&start, rows[i], err), err);
    for (int64_t k = 0; k < n_keys; k++) {
        vj_key key = {.matchable = true, .pos1 = wanted[k] + 1};

        assert_ok(VJ_VEC_PUSH(&list.keys, key, err), err);
    }
    vj_join_index_init(&index, NULL);
    assert_ok(vj_join_index_build(&index, &list, err), err);
    vj_col view = vj_colb_view(&start);
    assert_ok(vj_join_positions(&index, &index.runs.ptr[0], &view, 7, 1, &cands, err), err);
    for (int64_t i = 0; i < n_rows; i++)
        for (size_t p = 0; p < index.pos1.n; p++)
            if (index.pos1.ptr[p] == rows[i] + 1) {
                assert_true(at < cands.n);
                assert_int_equal(cands.ptr[at].row, i + 7);
                assert_int_equal(cands.ptr[at++].pos_i, p);
            }
    assert_int_equal(at, cands.n);
    vj_join_index_fini(&index);
    VJ_VEC_FINI(&cands);
    VJ_VEC_FINI(&list.keys);
    vj_colb_fini(&start);
}

static void long_slices_are_searched_right(void **state)
{
    (void)state;
    static const vj_kind kinds[] = {VJ_U32, VJ_I32, VJ_I64};
    uint64_t rng = test_seed();
    vj_error err = {0};

    for (int round = 0; round < 300; round++)
        check_long(kinds[round % 3], &rng, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(joins_as_the_oracle_does),
                                       cmocka_unit_test(long_slices_are_searched_right)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
