/* test_pq_share.c - one cursor for many fields, and pages that cursors of several threads share. */
#include "parquet/parquet.h"
#include "support/support.h"
#include "support/tables.h"

#define N_ROWS 3000
#define N_THREADS 4

typedef struct shared_file {
    vj_buf bytes;
    vj_pq_file *pq;
    vj_pq_cache *cache;
} shared_file;

static void write_file(const char *table_name, bool compat, shared_file *out)
{
    test_table table;
    vj_error err = {0};
    vj_outfile *file = NULL;
    vj_pq_writer *writer = NULL;
    vj_source *source = NULL;
    vj_pq_writer_options options = {.codec = VJ_PQ_ZSTD, .rows_per_page = 300,
                                    .rows_per_rowgroup = 1024, .compat = compat};

    *out = (shared_file){0};
    assert_ok(test_table_make(table_name, N_ROWS, 7, &table, &err), &err);
    assert_ok(vj_outfile_memory(&out->bytes, &file, &err), &err);
    assert_ok(vj_pq_writer_new(file, &table.schema, &options, NULL, &writer, &err), &err);
    assert_ok(vj_pq_writer_append(writer, &table.batch, &err), &err);
    assert_ok(vj_pq_writer_finish(writer, &err), &err);
    assert_ok(vj_outfile_finish(file, &err), &err);
    vj_pq_writer_free(writer);
    vj_outfile_free(file);
    test_table_free(&table);
    assert_ok(vj_source_memory("shared", out->bytes.ptr, out->bytes.len_bytes, &source, &err), &err);
    assert_ok(vj_pq_open(source, NULL, &out->pq, &err), &err);
}

static void close_file(shared_file *f)
{
    vj_pq_cache_free(f->cache);
    vj_pq_free(f->pq);
    vj_buf_fini(&f->bytes);
}

/* Some rows of one field in one row group, and their hash; false after an error. */
static bool hash_rows(vj_pq_cursor **cur, const shared_file *f, vj_pq_cache *cache, uint64_t seed,
                      int32_t group_i, int32_t field_i, uint64_t *hash, vj_error *err)
{
    const vj_pq_meta *meta = vj_pq_meta_view(f->pq);
    int64_t n_rows = vj_pq_rowgroup_view(f->pq, group_i).n_rows;
    const vj_schema one = {1, &meta->schema.fields[field_i]};
    static _Thread_local int32_t rows[N_ROWS];
    static _Thread_local uint64_t scratch[N_ROWS];
    vj_content_hash sum = {0};
    vj_colb picked = {0};
    int64_t n = 0;

    for (int32_t i = 0; i < n_rows; i++)
        if (test_random(&seed) % 9 == 0)
            rows[n++] = i;
    if (*cur == NULL && vj_pq_cursor_open(f->pq, group_i, field_i, NULL, cur, err) != VJ_OK)
        return false;
    vj_pq_cursor_share(*cur, cache);
    bool ok = vj_pq_cursor_aim(*cur, f->pq, group_i, field_i, err) == VJ_OK &&
              vj_colb_init(&picked, &one.fields[0].type, NULL, err) == VJ_OK &&
              vj_pq_cursor_select(*cur, rows, n, &picked, err) == VJ_OK && picked.n_rows == n;
    if (ok) {
        vj_col view = vj_colb_view(&picked);
        vj_batch batch = {&one, n, &view};

        vj_content_hash_add(&sum, &batch, scratch);
    }
    *hash = sum.lo ^ sum.hi;
    vj_colb_fini(&picked);
    return ok;
}

/* Every field and group in an order of the seed's, with one cursor and with a fresh one each. */
static bool compare_all(const shared_file *f, uint64_t seed, int n_rounds)
{
    const vj_pq_meta *meta = vj_pq_meta_view(f->pq);
    vj_pq_cursor *cur = NULL;
    vj_error err = {0};
    bool same = true;

    for (int i = 0; same && i < n_rounds; i++) {
        int32_t field_i = (int32_t)(test_random(&seed) % (uint64_t)meta->schema.n_fields);
        int32_t group_i = (int32_t)(test_random(&seed) % (uint64_t)meta->n_rowgroups);
        vj_pq_cache *cache = test_random(&seed) % 4 > 0 ? f->cache : NULL;
        vj_pq_cursor *fresh = NULL;
        uint64_t rows = test_random(&seed);
        uint64_t found = 0;
        uint64_t expected = 1;

        same = hash_rows(&cur, f, cache, rows, group_i, field_i, &found, &err) &&
               hash_rows(&fresh, f, NULL, rows, group_i, field_i, &expected, &err) &&
               found == expected;
        vj_pq_cursor_free(fresh);
    }
    vj_pq_cursor_free(cur);
    return same;
}

typedef struct reader {
    const shared_file *file;
    uint64_t seed;
    bool same;
} reader;

static void read_much(void *arg)
{
    reader *r = arg;

    r->same = compare_all(r->file, r->seed, 80);
}

static void run_readers(shared_file *f, size_t cache_bytes)
{
    reader readers[N_THREADS];
    vj_thread *threads[N_THREADS];
    vj_error err = {0};
    uint64_t seed = test_seed();

    assert_ok(vj_pq_cache_new(NULL, cache_bytes, &f->cache, &err), &err);
    for (int i = 0; i < N_THREADS; i++) {
        readers[i] = (reader){f, seed + (uint64_t)i, false};
        assert_ok(vj_thread_start(read_much, &readers[i], &threads[i], &err), &err);
    }
    for (int i = 0; i < N_THREADS; i++)
        vj_thread_join(threads[i]);
    for (int i = 0; i < N_THREADS; i++)
        assert_true(readers[i].same);
    vj_pq_cache_free(f->cache);
    f->cache = NULL;
}

static void shared_pages_are_the_pages(void **state)
{
    static const size_t sizes[] = {0, 3000, 20000, 4 << 20};
    shared_file f;

    (void)state;
    for (int i = 0; test_table_names[i] != NULL; i++)
        for (int compat = 0; compat < 2; compat++) {
            write_file(test_table_names[i], compat == 1, &f);
            for (size_t k = 0; k < VJ_COUNT(sizes); k++)
                run_readers(&f, sizes[k]);
            close_file(&f);
        }
}

/* A damaged page is everybody's error, and nobody waits for it for ever. */
static void a_damaged_page_fails_for_all(void **state)
{
    shared_file f;
    vj_error err = {0};
    vj_pq_cursor *cur = NULL;
    uint64_t hash = 0;
    int n_failed = 0;

    (void)state;
    write_file("variants", true, &f);
    for (size_t i = 1000; i < f.bytes.len_bytes / 2; i += 97)
        f.bytes.ptr[i] ^= 0x55;
    assert_ok(vj_pq_cache_new(NULL, 1 << 20, &f.cache, &err), &err);
    for (int round = 0; round < 2; round++)
        for (int32_t c = 0; c < vj_pq_meta_view(f.pq)->schema.n_fields; c++) {
            n_failed += !hash_rows(&cur, &f, f.cache, 3, 0, c, &hash, &err);
            vj_pq_cursor_free(cur);
            cur = NULL;
        }
    assert_true(n_failed > 1);
    assert_true(n_failed % 2 == 0);
    close_file(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_pages_are_the_pages),
        cmocka_unit_test(a_damaged_page_fails_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
