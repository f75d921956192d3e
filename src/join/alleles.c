#include "join/join.h"

static inline char fold(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

/* key is upper-case already. */
static inline bool equal_folded(vj_span key, vj_span text)
{
    if (key.len_bytes != text.len_bytes)
        return false;
    for (size_t i = 0; i < key.len_bytes; i++)
        if (key.ptr[i] != fold(text.ptr[i]))
            return false;
    return true;
}

/* One ALT of a reference row against the keys at its position. */
typedef struct compared {
    const vj_join_index *index;
    int32_t beg, end; /* in order[] */
    uint8_t *best;
    uint8_t *hit; /* per key at the position: this row matched it already; NULL: single ALT */
    int32_t candidate;
    vj_pairs *out;
    vj_error *err;
} compared;

static vj_status compare_one(const compared *c, vj_span ref, vj_span alt)
{
    const vj_key *keys = c->index->list->keys.ptr;

    if (!vj_allele_is_plain(alt))
        alt = (vj_span){NULL, 0}; /* still tells whether REF agrees */
    for (int32_t o = c->beg; o < c->end; o++) {
        int32_t key_i = c->index->order.ptr[o];
        const vj_key *key = &keys[key_i];
        uint8_t reached = VJ_JOIN_REF_DIFFERS;

        if (equal_folded(key->ref, ref))
            reached = alt.len_bytes > 0 && equal_folded(key->alt, alt) ? VJ_JOIN_MATCHED
                                                                      : VJ_JOIN_ALT_DIFFERS;
        if (reached > c->best[key_i])
            c->best[key_i] = reached;
        if (reached != VJ_JOIN_MATCHED)
            continue;
        if (c->hit != NULL) {
            if (c->hit[o - c->beg])
                continue;
            c->hit[o - c->beg] = 1;
        }
        vj_pair pair = {key_i, c->candidate};
        VJ_TRY(VJ_VEC_PUSH(c->out, pair, c->err));
    }
    return VJ_OK;
}

/* One of several ALTs: the shared suffix with REF goes, start stays. */
static vj_status compare_trimmed(const compared *c, vj_span ref, vj_span alt)
{
    if (vj_allele_is_plain(alt)) {
        size_t suffix = vj_allele_shared_suffix(ref, alt);

        ref.len_bytes -= suffix;
        alt.len_bytes -= suffix;
    }
    return compare_one(c, ref, alt);
}

static bool is_joined(vj_span alt)
{
    for (size_t i = 0; i < alt.len_bytes; i++)
        if (alt.ptr[i] == ',' || alt.ptr[i] == '|')
            return true;
    return false;
}

static vj_status compare_joined(const compared *c, vj_span ref, vj_span alt)
{
    size_t beg = 0;

    for (size_t i = 0; i <= alt.len_bytes; i++) {
        if (i < alt.len_bytes && alt.ptr[i] != ',' && alt.ptr[i] != '|')
            continue;
        VJ_TRY(compare_trimmed(c, ref, (vj_span){alt.ptr + beg, i - beg}));
        beg = i + 1;
    }
    return VJ_OK;
}

static vj_status compare_list(const compared *c, vj_span ref, const vj_col *alt, int64_t row_i)
{
    int32_t beg = alt->offs[row_i];
    int32_t end = alt->offs[row_i + 1];

    if (beg == end)
        return compare_one(c, ref, (vj_span){NULL, 0});
    for (int32_t i = beg; i < end; i++) {
        vj_span one = {NULL, 0};

        if (!vj_col_is_null(&alt->kids[0], i))
            one = vj_col_bytes(&alt->kids[0], i);
        VJ_TRY(end - beg > 1 ? compare_trimmed(c, ref, one) : compare_one(c, ref, one));
    }
    return VJ_OK;
}

/* Keys at one position are few; more than this and the marks come from the heap. */
#define MARKS 256

static vj_status compare_several(compared *c, vj_span ref, const vj_col *alt, int64_t row_i)
{
    uint8_t stack[MARKS] = {0};
    size_t n = (size_t)(c->end - c->beg);
    vj_budget *budget = c->out->budget;
    vj_status rc = VJ_OK;

    c->hit = stack;
    if (n > MARKS && (c->hit = vj_zalloc(budget, n, c->err)) == NULL)
        return VJ_E_NOMEM;
    rc = alt->type->kind == VJ_LIST ? compare_list(c, ref, alt, row_i)
                                    : compare_joined(c, ref, vj_col_bytes(alt, row_i));
    if (c->hit != stack)
        vj_free(c->hit);
    c->hit = NULL;
    return rc;
}

vj_status vj_join_alleles(const vj_join_index *index, const vj_candidate *candidates, int64_t n,
                          const vj_col *ref, const vj_col *alt, uint8_t *best, vj_pairs *out,
                          vj_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t p = candidates[i].pos_i;
        compared c = {.index = index, .beg = index->first.ptr[p], .end = index->first.ptr[p + 1],
                      .best = best, .candidate = (int32_t)i, .out = out, .err = err};

        vj_span ref_text = {NULL, 0}; /* equals no key; the row is there all the same (S-42) */

        if (!vj_col_is_null(ref, i))
            ref_text = vj_col_bytes(ref, i);
        if (vj_col_is_null(alt, i))
            VJ_TRY(compare_one(&c, ref_text, (vj_span){NULL, 0}));
        else if (alt->type->kind == VJ_LIST || is_joined(vj_col_bytes(alt, i)))
            VJ_TRY(compare_several(&c, ref_text, alt, i));
        else
            VJ_TRY(compare_one(&c, ref_text, vj_col_bytes(alt, i)));
    }
    return VJ_OK;
}
