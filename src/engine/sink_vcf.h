/*
 * sink_vcf.h - private to engine: joined rows as VCF or BCF.
 *
 * With VCF input the records go through untouched and grow INFO fields, one per database column.
 * Parquet input has no records: lines and header are made of the rows.
 */
#ifndef VJ_ENGINE_SINK_VCF_H
#define VJ_ENGINE_SINK_VCF_H

#include "engine/engine.h"

typedef struct vj_sink_vcf vj_sink_vcf;

VJ_MUST_CHECK vj_status vj_sink_vcf_open(const vj_plan *plan, vj_sink_vcf **out, vj_error *err);
VJ_MUST_CHECK vj_status vj_sink_vcf_append(vj_sink_vcf *sink, const vj_out_batch *rows,
                                           vj_result *result, vj_error *err);
VJ_MUST_CHECK vj_status vj_sink_vcf_finish(vj_sink_vcf *sink, vj_result *result, vj_error *err);
void vj_sink_vcf_free(vj_sink_vcf *sink);

#endif
