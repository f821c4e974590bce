"""usage: check_output.py KIND OUTPUT RAW INDEX TYPE MODEL...

If there are RAW.f32 and INDEX.f32, OUTPUT may have tensors in F32 instead, with
the values of these.

Opens OUTPUT with the library of its KIND. Compares each tensor's name, type,
shape and bytes, and a GGUF file's metadata, with the MODEL (or its shards) and
with RAW: the raw output of the same tensors as TYPE, described by INDEX. The
MODEL is read by gguf_file.py.
"""
import json
import os
import sys
import urllib.parse

import gguf_file

FILE_TYPES = {"f32": 0, "f16": 1, "bf16": 32}
NUMPY_TYPES = {"f32": "<f4", "f16": "<f2", "f64": "<f8", "i8": "|i1",
               "i16": "<i2", "i32": "<i4", "i64": "<i8"}


def equal(what, got, expected):
    if got != expected:
        sys.exit(f"{what}: {got!r:.200} instead of {expected!r:.200}")


def expected_tensors(raw, index):
    """Returns {name: (type, shape, bytes)} of the raw output."""
    with open(raw, "rb") as file:
        data = file.read()
    with open(index) as file:
        tensors = json.load(file)["tensors"]
    return {t["name"]: (t["type"], tuple(t["shape"]),
                        data[t["offset"]:t["offset"] + t["bytes"]])
            for t in tensors}


def gguf_tensors(path):
    import gguf
    return {t.name: (t.tensor_type.name.lower(), tuple(map(int, t.shape)),
                     t.data.tobytes())
            for t in gguf.GGUFReader(path).tensors}


def plain_gguf_tensors(path):
    """Used for names that the gguf package refuses."""
    return {name: (type_name, tuple(shape), data) for
            name, type_name, shape, data in gguf_file.read(path)[1]}


def safetensors_tensors(path):
    import safetensors
    with open(path, "rb") as file:
        data = file.read()
    return {name: (t["dtype"].lower(), tuple(reversed(t["shape"])),
                   bytes(t["data"]))
            for name, t in safetensors.deserialize(data)}


def npz_tensors(path):
    import numpy as np
    import zipfile
    equal("the member with a bad CRC", zipfile.ZipFile(path).testzip(), None)
    types = {dtype: name for name, dtype in NUMPY_TYPES.items()}
    with np.load(path) as arrays:
        return {urllib.parse.unquote(name):
                (types[array.dtype.str], array.shape[::-1], array.tobytes())
                for name, array in arrays.items()}


def unescape(path):
    """Returns the tensor name and the type of a file in a folder."""
    name, _, type_name = path.replace("%/", "").rpartition(".")
    if name == "%":
        return "", type_name
    first, *rest = name.split("%")
    data = first.encode() + b"".join(
        bytes([int(part[:2], 16)]) + part[2:].encode() for part in rest)
    return data.decode("utf-8", "surrogateescape"), type_name


def dir_tensors(folder, shapes):
    tensors = {}
    for parent, _, files in os.walk(folder):
        for file in files:
            path = os.path.join(parent, file)
            name, type_name = unescape(os.path.relpath(path, folder))
            with open(path, "rb") as stream:
                tensors[name] = type_name, shapes[name], stream.read()
    return tensors


def check_order(path, expected):
    """The tensors of a GGUF file are in table order, as ggml requires."""
    equal("the order", [t[0] for t in gguf_file.read(path)[1]], list(expected))


def fields(path):
    import gguf
    return {name: [part.tobytes() for part in field.parts]
            for name, field in gguf.GGUFReader(path).fields.items()
            if not name.startswith(("GGUF.", "split."))}


def check_metadata(path, output_type, model):
    expected, got = fields(model), fields(path)
    equal("the keys", list(got), list(expected))
    file_type = got.pop("general.file_type", None)
    before = expected.pop("general.file_type", None)
    if output_type in FILE_TYPES and before:
        equal("the file type", file_type[-1],
              FILE_TYPES[output_type].to_bytes(4, "little"))
    else:
        equal("the file type", file_type, before)
    for key in expected:
        equal(key, got[key], expected[key])


def main(kind, output, raw, index, output_type, *models):
    expected = expected_tensors(raw, index)
    source = {t[0]: tuple(t[2]) for m in models for t in gguf_file.read(m)[1]}
    shapes = {name: t[1] for name, t in expected.items()}
    equal("the shapes in the index", shapes,
          {name: source[name] for name in shapes})
    got = {"gguf": gguf_tensors, "plain-gguf": plain_gguf_tensors,
           "safetensors": safetensors_tensors, "npz": npz_tensors,
           "dir": lambda path: dir_tensors(path, shapes)}[kind](output)
    equal("the names", sorted(got), sorted(expected))
    if os.path.exists(raw + ".f32"):
        in_f32 = expected_tensors(raw + ".f32", index + ".f32")
        expected.update((name, in_f32[name]) for name, tensor in got.items()
                        if tensor[0] == "f32")
    for name, tensor in expected.items():
        equal(f"tensor {name!a}", got[name], tensor)
    if "gguf" in kind:
        check_order(output, expected)
    if kind == "gguf":
        check_metadata(output, output_type, models[0])


main(*sys.argv[1:])
