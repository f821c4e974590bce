"""usage: blocks.py FOLDER FILE...

For each golden file, NAME.gguf or NAME.blocks, with NAME.f32 beside it, writes

    FOLDER/NAME.blocks   the stored data of the tensors, without gaps
    FOLDER/NAME.shape    empty; but if rows have headers, or are interleaved,
                         the shape of the first tensor, which is the only one
    FOLDER/NAME.values   the values of these tensors
    FOLDER/NAME.flipped  the same, with the lowest bit of one float flipped
    FOLDER/NAME.report   the line that reports this difference
"""
import os
import struct
import sys

import gguf_file


def blocks_of(path):
    """Returns the data, and the shape or None."""
    if path.endswith(".gguf"):
        tensors = gguf_file.read(path)[1]
        _, type_name, shape, data = tensors[0]
        if len(gguf_file.TYPES[gguf_file.IDS[type_name]]) > 3:
            return data, shape
        return b"".join(data for _, _, _, data in tensors), None
    with open(path, "rb") as file:
        return file.read(), None


def flip(name, values):
    """Flips a bit of the first finite float in the last quarter."""
    n = len(values) // 4
    at = next(i for i in range(n * 3 // 4 + 1, n)
              if values[4 * i + 3] & 0x7f != 0x7f)
    got, bits = struct.unpack("<fI", 2 * values[4 * at:4 * at + 4])
    flipped = bytearray(values)
    flipped[4 * at] ^= 1
    expected, = struct.unpack_from("<f", flipped, 4 * at)
    return flipped, (
        "%s: 1 of %d values differ, by up to 1 ulp and %.6g; "
        "first [%d]: %.9g (%08x), expected %.9g (%08x)\n" %
        (name, n, abs(got - expected), at, got, bits, expected, bits ^ 1))


def main(folder, *paths):
    for path in paths:
        stem = os.path.splitext(path)[0]
        name = os.path.basename(stem)
        blocks, shape = blocks_of(path)
        with open(stem + ".f32", "rb") as file:
            values = file.read(gguf_file.n_bytes("f32", shape) if shape else -1)
        flipped, report = flip(name, values)
        for suffix, data in (("blocks", blocks), ("values", values),
                             ("shape", ",".join(map(str, shape or ())).encode()),
                             ("flipped", flipped),
                             ("report", report.encode())):
            with open("%s/%s.%s" % (folder, name, suffix), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
