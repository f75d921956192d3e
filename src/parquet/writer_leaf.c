/*
 * writer_leaf.c - life of a leaf: where pages and chunks end, and the memory they reuse.
 */
#include "parquet/writer_leaf.h"

vj_status vj_leaf_scratch_init(vj_leaf_scratch *scratch, vj_budget *budget, vj_error *err)
{
    vj_buf *all[] = {&scratch->body,   &scratch->values, &scratch->trial,  &scratch->codes,
                     &scratch->rows,   &scratch->idx[0], &scratch->idx[1], &scratch->def[0],
                     &scratch->def[1], &scratch->rep[0], &scratch->rep[1], &scratch->marks};

    *scratch = (vj_leaf_scratch){0};
    for (size_t i = 0; i < VJ_COUNT(all); i++)
        all[i]->budget = budget;
    return vj_codec_new(budget, &scratch->codec, err);
}

void vj_leaf_scratch_fini(vj_leaf_scratch *scratch)
{
    vj_buf *all[] = {&scratch->body,   &scratch->values, &scratch->trial,  &scratch->codes,
                     &scratch->rows,   &scratch->idx[0], &scratch->idx[1], &scratch->def[0],
                     &scratch->def[1], &scratch->rep[0], &scratch->rep[1], &scratch->marks};

    for (size_t i = 0; i < VJ_COUNT(all); i++)
        vj_buf_fini(all[i]);
    vj_codec_free(scratch->codec);
    scratch->codec = NULL;
}

/* ---- chunks ---- */

static vj_status new_chunk(vj_leaf *leaf, vj_error *err)
{
    vj_chunk *chunk = leaf->spare;

    if (chunk != NULL) {
        leaf->spare = chunk->next;
        chunk->next = NULL;
    } else {
        if ((chunk = vj_zalloc(leaf->budget, sizeof *chunk, err)) == NULL)
            return VJ_E_NOMEM;
        chunk->dict_page.budget = chunk->pages.budget = chunk->bounds.budget = leaf->budget;
        chunk->min.budget = chunk->max.budget = chunk->recs.budget = leaf->budget;
    }
    leaf->chunk = chunk;
    return VJ_OK;
}

static void reset_chunk(vj_chunk *chunk)
{
    vj_buf_reset(&chunk->dict_page);
    vj_buf_reset(&chunk->pages);
    vj_buf_reset(&chunk->bounds);
    vj_buf_reset(&chunk->min);
    vj_buf_reset(&chunk->max);
    VJ_VEC_RESET(&chunk->recs);
    chunk->has_bounds = chunk->no_bounds = chunk->any_compressed = false;
    chunk->n_rows = chunk->n_values = chunk->n_nulls = chunk->uncompressed_bytes = 0;
    memset(chunk->encoding_pages, 0, sizeof chunk->encoding_pages);
}

static void free_chunks(vj_chunk *chunk)
{
    vj_chunk *next = NULL;

    for (; chunk != NULL; chunk = next) {
        next = chunk->next;
        vj_buf_fini(&chunk->dict_page);
        vj_buf_fini(&chunk->pages);
        vj_buf_fini(&chunk->bounds);
        vj_buf_fini(&chunk->min);
        vj_buf_fini(&chunk->max);
        VJ_VEC_FINI(&chunk->recs);
        vj_free(chunk);
    }
}

vj_status vj_leaf_close(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err)
{
    vj_chunk **end = &leaf->ready;

    VJ_TRY(vj_leaf_flush(leaf, scratch, err));
    VJ_TRY(vj_leaf_seal(leaf, scratch, err));
    while (*end != NULL)
        end = &(*end)->next;
    *end = leaf->chunk;
    leaf->chunk = NULL;
    vj_dict_reset(&leaf->dict);
    leaf->dict_state = leaf->store == VJ_STORE_FIXED || leaf->store == VJ_STORE_BITS
                           ? VJ_DICT_OFF
                           : VJ_DICT_UNDECIDED;
    return new_chunk(leaf, err);
}

void vj_leaf_recycle(vj_leaf *leaf)
{
    vj_chunk *chunk = leaf->ready;

    leaf->ready = chunk->next;
    reset_chunk(chunk);
    chunk->next = leaf->spare;
    leaf->spare = chunk;
}

/* ---- leaf ---- */

static void choose_store(vj_leaf *leaf)
{
    const vj_type *type = &leaf->field->type;

    leaf->value_bytes = (uint32_t)vj_type_width(type);
    switch (type->kind) {
    case VJ_BOOL:
        leaf->store = VJ_STORE_BITS;
        leaf->phys = VJ_PHYS_BOOLEAN;
        break;
    case VJ_I64:
    case VJ_U64:
    case VJ_F64:
        leaf->store = VJ_STORE_WORDS64;
        leaf->phys = type->kind == VJ_F64 ? VJ_PHYS_DOUBLE : VJ_PHYS_INT64;
        break;
    case VJ_TEXT:
    case VJ_BINARY:
        leaf->store = VJ_STORE_STRINGS;
        leaf->phys = VJ_PHYS_BYTE_ARRAY;
        leaf->text = type->kind == VJ_TEXT;
        break;
    case VJ_FIXED:
        leaf->store = VJ_STORE_FIXED;
        leaf->phys = VJ_PHYS_FIXED;
        break;
    default:
        leaf->store = VJ_STORE_WORDS32;
        leaf->value_bytes = 4;
        leaf->phys = type->kind == VJ_F32 ? VJ_PHYS_FLOAT : VJ_PHYS_INT32;
        break;
    }
}

vj_status vj_leaf_init(vj_leaf *leaf, const vj_leaf_options *options, vj_path_step *steps,
                       int32_t n_steps, int32_t top_i, vj_budget *budget, vj_error *err)
{
    *leaf = (vj_leaf){.options = options,
                      .steps = steps,
                      .n_steps = n_steps,
                      .top_i = top_i,
                      .field = steps[n_steps - 1].field,
                      .budget = budget};
    for (int32_t i = 0; i < n_steps; i++) {
        bool is_list = steps[i].field->type.kind == VJ_LIST;

        leaf->max_def += steps[i].field->nullable + is_list;
        leaf->max_rep += is_list;
    }
    leaf->order = vj_order_of(&leaf->field->type);
    choose_store(leaf);
    if (leaf->store == VJ_STORE_FIXED || leaf->store == VJ_STORE_BITS)
        leaf->dict_state = VJ_DICT_OFF;
    leaf->values.budget = leaf->lens.budget = leaf->defs.budget = leaf->reps.budget = budget;
    vj_dict_init(&leaf->dict, budget);
    return new_chunk(leaf, err);
}

void vj_leaf_fini(vj_leaf *leaf)
{
    vj_buf_fini(&leaf->values);
    vj_buf_fini(&leaf->lens);
    vj_buf_fini(&leaf->defs);
    vj_buf_fini(&leaf->reps);
    vj_dict_fini(&leaf->dict);
    free_chunks(leaf->chunk);
    free_chunks(leaf->ready);
    free_chunks(leaf->spare);
    *leaf = (vj_leaf){0};
}

int64_t vj_leaf_weight(const vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n)
{
    const vj_col *col = top;
    int64_t weight = 0;

    for (int32_t s = 0; s < leaf->n_steps; s++) {
        if (n == 0)
            return weight; /* a column without rows may have no offsets */
        if (s > 0)
            col = &col->kids[leaf->steps[s].kid_i];
        if (leaf->steps[s].field->type.kind == VJ_LIST) {
            weight += n;
            n = col->offs[beg + n] - col->offs[beg];
            beg = col->offs[beg];
        }
    }
    if (leaf->store == VJ_STORE_STRINGS && n > 0)
        return weight + 4 * n + col->offs[beg + n] - col->offs[beg];
    return weight + n * VJ_MAX((int64_t)leaf->value_bytes, 1);
}

/* Rows from beg on, at most n, that the page has room for; an empty page takes at least one. */
static int64_t rows_that_fit(const vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                             int64_t *weight)
{
    int64_t room = VJ_PAGE_WEIGHT - leaf->page_weight;
    int64_t fit = 0;

    *weight = vj_leaf_weight(leaf, top, beg, n);
    if (*weight <= room)
        return n;
    for (int64_t over = n; fit + 1 < over;) { /* fit rows fit, over rows do not */
        int64_t half = fit + (over - fit) / 2;

        if (vj_leaf_weight(leaf, top, beg, half) <= room)
            fit = half;
        else
            over = half;
    }
    if (fit == 0 && leaf->page_rows == 0)
        fit = 1;
    *weight = vj_leaf_weight(leaf, top, beg, fit);
    return fit;
}

vj_status vj_leaf_append(vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                         vj_leaf_scratch *scratch, vj_error *err)
{
    while (n > 0) {
        int64_t weight = 0;
        int64_t most = VJ_MIN(n, leaf->options->rows_per_page - leaf->page_rows);
        int64_t fit = rows_that_fit(leaf, top, beg, most, &weight);

        if (fit > 0)
            VJ_TRY(vj_leaf_stage(leaf, top, beg, fit, scratch, err));
        leaf->page_rows += fit;
        leaf->page_weight += weight;
        beg += fit;
        n -= fit;
        if (leaf->page_rows == leaf->options->rows_per_page || fit < most)
            VJ_TRY(vj_leaf_flush(leaf, scratch, err));
    }
    return VJ_OK;
}
