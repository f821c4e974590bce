"""usage: models.py FOLDER: writes the models for the tests of the program."""
import os
import struct
import sys

import gguf_file


def f32(*values):
    return struct.pack("<%df" % len(values), *values)


def f16(*values):
    return struct.pack("<%de" % len(values), *values)


def q8_0(scale, first):
    return f16(scale) + bytes((first + i) % 256 for i in range(32))


# Four tensors of every kind: quantized, F32, F16 and integer.
SMALL = [
    ("token_embd.weight", "q8_0", (32, 3),
     q8_0(0.5, 0) + q8_0(2, 128) + q8_0(-1, 250)),
    ("blk.0.attn_q.weight", "f32", (2, 2), f32(0.1, -0.0, float("inf"), 1e-8)),
    ("blk.0.attn_norm.weight", "f16", (3,), f16(1, -2.5, 65504)),
    ("blk.1.ids", "i32", (5,), struct.pack("<5i", 0, -1, 1, 2**31 - 1, -2**31)),
]

METADATA = [
    ("general.architecture", "string", "llama"),
    ("general.name", "string", "Small \u2581 \"test\""),
    ("test.u8", "u8", 255),
    ("test.i8", "i8", -128),
    ("test.u16", "u16", 65535),
    ("test.i16", "i16", -32768),
    ("test.u32", "u32", 4294967295),
    ("test.i32", "i32", -2147483648),
    ("test.f32", "f32", 0.1),
    ("test.nan", "f32", float("nan")),
    ("test.true", "bool", True),
    ("test.u64", "u64", 18446744073709551615),
    ("test.i64", "i64", -9223372036854775808),
    ("test.f64", "f64", 1e-310),
    ("test.infinity", "f64", float("-inf")),
    ("tokenizer.ggml.tokens", ["string"], ["<s>", "\u2581the", "\udcff", ""]),
    ("tokenizer.ggml.scores", ["f32"], [0.0, -1.5, float("inf"), 1e-45]),
    ("test.nested", [["i16"]], [[1, -2], [], [3]]),
    ("test.empty", ["u8"], []),
    ("tokenizer.chat_template", "string",
     "{% if a %}\n\t\"{{ b }}\"\n{% endif %}"),
]

# Names with bytes that must not reach a terminal, and with some that may.
NAMES = [
    "escape \x1b[31m red", "null \0 byte", "line\nfeed", "return\r", "tab\t",
    "bell\a", "delete \x7f", "c1 \x9b", "invalid \udcff\udcc0",
    "cut \udce2\udc96",
    "right to left \u202e override", "zero \u200b width", "byte order \ufeff",
    "quote ' \" \\", "wide \u6f22\u5b57", "accent e\u0301", "\u2581", "",
]


# Corner cases for the formats of other libraries.
CORNERS = [
    ("scalar", "f32", (), f32(1.5)),
    ("four", "f16", (1, 2, 3, 2), f16(*range(12))),
    ("bytes", "i8", (3,), b"abc"),
    ("no weights", "f32", (2, 0), b""),
    ("double", "f64", (2, 1), struct.pack("<2d", 0.1, -2.5)),
    ("a/b/../c", "f32", (1,), f32(2)),
    ("..", "i64", (1,), struct.pack("<q", -1)),
    ("quote ' \" \\ %", "i16", (2, 1, 1), struct.pack("<2h", -1, 2)),
    ("\u6f22\U0001f642", "f32", (1, 1), f32(3)),
    ("", "f16", (2,), f16(4, 5)),
    ("x" * 300, "f32", (1,), f32(6)),
    ("/" * 100, "f32", (0,), b""),
]


def as_f32(type_name, data):
    """Returns the f32 output of a tensor in SMALL."""
    if type_name == "q8_0":
        return b"".join(
            f32(*(struct.unpack_from("<e", data, i)[0] * q
                  for q in struct.unpack_from("<32b", data, i + 2)))
            for i in range(0, len(data), 34))
    if type_name == "f16":
        return f32(*struct.unpack("<%de" % (len(data) // 2), data))
    return data


def small(folder):
    gguf_file.write(folder + "/small.gguf", SMALL, METADATA)
    gguf_file.write(folder + "/shuffled.gguf", SMALL, METADATA,
                    order=(2, 0, 3, 1), tail=b"bytes after the last tensor")
    with open(folder + "/small.f32", "wb") as file:
        for _, type_name, _, data in SMALL:
            file.write(as_f32(type_name, data))
    gguf_file.write(folder + "/none.gguf", [])
    gguf_file.write(folder + "/empty.gguf", [("empty", "q8_0", (32, 0), b"")])
    gguf_file.write(folder + "/names.gguf",
                    [(name, "i8", (1,), b"x") for name in NAMES])
    gguf_file.write(folder + "/corners.gguf", CORNERS, [
        ("general.name", "string", "invalid \udcff"),
        ("general.file_type", "u32", 7),
        ("general.alignment", "u32", 64),
    ], alignment=64, order=range(len(CORNERS))[::-1])
    gguf_file.write(folder + "/long_name.gguf",
                    [("y" * 5000, "f32", (1,), f32(1))])


def split(folder):
    for i, tensors in enumerate((SMALL[:2], SMALL[2:3], SMALL[3:])):
        metadata = [("split.no", "u16", i), ("split.count", "u16", 3),
                    ("split.tensors.count", "i32", len(SMALL))]
        gguf_file.write("%s/split-%05d-of-00003.gguf" % (folder, i + 1),
                        tensors, METADATA + metadata if i == 0 else metadata)


def large(folder):
    """Larger than a pipe's buffer, and larger than 4 GiB: mostly holes."""
    gguf_file.write(folder + "/long.gguf", [("zeros", "i8", (2**23,), None)])
    gguf_file.write(folder + "/hole.gguf", [("hole", "f16", (2**31,), None)])
    gguf_file.write(folder + "/sparse.gguf", [
        ("hole", "i8", (2**32 + 5,), None),
        ("after", "f32", (2,), f32(1, 2)),
    ])


def many(folder):
    """As many tensors and tokens as a real model."""
    tokens = ["token%d" % i for i in range(150000)]
    gguf_file.write(folder + "/many.gguf", [
        ("blk.%d.ffn_down_exps.weight" % i, "f32", (1,), f32(i))
        for i in range(1000)
    ], [("tokenizer.ggml.tokens", ["string"], tokens)])
    # With --memory 4M, their table leaves less than the size of a read-ahead.
    gguf_file.write(folder + "/tensors.gguf", [
        ("blk.%d.ffn_gate_exps.weight" % i, "i8", (1,), b"x")
        for i in range(4400)])


def public(folder):
    """What public files have and ggml's own do not."""
    def write(name, tensors, metadata=(), **options):
        gguf_file.write("%s/%s.gguf" % (folder, name), tensors, metadata,
                        **options)

    ok = ("ok.weight", "f32", (4,), f32(1, 2, 3, 4))
    # 6 and 8 dimensions, the slowest of them not 1.
    write("dimensions", [
        ("five", "f16", (2, 1, 2, 1, 3), f16(*range(12))),
        ("six", "q8_0", (32, 1, 1, 2, 1, 2),
         b"".join(q8_0(1, i) for i in range(4))),
        ("eight", "i8", (1, 1, 1, 1, 1, 1, 2, 3), b"abcdef"),
        ok])
    # Flattened, as ComfyUI-GGUF has it, and with a true shape of 5 dimensions.
    write("flattened", [
        ("conv.weight", "f16", (16, 2), f16(*range(32))),
        ("video.weight", "q8_0", (32, 3),
         b"".join(q8_0(1, i) for i in range(3))), ok], [
        ("comfy.gguf.orig_shape.conv.weight", ["i32"], [4, 2, 2, 2]),
        ("comfy.gguf.orig_shape.video.weight", ["i64"], [4, 3, 1, 2, 4]),
        ("comfy.gguf.orig_shape.gone.weight", ["i32"], [7, 7])])
    write("misshapen", [ok],
          [("comfy.gguf.orig_shape.ok.weight", ["i32"], [3, 2])])
    for alignment in 1, 2, 4:
        write("align%d" % alignment, [
            ("a", "i8", (3,), b"abc"), ok, ("h", "f16", (3,), f16(1, 2, 3)),
            ("last", "f32", (2,), f32(5, 6))],
            [("general.alignment", "u32", alignment)], alignment=alignment)
    # Types that we cannot read; the last one reaches to the end of the file.
    write("foreign", [
        ("blk.0.w", 150, (256,), b"x" * 104), ok,
        ("blk.1.w", 43, (64, 2), b"y" * 40),
        ("blk.2.w", 31, (32,), b"z" * 18)])
    write("prism", [("blk.0.w", 42, (128, 32), b"p" * 34 * 32), ok,
                    ("blk.1.w", 42, (256,), b"q" * 68)])
    # The sizes fit nobody's Q2_0.
    write("prism-not", [("blk.0.w", 42, (128, 8), b"p" * 34 * 6), ok])
    # Shards whose names do not say so; the third has a type of a fork.
    shards = [ok], SMALL[:1], [SMALL[1], ("late.w", 150, (256,), b"x" * 104)]
    for i, (name, tensors) in enumerate(zip("cab", shards)):
        metadata = [("split.no", "u16", i), ("split.count", "u16", 3),
                    ("split.tensors.count", "i32", 4)]
        if i == 0:
            metadata.insert(0, ("general.architecture", "string", "llama"))
        gguf_file.write("%s/sha256-%s" % (folder, name), tensors, metadata)


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    for make in small, split, large, many, public:
        make(sys.argv[1])
