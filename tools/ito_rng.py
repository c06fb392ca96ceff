"""ito's counter-based random numbers (include/ito/rng.h, src/base/rng.c) in numpy, for fixtures that inject the same noise."""
import numpy as np

STREAM_PRIOR, STREAM_STEP = 2, 3
NOISE_DRAWS = 1024  # keys of a sampler's step, include/ito/noise.h
U32, U64 = np.uint64(0xFFFFFFFF), (1 << 64) - 1


def philox(counter, key):
    """Ten rounds of Philox4x32: counter, four arrays of 32-bit words in uint64, and two key words."""
    c0, c1, c2, c3 = (np.asarray(c, np.uint64) for c in counter)
    k0, k1 = key
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = ((b >> np.uint64(32)) ^ c1 ^ np.uint64(k0), b & U32,
                          (a >> np.uint64(32)) ^ c3 ^ np.uint64(k1), a & U32)
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0, c1, c2, c3


def mix(x):
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & U64
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & U64
    return x ^ (x >> 33)


def normal(seed, stream, step, sample, n):
    """Elements 0 .. n - 1 of the key's sequence, float32: pairs of Box and Muller's transform, in double."""
    key = mix((seed + 0x9E3779B97F4A7C15 * stream) & U64)
    index = np.arange((n + 1) // 2, dtype=np.uint64)
    counter = (index & U32, (index >> np.uint64(32)) ^ np.uint64(sample >> 32), np.uint64(sample & 0xFFFFFFFF),
               np.uint64(step))
    w = philox(counter, (key & 0xFFFFFFFF, key >> 32))

    def unit(high, low):
        return ((high << np.uint64(21)) ^ (low >> np.uint64(11))).astype(np.float64) * 2.0**-53

    radius = np.sqrt(-2 * np.log1p(-unit(w[0], w[1])))
    angle = 2 * np.pi * unit(w[2], w[3])
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return pairs.reshape(-1)[:n].astype(np.float32)
