#include "api/choose.h"

#include <stdio.h>

#include "duck/duck.h"
#include "polars/polars.h"

/* Passes over an unsorted database up to which the native engine is the fastest. */
#define FEW_PASSES 3
/* From this many databases on, one statement of DuckDB beats a chain of joins in memory. */
#define MANY_DATABASES 5

static bool any_unsorted(const vj_plan *plan)
{
    for (int32_t d = 0; d < plan->n_dbs; d++)
        if (!plan->dbs[d]->sorted)
            return true;
    return false;
}

/* Batches that the native engine would cut the input into; each reads an unsorted database. */
static int64_t count_passes(const vj_plan *plan)
{
    int64_t passes = 0;

    for (int32_t i = 0; i < plan->n_samples; i++) {
        int64_t bytes = vj_left_bytes_total(plan->samples[i]->source);

        if (bytes < 0)
            return FEW_PASSES + 1;
        /* about 16 bytes of BGZF, 90 of text, 15 of Parquet a row */
        passes = VJ_MAX(passes, 1 + bytes / 16 / VJ_MAX(plan->rows_per_batch, 1));
    }
    return passes;
}

/* Polars keeps the sample, the matched rows and a scan's row groups: measured at 3 bytes of memory
 * a byte of the database file, and 400 MB for itself. */
static bool fits_polars(const vj_plan *plan)
{
    int64_t need = 400000000;
    int64_t have = plan->options.memory_bytes > 0 ? plan->options.memory_bytes
                                                  : plan->options.polars_memory_bytes;

    for (int32_t d = 0; d < plan->n_dbs; d++)
        need += 3 * plan->dbs[d]->size_bytes;
    return have <= 0 || need <= have;
}

static bool has_polars(const vj_plan *plan)
{
    char version[64];

    return vj_plr_probe(plan->options.python, version, sizeof version, NULL) == VJ_OK;
}

static vj_status take(vj_plan *plan, vj_engine_kind engine, const char *why)
{
    plan->engine = engine;
    snprintf(plan->reason, sizeof plan->reason, "%s", why);
    for (int32_t i = 0; i < plan->n_samples; i++) {
        plan->samples[i]->engine = engine;
        memcpy(plan->samples[i]->reason, plan->reason, sizeof plan->reason);
    }
    return VJ_OK;
}

static vj_status check_asked(vj_plan *plan, vj_error *err)
{
    if (plan->engine == VJ_ENGINE_NATIVE && !vj_plan_is_standard(plan))
        return vj_fail(err, VJ_E_UNSUPPORTED, "the native engine joins by chrom, start, ref and "
                       "alt only; use --engine duckdb or polars for --join-columns, duckdb for "
                       "--sql-file");
    if (plan->engine == VJ_ENGINE_POLARS && plan->options.sql_file != NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED, "--sql-file needs --engine duckdb");
    return take(plan, plan->engine, "asked for");
}

/* Other columns or an unsorted database: Polars where it fits, else DuckDB. */
static vj_status choose_external(vj_plan *plan, const char *why, bool native_can, vj_error *err)
{
    char text[200];

    if (plan->options.sql_file == NULL && plan->n_dbs < MANY_DATABASES && fits_polars(plan) &&
        has_polars(plan)) {
        snprintf(text, sizeof text, "%s, fits in memory", why);
        return take(plan, VJ_ENGINE_POLARS, text);
    }
    vj_duck_library found;
    vj_status rc = vj_duck_probe(plan->options.duckdb_library, &found, err);
    if (rc == VJ_OK)
        return take(plan, VJ_ENGINE_DUCKDB, why);
    if (!native_can)
        return vj_wrap(err, rc, "looking for an engine that can do it: %s", why);
    snprintf(text, sizeof text, "%s, but neither Polars nor DuckDB is here", why);
    return take(plan, VJ_ENGINE_NATIVE, text);
}

vj_status vj_choose_engine(vj_plan *plan, vj_error *err)
{
    if (!plan->annotating)
        return take(plan, VJ_ENGINE_NATIVE, "normalising has one engine");
    if (plan->engine != VJ_ENGINE_AUTO)
        return check_asked(plan, err);
    if (plan->options.sql_file != NULL)
        return choose_external(plan, "a SELECT of the user's", false, err);
    if (!vj_plan_is_standard(plan))
        return choose_external(plan, "join columns other than chrom, start, ref, alt", false, err);
    bool vcf_out = plan->output_kind != VJ_TO_PARQUET && plan->output_kind != VJ_TO_TSV &&
                   plan->output_kind != VJ_TO_TSV_GZ;
    if (any_unsorted(plan) && count_passes(plan) > FEW_PASSES && !vcf_out)
        return choose_external(plan, "an unsorted database that would be read many times", true,
                               err);
    if (any_unsorted(plan))
        return take(plan, VJ_ENGINE_NATIVE, "unsorted database, but few passes over it");
    if (plan->n_dbs >= MANY_DATABASES)
        return take(plan, VJ_ENGINE_NATIVE, "many databases in one pass");
    return take(plan, VJ_ENGINE_NATIVE, "standard join of sorted databases");
}
