#include "hts/reader.h"

#include <stdlib.h>

#define LAST_POS1 ((int64_t)UINT32_MAX)

void vj_regions_free(vj_regions *regions)
{
    if (regions == NULL)
        return;
    for (size_t i = 0; i < regions->by_contig.n; i++)
        VJ_VEC_FINI(&regions->by_contig.ptr[i].list);
    VJ_VEC_FINI(&regions->by_contig);
    vj_map_fini(&regions->contigs);
    vj_free(regions);
}

static vj_status add_range(vj_regions *regions, vj_span contig, int64_t beg1, int64_t end1,
                           vj_error *err)
{
    char text[VJ_CONTIG_BYTES];
    vj_span canonical = vj_contig_canonical(contig, -1, text);
    int64_t i = vj_map_find(&regions->contigs, canonical);

    if (i < 0) {
        vj_ranges none = {0};

        none.list.budget = regions->budget;
        i = (int64_t)regions->by_contig.n;
        VJ_TRY(vj_map_put(&regions->contigs, canonical, i, NULL, NULL, err));
        VJ_TRY(VJ_VEC_PUSH(&regions->by_contig, none, err));
    }
    return VJ_VEC_PUSH(&regions->by_contig.ptr[i].list, ((vj_range){beg1, end1}), err);
}

/* "100", "1,000,000": commas between thousands are let pass, as in samtools. */
static bool parse_place(vj_span text, int64_t *out)
{
    int64_t value = 0;

    if (text.len_bytes == 0 || text.len_bytes > 20)
        return false;
    for (size_t i = 0; i < text.len_bytes; i++) {
        unsigned digit = (unsigned)(uint8_t)text.ptr[i] - '0';

        if (text.ptr[i] == ',')
            continue;
        if (digit > 9)
            return false;
        value = VJ_MIN(value * 10 + digit, LAST_POS1);
    }
    *out = value;
    return true;
}

/*
 * CHR, CHR:POS, CHR:BEG-, CHR:BEG-END. A contig's own name may hold colons: what stands behind
 * the last one counts only when it is made of numbers.
 */
static vj_status add_text(vj_regions *regions, vj_span text, vj_error *err)
{
    const char *colon = memrchr(text.ptr, ':', text.len_bytes);
    int64_t beg1 = 0;
    int64_t end1 = LAST_POS1;

    if (colon == NULL)
        return add_range(regions, text, 0, LAST_POS1, err);
    vj_span contig = {text.ptr, (size_t)(colon - text.ptr)};
    vj_span place = {colon + 1, text.len_bytes - contig.len_bytes - 1};
    const char *dash = memchr(place.ptr, '-', place.len_bytes);
    size_t beg_bytes = dash != NULL ? (size_t)(dash - place.ptr) : place.len_bytes;
    bool good = contig.len_bytes > 0 && parse_place((vj_span){place.ptr, beg_bytes}, &beg1);

    if (good && dash == NULL)
        end1 = beg1;
    else if (good && beg_bytes + 1 < place.len_bytes)
        good = parse_place((vj_span){dash + 1, place.len_bytes - beg_bytes - 1}, &end1);
    if (good && beg1 <= end1)
        return add_range(regions, contig, beg1, end1, err);
    char shown[100];
    vj_quote(shown, sizeof shown, text.ptr, VJ_MIN(text.len_bytes, 60));
    return vj_fail(err, VJ_E_USAGE, "expected a region CHR, CHR:POS or CHR:BEG-END, found '%s'",
                   shown);
}

/* Parts of a comma list; a part of digits alone goes on with the number before it (1,000). */
static vj_status add_list(vj_regions *regions, const char *list, vj_error *err)
{
    const char *at = list;

    while (*at != '\0') {
        const char *stop = at + strcspn(at, ",");
        const char *colon = memchr(at, ':', (size_t)(stop - at));

        while (colon != NULL && *stop == ',') {
            size_t digits = strspn(stop + 1, "0123456789");
            char after = stop[1 + digits];

            if (digits != 3 || (after != ',' && after != '-' && after != '\0'))
                break;
            stop += 1 + digits;
            stop += strcspn(stop, ",");
        }
        if (stop > at)
            VJ_TRY(add_text(regions, (vj_span){at, (size_t)(stop - at)}, err));
        at = *stop == ',' ? stop + 1 : stop;
    }
    return VJ_OK;
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text);
    size_t m = strlen(suffix);

    return n >= m && strcmp(text + n - m, suffix) == 0;
}

static bool next_column(vj_span *line, vj_span *column)
{
    size_t n = 0;

    if (line->len_bytes == 0)
        return false;
    while (n < line->len_bytes && line->ptr[n] != '\t' && line->ptr[n] != ' ')
        n++;
    *column = (vj_span){line->ptr, n};
    n += n < line->len_bytes;
    *line = (vj_span){line->ptr + n, line->len_bytes - n};
    return true;
}

/* CHROM BEG END of BED (0-based, half-open); else CHROM POS [END], 1-based, closed. */
static vj_status add_line(vj_regions *regions, vj_span line, bool is_bed, int64_t line_number,
                          const char *path, vj_error *err)
{
    vj_span contig = {0};
    vj_span column = {0};
    int64_t beg = 0;
    int64_t end = 0;

    while (line.len_bytes > 0 && (line.ptr[line.len_bytes - 1] == '\r' ||
                                  line.ptr[line.len_bytes - 1] == ' '))
        line.len_bytes--;
    if (line.len_bytes == 0 || line.ptr[0] == '#')
        return VJ_OK;
    bool good = next_column(&line, &contig) && contig.len_bytes > 0 &&
                next_column(&line, &column) && parse_place(column, &beg);
    bool has_end = good && next_column(&line, &column) && parse_place(column, &end);
    if (is_bed) {
        good = good && has_end;
        beg++;
    } else if (!has_end) {
        end = beg; /* a third column that is no number is something else's: a VCF's ID */
    }
    if (!good)
        return vj_fail(err, VJ_E_CORRUPT, "%s: line %lld: expected %s", path,
                       (long long)line_number,
                       is_bed ? "CHROM BEG END" : "CHROM POS or CHROM BEG END");
    return beg <= end ? add_range(regions, contig, beg, end, err) : VJ_OK;
}

static vj_status add_file(vj_regions *regions, const char *path, vj_error *err)
{
    bool is_bed = ends_with(path, ".bed") || ends_with(path, ".bed.gz");
    vj_input *input = NULL;
    vj_textin *in = NULL;
    vj_buf text;
    vj_status rc = VJ_OK;
    bool at_end = false;
    size_t beg = 0;

    vj_buf_init(&text, regions->budget, 0);
    VJ_GO(rc, vj_input_open(path, &input, err));
    VJ_GO(rc, vj_textin_open(input, false, regions->budget, &in, err));
    while (!at_end)
        VJ_GO(rc, vj_textin_read(in, &text, &at_end, err));
    for (int64_t line_number = 1; beg < text.len_bytes; line_number++) {
        const char *line = (const char *)text.ptr + beg;
        const char *newline = memchr(line, '\n', text.len_bytes - beg);
        size_t len = newline != NULL ? (size_t)(newline - line) : text.len_bytes - beg;

        VJ_GO(rc, add_line(regions, (vj_span){line, len}, is_bed, line_number, path, err));
        beg += len + 1;
    }
out:
    vj_textin_free(in);
    vj_buf_fini(&text);
    return rc;
}

static int compare_ranges(const void *a, const void *b)
{
    const vj_range *x = a;
    const vj_range *y = b;

    return (x->beg1 > y->beg1) - (x->beg1 < y->beg1);
}

/* Sort, and join what overlaps or touches. */
static void merge(vj_ranges *ranges)
{
    size_t n = 0;
    vj_range *list = ranges->list.ptr;

    qsort(list, ranges->list.n, sizeof *list, compare_ranges);
    for (size_t i = 0; i < ranges->list.n; i++) {
        if (n > 0 && list[i].beg1 <= list[n - 1].end1 + 1)
            list[n - 1].end1 = VJ_MAX(list[n - 1].end1, list[i].end1);
        else
            list[n++] = list[i];
    }
    ranges->list.n = n;
}

vj_status vj_regions_new(const char *list, const char *path, vj_budget *budget,
                         vj_regions **out, vj_error *err)
{
    vj_regions *regions = vj_zalloc(budget, sizeof *regions, err);
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (regions == NULL)
        return rc;
    regions->budget = budget;
    regions->by_contig.budget = budget;
    vj_map_init(&regions->contigs, budget);
    if (list != NULL) {
        regions->negate = list[0] == '^';
        VJ_GO(rc, add_list(regions, list + regions->negate, err));
    }
    if (path != NULL) {
        bool negate = path[0] == '^';

        regions->negate = regions->negate || negate;
        VJ_GO(rc, add_file(regions, path + negate, err));
    }
    for (size_t i = 0; i < regions->by_contig.n; i++)
        merge(&regions->by_contig.ptr[i]);
    *out = regions;
    regions = NULL;
    rc = VJ_OK;
out:
    vj_regions_free(regions);
    return rc;
}

const vj_ranges *vj_regions_of(const vj_regions *regions, vj_span contig, int64_t length)
{
    char text[VJ_CONTIG_BYTES];
    int64_t i = vj_map_find(&regions->contigs, vj_contig_canonical(contig, length, text));

    return i < 0 ? NULL : &regions->by_contig.ptr[i];
}

bool vj_ranges_overlap(const vj_ranges *ranges, int64_t beg1, int64_t end1)
{
    size_t lo = 0;
    size_t hi = ranges->list.n;

    /* the first range that ends at or behind beg1 */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (ranges->list.ptr[mid].end1 < beg1)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < ranges->list.n && ranges->list.ptr[lo].beg1 <= end1;
}

bool vj_vcf_stretch(const vj_vcf_reader *reader, vj_span contig, int64_t length, size_t i,
                    int64_t *beg1, int64_t *end1)
{
    const vj_regions *chosen = reader->regions != NULL ? reader->regions : reader->targets;

    if (chosen == NULL || chosen->negate) {
        *beg1 = 0;
        *end1 = INT64_MAX;
        return i == 0;
    }
    const vj_ranges *ranges = vj_regions_of(chosen, contig, length);
    if (ranges == NULL || i >= ranges->list.n)
        return false;
    *beg1 = ranges->list.ptr[i].beg1;
    *end1 = ranges->list.ptr[i].end1;
    return true;
}
