#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/npz/*.npz with numpy itself: what ito must read, checked by tests/unit/test_npz.c.

    python3 tools/make_npz_fixtures.py [FOLDER]

Needs numpy (made with 2.4). Value k of arr_0 is (7 k + 3) mod 256, label i is (5 i + 1) mod 11."""
import os
import sys

import numpy


def images(*shape):
    return ((7 * numpy.arange(numpy.prod(shape)) + 3) % 256).astype(numpy.uint8).reshape(shape)


def labels(n, dtype):
    return ((5 * numpy.arange(n) + 1) % 11).astype(dtype)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "tests/fuzz/corpus/npz"
    os.makedirs(folder, exist_ok=True)
    path = lambda name: os.path.join(folder, name + ".npz")
    numpy.savez(path("stored"), images(5, 4, 6, 3), labels(5, numpy.int64))
    numpy.savez_compressed(path("deflated"), images(5, 4, 6, 3), labels(5, numpy.int32))
    numpy.savez(path("grey"), images(3, 2, 2, 1))
    numpy.savez(path("big_endian"), images(4, 2, 3, 3), labels(4, numpy.dtype(">i2")))
    numpy.savez(path("fortran"), numpy.asfortranarray(images(4, 2, 3, 3)))
    numpy.savez(path("floats"), images(2, 2, 2, 3) / 255)


if __name__ == "__main__":
    main()
