/*
 * pq_bench.c - what selecting rows of every column of a Parquet file costs, against inflating
 * its pages only.
 *
 *   pq_bench FILE HITS_PER_GROUP [COLUMN]    CPU ms per column: select, inflate alone, the rest
 *   pq_bench FILE 0 [COLUMN]                 the same for reading all rows by next
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/codec.h"
#include "parquet/parquet.h"
#include "support/support.h"

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int codec_id(const char *name)
{
    for (int i = 0; i < VJ_CODEC_COUNT; i++)
        if (strcmp(vj_codec_name(i), name) == 0)
            return i;
    return VJ_CODEC_NONE;
}

/* Read and inflate every page of a leaf. V2 levels are taken for part of the frame's input. */
static vj_status inflate_leaf(const vj_pq_file *file, const vj_source *source, int32_t leaf_i,
                              double *ms, vj_error *err)
{
    vj_pq_page_list list = {0};
    vj_codec *codec = NULL;
    vj_status rc = VJ_OK;
    size_t cap = (size_t)1 << 26;
    uint8_t *in = vj_alloc(NULL, cap, err);
    uint8_t *out = vj_alloc(NULL, cap, err);

    VJ_GO(rc, vj_codec_new(NULL, &codec, err));
    for (int32_t g = 0; g < vj_pq_meta_view(file)->n_rowgroups; g++) {
        int id = codec_id(vj_pq_chunk_view(file, g, leaf_i).codec);

        VJ_VEC_RESET(&list);
        VJ_GO(rc, vj_pq_pages_list(file, g, leaf_i, &list, err));
        for (size_t i = 0; i < list.n; i++) {
            const vj_pq_page_info *p = &list.ptr[i];

            VJ_GO(rc, vj_source_read(source, p->off + p->header_bytes, in,
                                     (size_t)p->compressed_bytes, err));
            double beg = cpu_ms();
            vj_status one = vj_codec_decode(codec, id, in, (size_t)p->compressed_bytes, out,
                                            (size_t)p->uncompressed_bytes, err);
            *ms += one == VJ_OK ? cpu_ms() - beg : 0;
        }
    }
out:
    vj_codec_free(codec);
    VJ_VEC_FINI(&list);
    vj_free(in);
    vj_free(out);
    return rc;
}

/* Rows rising at random steps, the same for every column. */
static int64_t pick_rows(int64_t n_rows, int64_t hits, int32_t group_i, int32_t *rows)
{
    uint64_t seed = (uint64_t)group_i + 1;
    int64_t step = VJ_MAX(1, n_rows / hits);
    int64_t n = 0;

    for (int64_t at = (int64_t)(test_random(&seed) % (uint64_t)step); at < n_rows && n < hits;
         at += 1 + (int64_t)(test_random(&seed) % (uint64_t)(2 * step - 1)))
        rows[n++] = (int32_t)at;
    return n;
}

static vj_status read_field(const vj_pq_file *file, int32_t field_i, int64_t hits, int32_t *rows,
                            int64_t *n_rows, vj_error *err)
{
    vj_pq_cursor *cur = NULL;
    vj_colb dst = {0};
    vj_status rc = VJ_OK;

    VJ_GO(rc, vj_colb_init(&dst, &vj_pq_meta_view(file)->schema.fields[field_i].type, NULL, err));
    for (int32_t g = 0; g < vj_pq_meta_view(file)->n_rowgroups; g++) {
        const vj_col *col = NULL;

        if (cur == NULL)
            VJ_GO(rc, vj_pq_cursor_open(file, g, field_i, NULL, &cur, err));
        else
            VJ_GO(rc, vj_pq_cursor_rewind(cur, file, g, err));
        if (hits > 0) {
            int64_t n = pick_rows(vj_pq_rowgroup_view(file, g).n_rows, hits, g, rows);

            VJ_GO(rc, vj_pq_cursor_select(cur, rows, n, &dst, err));
            *n_rows += n;
            continue;
        }
        do {
            VJ_GO(rc, vj_pq_cursor_next(cur, INT32_MAX, &col, err));
            *n_rows += col != NULL ? col->n_rows : 0;
        } while (col != NULL);
    }
out:
    vj_pq_cursor_free(cur);
    vj_colb_fini(&dst);
    return rc;
}

static vj_status run(const char *path, int64_t hits, const char *only, vj_error *err)
{
    vj_pq_file *file = NULL;
    vj_source *source = NULL;
    int32_t *rows = vj_alloc(NULL, (size_t)(hits + 1) * sizeof *rows, err);
    double sum[2] = {0};
    vj_status rc = VJ_OK;

    double beg = cpu_ms();
    VJ_GO(rc, vj_pq_open_path(path, NULL, &file, err));
    printf("open %.2f ms\n", cpu_ms() - beg);
    VJ_GO(rc, vj_source_open(path, &source, err));
    for (int32_t i = 0; i < vj_pq_meta_view(file)->schema.n_fields; i++) {
        const char *name = vj_pq_meta_view(file)->schema.fields[i].name;
        int32_t leaf = 0;
        int32_t end = 0;
        int64_t n_rows = 0;
        double inflate = 0;

        if (only != NULL && strcmp(only, name) != 0)
            continue;
        vj_pq_field_leaves(file, i, &leaf, &end);
        for (; leaf < end && only == NULL; leaf++)
            VJ_GO(rc, inflate_leaf(file, source, leaf, &inflate, err));
        beg = cpu_ms();
        VJ_GO(rc, read_field(file, i, hits, rows, &n_rows, err));
        double all = cpu_ms() - beg;
        printf("%-12s %8.1f ms   inflate %8.1f   rest %7.1f   %lld rows\n", name, all, inflate,
               all - inflate, (long long)n_rows);
        sum[0] += all;
        sum[1] += inflate;
    }
    printf("%-12s %8.1f ms   inflate %8.1f   rest %7.1f (%.0f %%)\n", "all", sum[0], sum[1],
           sum[0] - sum[1], 100 * (sum[0] - sum[1]) / sum[0]);
out:
    vj_free(rows);
    vj_source_free(source);
    vj_pq_free(file);
    return rc;
}

int main(int argc, char **argv)
{
    vj_error err = {0};

    if (argc < 3)
        return 64;
    vj_status rc = run(argv[1], atoll(argv[2]), argc > 3 ? argv[3] : NULL, &err);
    if (rc != VJ_OK)
        fprintf(stderr, "%s\n", err.text);
    return vj_status_exit_code(rc);
}
