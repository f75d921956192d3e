#include "hts/index_out.h"

#include <htslib/hts.h>
#include <htslib/tbx.h>
#include <htslib/vcf.h>

#define MIN_SHIFT 14
#define TBI_LEVELS 5
#define TBI_MAX ((int64_t)1 << 29)
/* htslib's index is outside the budget: this is charged for each 16 kb window with a record. */
#define WINDOW_BYTES 128
#define WINDOWS_PER_CHARGE 8192

typedef struct pending_record {
    int32_t contig;
    int64_t beg0, end0;
    int64_t stream_end;
} pending_record;

struct vj_index_out {
    vj_budget *budget;
    hts_idx_t *idx;
    bool is_bcf;
    int fmt;          /* HTS_FMT_TBI or HTS_FMT_CSI */
    int n_levels;
    int64_t max_end;  /* positions that fmt and n_levels can hold */
    bool is_stale;    /* a position beyond that was met, or blocks move: made from the file */
    vj_map names;     /* contig -> number, in order of appearance (VCF) */
    int32_t contig;   /* of the last record; -1 at first */
    int64_t last_beg0;
    int64_t window;
    int64_t n_windows;
    int64_t charged_bytes;
    int64_t n_records;
    uint64_t end_voff; /* behind the last block */
    VJ_VEC(pending_record) pending;
    size_t n_pushed; /* of pending */
    VJ_VEC(bool) seen; /* by contig number */
};

static int64_t longest_contig(const vj_vcf_header *header)
{
    int64_t longest = 0;

    for (int32_t i = 0; i < header->n_contigs; i++)
        longest = VJ_MAX(longest, header->contigs[i].length);
    return longest;
}

vj_status vj_index_out_new(const vj_vcf_header *header, bool is_bcf, vj_budget *budget,
                           vj_index_out **out, vj_error *err)
{
    vj_index_out *index = vj_zalloc(budget, sizeof *index, err);
    int64_t longest = longest_contig(header);

    *out = NULL;
    if (index == NULL)
        return VJ_E_NOMEM;
    index->budget = budget;
    index->is_bcf = is_bcf;
    index->contig = -1;
    index->window = -1;
    index->pending.budget = budget;
    index->seen.budget = budget;
    vj_map_init(&index->names, budget);
    index->fmt = is_bcf || longest > TBI_MAX ? HTS_FMT_CSI : HTS_FMT_TBI;
    index->n_levels = TBI_LEVELS;
    index->max_end = TBI_MAX;
    if (index->fmt == HTS_FMT_CSI) /* all that BCF can hold, or what the header speaks of */
        while (index->max_end < VJ_MAX(longest, (int64_t)1 << 31) && index->n_levels < 10) {
            index->n_levels++;
            index->max_end <<= 3;
        }
    *out = index;
    return VJ_OK;
}

void vj_index_out_free(vj_index_out *index)
{
    if (index == NULL)
        return;
    if (index->idx != NULL)
        hts_idx_destroy(index->idx);
    vj_budget_release(index->budget, index->charged_bytes);
    vj_map_fini(&index->names);
    VJ_VEC_FINI(&index->pending);
    VJ_VEC_FINI(&index->seen);
    vj_free(index);
}

vj_status vj_index_out_begin(vj_index_out *index, int64_t file_off, vj_error *err)
{
    index->end_voff = (uint64_t)file_off << 16;
    index->idx = hts_idx_init(0, index->fmt, index->end_voff, MIN_SHIFT, index->n_levels);
    return index->idx != NULL ? VJ_OK : vj_fail(err, VJ_E_NOMEM, "no memory for the index");
}

/* ---- records ---- */

static vj_status charge_window(vj_index_out *index, int64_t beg0, vj_error *err)
{
    int64_t window = beg0 >> MIN_SHIFT;

    if (window == index->window)
        return VJ_OK;
    index->window = window;
    if (index->n_windows++ % WINDOWS_PER_CHARGE != 0)
        return VJ_OK;
    VJ_TRY(vj_budget_reserve(index->budget, WINDOWS_PER_CHARGE * WINDOW_BYTES, "the index", err));
    index->charged_bytes += WINDOWS_PER_CHARGE * WINDOW_BYTES;
    return VJ_OK;
}

/* A contig's records must be one run. */
static vj_status enter_contig(vj_index_out *index, int32_t contig, vj_span name, vj_error *err)
{
    char shown[64];

    if (contig == index->contig)
        return VJ_OK;
    while (index->seen.n <= (size_t)contig)
        VJ_TRY(VJ_VEC_PUSH(&index->seen, false, err));
    if (index->seen.ptr[contig])
        return vj_fail(err, VJ_E_USAGE,
                       "record %lld: contig %s comes back after another one: only sorted records "
                       "can be indexed", (long long)index->n_records,
                       vj_quote(shown, sizeof shown, name.ptr, name.len_bytes));
    index->seen.ptr[contig] = true;
    index->contig = contig;
    index->last_beg0 = 0;
    index->window = -1;
    return VJ_OK;
}

vj_status vj_index_out_record(vj_index_out *index, int32_t contig, vj_span name, int64_t beg0,
                              int64_t end0, int64_t stream_end, vj_error *err)
{
    index->n_records++;
    beg0 = VJ_MAX(beg0, 0); /* POS 0 is a telomere: indexed at the first base */
    end0 = VJ_MAX(end0, beg0 + 1);
    VJ_TRY(enter_contig(index, contig, name, err));
    if (beg0 < index->last_beg0)
        return vj_fail(err, VJ_E_USAGE,
                       "record %lld at position %lld lies before its predecessor at %lld: only "
                       "sorted records can be indexed", (long long)index->n_records,
                       (long long)(beg0 + 1), (long long)(index->last_beg0 + 1));
    VJ_TRY(charge_window(index, beg0, err));
    index->last_beg0 = beg0;
    if (end0 > index->max_end)
        index->is_stale = true;
    if (index->is_stale)
        return VJ_OK;
    pending_record record = {contig, beg0, end0, stream_end};
    return VJ_VEC_PUSH(&index->pending, record, err);
}

/* Number of the line's contig, in order of appearance. */
static vj_status contig_number(vj_index_out *index, vj_span name, int32_t *contig, vj_error *err)
{
    int64_t name_i = index->contig;

    if (index->contig < 0 || !vj_span_eq(index->names.keys[index->contig], name))
        VJ_TRY(vj_map_put(&index->names, name, 0, &name_i, NULL, err));
    *contig = (int32_t)name_i;
    return VJ_OK;
}

/* Value of END in an INFO column, or -1. */
static int64_t info_end(vj_span info)
{
    const char *end = info.ptr + info.len_bytes;
    int64_t value = -1;

    for (const char *at = info.ptr; at < end;) {
        const char *stop = memchr(at, ';', (size_t)(end - at));

        stop = stop != NULL ? stop : end;
        if (stop - at > 4 && memcmp(at, "END=", 4) == 0)
            return vj_parse_i64((vj_span){at + 4, (size_t)(stop - at) - 4}, &value) ? value : -1;
        at = stop + 1;
    }
    return -1;
}

vj_status vj_index_out_line(vj_index_out *index, vj_span line, int64_t stream_end, vj_error *err)
{
    vj_span columns[8] = {{0}};
    const char *at = line.ptr;
    const char *end = line.ptr + line.len_bytes;
    int64_t pos1 = 0;
    int32_t contig = 0;

    for (int i = 0; i < 8 && at <= end; i++) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        tab = tab != NULL ? tab : end;
        columns[i] = (vj_span){at, (size_t)(tab - at)};
        at = tab + 1;
    }
    if (!vj_parse_i64(columns[1], &pos1))
        return vj_fail(err, VJ_E_CORRUPT, "record %lld has no position to be indexed by",
                       (long long)index->n_records + 1);
    VJ_TRY(contig_number(index, columns[0], &contig, err));
    int64_t ref_end = pos1 - 1 + (int64_t)columns[3].len_bytes;
    return vj_index_out_record(index, contig, columns[0], pos1 - 1,
                               VJ_MAX(ref_end, info_end(columns[7])), stream_end, err);
}

void vj_index_out_set_stale(vj_index_out *index)
{
    index->is_stale = true;
}

/* ---- blocks ---- */

vj_status vj_index_out_on_block(void *arg, int64_t beg, int64_t end, int64_t file_off,
                                int64_t block_bytes, vj_error *err)
{
    vj_index_out *index = arg;

    index->end_voff = (uint64_t)(file_off + block_bytes) << 16;
    while (index->n_pushed < index->pending.n) {
        const pending_record *r = &index->pending.ptr[index->n_pushed];

        if (r->stream_end > end)
            break;
        uint64_t voff = r->stream_end == end
                            ? index->end_voff
                            : (uint64_t)file_off << 16 | (uint64_t)(r->stream_end - beg);
        if (hts_idx_push(index->idx, r->contig, r->beg0, r->end0, voff, 1) < 0)
            return vj_fail(err, VJ_E_NOMEM, "no memory for the index");
        index->n_pushed++;
    }
    if (index->n_pushed == index->pending.n) {
        VJ_VEC_RESET(&index->pending);
        index->n_pushed = 0;
    }
    return VJ_OK;
}

/* ---- the file ---- */

/* The names, as tabix keeps them: seven little-endian words and NUL-terminated names. */
static vj_status set_names(vj_index_out *index, vj_error *err)
{
    vj_buf meta;
    vj_status rc = VJ_OK;
    size_t names_bytes = 0;

    vj_buf_init(&meta, index->budget, 0);
    for (size_t i = 0; i < index->names.n; i++)
        names_bytes += index->names.keys[i].len_bytes + 1;
    uint32_t words[7] = {TBX_VCF, 1, 2, 0, '#', 0, (uint32_t)names_bytes};
    for (size_t i = 0; i < VJ_COUNT(words); i++)
        for (int shift = 0; shift < 32; shift += 8)
            VJ_GO(rc, vj_buf_push(&meta, (uint8_t)(words[i] >> shift), err));
    for (size_t i = 0; i < index->names.n; i++) {
        VJ_GO(rc, vj_buf_append(&meta, index->names.keys[i].ptr, index->names.keys[i].len_bytes,
                                err));
        VJ_GO(rc, vj_buf_push(&meta, 0, err));
    }
    if (hts_idx_set_meta(index->idx, (uint32_t)meta.len_bytes, meta.ptr, 1) != 0)
        rc = vj_fail(err, VJ_E_NOMEM, "no memory for the index");
out:
    vj_buf_fini(&meta);
    return rc;
}

/* Made again from the whole file, as csi. */
static int rebuild(bool is_bcf, const char *data_path, const char *index_path)
{
    return is_bcf ? bcf_index_build3(data_path, index_path, MIN_SHIFT, 0)
                  : tbx_index_build3(data_path, index_path, MIN_SHIFT, 0, &tbx_conf_vcf);
}

static vj_status fill_file(vj_index_out *index, const char *data_path, const char *index_path,
                           vj_error *err)
{
    if (index->is_stale)
        return rebuild(index->is_bcf, data_path, index_path) == 0
                   ? VJ_OK
                   : vj_fail(err, VJ_E_UNSUPPORTED, "htslib cannot index what was written");
    if (hts_idx_finish(index->idx, index->end_voff) != 0)
        return vj_fail(err, VJ_E_NOMEM, "no memory for the index");
    if (!index->is_bcf)
        VJ_TRY(set_names(index, err));
    if (hts_idx_save_as(index->idx, NULL, index_path, index->fmt) != 0)
        return vj_fail(err, VJ_E_OUTPUT, "%s: cannot write the index", index_path);
    return VJ_OK;
}

vj_status vj_index_out_save(vj_index_out *index, const vj_outfile *data, int64_t file_off,
                            vj_outfile **out, vj_error *err)
{
    bool is_tbi = index->fmt == HTS_FMT_TBI && !index->is_stale;
    vj_outfile *file = NULL;
    vj_status rc = VJ_OK;
    vj_memfile memory = {.fd = -1};
    vj_buf path;

    *out = NULL;
    vj_buf_init(&path, index->budget, 0);
    index->end_voff = (uint64_t)file_off << 16;
    VJ_GO(rc, vj_buf_printf(&path, err, "%s.%s", vj_outfile_name(data), is_tbi ? "tbi" : "csi"));
    VJ_GO(rc, vj_buf_push(&path, 0, err));
    VJ_GO(rc, vj_outfile_open((const char *)path.ptr, &file, err));
    if (vj_outfile_temp_path(file) == NULL)
        rc = vj_fail(err, VJ_E_OUTPUT, "%s: expected a place for a regular file",
                     vj_outfile_name(file));
    else if (!vj_memfile_open(&memory))
        rc = fill_file(index, vj_outfile_temp_path(data), vj_outfile_temp_path(file), err);
    else /* htslib loses memory and prints when a disk is full */
        rc = fill_file(index, vj_outfile_temp_path(data), memory.path, err);
    if (rc == VJ_OK && memory.fd >= 0)
        rc = vj_memfile_append_to(&memory, file, err);
    if (rc == VJ_OK) {
        *out = file;
        file = NULL;
    } else {
        rc = vj_wrap(err, rc, "indexing %s", vj_outfile_name(data));
    }
out:
    vj_memfile_close(&memory);
    vj_outfile_free(file);
    vj_buf_fini(&path);
    return rc;
}
