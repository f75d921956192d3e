#include "built/tiers.h"

#include <stdio.h>
#include <strings.h>

#include "base/json.h"

/* ---- what the footer says ---- */

static vj_status bad(const vj_pq_file *file, const char *expected, vj_error *err)
{
    return vj_fail(err, VJ_E_CORRUPT, "%s: " VJ_TIERS_KEY ": expected %s",
                   vj_pq_meta_view(file)->name, expected);
}

static vj_status parse_tiers(const vj_pq_file *file, const json_t *root, vj_tiers *out,
                             vj_error *err)
{
    const json_t *version = json_object_get(root, "version");
    const char *column = json_string_value(json_object_get(root, "column"));
    const json_t *threshold = json_object_get(root, "threshold");
    const json_t *groups = json_object_get(root, "rare_row_groups");
    const vj_pq_meta *meta = vj_pq_meta_view(file);

    if (!json_is_integer(version) || json_integer_value(version) < 1)
        return bad(file, "a version", err);
    if (json_integer_value(version) > VJ_TIERS_VERSION)
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "%s: built with tiers of version %lld, this program reads up to %d",
                       meta->name, (long long)json_integer_value(version), VJ_TIERS_VERSION);
    if (column == NULL || !json_is_number(threshold))
        return bad(file, "a column and a threshold", err);
    if (!json_is_integer(groups) || json_integer_value(groups) < 0 ||
        json_integer_value(groups) > meta->n_rowgroups)
        return bad(file, "as many rare row groups as the file has, or fewer", err);
    snprintf(out->column, sizeof out->column, "%s", column);
    out->threshold = json_number_value(threshold);
    out->n_rare_groups = (int32_t)json_integer_value(groups);
    for (int32_t g = 0; g < meta->n_rowgroups; g++)
        *(g < out->n_rare_groups ? &out->n_rare_rows : &out->n_common_rows) +=
            vj_pq_rowgroup_view(file, g).n_rows;
    if (json_integer_value(json_object_get(root, "rare_rows")) != out->n_rare_rows ||
        json_integer_value(json_object_get(root, "common_rows")) != out->n_common_rows)
        return bad(file, "the numbers of rows that the row groups have", err);
    out->present = true;
    return VJ_OK;
}

vj_status vj_tiers_read(const vj_pq_file *file, vj_tiers *out, vj_error *err)
{
    const char *text = vj_pq_kv_get(file, VJ_TIERS_KEY);
    json_t *root = NULL;

    *out = (vj_tiers){0};
    if (text == NULL)
        return VJ_OK;
    VJ_TRY(vj_json_parse(vj_span_of(text), vj_pq_meta_view(file)->name, &root, err));
    vj_status rc = parse_tiers(file, root, out, err);
    json_decref(root);
    return rc;
}

vj_status vj_tiers_write(const vj_tiers *tiers, const char *column, vj_buf *out, vj_error *err)
{
    json_t *root = json_object();

    vj_put(&root, "version", json_integer(VJ_TIERS_VERSION));
    vj_put(&root, "column", vj_json_text(vj_span_of(column)));
    vj_put(&root, "threshold", json_real(tiers->threshold));
    vj_put(&root, "rare_row_groups", json_integer(tiers->n_rare_groups));
    vj_put(&root, "rare_rows", json_integer((json_int_t)tiers->n_rare_rows));
    vj_put(&root, "common_rows", json_integer((json_int_t)tiers->n_common_rows));
    vj_status rc = vj_json_write(root, JSON_COMPACT, out, err);
    json_decref(root);
    if (rc == VJ_OK)
        rc = vj_buf_push(out, '\0', err);
    out->len_bytes -= rc == VJ_OK;
    return rc;
}

/* ---- which rows are frequent ---- */

static bool is_real(const vj_type *type)
{
    return type->kind == VJ_F32 || type->kind == VJ_F64;
}

bool vj_tiers_type_fits(const vj_type *type)
{
    return is_real(type) || (type->kind == VJ_LIST && is_real(&type->kids[0].type));
}

int32_t vj_tiers_find_column(const vj_schema *schema)
{
    static const char *const names[] = {"MAF", "minor_allele_freq", "AF", "AF_joint", "gnomAD_AF",
                                        "allele_frequency"};

    for (size_t i = 0; i < VJ_COUNT(names); i++)
        for (int32_t f = 0; f < schema->n_fields; f++)
            if (strcasecmp(schema->fields[f].name, names[i]) == 0 &&
                vj_tiers_type_fits(&schema->fields[f].type))
                return f;
    return -1;
}

void vj_tiers_flag(const vj_col *values, int64_t n, double threshold, uint8_t *frequent)
{
    bool list = values->type->kind == VJ_LIST;

    for (int64_t i = 0; i < n; i++) {
        frequent[i] = 0;
        if (vj_col_is_null(values, i))
            continue;
        if (!list) {
            frequent[i] = vj_col_f64(values, i) >= threshold;
            continue;
        }
        for (int32_t k = values->offs[i]; k < values->offs[i + 1]; k++)
            frequent[i] |= !vj_col_is_null(&values->kids[0], k) &&
                           vj_col_f64(&values->kids[0], k) >= threshold;
    }
}

/* ---- splitting ---- */

/*
 * The last start met is open: more of its rows may come. Until one is frequent they are held;
 * afterwards they go to the common tier at once.
 *
 *   none --rows--> open, held --frequent or many--> open, common --another start--> (the next)
 *                       \--------- another start: they are rare ----------/
 */
struct vj_tier_split {
    const vj_schema *schema;
    vj_tier_taker take;
    void *ctx;
    vj_budget *budget;
    vj_colb *held;
    vj_colb *picked;
    vj_col *cols;
    bool open, common;
    int64_t start;  /* that is open */
    int64_t n_open; /* rows of it so far */
    VJ_VEC(int32_t) tier[2]; /* rows of the batch at hand: rare, common */
};

vj_status vj_tier_split_new(const vj_schema *schema, vj_tier_taker take, void *ctx,
                            vj_budget *budget, vj_tier_split **out, vj_error *err)
{
    vj_tier_split *s = vj_zalloc(budget, sizeof *s, err);
    size_t n = (size_t)schema->n_fields;
    vj_status rc = VJ_E_NOMEM;

    *out = NULL;
    if (s == NULL)
        return VJ_E_NOMEM;
    s->schema = schema;
    s->take = take;
    s->ctx = ctx;
    s->tier[0].budget = s->tier[1].budget = s->budget = budget;
    s->held = vj_calloc(budget, n, sizeof *s->held, err);
    s->picked = vj_calloc(budget, n, sizeof *s->picked, err);
    s->cols = vj_calloc(budget, n, sizeof *s->cols, err);
    if (s->held == NULL || s->picked == NULL || s->cols == NULL)
        goto out;
    for (size_t f = 0; f < n; f++) {
        VJ_GO(rc, vj_colb_init(&s->held[f], &schema->fields[f].type, budget, err));
        VJ_GO(rc, vj_colb_init(&s->picked[f], &schema->fields[f].type, budget, err));
    }
    rc = VJ_OK;
    *out = s;
    s = NULL;
out:
    vj_tier_split_free(s);
    return rc;
}

void vj_tier_split_free(vj_tier_split *s)
{
    if (s == NULL)
        return;
    for (int32_t f = 0; f < s->schema->n_fields; f++) {
        if (s->held != NULL)
            vj_colb_fini(&s->held[f]);
        if (s->picked != NULL)
            vj_colb_fini(&s->picked[f]);
    }
    vj_free(s->held);
    vj_free(s->picked);
    vj_free(s->cols);
    VJ_VEC_FINI(&s->tier[0]);
    VJ_VEC_FINI(&s->tier[1]);
    vj_free(s);
}

/* What is held goes to its tier. */
static vj_status release(vj_tier_split *s, vj_error *err)
{
    int64_t n = s->held[0].n_rows;

    if (n == 0)
        return VJ_OK;
    for (int32_t f = 0; f < s->schema->n_fields; f++)
        s->cols[f] = vj_colb_view(&s->held[f]);
    vj_batch rows = {s->schema, n, s->cols};
    VJ_TRY(s->take(s->ctx, s->common, &rows, err));
    for (int32_t f = 0; f < s->schema->n_fields; f++)
        vj_colb_reset(&s->held[f]);
    return VJ_OK;
}

static vj_status hold(vj_tier_split *s, const vj_batch *rows, int64_t beg, int64_t n,
                      vj_error *err)
{
    for (int32_t f = 0; f < s->schema->n_fields; f++)
        VJ_TRY(vj_colb_append(&s->held[f], &rows->cols[f], beg, n, err));
    return VJ_OK;
}

/* Rows of the batch that are set aside for a tier. Room for all of them was made. */
static void push_range(vj_tier_split *s, bool common, int64_t beg, int64_t end)
{
    for (int64_t i = beg; i < end; i++)
        s->tier[common].ptr[s->tier[common].n++] = (int32_t)i;
}

/* Rows [beg, end) have the start that is open. */
static vj_status extend(vj_tier_split *s, const vj_batch *rows, const uint8_t *frequent,
                        int64_t beg, int64_t end, vj_error *err)
{
    s->n_open += end - beg;
    s->common |= s->n_open >= VJ_TIER_MANY_ROWS;
    for (int64_t i = beg; i < end; i++)
        s->common |= frequent[i] != 0;
    if (!s->common)
        return hold(s, rows, beg, end - beg, err);
    push_range(s, true, beg, end);
    return release(s, err);
}

static int64_t end_of_start(const vj_col *start, int64_t beg, int64_t n)
{
    int64_t value = vj_col_i64(start, beg);
    int64_t end = beg + 1;

    while (end < n && vj_col_i64(start, end) == value)
        end++;
    return end;
}

/* Starts that are whole in the batch, from beg on; *out is where the last start begins. */
static void place_whole(vj_tier_split *s, const vj_col *start, const uint8_t *frequent,
                        int64_t beg, int64_t n, int64_t *out)
{
    for (;;) {
        int64_t end = end_of_start(start, beg, n);
        bool common = end - beg >= VJ_TIER_MANY_ROWS;

        if (end == n)
            break;
        for (int64_t i = beg; i < end; i++)
            common |= frequent[i] != 0;
        push_range(s, common, beg, end);
        beg = end;
    }
    *out = beg;
}

static vj_status hand_over(vj_tier_split *s, bool common, const vj_batch *rows, vj_error *err)
{
    const int32_t *idx = s->tier[common].ptr;
    int64_t n = (int64_t)s->tier[common].n;

    if (n == 0)
        return VJ_OK;
    if (n == rows->n_rows)
        return s->take(s->ctx, common, rows, err);
    for (int32_t f = 0; f < s->schema->n_fields; f++) {
        vj_colb_reset(&s->picked[f]);
        VJ_TRY(vj_colb_gather(&s->picked[f], &rows->cols[f], idx, n, err));
        s->cols[f] = vj_colb_view(&s->picked[f]);
    }
    vj_batch picked = {s->schema, n, s->cols};
    return s->take(s->ctx, common, &picked, err);
}

vj_status vj_tier_split_append(vj_tier_split *s, const vj_batch *rows, const vj_col *start,
                               const uint8_t *frequent, vj_error *err)
{
    int64_t n = rows->n_rows;
    int64_t beg = 0;

    for (int t = 0; t < 2; t++) {
        VJ_VEC_RESET(&s->tier[t]);
        VJ_TRY(VJ_VEC_RESERVE(&s->tier[t], n, err));
    }
    if (n > 0 && s->open && vj_col_i64(start, 0) == s->start) {
        beg = end_of_start(start, 0, n);
        VJ_TRY(extend(s, rows, frequent, 0, beg, err));
    }
    if (beg < n) {
        VJ_TRY(release(s, err));
        place_whole(s, start, frequent, beg, n, &beg);
        s->open = true;
        s->common = false;
        s->start = vj_col_i64(start, beg);
        s->n_open = 0;
        VJ_TRY(extend(s, rows, frequent, beg, n, err));
    }
    VJ_TRY(hand_over(s, false, rows, err));
    return hand_over(s, true, rows, err);
}

vj_status vj_tier_split_end(vj_tier_split *s, vj_error *err)
{
    VJ_TRY(release(s, err));
    s->open = s->common = false;
    return VJ_OK;
}
