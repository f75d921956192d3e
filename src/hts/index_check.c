#include "hts/index_check.h"

#include <stdio.h>

#include "hts/textin.h"

/* ---- finding it ---- */

static char *join(const char *path, size_t n, const char *suffix, vj_budget *budget,
                  vj_error *err)
{
    size_t cap = n + strlen(suffix) + 1;
    char *name = vj_alloc(budget, cap, err);

    if (name != NULL)
        snprintf(name, cap, "%.*s%s", (int)n, path, suffix);
    return name;
}

vj_status vj_index_find(const char *path, bool with_tbi, vj_budget *budget, char **out,
                        vj_error *err)
{
    static const char *const suffixes[] = {".csi", ".tbi"};
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    const size_t stems[] = {strlen(path), dot != NULL ? (size_t)(dot - path) : strlen(path)};

    *out = NULL;
    for (size_t s = 0; s < VJ_COUNT(stems); s++)
        for (size_t i = 0; i < (with_tbi ? 2 : 1); i++) {
            char *name = join(path, stems[s], suffixes[i], budget, err);

            if (name == NULL)
                return VJ_E_NOMEM;
            if (vj_path_exists(name) && !vj_path_is_dir(name)) {
                *out = name;
                return VJ_OK;
            }
            vj_free(name);
        }
    return VJ_OK;
}

/* ---- walking it ---- */

typedef struct walk {
    const char *name;
    const uint8_t *ptr;
    size_t at, len;
    uint64_t file_bytes; /* of the file that it belongs to */
    uint32_t facts_bin;  /* the bin whose chunks are counts and no places */
    bool one_level;      /* bin 0 is the only one */
    vj_error *err;
} walk;

static vj_status fail_end(const walk *w, const char *what)
{
    return vj_fail(w->err, VJ_E_CORRUPT, "%s: expected %s, the index ends at byte %zu", w->name,
                   what, w->len);
}

static vj_status read32(walk *w, const char *what, int32_t *out)
{
    if (w->len - w->at < 4)
        return fail_end(w, what);
    *out = (int32_t)((uint32_t)w->ptr[w->at] | (uint32_t)w->ptr[w->at + 1] << 8 |
                     (uint32_t)w->ptr[w->at + 2] << 16 | (uint32_t)w->ptr[w->at + 3] << 24);
    w->at += 4;
    return VJ_OK;
}

static vj_status skip(walk *w, size_t n_bytes, const char *what)
{
    if (w->len - w->at < n_bytes)
        return fail_end(w, what);
    w->at += n_bytes;
    return VJ_OK;
}

/* A count of items of at least item_bytes each, of which there cannot be more than bytes. */
static vj_status read_count(walk *w, const char *what, size_t item_bytes, int32_t *out)
{
    VJ_TRY(read32(w, what, out));
    if (*out >= 0 && (size_t)*out <= (w->len - w->at) / item_bytes)
        return VJ_OK;
    return vj_fail(w->err, VJ_E_CORRUPT,
                   "%s: %s at byte %zu: expected 0 to %zu, as many as the bytes behind can hold, "
                   "found %d", w->name, what, w->at - 4, (w->len - w->at) / item_bytes, *out);
}

/* n places in the file: its byte times 2^16, and a byte of the block that begins there. */
static vj_status check_places(walk *w, size_t n)
{
    for (size_t i = 0; i < n; i++, w->at += 8) {
        uint64_t place = 0;

        for (int k = 7; k >= 0; k--)
            place = place << 8 | w->ptr[w->at + (size_t)k];
        if (place >> 16 > w->file_bytes)
            return vj_fail(w->err, VJ_E_CORRUPT, "%s: expected places in a file of %llu bytes, "
                           "found byte %llu", w->name, (unsigned long long)w->file_bytes,
                           (unsigned long long)(place >> 16));
    }
    return VJ_OK;
}

/* "TBI" 1 | n_ref | format col_seq col_beg col_end meta skip | l_nm names */
static vj_status walk_tbi_head(walk *w, int32_t *n_contigs)
{
    int32_t n_names = 0;

    VJ_TRY(read_count(w, "number of contigs", 8, n_contigs));
    VJ_TRY(skip(w, 24, "its columns"));
    VJ_TRY(read_count(w, "length of the names", 1, &n_names));
    w->facts_bin = 37450;
    return skip(w, (size_t)n_names, "the names");
}

/* "CSI" 1 | min_shift depth | l_aux aux | n_ref */
static vj_status walk_csi_head(walk *w, int32_t *n_contigs)
{
    int32_t min_shift = 0;
    int32_t depth = 0;
    int32_t n_aux = 0;

    VJ_TRY(read32(w, "the width of its bins", &min_shift));
    VJ_TRY(read32(w, "the depth of its bins", &depth));
    /* numbers of bins have 32 bits: 8^depth of them, each level's in one range of positions */
    if (min_shift < 1 || min_shift > 30 || depth < 0 || depth > 9)
        return vj_fail(w->err, VJ_E_CORRUPT, "%s: expected bins of 2^1 to 2^30 in up to 9 levels, "
                       "found 2^%d in %d", w->name, min_shift, depth);
    w->facts_bin = (uint32_t)(((1ULL << (3 * depth + 3)) - 1) / 7 + 1);
    w->one_level = depth == 0;
    VJ_TRY(read_count(w, "length of the extra bytes", 1, &n_aux));
    VJ_TRY(skip(w, (size_t)n_aux, "the extra bytes"));
    return read_count(w, "number of contigs", 4, n_contigs);
}

static vj_status walk_bins(walk *w, bool is_csi)
{
    int32_t n_bins = 0;
    int32_t n_chunks = 0;
    int32_t bin = 0;
    bool has_root = false;

    /* bin, in a .csi where it begins in the file, number of chunks */
    VJ_TRY(read_count(w, "number of bins", is_csi ? 16 : 8, &n_bins));
    for (int32_t i = 0; i < n_bins; i++) {
        VJ_TRY(read32(w, "a bin", &bin));
        if (is_csi && w->len - w->at < 8)
            return fail_end(w, "a bin");
        has_root = has_root || bin == 0;
        bool is_facts = (uint32_t)bin == w->facts_bin;
        if (is_csi && is_facts)
            w->at += 8;
        else if (is_csi)
            VJ_TRY(check_places(w, 1));
        VJ_TRY(read_count(w, "number of chunks", 16, &n_chunks));
        if (is_facts)
            w->at += (size_t)n_chunks * 16;
        else
            VJ_TRY(check_places(w, (size_t)n_chunks * 2));
    }
    /* htslib 1.16 looks for the parent of bin 0, and does not come back */
    if (w->one_level && !has_root)
        return vj_fail(w->err, VJ_E_UNSUPPORTED, "%s: regions need a bin 0 for each contig in an "
                       "index of one level, found none; targets need no index", w->name);
    return VJ_OK;
}

static vj_status walk_all(walk *w)
{
    int32_t n_contigs = 0;
    int32_t n_windows = 0;

    if (w->len < 4 || (memcmp(w->ptr, "CSI\1", 4) != 0 && memcmp(w->ptr, "TBI\1", 4) != 0))
        return vj_fail(w->err, VJ_E_CORRUPT, "%s: expected an index that begins with CSI or TBI, "
                       "found other bytes", w->name);
    bool is_csi = w->ptr[0] == 'C';
    w->at = 4;
    VJ_TRY(is_csi ? walk_csi_head(w, &n_contigs) : walk_tbi_head(w, &n_contigs));
    for (int32_t i = 0; i < n_contigs; i++) {
        VJ_TRY(walk_bins(w, is_csi));
        if (is_csi)
            continue;
        VJ_TRY(read_count(w, "number of windows", 8, &n_windows));
        VJ_TRY(check_places(w, (size_t)n_windows));
    }
    return VJ_OK;
}

vj_status vj_index_check(const char *path, int64_t file_bytes, vj_budget *budget, vj_error *err)
{
    vj_input *input = NULL;
    vj_textin *in = NULL;
    vj_buf plain = {.budget = budget};
    vj_status rc = VJ_OK;
    bool at_end = false;

    VJ_GO(rc, vj_input_open(path, &input, err));
    /* old indexes lack the end block */
    VJ_GO(rc, vj_textin_open(input, true, budget, &in, err));
    while (!at_end)
        VJ_GO(rc, vj_textin_read(in, &plain, &at_end, err));
    walk w = {.name = path, .ptr = plain.ptr, .len = plain.len_bytes,
              .file_bytes = (uint64_t)file_bytes, .err = err};
    rc = walk_all(&w);
out:
    vj_textin_free(in);
    vj_buf_fini(&plain);
    return rc;
}
