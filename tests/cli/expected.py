"""usage: expected.py F32 FOLDER MODEL...

Writes the expected raw outputs of a model (or its shards), FOLDER/f32, f16,
bf16 and native, from F32, its output as f32. Uses only the standard library.
"""
import array
import struct
import sys

import gguf_file

INTEGERS = ("i8", "i16", "i32", "i64")


def f16(value):
    if value != value:
        return 0x7e00
    try:
        return struct.unpack("<H", struct.pack("<e", value))[0]
    except OverflowError:
        return 0x7c00 if value > 0 else 0xfc00


def bf16(bits):
    if bits & 0x7fffffff > 0x7f800000:
        return 0x7fc0
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16


def convert(data, output):
    if output == "f16":
        return array.array("H", map(f16, array.array("f", data))).tobytes()
    if output == "bf16":
        return array.array("H", map(bf16, array.array("I", data))).tobytes()
    return data


def expected(tensors, values, output):
    """values: the model's output as f32."""
    pieces = []
    for _, type_name, shape, data in tensors:
        verbatim = type_name in INTEGERS
        size = len(data) if verbatim else gguf_file.n_bytes("f32", shape)
        piece, values = values[:size], values[size:]
        if output in (type_name, "native") or verbatim:
            pieces.append(data)
        else:
            pieces.append(convert(piece, output))
    assert not values
    return b"".join(pieces)


def main(f32, folder, *models):
    tensors = [t for model in models for t in gguf_file.read(model)[1]]
    with open(f32, "rb") as file:
        values = file.read()
    for output in "f32", "f16", "bf16", "native":
        with open("%s/%s" % (folder, output), "wb") as file:
            file.write(expected(tensors, values, output))


if __name__ == "__main__":
    main(*sys.argv[1:])
