/* Winograd convolution with tiles of 2 x 2 outputs. A product for every four ninths of a direct convolution's, where tiles of 4 x 4
 * need one for every fourth, but of 16 transformed weights instead of 36: for few pixels, where reading weights takes the
 * time. */
#define WINOGRAD_TILE 2

/* The same sources once more, for the other size. NOLINTBEGIN(bugprone-suspicious-include) */
#include "kernel/cpu/isa/winograd.c"
#include "kernel/cpu/isa/winograd_pack.c"
#include "kernel/cpu/isa/winograd_put.c"
#include "kernel/cpu/isa/winograd_tile.c"
/* NOLINTEND(bugprone-suspicious-include) */
