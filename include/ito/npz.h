/* Batches of samples as numpy's .npz files, in the form of the ADM evaluator (Dhariwal, Nichol 2021): a zip archive of
 *
 *     arr_0.npy   uint8 [n, H, W, C], C 3 or 1: images, 0 black and 255 white
 *     arr_1.npy   integers [n]: labels; may be missing
 *
 * members stored or deflated, of any size (zip64). Bytes are not trusted: every length is checked against what is there, and so
 * are the members' checksums. Whoever got samples clears them, with the context they were made with. */
#ifndef ITO_NPZ_H
#define ITO_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ito/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_npz {
    int64_t n;
    int height, width, channels; /* channels 3 or 1 */
    unsigned char *images;       /* [n, height, width, channels] */
    int32_t *labels;             /* [n]; NULL: none */
} ito_npz;

/* ITO_NOT_FOUND or ITO_IO when the file cannot be read; ITO_FORMAT when it is malformed or its arrays are others, ITO_UNSUPPORTED for members that
 * are encrypted or compressed otherwise: the sentence says what was found and what was expected. */
ito_status ito_npz_read(ito_ctx *ctx, const char *path, ito_npz *out);
/* The same from memory; `where` names the bytes in errors. */
ito_status ito_npz_parse(ito_ctx *ctx, const char *where, const void *bytes, size_t n, ito_npz *out);
/* Labels are written as int64, as ADM's programs do; deflate: smaller, slower. The file is written whole or not at all. ITO_USAGE for
 * channels other than 3 and 1 or sizes below 1 (n may be 0). */
ito_status ito_npz_write(ito_ctx *ctx, const char *path, const ito_npz *samples, bool deflate);
void ito_npz_clear(ito_ctx *ctx, ito_npz *samples);

#ifdef __cplusplus
}
#endif
#endif
