#include "engine/engine.h"
__attribute__((weak)) vj_status vj_pq_rows_between(const vj_pq_file *file, int32_t g, int32_t f, int64_t lo, int64_t hi, vj_pq_ranges *r, vj_error *err){(void)f;(void)lo;(void)hi; vj_pq_range x={0,vj_pq_rowgroup_view(file,g).n_rows}; return VJ_VEC_PUSH(r,x,err);}
__attribute__((weak)) vj_status vj_pq_footer_add_kvs(const char *p, const vj_pq_kv *k, int32_t n, vj_error *e){(void)p;(void)k;(void)n;(void)e;return VJ_OK;}
__attribute__((weak)) vj_status vj_tsv_writer_append(vj_tsv_writer *w, const vj_batch *b, vj_error *e){(void)w;(void)b;(void)e;return VJ_OK;}
__attribute__((weak)) vj_status vj_tsv_writer_finish(vj_tsv_writer *w, vj_error *e){(void)w;(void)e;return VJ_OK;}
__attribute__((weak)) void vj_tsv_writer_free(vj_tsv_writer *w){(void)w;}
__attribute__((weak)) vj_status vj_tsv_writer_open(const char *p, const vj_tsv_write_options *o, vj_budget *b, vj_tsv_writer **w, vj_error *e){(void)p;(void)o;(void)b;*w=NULL;(void)e;return VJ_OK;}
