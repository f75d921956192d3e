/*
 * page.h - the pages of one column chunk: headers, bytes, inflating. Private to the reader.
 *
 *   beg                                                                            end
 *   | [dictionary page] | head body | head body | head body | ...                   |
 *                         ^ next_off: the head that pq_pages_peek shows
 *
 * A chunk of up to PQ_WHOLE_BYTES is read at once, a larger one page by page, so that a reader
 * holds one compressed and one inflated page. Where the source lends its bytes, they are used
 * where they lie.
 */
#ifndef VJ_PARQUET_PAGE_H
#define VJ_PARQUET_PAGE_H

#include "codec/codec.h"
#include "parquet/values.h"

#define PQ_WHOLE_BYTES ((int64_t)4 << 20)
/* Of an uncompressed chunk, bytes borrowed at once. */
#define PQ_LENT_BYTES ((int64_t)256 << 10)

typedef enum pq_page_type {
    PQ_PAGE_DATA = 0,
    PQ_PAGE_INDEX = 1,
    PQ_PAGE_DICTIONARY = 2,
    PQ_PAGE_DATA_V2 = 3
} pq_page_type;

/* PageHeader of parquet.thrift, checked for sizes below zero and missing parts. */
typedef struct pq_page_head {
    int32_t type;
    int64_t head_bytes, compressed_bytes, uncompressed_bytes;
    bool has_crc;
    uint32_t crc;
    int32_t n_values;
    int32_t encoding;
    int32_t def_encoding, rep_encoding;       /* V1 */
    int32_t n_rows, n_nulls;                  /* V2; -1 in V1 */
    int32_t def_bytes, rep_bytes;             /* V2 */
    bool is_compressed;                       /* V2; true in V1 */
} pq_page_head;

/* Read one head at t; th_used tells its end. What is wrong with it is t's fault. */
void pq_page_head_parse(th *t, pq_page_head *head);
/*
 * A head of data page V2 with a checksum and without statistics, as this program writes them:
 * built databases have tens of thousands. False, and nothing said, for any other and any fault.
 */
bool pq_page_head_quick(const uint8_t *ptr, size_t len, pq_page_head *head);

/* A page in memory: level sections and values, each with PQ_SLACK bytes behind it. */
typedef struct pq_page {
    int64_t off;
    pq_page_head head;
    const uint8_t *rep, *rep_end;
    const uint8_t *def, *def_end;
    const uint8_t *values, *values_end;
} pq_page;

typedef struct pq_offset_index {
    int64_t n; /* -1: not read, 0: the chunk has none */
    vj_buf rows; /* pq_location[] */
} pq_offset_index;
typedef struct pq_location {
    int64_t off, bytes, first_row;
} pq_location;

typedef struct pq_shared pq_shared; /* pagecache.h */

typedef struct pq_pages {
    const vj_pq_file *file;
    vj_budget *budget;
    vj_codec *codec; /* borrowed */
    const pq_leaf *leaf;
    int32_t leaf_i, rowgroup_i;
    pq_chunk chunk;
    int64_t beg, end;
    int64_t next_off;
    int64_t rows_due;    /* by the index, of the page that was jumped to; -1: no jump */
    int64_t values_seen; /* in data pages passed or loaded; -1 after a jump by index */
    bool has_head;
    pq_page_head head; /* at next_off */
    int64_t head_off;
    vj_buf window; /* file bytes [window_beg, window_beg + len) */
    int64_t window_beg;
    bool lends;                 /* the source lends bytes instead: file bytes [lent_beg, lent_end) */
    int64_t lent_beg, lent_end;
    const uint8_t *lent;
    int64_t held_beg, held_end; /* all that was lent of this chunk */
    int64_t ahead_bytes;
    bool scattered; /* few rows of the chunks to come are wanted */
    bool exact;     /* so that of this one, which is not in memory, only their pages are borrowed */
    vj_buf body;    /* inflated page */
    vj_buf levels;  /* re-packed levels of the BIT_PACKED encoding */
    pq_dict dict;
    int64_t dict_off; /* of a dictionary page met on the way; 0: none */
    pq_page_head dict_head;
    pq_offset_index index;
    vj_pq_cache *cache;     /* of inflated pages, borrowed; NULL: none */
    vj_pq_cache *cache_next; /* from the next chunk on */
    pq_shared *shared;      /* the page at hand, when it lies in the cache */
    pq_shared *shared_dict; /* the dictionary, when it does */
} pq_pages;

void pq_pages_init(pq_pages *pages, vj_codec *codec, vj_budget *budget);
void pq_pages_fini(pq_pages *pages);
/* Pages of the next chunks come from the cache and go into it; NULL: they do not. */
void pq_pages_share(pq_pages *pages, vj_pq_cache *cache);
/* Stand before the first page of a chunk. Reads nothing. */
VJ_MUST_CHECK vj_status pq_pages_begin(pq_pages *pages, const vj_pq_file *file,
                                       int32_t rowgroup_i, int32_t leaf_i, vj_error *err);
/* Head of the next data page, or NULL behind the last. */
VJ_MUST_CHECK vj_status pq_pages_peek(pq_pages *pages, const pq_page_head **head, vj_error *err);
/* Go behind the page peeked at without its body. */
void pq_pages_pass(pq_pages *pages);
/* Read, check and inflate the page peeked at and go behind it; *page is valid until the next. */
VJ_MUST_CHECK vj_status pq_pages_load(pq_pages *pages, pq_page *page, vj_error *err);
/* Read the chunk's offset index, if it has one, into pages->index. */
VJ_MUST_CHECK vj_status pq_pages_index(pq_pages *pages, vj_error *err);
/* The len bytes of the offset or column index at off, into bytes (initialised, empty). */
VJ_MUST_CHECK vj_status pq_pages_index_bytes(const pq_pages *p, const char *what, int64_t off,
                                             int64_t len, vj_buf *bytes, vj_error *err);
/*
 * Few rows of the chunk are wanted: where it lies on the disk, bring in the pages of rows[0..n)
 * (rising numbers in the group) together, and from here on no others.
 */
VJ_MUST_CHECK vj_status pq_pages_fetch(pq_pages *pages, const int32_t *rows, int64_t n,
                                       vj_error *err);
/* Where the page ends that the offset lies in; the offset itself where the index does not say. */
int64_t pq_pages_end_of(const pq_pages *pages, int64_t off);
/* Last page of the index that begins at or before the row. */
int64_t pq_pages_find(const pq_pages *pages, int64_t row);
/* Jump to the page at location i of the index. */
void pq_pages_jump(pq_pages *pages, int64_t i);

/* Next head of any kind at `off`; the pages stand where they stood. */
VJ_MUST_CHECK vj_status pq_pages_head_at(pq_pages *pages, int64_t off, pq_page_head *head,
                                         vj_error *err);

#endif
