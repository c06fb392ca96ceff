/* Scaling as feature extractors define it. Internal. */
#ifndef ITO_FORMAT_BILINEAR_H
#define ITO_FORMAT_BILINEAR_H

/* in [height, width, channels] to out [out_height, out_width, channels]. Pixel y of the output lies at (y + 1/2) height / out_height
 * - 1/2 of the input, not above the first row's centre; values between centres are interpolated linearly along both axes, the edge is
 * repeated, and nothing is averaged where it shrinks: PyTorch's interpolate(mode="bilinear", align_corners=False, antialias=False). */
void ito__bilinear(const float *in, int height, int width, int channels, int out_height, int out_width, float *out);

#endif
