/*
 * kernel_bench.c - one kernel of the read side on made-up input, for counting its instructions.
 *
 * usage: kernel_bench NAME     (without a name: the names, one a line)
 * What happens inside measured() is what bench/kernels.py counts under callgrind.
 */
#include <stdio.h>
#include <stdlib.h>

#include "col/col.h"
#include "join/join.h"
#include "parquet/decode.h"

#define N_ROWS 4096
#define N_KEYS 24 /* a sample has a variant every 170 rows */
#define ROUNDS 50

static uint8_t bytes[64 * N_ROWS];
static uint32_t values[N_ROWS];
static int32_t rows[N_ROWS], picked[N_ROWS + 1];
static int64_t n_rows;
static vj_join_index keys;
static vj_key_list key_list;
static vj_candidates candidates;
static vj_colb from, to;
static vj_span texts[N_ROWS];
static vj_places places;
static uint64_t places_memory[N_ROWS / 32];

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void check(vj_status rc)
{
    if (rc != VJ_OK)
        exit(1);
}

/* ---- kernels ---- */

static void sum_deltas(void)
{
    uint32_t last = 1;

    for (int64_t at = 0; at < N_ROWS; at += 32)
        pq_sum_deltas32(bytes + at / 8 * 7, 0, 7, 0, &last, 32, values + at);
}

/* Miniblocks of 7 bits, as a block has them, in one call. */
static void sum_minis(void)
{
    static const uint8_t widths[N_ROWS / 32] = {[0 ... N_ROWS / 32 - 1] = 7};
    uint32_t last = 1;

    pq_sum_minis32(bytes, widths, N_ROWS / 32, 32, 0, &last, values);
}

/* Levels of a sparse column: packed runs of 8 and runs of nulls, in turn. */
static void read_levels(void)
{
    static const uint8_t run[4] = {3, 1, 24 << 1, 0};
    static uint8_t page[4 * N_ROWS / 32 + PQ_SLACK];
    pq_runs runs;
    int64_t ones = 0;

    for (size_t i = 0; i < N_ROWS / 32; i++)
        memcpy(page + 4 * i, run, sizeof run);
    pq_runs_init(&runs, page, page + 4 * N_ROWS / 32, 1);
    if (!pq_runs_read_bits(&runs, N_ROWS, (uint8_t *)values, 0, &ones))
        exit(1);
}

/* PLAIN texts of 11 bytes. */
static void walk_texts(void)
{
    static uint8_t page[15 * N_ROWS + PQ_SLACK];
    static uint32_t marks[8 * N_ROWS];
    pq_walk walk;

    for (size_t i = page[0] == 0 ? 0 : N_ROWS; i < N_ROWS; i++)
        memcpy(page + 15 * i, "\x0b\0\0\0rs123456789", 15);
    if (!pq_walk_begin(&walk, page, 15 * N_ROWS, marks))
        exit(1);
}

static void content_hash(void)
{
    static uint64_t scratch[N_ROWS];
    vj_field field = {.type = from.type};
    vj_schema schema = {.fields = &field, .n_fields = 1};
    vj_col col = vj_colb_view(&from);
    vj_batch batch = {&schema, col.n_rows, &col};
    vj_content_hash hash = {0};

    vj_content_hash_add(&hash, &batch, scratch);
}

static void positions(void)
{
    vj_type type = vj_type_of(VJ_U32);
    vj_col start = {.type = &type, .n_rows = N_ROWS, .data = values};

    VJ_VEC_RESET(&candidates);
    check(vj_join_positions(&keys, keys.runs.ptr, &start, 0, 0, &candidates, NULL));
}

static void rank_bits(void)
{
    pq_rank_bits(bytes, 0, rows, n_rows, picked, (uint8_t *)values);
}

static void count_bits(void)
{
    values[0] = (uint32_t)pq_count_bits(bytes, N_ROWS);
}

static void gather_codes(void)
{
    pq_runs runs = {.ptr = bytes, .end = bytes, .width = 13, .packed = true, .left = N_ROWS,
                    .bits = bytes};

    if (!pq_runs_gather(&runs, rows, n_rows, N_ROWS, values))
        exit(1);
}

static void place(void)
{
    vj_colb_reset(&to);
    check(vj_colb_place(&to, &from, &places, NULL));
}

static void append_spans(void)
{
    vj_colb_reset(&to);
    check(vj_colb_spans(&to, texts, N_ROWS, NULL));
}

/* ---- input ---- */

static void make_rows(void)
{
    uint64_t state = 1;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)next_random(&state);
    for (int32_t i = 0; i < N_ROWS; i++) {
        values[i] = (uint32_t)i * 3;
        texts[i] = (vj_span){(const char *)bytes + i, next_random(&state) % 9};
        if (next_random(&state) % 170 == 0)
            rows[n_rows++] = i;
    }
}

static void make_keys(void)
{
    for (int64_t k = 0; k < N_KEYS; k++) {
        vj_key key = {.matchable = true, .pos1 = (k * N_ROWS / N_KEYS + 11) * 3};

        check(VJ_VEC_PUSH(&key_list.keys, key, NULL));
    }
    vj_join_index_init(&keys, NULL);
    check(vj_join_index_build(&keys, &key_list, NULL));
}

static void make_columns(vj_kind kind)
{
    static int32_t idx[N_ROWS];
    vj_type type = vj_type_of(kind);
    int32_t used = 0;

    check(vj_colb_init(&from, &type, NULL, NULL));
    check(vj_colb_init(&to, &type, NULL, NULL));
    for (int32_t i = 0; i < N_ROWS; i++) {
        idx[i] = i % 27 == 0 ? -1 : used++;
        if (idx[i] < 0)
            continue;
        if (kind == VJ_TEXT)
            check(vj_colb_bytes(&from, texts[i].ptr, texts[i].len_bytes, NULL));
        else if (kind == VJ_BOOL)
            check(vj_colb_bool(&from, bytes[i] & 1, NULL));
        else
            check(vj_colb_int(&from, bytes[i], NULL));
    }
    if (vj_places_bytes(N_ROWS) > sizeof places_memory)
        exit(1);
    vj_places_find(idx, N_ROWS, places_memory, &places);
}

static const struct {
    const char *name;
    void (*run)(void);
    vj_kind kind; /* of the columns */
} kernels[] = {
    {"sum_deltas", sum_deltas, VJ_U32},   {"join_positions", positions, VJ_U32},
    {"rank_bits", rank_bits, VJ_U32},     {"count_bits", count_bits, VJ_U32},
    {"gather_codes", gather_codes, VJ_U32}, {"place_u32", place, VJ_U32},
    {"place_bool", place, VJ_BOOL},       {"place_text", place, VJ_TEXT},
    {"append_spans", append_spans, VJ_TEXT}, {"sum_minis", sum_minis, VJ_U32},
    {"read_levels", read_levels, VJ_U32}, {"walk_texts", walk_texts, VJ_U32},
    {"hash_bool", content_hash, VJ_BOOL},
};

__attribute__((noinline)) void measured(void (*run)(void));
void measured(void (*run)(void))
{
    for (int i = 0; i < ROUNDS; i++)
        run();
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < VJ_COUNT(kernels); i++) {
        if (argc < 2) {
            puts(kernels[i].name);
        } else if (strcmp(argv[1], kernels[i].name) == 0) {
            make_rows();
            make_keys();
            make_columns(kernels[i].kind);
            kernels[i].run(); /* memory grows here, not where it is counted */
            measured(kernels[i].run);
            return 0;
        }
    }
    return argc < 2 ? 0 : 1;
}
