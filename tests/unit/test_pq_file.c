/* test_pq_file.c - whole files written by hand: rare legal forms, and what is wrong by name. */
#include "support/support.h"

#include "codec/codec.h"
#include "parquet/parquet.h"

/* ---- a writer of odd files: one column "a" in one row group ---- */

typedef struct emit {
    vj_buf out;
    int last_id;
} emit;

static void put(emit *e, const void *bytes, size_t len)
{
    vj_error err = {0};

    assert_ok(vj_buf_append(&e->out, bytes, len, &err), &err);
}

static void put_byte(emit *e, unsigned byte)
{
    uint8_t b = (uint8_t)byte;

    put(e, &b, 1);
}

static void put_varint(emit *e, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        put_byte(e, (unsigned)(v & 0x7f) | 0x80);
    put_byte(e, (unsigned)v);
}

static void put_zigzag(emit *e, int64_t v)
{
    put_varint(e, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

/* Always the long form: id after the type. */
static void field(emit *e, int id, unsigned type)
{
    put_byte(e, type);
    put_zigzag(e, id);
}

static void field_int(emit *e, int id, int64_t v)
{
    field(e, id, 6);
    put_zigzag(e, v);
}

static void field_text(emit *e, int id, const char *text)
{
    field(e, id, 8);
    put_varint(e, strlen(text));
    put(e, text, strlen(text));
}

static void field_list(emit *e, int id, unsigned type, unsigned n)
{
    field(e, id, 9);
    put_byte(e, n << 4 | type);
}

static void stop(emit *e)
{
    put_byte(e, 0);
}

typedef struct odd_page {
    int type; /* 0, 1, 2, 3 */
    int encoding, def_encoding;
    int n_values, n_rows; /* n_rows: V2 */
    int def_bytes, rep_bytes;
    bool stored;           /* V2: is_compressed = false */
    int64_t uncompressed;  /* 0: the body's size */
    const char *body;
    size_t len;
} odd_page;

typedef struct odd_file {
    int physical, repetition, converted, precision;
    int codec;
    int64_t n_values, n_rows;
    int64_t dict_off;      /* 0: none; -1: the first page's offset */
    const char *file_path;
    bool encrypted, encrypted_column;
    int64_t footer_rows;   /* more than n_rows, the group's, by so many */
    int64_t chunk_less;    /* bytes that the chunk's size leaves out */
    const char *created_by;
    odd_page pages[3];
    int n_pages;
} odd_file;

static void put_page(emit *e, const odd_page *p)
{
    field_int(e, 1, p->type);
    field_int(e, 2, p->uncompressed > 0 ? p->uncompressed : (int64_t)p->len);
    field_int(e, 3, (int64_t)p->len);
    field(e, p->type == 0 ? 5 : p->type == 1 ? 6 : p->type == 2 ? 7 : 8, 12);
    if (p->type != 1)
        field_int(e, 1, p->n_values);
    if (p->type == 0 || p->type == 2)
        field_int(e, 2, p->encoding);
    if (p->type == 0) {
        field_int(e, 3, p->def_encoding);
        field_int(e, 4, 3);
    }
    if (p->type == 3) {
        field_int(e, 2, 0);
        field_int(e, 3, p->n_rows);
        field_int(e, 4, p->encoding);
        field_int(e, 5, p->def_bytes);
        field_int(e, 6, p->rep_bytes);
        field(e, 7, p->stored ? 2 : 1);
    }
    stop(e);
    stop(e);
    put(e, p->body, p->len);
}

static void put_chunk(emit *e, const odd_file *f, int64_t first, int64_t len)
{
    if (f->file_path != NULL)
        field_text(e, 1, f->file_path);
    field_int(e, 2, 0);
    field(e, 3, 12);
    field_int(e, 1, f->physical);
    field_list(e, 3, 8, 1);
    put(e, "\1a", 2);
    field_int(e, 4, f->codec);
    field_int(e, 5, f->n_values);
    field_int(e, 6, len);
    field_int(e, 7, len);
    field_int(e, 9, first);
    if (f->dict_off != 0)
        field_int(e, 11, first);
    stop(e);
    if (f->encrypted_column) {
        field(e, 8, 12);
        stop(e);
    }
    stop(e);
}

static void make_file(emit *e, const odd_file *f)
{
    *e = (emit){0};
    put(e, "PAR1", 4);
    for (int i = 0; i < f->n_pages; i++)
        put_page(e, &f->pages[i]);
    int64_t end = (int64_t)e->out.len_bytes;
    field_int(e, 1, 1);
    field_list(e, 2, 12, 2);
    field_text(e, 4, "root");
    field_int(e, 5, 1);
    stop(e);
    field_int(e, 1, f->physical);
    if (f->physical == 7)
        field_int(e, 2, 3);
    field_int(e, 3, f->repetition);
    field_text(e, 4, "a");
    if (f->converted >= 0)
        field_int(e, 6, f->converted);
    if (f->precision > 0)
        field_int(e, 8, f->precision);
    stop(e);
    field_int(e, 3, f->n_rows + f->footer_rows);
    field_list(e, 4, 12, 1);
    field_list(e, 1, 12, 1);
    put_chunk(e, f, 4, end - 4 - f->chunk_less);
    field_int(e, 3, f->n_rows);
    stop(e);
    if (f->created_by != NULL)
        field_text(e, 6, f->created_by);
    if (f->encrypted) {
        field(e, 8, 12);
        stop(e);
    }
    stop(e);
    uint32_t len = (uint32_t)((int64_t)e->out.len_bytes - end);
    put(e, &len, 4);
    put(e, "PAR1", 4);
}

/* ---- reading ---- */

static vj_status read_rows(const odd_file *f, vj_budget *budget, vj_colb *dst, vj_error *err)
{
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_pq_cursor *cur = NULL;
    const vj_col *col = NULL;
    vj_status rc = VJ_OK;
    emit e;

    make_file(&e, f);
    VJ_GO(rc, vj_source_memory("odd.parquet", e.out.ptr, e.out.len_bytes, &source, err));
    VJ_GO(rc, vj_pq_open(source, budget, &file, err));
    /* the type of the builder borrows from the file: tests use it before it is gone */
    VJ_GO(rc, vj_pq_cursor_open(file, 0, 0, budget, &cur, err));
    VJ_GO(rc, vj_colb_init(dst, &vj_pq_meta_view(file)->schema.fields[0].type, NULL, err));
    do {
        VJ_GO(rc, vj_pq_cursor_next(cur, 3, &col, err));
        if (col != NULL)
            VJ_GO(rc, vj_colb_append(dst, col, 0, col->n_rows, err));
    } while (col != NULL && dst->n_rows < 100);
out:
    vj_pq_cursor_free(cur);
    vj_pq_free(file);
    vj_buf_fini(&e.out);
    return rc;
}

/* Values as text: "7 - 8", text as it is, bytes in hex. */
static void expect_rows(const odd_file *f, const char *want)
{
    vj_colb b = {0};
    vj_buf text = {0};
    vj_error err = {0};

    assert_ok(read_rows(f, NULL, &b, &err), &err);
    bool is_list = b.type.kind == VJ_LIST;
    vj_col view = is_list ? vj_colb_view(&b.kids[0]) : vj_colb_view(&b);
    for (int64_t i = 0; i < view.n_rows; i++) {
        assert_ok(vj_buf_append_text(&text, i > 0 ? " " : "", &err), &err);
        if (vj_col_is_null(&view, i)) {
            assert_ok(vj_buf_append_text(&text, "-", &err), &err);
        } else if (view.type->kind == VJ_TEXT) {
            vj_span s = vj_col_bytes(&view, i);
            assert_ok(vj_buf_append(&text, s.ptr, s.len_bytes, &err), &err);
        } else if (view.type->kind == VJ_FIXED) {
            vj_span s = vj_col_bytes(&view, i);
            for (size_t k = 0; k < s.len_bytes; k++)
                assert_ok(vj_buf_printf(&text, &err, "%02x", (uint8_t)s.ptr[k]), &err);
        } else {
            assert_ok(vj_buf_printf(&text, &err, "%lld", (long long)vj_col_i64(&view, i)), &err);
        }
    }
    assert_ok(vj_buf_push(&text, 0, &err), &err);
    assert_string_equal((char *)text.ptr, want);
    vj_buf_fini(&text);
    vj_colb_fini(&b);
}

static void expect_error(const odd_file *f, vj_status status, const char *want)
{
    vj_colb b = {0};
    vj_budget budget;
    vj_error err = {0};

    vj_budget_init(&budget, (int64_t)8 << 20);
    vj_status rc = read_rows(f, &budget, &b, &err);
    assert_string_equal(err.text, want);
    assert_int_equal(rc, status);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    vj_colb_fini(&b);
}

#define BODY(BYTES) .body = BYTES, .len = sizeof(BYTES) - 1
#define WHERE(OFF) ", while reading odd.parquet, column a, row group 0, page at offset " OFF
#define NEAR(OFF) ", while reading odd.parquet, column a, row group 0, near offset " OFF

/* An INT32 column of one page; the rest as a test needs it. */
static odd_file ints(int n, odd_page page)
{
    odd_file f = {.physical = 1, .converted = -1, .n_values = n, .n_rows = n, .n_pages = 1};

    f.pages[0] = page;
    if (f.pages[0].n_values == 0)
        f.pages[0].n_values = n;
    return f;
}

static void levels_of_the_old_bit_packed_encoding_are_read(void **state)
{
    (void)state;
    odd_file f = ints(4, (odd_page){.def_encoding = 4, BODY("\xb0\7\0\0\0\x08\0\0\0\x09\0\0\0")});

    f.repetition = 1;
    expect_rows(&f, "7 - 8 9");
    f.pages[0].n_values = 9; /* two bytes of levels: one is there */
    f.n_values = f.n_rows = 9;
    f.pages[0].len = 1;
    expect_error(&f, VJ_E_CORRUPT, "levels: expected 2 bytes, the page has 1" NEAR("4"));
}

static void repeated_fields_without_annotation_are_lists(void **state)
{
    (void)state;
    /* [1 2] [] [3]: repetition 0 1 0 0, definition 1 1 0 1, each one packed run of 8 */
    odd_file f = ints(4, (odd_page){BODY("\2\0\0\0\3\2\2\0\0\0\3\x0b\1\0\0\0\2\0\0\0\3\0\0\0"),
                                    .def_encoding = 3});

    f.repetition = 2;
    f.n_rows = 3;
    expect_rows(&f, "1 2 3");
    f.n_rows = 4;
    expect_error(&f, VJ_E_CORRUPT,
                 "column chunk: expected 1 more rows, found its end" WHERE("4"));
}

static void a_dictionary_need_not_be_announced(void **state)
{
    (void)state;
    odd_file f = {.physical = 1, .converted = -1, .n_values = 4, .n_rows = 4, .n_pages = 3,
                  .pages = {{.type = 2, .n_values = 2, BODY("\5\0\0\0\6\0\0\0")},
                            {.type = 1, BODY("index")}, /* index pages are passed over */
                            {.encoding = 8, .n_values = 4, BODY("\1\4\0\4\1")}}};

    expect_rows(&f, "5 5 6 6");
    f.dict_off = -1;
    expect_rows(&f, "5 5 6 6");
    f.pages[2].body = "\1\4\0\4\1";
    f.pages[0].n_values = 1;
    expect_error(&f, VJ_E_CORRUPT, "dictionary index: expected below 1, found 1" WHERE("49"));
    f.pages[0].n_values = 3;
    expect_error(&f, VJ_E_CORRUPT,
                 "dictionary page: expected 3 values, found bytes for 2" NEAR("49"));
    f.pages[0].n_values = 2;
    f.pages[2].body = "\x21\4\0\4\1";
    expect_error(&f, VJ_E_CORRUPT,
                 "dictionary indices: expected a bit width of at most 32, found 33" WHERE("49"));
    f.pages[0] = f.pages[1];
    f.pages[2].body = "\1\4\0\4\1";
    expect_error(&f, VJ_E_CORRUPT, "RLE_DICTIONARY values: the column chunk has no dictionary "
                                   "page before them" WHERE("40"));
}

static void decimals_of_byte_arrays_are_widened(void **state)
{
    (void)state;
    odd_file f = {.physical = 6, .converted = 5, .precision = 5, .n_values = 4, .n_rows = 4,
                  .n_pages = 1,
                  .pages = {{.n_values = 4, BODY("\1\0\0\0\x85\0\0\0\0\5\0\0\0\0\0\1\2\3\2\0\0\0\xff\xfe")}}};

    expect_rows(&f, "ffff85 000000 010203 fffffe");
    f.pages[0].body = "\1\0\0\0\x85\0\0\0\0\5\0\0\0\1\0\1\2\3\2\0\0\0\xff\xfe";
    expect_error(&f, VJ_E_CORRUPT, "decimal: expected at most 3 bytes, found 5" WHERE("4"));
}

static void foreign_and_encrypted_data_are_refused(void **state)
{
    (void)state;
    odd_file f = ints(1, (odd_page){BODY("\7\0\0\0")});

    expect_rows(&f, "7");
    f.file_path = "../other.parquet";
    expect_error(&f, VJ_E_UNSUPPORTED, "odd.parquet: row group 0, column a: its data are said to "
                                       "be in another file (file_path), which is not followed");
    f.file_path = NULL;
    f.encrypted_column = true;
    expect_error(&f, VJ_E_UNSUPPORTED,
                 "odd.parquet: row group 0, column a: encrypted columns are not read");
    f.encrypted = true;
    f.encrypted_column = false;
    expect_error(&f, VJ_E_UNSUPPORTED, "odd.parquet: the file is encrypted (encryption_algorithm "
                                       "in its footer), which is not read");
}

static void codecs_and_encodings_are_refused_by_name(void **state)
{
    (void)state;
    odd_file f = ints(1, (odd_page){BODY("\7\0\0\0")});

    f.codec = 3;
    expect_error(&f, VJ_E_UNSUPPORTED, "codec 3 (LZO) is not read" NEAR("4"));
    f.codec = 0;
    f.pages[0].encoding = 10;
    expect_error(&f, VJ_E_UNSUPPORTED, "encoding 10 (ALP) is not read for this type" WHERE("4"));
    f.pages[0].encoding = 77;
    expect_error(&f, VJ_E_UNSUPPORTED,
                 "encoding 77 (UNKNOWN) is not read for this type" WHERE("4"));
}

static void forged_counts_and_sizes_are_found(void **state)
{
    (void)state;
    odd_file f = ints(2, (odd_page){BODY("\7\0\0\0")});

    expect_error(&f, VJ_E_CORRUPT, "PLAIN values: expected more of them, the page ends" WHERE("4"));
    f.pages[0].n_values = 1;
    expect_error(&f, VJ_E_CORRUPT,
                 "column chunk: expected 2 values, its pages have 1" WHERE("4"));
    f.pages[0].n_values = 3;
    expect_error(&f, VJ_E_CORRUPT,
                 "page at offset 4: expected at most 2 values, found 3" NEAR("4"));
    f = ints(1, (odd_page){BODY("\7\0\0\0")});
    f.n_rows = 2;
    expect_error(&f, VJ_E_CORRUPT, "column chunk: expected 2 values, one for each row, found "
                                   "1" NEAR("4"));
    f = ints(1, (odd_page){BODY("\7\0\0\0"), .uncompressed = 2000000000});
    expect_error(&f, VJ_E_CORRUPT, "uncompressed page: expected two equal sizes, found 4 and "
                                   "2000000000" NEAR("4"));
    f.codec = VJ_CODEC_ZSTD;
    expect_error(&f, VJ_E_CORRUPT, "ZSTD page: 4 bytes cannot become the 2000000000 that its "
                                   "header claims" NEAR("4"));
    f = ints(1, (odd_page){.type = 3, .n_rows = 1, .stored = true, .uncompressed = 900,
                           BODY("\7\0\0\0")});
    expect_error(&f, VJ_E_CORRUPT, "uncompressed page: expected two equal sizes, found 4 and "
                                   "900" NEAR("4"));
    f.pages[0].uncompressed = 0;
    f.pages[0].def_bytes = 5;
    expect_error(&f, VJ_E_CORRUPT, "page header at offset 4: the header's level sizes or counts "
                                   "contradict each other" NEAR("4"));
}

/* Sign-extended, zero-extended, and what fits neither: the low bits, as other readers take them. */
static void narrow_integers_are_their_low_bits(void **state)
{
    (void)state;
    odd_file f = ints(4, (odd_page){BODY("\xff\xff\xff\xff\xff\0\0\0\x2c\1\0\0\x80\0\0\0")});

    f.converted = 15;
    expect_rows(&f, "-1 -1 44 -128");
    f.converted = 11;
    expect_rows(&f, "255 255 44 128");
    f.converted = 12;
    expect_rows(&f, "65535 255 300 128");
}

/* A footer that counts fewer rows than its groups loses none; one that counts more does. */
static void rows_are_those_of_the_groups(void **state)
{
    (void)state;
    odd_file f = ints(2, (odd_page){BODY("\1\0\0\0\2\0\0\0")});

    f.footer_rows = -2;
    expect_rows(&f, "1 2");
    f.footer_rows = 1;
    expect_error(&f, VJ_E_CORRUPT, "odd.parquet: footer expects 3 rows, its 1 row groups have 2");
    f.footer_rows = -3;
    expect_error(&f, VJ_E_CORRUPT, "odd.parquet: footer expects -1 rows, its 1 row groups have 2");
}

/* PARQUET-816: chunks of parquet-mr before 1.2.9 are longer than they say. */
static void chunks_of_old_writers_end_later(void **state)
{
    (void)state;
    odd_file f = ints(2, (odd_page){BODY("\1\0\0\0\2\0\0\0")});

    f.chunk_less = 5;
    f.created_by = "parquet-mr version 1.2.8";
    expect_rows(&f, "1 2");
    f.created_by = "parquet-mr";
    expect_rows(&f, "1 2");
    f.created_by = "parquet-mr version 1.10.0";
    expect_error(&f, VJ_E_CORRUPT, "page: expected 8 bytes at offset 29, the column chunk ends at "
                                   "32" NEAR("4"));
}

static void forged_values_are_found(void **state)
{
    (void)state;
    odd_file f = ints(2, (odd_page){.def_encoding = 3, BODY("\2\0\0\0\4\2\7\0\0\0\7\0\0\0")});
    f.repetition = 1;
    expect_error(&f, VJ_E_CORRUPT, "definition levels: expected 2 of them up to 1, found fewer or "
                                   "larger ones" WHERE("4"));
    f = ints(2, (odd_page){BODY("\1\0\0\0x\xff\0\0\0y")});
    f.physical = 6;
    f.converted = 0;
    expect_error(&f, VJ_E_CORRUPT, "byte array: expected at most 1 bytes in the page, found a "
                                   "length of 255" WHERE("4"));
}

/* A page of 7 bytes that stands for 2^31 - 1 nulls: legal, and read within 8 MiB. */
static void a_run_of_nulls_costs_no_memory(void **state)
{
    (void)state;
    odd_file f = ints(INT32_MAX, (odd_page){.def_encoding = 3,
                                            BODY("\6\0\0\0\xfe\xff\xff\xff\x0f\0")});
    const int32_t last[] = {5, INT32_MAX - 1};
    vj_source *source = NULL;
    vj_pq_file *file = NULL;
    vj_pq_cursor *cur = NULL;
    const vj_col *col = NULL;
    vj_colb dst = {0};
    vj_budget budget;
    vj_error err = {0};
    emit e;

    f.repetition = 1;
    make_file(&e, &f);
    vj_budget_init(&budget, (int64_t)8 << 20);
    assert_ok(vj_source_memory("nulls", e.out.ptr, e.out.len_bytes, &source, &err), &err);
    assert_ok(vj_pq_open(source, &budget, &file, &err), &err);
    assert_ok(vj_pq_cursor_open(file, 0, 0, &budget, &cur, &err), &err);
    assert_ok(vj_pq_cursor_next(cur, INT64_MAX, &col, &err), &err);
    assert_int_equal(vj_col_null_count(col), col->n_rows);
    assert_ok(vj_pq_cursor_rewind(cur, file, 0, &err), &err);
    assert_ok(vj_colb_init(&dst, col->type, &budget, &err), &err);
    assert_ok(vj_pq_cursor_select(cur, last, 2, &dst, &err), &err);
    assert_int_equal(dst.n_nulls, 2);
    vj_colb_fini(&dst);
    vj_pq_cursor_free(cur);
    vj_pq_free(file);
    vj_buf_fini(&e.out);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_of_the_old_bit_packed_encoding_are_read),
        cmocka_unit_test(repeated_fields_without_annotation_are_lists),
        cmocka_unit_test(a_dictionary_need_not_be_announced),
        cmocka_unit_test(decimals_of_byte_arrays_are_widened),
        cmocka_unit_test(foreign_and_encrypted_data_are_refused),
        cmocka_unit_test(codecs_and_encodings_are_refused_by_name),
        cmocka_unit_test(forged_counts_and_sizes_are_found),
        cmocka_unit_test(narrow_integers_are_their_low_bits),
        cmocka_unit_test(rows_are_those_of_the_groups),
        cmocka_unit_test(chunks_of_old_writers_end_later),
        cmocka_unit_test(forged_values_are_found),
        cmocka_unit_test(a_run_of_nulls_costs_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
