#!/usr/bin/env python3
"""usage: test_tensors.py PROGRAM

Writes each case as a checkpoint with PROGRAM, by file and by pipe, with several
threads and little memory, and compares names, shapes and values with those of
tensors.tsv, through the safetensors library.
"""
import hashlib
import os
import subprocess
import sys
import tempfile

try:
    import ml_dtypes
    import numpy as np
    from safetensors import safe_open
except ModuleNotFoundError as missing:
    sys.exit(print(f"SKIPPED  hf tensors: {missing}"))

import cases
import variants

assert ml_dtypes.bfloat16  # for safetensors

WEIGHTS = "model.safetensors"

# Besides the plain run: how the model is read, and what must make no difference.
WAYS = [
    ("file", ["-j8"]),
    ("file", ["-j1", "--memory", "4M"]),
    ("pipe", ["-j1"]),
    ("pipe", ["-j8", "--memory", "4M"]),
]


class Failure(Exception):
    pass


# Files of these are not copied when they come through a pipe.
STREAMS = {"llama", "llama-bias", "llama3-rope", "phi3-longrope", "mixtral",
           "qwen2", "gemma3", "falcon-40b", "stablelm"}


def convert(program, model, output, way, options):
    command = [program, "-F", "hf", "-o", output, "--no-sync", *options]
    if way == "pipe":
        streams = os.path.basename(os.path.dirname(model)) in STREAMS
        with subprocess.Popen(["cat", model], stdout=subprocess.PIPE) as cat:
            done = subprocess.run([*command, "-"], stdin=cat.stdout,
                                  capture_output=True, text=True,
                                  env=os.environ | ({"TMPDIR": "/nowhere"}
                                                    if streams else {}))
    else:
        done = subprocess.run([*command, model], capture_output=True,
                              text=True)
    if done.returncode:
        raise Failure(f"{way} {options}: {done.stderr}")


def read(folder):
    with open(os.path.join(folder, WEIGHTS), "rb") as file:
        return file.read()


def tensors(folder):
    """Returns {name: (shape, dtype, bytes)}."""
    found = {}
    with safe_open(os.path.join(folder, WEIGHTS), "np") as file:
        for name in file.keys():
            part = file.get_slice(name)
            values = file.get_tensor(name)
            found[name] = (tuple(part.get_shape()), part.get_dtype(),
                           values.tobytes())
    return found


def expected(case, column):
    """Returns {name: (shape, hash)} and {name: hash of BF16} of what has it."""
    values, bf16 = {}, {}
    with open(os.path.join(case, "tensors.tsv")) as file:
        names = file.readline().lstrip("#").rstrip("\n").split("\t")
        for line in file:
            row = dict(zip(names, line.rstrip("\n").split("\t")))
            shape = tuple(int(n) for n in row["shape"].split(","))
            values[row["name"]] = (shape, row[column + ":F32"])
            if column + ":BF16" in row:
                bf16[row["name"]] = row[column + ":BF16"]
    return values, bf16


def compare(got, want, what):
    if got.keys() != want.keys():
        raise Failure(f"{what}: missing {sorted(want.keys() - got.keys())}, "
                      f"unexpected {sorted(got.keys() - want.keys())}")
    for name in want:
        if got[name] != want[name]:
            raise Failure(f"{what}: {name}: {got[name]} instead of "
                          f"{want[name]}")


def hashes(got):
    return {name: (shape, hashlib.sha256(data).hexdigest())
            for name, (shape, _, data) in got.items()}


def to_bf16(values):
    """Rounds to nearest even; no value is NaN."""
    bits = values.view("<u4").astype("u8")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")


def to_f16(values):
    with np.errstate(over="ignore"):
        return values.astype("<f2")


ROUNDED = {"bf16": ("BF16", to_bf16), "f16": ("F16", to_f16)}


def check_ways(program, model, folder, options):
    """Whichever way the model is read, the bytes are the same."""
    first = read(folder)
    for way, more in WAYS:
        with tempfile.TemporaryDirectory() as other:
            convert(program, model, other, way, options + more)
            if read(other) != first:
                raise Failure(f"{way} {options + more}: other bytes than "
                              "from a file with one thread")


def check_model(program, case, column, model):
    want, bf16 = expected(case, column)
    with tempfile.TemporaryDirectory() as folder:
        convert(program, model, folder, "file", ["-j1"])
        f32 = tensors(folder)
        compare(hashes(f32), want, "f32")
        check_ways(program, model, folder, [])
    for type, (dtype, round) in ROUNDED.items():
        with tempfile.TemporaryDirectory() as folder:
            convert(program, model, folder, "file", ["-j1", "-t", type])
            got = tensors(folder)
            compare(got, {name: (shape, dtype,
                                 round(np.frombuffer(data, "<f4")).tobytes())
                          for name, (shape, _, data) in f32.items()}, type)
            check_ways(program, model, folder, ["-t", type])
        if type == "bf16" and bf16:
            compare({name: hashlib.sha256(data).hexdigest()
                     for name, (_, _, data) in got.items()}, bf16, "original")


def check_values(program, case, column, model, way, what):
    with tempfile.TemporaryDirectory() as folder:
        convert(program, model, folder, way, [])
        compare(hashes(tensors(folder)), expected(case, column)[0], what)


def check_variants(program, case, column, model):
    with tempfile.TemporaryDirectory() as folder:
        for what, path in variants.write_variants(program, case, model,
                                                  folder):
            for way in "file", "pipe":
                check_values(program, case, column, path, way, what)


def check_shards(program, case, column, model):
    with tempfile.TemporaryDirectory() as folder:
        check_values(program, case, column,
                     variants.write_shards(program, model, folder), "file",
                     "split GGUF")


def main():
    program = os.path.realpath(sys.argv[1])
    passed = failed = 0

    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases.unpack(folder):
            for column, model in cases.models(case):
                try:
                    check_model(program, case, column, model)
                    if column == "model-q":
                        check_variants(program, case, column, model)
                    if (name, column) == ("gpt-oss", "model-q"):
                        check_shards(program, case, column, model)
                    passed += 1
                except Failure as failure:
                    print(f"FAILED   {name} {column}: {failure}")
                    failed += 1
    print(f"hf tensors: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
