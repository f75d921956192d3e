#include <libdeflate.h>

#include "codec/codec.h"

uint32_t vj_codec_crc32(uint32_t crc, const void *ptr, size_t len_bytes)
{
    return libdeflate_crc32(crc, ptr, len_bytes);
}
