#include "hts/reader.h"
#include "hts/scan.h"

#include <stdio.h>

/* The caller's strings need not outlive the call. */
static vj_status copy_options(vj_vcf_reader *reader, const vj_vcf_read_options *options,
                              vj_error *err)
{
    static const vj_vcf_read_options none = VJ_VCF_READ_OPTIONS_INIT;
    vj_vcf_read_options *own = &reader->options;
    const char **texts[] = {&own->samples, &own->info_fields, &own->format_fields,
                            &own->filter_pass, &own->assume_number, &own->bad_records_path,
                            &own->regions, &own->regions_file, &own->targets,
                            &own->targets_file};

    *own = options != NULL ? *options : none;
    for (size_t i = 0; i < VJ_COUNT(texts); i++) {
        if (*texts[i] == NULL)
            continue;
        *texts[i] = vj_arena_strndup(&reader->arena, *texts[i], strlen(*texts[i]), err);
        if (*texts[i] == NULL)
            return VJ_E_NOMEM;
    }
    return VJ_OK;
}

static vj_status new_reader(const char *name, const vj_vcf_read_options *options,
                            vj_budget *budget, vj_vcf_reader **out, vj_error *err)
{
    vj_vcf_reader *reader = vj_zalloc(budget, sizeof *reader, err);

    *out = reader;
    if (reader == NULL)
        return VJ_E_NOMEM;
    reader->budget = budget;
    vj_arena_init(&reader->arena, budget, 0);
    vj_buf_init(&reader->win, budget, 0);
    vj_buf_init(&reader->last_contig, budget, 0);
    vj_map_init(&reader->contigs_seen, budget);
    vj_map_init(&reader->contig_by_name, budget);
    vj_map_init(&reader->info_by_id, budget);
    vj_map_init(&reader->format_by_id, budget);
    reader->lines.budget = reader->contigs.budget = reader->infos.budget = budget;
    reader->formats.budget = reader->filters.budget = reader->samples.budget = budget;
    reader->notes.budget = reader->chosen.budget = reader->fields.budget = budget;
    reader->origins.budget = reader->info_plans.budget = reader->format_plans.budget = budget;
    reader->filter_pass.budget = reader->peeked.budget = budget;
    reader->next_line = 1;
    reader->last_pos1 = -1;
    if ((reader->name = vj_strdup(budget, name, err)) == NULL)
        return VJ_E_NOMEM;
    return copy_options(reader, options, err);
}

void vj_vcf_free(vj_vcf_reader *reader)
{
    if (reader == NULL)
        return;
    vj_textin_free(reader->in);
    vj_bcfin_free(reader->bcf);
    vj_regions_free(reader->targets);
    vj_regions_free(reader->regions);
    vj_buf_fini(&reader->win);
    vj_buf_fini(&reader->last_contig);
    vj_map_fini(&reader->contigs_seen);
    vj_map_fini(&reader->contig_by_name);
    vj_map_fini(&reader->info_by_id);
    vj_map_fini(&reader->format_by_id);
    VJ_VEC_FINI(&reader->peeked);
    VJ_VEC_FINI(&reader->lines);
    VJ_VEC_FINI(&reader->contigs);
    VJ_VEC_FINI(&reader->infos);
    VJ_VEC_FINI(&reader->formats);
    VJ_VEC_FINI(&reader->filters);
    VJ_VEC_FINI(&reader->samples);
    VJ_VEC_FINI(&reader->notes);
    VJ_VEC_FINI(&reader->chosen);
    VJ_VEC_FINI(&reader->fields);
    VJ_VEC_FINI(&reader->origins);
    VJ_VEC_FINI(&reader->info_plans);
    VJ_VEC_FINI(&reader->format_plans);
    VJ_VEC_FINI(&reader->filter_pass);
    vj_arena_fini(&reader->arena);
    vj_free(reader->name);
    vj_free(reader);
}

void vj_vcf_release(vj_vcf_reader *reader)
{
    reader->released_bytes = vj_vcf_bytes_done(reader);
    reader->win_end = true;
    vj_textin_free(reader->in);
    vj_bcfin_free(reader->bcf);
    reader->in = NULL;
    reader->bcf = NULL;
    vj_buf_fini(&reader->win);
    reader->win_beg = reader->win_searched = 0;
}

static vj_status make_regions(vj_vcf_reader *reader, vj_error *err)
{
    const vj_vcf_read_options *options = &reader->options;

    if (options->targets != NULL || options->targets_file != NULL)
        VJ_TRY(vj_regions_new(options->targets, options->targets_file, reader->budget,
                              &reader->targets, err));
    if (options->regions != NULL || options->regions_file != NULL)
        VJ_TRY(vj_regions_new(options->regions, options->regions_file, reader->budget,
                              &reader->regions, err));
    if (reader->regions != NULL && reader->regions->negate)
        return vj_fail(err, VJ_E_USAGE, "regions cannot be negated with ^; targets can");
    return VJ_OK;
}

static bool is_bcf(const vj_vcf_reader *reader)
{
    return reader->win.len_bytes >= 4 && memcmp(reader->win.ptr, "BCF", 3) == 0 &&
           reader->win.ptr[3] < 8;
}

/* The window holds lines from here on, the header's first. */
static vj_status start_bcf(vj_vcf_reader *reader, vj_error *err)
{
    vj_buf_reset(&reader->win);
    VJ_TRY(vj_bcfin_header(reader->bcf, &reader->win, err));
    return vj_buf_reserve(&reader->win, VJ_SCAN_PAD_BYTES, err);
}

static void name_format(vj_vcf_reader *reader)
{
    static const char *const wrappings[] = {
        [VJ_WRAP_NONE] = "plain", [VJ_WRAP_BGZF] = "BGZF", [VJ_WRAP_GZIP] = "gzip"};
    const char *how = reader->bcf != NULL ? vj_bcfin_format(reader->bcf)
                                          : wrappings[vj_textin_wrapping(reader->in)];

    snprintf(reader->format_name, sizeof reader->format_name, "VCF 4.%d, %s",
             reader->header.version_minor, how);
}

/* Everything after the first bytes are at hand. */
static vj_status finish_open(vj_vcf_reader *reader, vj_error *err)
{
    VJ_TRY(vj_vcf_header_read(reader, err));
    VJ_TRY(vj_vcf_schema_build(reader, err));
    name_format(reader);
    return VJ_OK;
}

/* Takes the input over. What it is shows in its first bytes. */
static vj_status open_input(vj_vcf_reader *reader, vj_input *input, vj_error *err)
{
    reader->total_bytes = vj_input_size(input);
    VJ_TRY(vj_textin_open(input, reader->options.allow_truncated, reader->budget, &reader->in,
                          err));
    VJ_TRY(vj_textin_read(reader->in, &reader->win, &reader->win_end, err));
    if (!is_bcf(reader))
        return vj_buf_reserve(&reader->win, VJ_SCAN_PAD_BYTES, err);
    VJ_TRY(vj_bcfin_open_stream(reader->in, &reader->win, reader->budget, &reader->bcf, err));
    return start_bcf(reader, err);
}

static vj_status open_regions(vj_vcf_reader *reader, const char *path, vj_error *err)
{
    vj_input *input = NULL;

    VJ_TRY(vj_input_open(path, &input, err));
    reader->total_bytes = vj_input_size(input);
    vj_input_free(input);
    if (reader->total_bytes < 0 || strcmp(path, "-") == 0)
        return vj_fail(err, VJ_E_USAGE, "%s: regions need a file with an index; use targets",
                       reader->name);
    VJ_TRY(vj_bcfin_open_regions(path, reader->regions, reader->options.allow_truncated,
                                 reader->budget, &reader->bcf, err));
    return start_bcf(reader, err);
}

vj_status vj_vcf_open(const char *path, const vj_vcf_read_options *options, vj_budget *budget,
                      vj_vcf_reader **out, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_vcf_reader *reader = NULL;
    vj_input *input = NULL;

    *out = NULL;
    VJ_GO(rc, new_reader(strcmp(path, "-") == 0 ? "standard input" : path, options, budget,
                         &reader, err));
    VJ_GO(rc, make_regions(reader, err));
    if (reader->regions != NULL) {
        VJ_GO(rc, open_regions(reader, path, err));
    } else {
        VJ_GO(rc, vj_input_open(path, &input, err));
        VJ_GO(rc, open_input(reader, input, err));
    }
    VJ_GO(rc, finish_open(reader, err));
    *out = reader;
    return VJ_OK;
out:
    vj_vcf_free(reader);
    return vj_wrap(err, rc, "opening %s", path);
}

vj_status vj_vcf_open_memory(const char *name, const void *ptr, size_t len_bytes,
                             const vj_vcf_read_options *options, vj_budget *budget,
                             vj_vcf_reader **out, vj_error *err)
{
    vj_status rc = VJ_OK;
    vj_vcf_reader *reader = NULL;
    vj_input *input = NULL;

    *out = NULL;
    VJ_GO(rc, new_reader(name, options, budget, &reader, err));
    VJ_GO(rc, make_regions(reader, err));
    if (reader->regions != NULL) {
        rc = vj_fail(err, VJ_E_USAGE, "%s: regions need a file with an index; use targets", name);
        goto out;
    }
    VJ_GO(rc, vj_input_memory(name, ptr, len_bytes, &input, err));
    VJ_GO(rc, open_input(reader, input, err));
    VJ_GO(rc, finish_open(reader, err));
    *out = reader;
    return VJ_OK;
out:
    vj_vcf_free(reader);
    return rc;
}

int32_t vj_vcf_chosen_view(const vj_vcf_reader *reader, const int32_t **out)
{
    *out = reader->chosen.ptr;
    return (int32_t)reader->chosen.n;
}

const vj_vcf_header *vj_vcf_header_view(const vj_vcf_reader *reader)
{
    return &reader->header;
}

const char *vj_vcf_format_name(const vj_vcf_reader *reader)
{
    return reader->format_name;
}

int32_t vj_vcf_notes_view(const vj_vcf_reader *reader, const char *const **out)
{
    *out = reader->notes.ptr;
    return (int32_t)reader->notes.n;
}

const vj_schema *vj_vcf_schema_view(const vj_vcf_reader *reader)
{
    return &reader->schema;
}

const vj_vcf_origin *vj_vcf_origins_view(const vj_vcf_reader *reader)
{
    return reader->origins.ptr;
}

int64_t vj_vcf_bytes_done(const vj_vcf_reader *reader)
{
    if (reader->in != NULL)
        return vj_textin_bytes_done(reader->in); /* BCF as well, but for regions */
    return reader->bcf != NULL ? vj_bcfin_bytes_done(reader->bcf) : reader->released_bytes;
}

int64_t vj_vcf_bytes_total(const vj_vcf_reader *reader)
{
    return reader->total_bytes;
}
