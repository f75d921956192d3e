#include "support/vcf_text.h"

#include <stdlib.h>
#include <string.h>

static void *take(vcf_text *vcf, size_t n, size_t item_bytes)
{
    vj_error err = {0};
    void *ptr = vj_arena_zalloc(&vcf->arena, n * item_bytes + 1, &err);

    assert_non_null(ptr);
    return ptr;
}

static char *copy(vcf_text *vcf, const char *ptr, size_t len)
{
    char *text = take(vcf, len + 1, 1);

    memcpy(text, ptr, len);
    return text;
}

/* Value of a key of a structured line, up to one of ",>". */
static char *value_of(vcf_text *vcf, const char *line, const char *key)
{
    const char *at = strstr(line, key);

    return at != NULL ? copy(vcf, at + strlen(key), strcspn(at + strlen(key), ",>")) : NULL;
}

static void add_header_line(vcf_text *vcf, char *line)
{
    vj_vcf_header *h = &vcf->header;
    char *id = value_of(vcf, line, "<ID=");
    char *length = value_of(vcf, line, "length=");

    ((const char **)(uintptr_t)h->lines)[h->n_lines++] = line;
    if (strncmp(line, "##fileformat=VCFv4.", 19) == 0)
        h->version_minor = atoi(line + 19);
    if (strncmp(line, "##INFO=", 7) == 0 && id != NULL)
        ((vj_vcf_def *)(uintptr_t)h->infos)[h->n_infos++] = (vj_vcf_def){.id = id};
    if (strncmp(line, "##contig=", 9) == 0 && id != NULL)
        ((vj_vcf_contig *)(uintptr_t)h->contigs)[h->n_contigs++] =
            (vj_vcf_contig){.name = id, .length = length != NULL ? atoll(length) : -1};
}

static void add_samples(vcf_text *vcf, char *line)
{
    char *rest = NULL;
    int column = 0;

    for (char *name = strtok_r(line, "\t\r", &rest); name != NULL;
         name = strtok_r(NULL, "\t\r", &rest))
        if (++column > 9)
            ((const char **)(uintptr_t)vcf->header.samples)[vcf->header.n_samples++] = name;
}

static size_t count(vj_span text, char byte)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len_bytes; i++)
        n += text.ptr[i] == byte;
    return n;
}

void vcf_text_init(vcf_text *vcf, vj_span text)
{
    const char *end = text.ptr + text.len_bytes;
    size_t n_lines = 0;

    *vcf = (vcf_text){0};
    vj_arena_init(&vcf->arena, NULL, 0);
    for (const char *at = text.ptr; at < end && *at == '#'; n_lines++)
        at = memchr(at, '\n', (size_t)(end - at)) != NULL
                 ? (const char *)memchr(at, '\n', (size_t)(end - at)) + 1
                 : end;
    vcf->header.lines = take(vcf, n_lines, sizeof(char *));
    vcf->header.infos = take(vcf, n_lines, sizeof(vj_vcf_def));
    vcf->header.contigs = take(vcf, n_lines, sizeof(vj_vcf_contig));
    vcf->header.samples = take(vcf, count(text, '\t') + 1, sizeof(char *));
    vcf->records = take(vcf, count(text, '\n') + 1, sizeof(vj_span));
    for (const char *at = text.ptr; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if (strncmp(at, "##", 2) == 0)
            add_header_line(vcf, copy(vcf, at, (size_t)(stop - at)));
        else if (*at == '#')
            add_samples(vcf, copy(vcf, at, (size_t)(stop - at)));
        else if (stop > at)
            vcf->records[vcf->n_records++] = (vj_span){at, (size_t)(stop - at)};
        at = stop + 1;
    }
}

void vcf_text_fini(vcf_text *vcf)
{
    vj_arena_fini(&vcf->arena);
}
