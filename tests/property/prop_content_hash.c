/* prop_content_hash.c - the content hash by blocks equals its definition, value by value. */
#include <math.h>

#include "support/support.h"
#include "support/tables.h"

static uint64_t decimal_of(vj_span bytes)
{
    size_t n = bytes.len_bytes;
    size_t skip = 0;
    uint64_t value = 0;

    if (n == 0)
        return 0;
    uint8_t sign = (uint8_t)bytes.ptr[0] & 0x80 ? 0xff : 0;
    while (skip + 1 < n && (uint8_t)bytes.ptr[skip] == sign &&
           ((uint8_t)bytes.ptr[skip + 1] & 0x80) == (sign & 0x80))
        skip++;
    if (n - skip > 8)
        return vj_hash_bytes(bytes.ptr + skip, n - skip, 0);
    value = sign != 0 ? UINT64_MAX : 0;
    for (size_t i = skip; i < n; i++)
        value = value << 8 | (uint8_t)bytes.ptr[i];
    return value;
}

static uint64_t real_of(double value)
{
    uint64_t bits = 0;

    memcpy(&bits, &value, sizeof bits);
    return isnan(value) ? 0x7ff8000000000000u : value == 0 ? 0 : bits;
}

/* docs/formats.md, "Content hash", word by word. */
static uint64_t hash_of(const vj_col *col, int64_t row_i)
{
    uint64_t hash = 0;

    if (vj_col_is_null(col, row_i))
        return 0x6e756c6c6e756c6cu;
    switch (col->type->kind) {
    case VJ_BOOL:
        return vj_bit_get(col->data, row_i) ? 3 : 2;
    case VJ_F32:
    case VJ_F64:
        return real_of(vj_col_f64(col, row_i));
    case VJ_TEXT:
    case VJ_BINARY:
    case VJ_FIXED: {
        vj_span bytes = vj_col_bytes(col, row_i);

        return col->type->logical == VJ_LOGICAL_DECIMAL
                   ? decimal_of(bytes)
                   : vj_hash_bytes(bytes.ptr, bytes.len_bytes, 0);
    }
    case VJ_LIST:
        hash = (uint64_t)(col->offs[row_i + 1] - col->offs[row_i]);
        for (int32_t i = col->offs[row_i]; i < col->offs[row_i + 1]; i++)
            hash = vj_mix64(hash, hash_of(&col->kids[0], i));
        return hash;
    case VJ_STRUCT:
        hash = (uint64_t)col->type->n_kids;
        for (int32_t i = 0; i < col->type->n_kids; i++)
            hash = vj_mix64(hash, hash_of(&col->kids[i], row_i));
        return hash;
    default:
        return (uint64_t)vj_col_i64(col, row_i);
    }
}

static vj_content_hash hash_by_definition(const vj_batch *batch)
{
    vj_content_hash hash = {.n_rows = batch->n_rows};

    for (int64_t i = 0; i < batch->n_rows; i++) {
        uint64_t row = 0x76617269616e7473u;

        for (int32_t c = 0; c < batch->schema->n_fields; c++)
            row = vj_mix64(row, hash_of(&batch->cols[c], i));
        hash.lo += vj_mix64(row, 0x2545f4914f6cdd1du);
        hash.hi += vj_mix64(row, 0xa0761d6478bd642fu);
    }
    return hash;
}

static void blocks_equal_the_definition(void **state)
{
    (void)state;
    uint64_t rng = test_seed();
    vj_error err = {0};

    for (int round = 0; round < 60; round++) {
        for (int t = 0; test_table_names[t] != NULL; t++) {
            /* around one and two blocks, and few rows */
            int64_t n = (int64_t)(test_random(&rng) % (round % 3 == 0 ? 530 : 12));
            test_table table = {0};
            uint64_t scratch[530];
            vj_content_hash got = {0};

            assert_ok(test_table_make(test_table_names[t], n, test_random(&rng), &table, &err),
                      &err);
            vj_content_hash want = hash_by_definition(&table.batch);
            vj_content_hash_add(&got, &table.batch, scratch);
            assert_true(got.n_rows == want.n_rows);
            if (got.lo != want.lo || got.hi != want.hi)
                fail_msg("table %s of %lld rows: another hash", test_table_names[t], (long long)n);
            test_table_free(&table);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_equal_the_definition)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
