/* inspect.c - which kind of file it is, and the way from facts to output. */
#include "inspect/inspect_parts.h"
#include "os/os.h"

#define DEFAULT_MEMORY_BYTES ((int64_t)256 * 1000 * 1000)

/* Parquet begins with PAR1 (PARE: encrypted, refused by name when it is opened). */
static vj_status is_parquet(const char *path, bool *out, vj_error *err)
{
    vj_source *source = NULL;
    char magic[4] = {0};
    vj_status rc = VJ_OK;

    *out = false;
    if (strcmp(path, "-") == 0)
        return VJ_OK;
    VJ_TRY(vj_source_open(path, &source, err));
    if (vj_source_size(source) >= 4)
        rc = vj_source_read(source, 0, magic, sizeof magic, err);
    *out = memcmp(magic, "PAR1", 4) == 0 || memcmp(magic, "PARE", 4) == 0;
    vj_source_free(source);
    return rc;
}

vj_status vj_inspect(const char *path, const vj_inspect_options *options,
                     void (*write)(void *user, const char *text, size_t len), void *user,
                     vj_error *err)
{
    vj_inspect_options known = VJ_INSPECT_OPTIONS_INIT;
    vj_budget budget;
    vj_buf text = {0};
    json_t *facts = NULL;
    bool parquet = false;
    vj_error why = {0};
    vj_status rc = VJ_OK;

    if (options != NULL)
        memcpy(&known, options, VJ_MIN(options->struct_size, sizeof known));
    vj_budget_init(&budget, known.memory_bytes > 0 ? known.memory_bytes : DEFAULT_MEMORY_BYTES);
    VJ_GO(rc, is_parquet(path, &parquet, err));
    if (known.head_rows > 0) {
        if (!parquet)
            VJ_GO(rc, vj_fail(err, VJ_E_USAGE, "%s is not Parquet: only Parquet shows its first rows",
                              path));
        VJ_GO(rc, vj_inspect_head(path, known.head_rows, known.ignore_checksums != 0, &budget,
                                  &text, err));
        write(user, (const char *)text.ptr, text.len_bytes);
        goto out;
    }
    facts = parquet ? vj_inspect_parquet(path, &known, &budget, &why)
                    : vj_inspect_vcf(path, &budget, &why);
    if (facts == NULL) {
        rc = why.code != VJ_OK ? vj_fail(err, why.code, "%s", why.text)
                               : vj_fail(err, VJ_E_NOMEM, "%s: no memory to describe it", path);
        goto out;
    }
    if (known.json)
        VJ_GO(rc, vj_json_write(facts, JSON_INDENT(2), &text, err));
    else
        VJ_GO(rc, vj_inspect_as_text(facts, &known, &text, err));
    write(user, (const char *)text.ptr, text.len_bytes);
out:
    json_decref(facts);
    vj_buf_fini(&text);
    return rc;
}
