#include "hts/hts_out_parts.h"

/* A header line ends at a line break: control bytes of what goes into it become blanks. */
static vj_status put_line_text(vj_buf *out, const char *text, bool quoted, vj_error *err)
{
    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text < 0x20 || *text == 0x7f ? ' ' : (uint8_t)*text;

        if (quoted && (byte == '"' || byte == '\\'))
            VJ_TRY(vj_buf_push(out, '\\', err));
        VJ_TRY(vj_buf_push(out, byte, err));
    }
    return VJ_OK;
}

vj_status vj_header_quoted_put(vj_buf *out, const char *text, vj_error *err)
{
    return put_line_text(out, text, true, err);
}

vj_status vj_header_id_put(vj_buf *out, const char *text, vj_error *err)
{
    if ((*text >= '0' && *text <= '9' && strcmp(text, "1000G") != 0) || *text == '\0')
        VJ_TRY(vj_buf_push(out, '_', err));
    for (; *text != '\0'; text++) {
        bool is_legal = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
                        (*text >= 'a' && *text <= 'z') || *text == '_' || *text == '.';
        VJ_TRY(vj_buf_push(out, is_legal ? (uint8_t)*text : '_', err));
    }
    return VJ_OK;
}

static vj_status put_run_line(vj_buf *out, const vj_out_provenance *run, const char *what,
                              const char *text, vj_error *err)
{
    if (text == NULL)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(out, "##varjoin_", err));
    VJ_TRY(vj_buf_append_text(out, run->verb != NULL ? run->verb : "", err));
    VJ_TRY(vj_buf_append_text(out, what, err));
    VJ_TRY(put_line_text(out, text, false, err));
    return vj_buf_push(out, '\n', err);
}

static vj_status put_key(vj_buf *out, const char *key, const char *text, vj_error *err)
{
    if (text == NULL)
        return VJ_OK;
    VJ_TRY(vj_buf_append_text(out, key, err));
    VJ_TRY(vj_header_quoted_put(out, text, err));
    return vj_buf_push(out, '"', err);
}

static vj_status put_database(vj_buf *out, const vj_out_database *database, vj_error *err)
{
    VJ_TRY(vj_buf_append_text(out, "##varjoin_database=<ID=", err));
    VJ_TRY(vj_header_id_put(out, database->name, err));
    VJ_TRY(put_key(out, ",Release=\"", database->release, err));
    VJ_TRY(put_key(out, ",Checksum=\"", database->checksum, err));
    return vj_buf_append_text(out, ">\n", err);
}

vj_status vj_provenance_put(vj_buf *out, const vj_out_provenance *provenance, vj_error *err)
{
    if (provenance == NULL)
        return VJ_OK;
    if (!provenance->no_version) {
        VJ_TRY(put_run_line(out, provenance, "Version=", provenance->version, err));
        VJ_TRY(put_run_line(out, provenance, "Command=", provenance->command, err));
    }
    for (int32_t i = 0; i < provenance->n_databases; i++)
        VJ_TRY(put_database(out, &provenance->databases[i], err));
    return VJ_OK;
}
