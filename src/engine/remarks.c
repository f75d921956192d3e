#include "engine/engine.h"

#include <stdio.h>

/* Remarks on the header that are shown one by one; the others go to the run record only. */
#define HEADER_SHOWN 5

static void remark(const vj_remarks *to, bool shown, const char *fmt, ...) VJ_PRINTF(3, 4);
static void remark(const vj_remarks *to, bool shown, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    to->say(to->ctx, shown, text);
}

void vj_remarks_header(const vj_remarks *to, const vj_vcf_reader *vcf, const char *input)
{
    const char *const *notes = NULL;
    int32_t n = vcf != NULL ? vj_vcf_notes_view(vcf, &notes) : 0;

    for (int32_t i = 0; i < n; i++)
        remark(to, i < HEADER_SHOWN, "%s: %s", input, notes[i]);
    if (n > HEADER_SHOWN)
        remark(to, true, "%s: %d more remarks on the header; the run record has them", input,
               (int)(n - HEADER_SHOWN));
}

void vj_remarks_cells(const vj_remarks *to, const vj_vcf_counts *counts)
{
    int64_t undeclared = counts->odd[VJ_ODD_UNDECLARED];
    int64_t lost = -undeclared;
    int64_t kept = 0;

    for (int k = 0; k < VJ_ODD_KINDS; k++)
        *(vj_vcf_odd_keeps((vj_vcf_odd)k) ? &kept : &lost) += counts->odd[k];
    if (lost > 0)
        remark(to, true, "%lld odd cells became null; first: %s", (long long)lost,
               counts->n_odd_examples > 0 ? counts->odd_examples[0] : "");
    if (undeclared > 0)
        remark(to, true, "%lld INFO or FORMAT keys have no header line and so no column; first: %s",
               (long long)undeclared, counts->undeclared_example);
    if (kept > 0)
        remark(to, true, "%lld cells break a rule of VCF and were kept as they stand; first: %s",
               (long long)kept, counts->kept_example);
}

vj_status vj_refuse_skipped(int64_t n_skipped, const char *path, const char *what, vj_error *err)
{
    if (n_skipped == 0)
        return VJ_OK;
    return vj_fail(err, VJ_E_POLICY, "%lld broken records were set aside to %s and "
                   "--fail-on-skipped was given (the %s is complete)", (long long)n_skipped, path,
                   what);
}
