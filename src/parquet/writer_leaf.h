/*
 * writer_leaf.h - one leaf column being written: rows come in, pages pile up, a chunk closes
 * (private to parquet/).
 *
 *   vj_col rows --shred--> staged page --flush--> encoded pages --close--> finished chunk
 *              (levels,     (plain      (encoding, codec,      (dictionary page first,
 *               values)      values)     CRC, bounds)           codec of the chunk)
 *
 * A page closes after rows_per_page rows, or before the row that would take it over
 * VJ_PAGE_WEIGHT; both depend on the rows alone, never on how they were cut into batches.
 *
 * threads: a leaf belongs to one thread at a time; leaves share nothing but the budget
 */
#ifndef VJ_PARQUET_WRITER_LEAF_H
#define VJ_PARQUET_WRITER_LEAF_H

#include "codec/codec.h"
#include "parquet/parquet.h"
#include "parquet/writer_bounds.h"
#include "parquet/writer_dict.h"

/* Numbers of parquet.thrift. */
enum {
    VJ_PHYS_BOOLEAN = 0,
    VJ_PHYS_INT32 = 1,
    VJ_PHYS_INT64 = 2,
    VJ_PHYS_FLOAT = 4,
    VJ_PHYS_DOUBLE = 5,
    VJ_PHYS_BYTE_ARRAY = 6,
    VJ_PHYS_FIXED = 7
};
enum {
    VJ_ENC_PLAIN = 0,
    VJ_ENC_RLE = 3,
    VJ_ENC_DELTA = 5,
    VJ_ENC_DELTA_LENGTH = 6,
    VJ_ENC_RLE_DICTIONARY = 8,
    VJ_ENC_COUNT = 9
};

#define VJ_PAGE_WEIGHT ((int64_t)1 << 20)

/* How the present values of a page are staged. */
typedef enum vj_store {
    VJ_STORE_BITS,
    VJ_STORE_WORDS32,
    VJ_STORE_WORDS64,
    VJ_STORE_FIXED,
    VJ_STORE_STRINGS
} vj_store;

/* One step from a top-level column down to the leaf. */
typedef struct vj_path_step {
    const vj_field *field;
    int32_t kid_i; /* child of the step before */
} vj_path_step;

/* What the leaves of a top-level column share; fixed when the writer is made. */
typedef struct vj_leaf_options {
    int codec; /* vj_codec_id */
    int level, packed_level; /* of the codec; the second for codes, bits and deltas */
    bool compat;
    int64_t rows_per_page;
} vj_leaf_options;

/* Memory of one thread that encodes; not part of any leaf's state. */
typedef struct vj_leaf_scratch {
    vj_codec *codec;
    vj_buf body;    /* levels and values of a page, as they are stored */
    vj_buf values;  /* encoded values before the codec */
    vj_buf trial;   /* a second encoding to choose from */
    vj_buf codes;   /* dictionary codes, u32 */
    vj_buf marks;   /* a byte for each dictionary entry: the page uses it */
    vj_buf rows;    /* leaf rows of present values, i32 */
    vj_buf idx[2];  /* shredding: rows, -1 where a null or an empty list ended the path */
    vj_buf def[2];
    vj_buf rep[2];
} vj_leaf_scratch;

typedef struct vj_page_rec {
    int64_t off; /* in vj_chunk.pages */
    int64_t len_bytes;
    int64_t first_row;
    int64_t n_nulls;
    bool has_values;
    uint32_t min_off, min_len, max_off, max_len; /* in vj_chunk.bounds, cut */
} vj_page_rec;

typedef struct vj_chunk vj_chunk;
struct vj_chunk {
    vj_chunk *next;
    vj_buf dict_page; /* header and body; empty: none */
    vj_buf pages;     /* headers and bodies, in order */
    vj_buf bounds;
    VJ_VEC(vj_page_rec) recs;
    vj_buf min, max; /* whole values */
    bool has_bounds, no_bounds;
    int64_t n_rows;
    int64_t n_values; /* with nulls and empty lists */
    int64_t n_nulls;
    int64_t uncompressed_bytes; /* headers included, as the footer counts them */
    int64_t encoding_pages[VJ_ENC_COUNT];
    bool any_compressed;
    int codec;
};

/* Whether a chunk uses its dictionary; decided on its first page with values. */
typedef enum vj_dict_state { VJ_DICT_UNDECIDED, VJ_DICT_ON, VJ_DICT_OFF } vj_dict_state;

typedef struct vj_leaf {
    const vj_leaf_options *options;
    const vj_field *field; /* the leaf's own */
    vj_path_step *steps;   /* steps[0] is the top-level field */
    int32_t n_steps;
    int32_t top_i;
    vj_store store;
    vj_order order;
    int phys;
    int max_def, max_rep;
    uint32_t value_bytes; /* fixed stores: of one staged value */
    bool text;

    /* staged page */
    vj_buf values; /* bits, words, bytes */
    vj_buf lens;   /* strings: u32 each */
    vj_buf defs;   /* flat: bitmap of present rows; nested: u8 a level */
    vj_buf reps;   /* nested: u8 a level */
    int64_t page_rows;
    int64_t page_levels;
    int64_t page_values;
    int64_t page_weight;

    /* chunk being filled */
    vj_dict dict;
    vj_dict_state dict_state;
    int64_t plain_per_1024;     /* bytes that 1024 values take without the dictionary */
    int64_t codes_per_256;      /* what the codec leaves of codes, and of the other encoding */
    int64_t other_per_256;
    int chunks_unweighed;       /* chunks to come that will use these two as they are */
    int codec_skip;             /* pages that will not try the codec */
    vj_chunk *chunk;
    vj_chunk *ready;            /* closed, oldest first */
    vj_chunk *spare;
    vj_budget *budget;
} vj_leaf;

VJ_MUST_CHECK vj_status vj_leaf_scratch_init(vj_leaf_scratch *scratch, vj_budget *budget,
                                             vj_error *err);
void vj_leaf_scratch_fini(vj_leaf_scratch *scratch);

/* steps are borrowed; zeroed storage may be fini'd. */
VJ_MUST_CHECK vj_status vj_leaf_init(vj_leaf *leaf, const vj_leaf_options *options,
                                     vj_path_step *steps, int32_t n_steps, int32_t top_i,
                                     vj_budget *budget, vj_error *err);
void vj_leaf_fini(vj_leaf *leaf);

/* Roughly the bytes that rows [beg, beg+n) take unencoded; additive over rows. */
int64_t vj_leaf_weight(const vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n);

/*
 * Add rows [beg, beg+n) of the top-level column. VJ_E_SCHEMA when a null stands where the
 * schema has none.
 */
VJ_MUST_CHECK vj_status vj_leaf_append(vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                                       vj_leaf_scratch *scratch, vj_error *err);
/* End the chunk; it joins the ready ones. */
VJ_MUST_CHECK vj_status vj_leaf_close(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err);
/* The oldest closed chunk is written: keep its memory for the next. */
void vj_leaf_recycle(vj_leaf *leaf);

/* ---- between the files of the leaf ---- */

/* Encode the staged page and empty the stage (writer_page.c). */
VJ_MUST_CHECK vj_status vj_leaf_flush(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err);
/* Dictionary page and codec of the finished chunk (writer_page.c). */
VJ_MUST_CHECK vj_status vj_leaf_seal(vj_leaf *leaf, vj_leaf_scratch *scratch, vj_error *err);
/* Stage levels and values of rows that fit the page (writer_shred.c). */
VJ_MUST_CHECK vj_status vj_leaf_stage(vj_leaf *leaf, const vj_col *top, int64_t beg, int64_t n,
                                      vj_leaf_scratch *scratch, vj_error *err);

#endif
