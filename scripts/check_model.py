"""Run by scripts/check-model, which describes it."""
import contextlib
import pathlib
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict

import numpy as np
from gguf import GGUFReader

import gguf_py

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests/cli"))
import llama_cpp_run  # noqa: E402


def shards(path):
    """Returns the files of the model whose first file is path."""
    split = re.fullmatch(r"(.*)-00001-of-(\d{5})\.gguf", path.name)
    if not split:
        return [path]
    stem, count = split.groups()
    return [path.with_name(f"{stem}-{i:05}-of-{count}.gguf")
            for i in range(1, int(count) + 1)]


@contextlib.contextmanager
def file_to_file(command, path, made):
    subprocess.run([*command, path, "-o", made], check=True)
    with made.open("rb") as stream:
        yield stream


@contextlib.contextmanager
def pipe_to_pipe(command, path):
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat, \
         subprocess.Popen([*command, "-", "-o", "-"], stdin=cat.stdout,
                          stdout=subprocess.PIPE) as process:
        cat.stdout.close()
        yield process.stdout
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)


def open_outputs(stack, build, paths):
    """Returns {(output, way): the stream that gguf-dequant writes}."""
    folder = pathlib.Path(stack.enter_context(
        tempfile.TemporaryDirectory(prefix="check-model-", dir=build)))
    streams = {}
    for output in gguf_py.OUTPUTS:
        command = [build / "gguf-dequant", "-t", output]
        streams[output, "file"] = stack.enter_context(
            file_to_file(command, paths[0], folder / output))
        if len(paths) == 1:
            streams[output, "pipe"] = stack.enter_context(
                pipe_to_pipe(command, paths[0]))
    return streams


def read_items(stream, n_bytes, dtype):
    data = stream.read(n_bytes)
    if len(data) != n_bytes:
        raise EOFError("the output ends too early")
    return np.frombuffer(data, dtype)


def compare(tensor, streams):
    """Returns whether the gguf package supports the type, and the differences:
    {(output, way): (index, expected bits, actual bits) of the first item}."""
    qtype = tensor.tensor_type
    able, done, differences = True, Counter(), {}
    for piece in gguf_py.pieces(tensor.data, qtype):
        wanted = gguf_py.convert(piece, qtype)
        for (output, way), stream in streams.items():
            items = wanted[output]
            if items is None:
                able = False
                read_items(stream, gguf_py.output_bytes(piece, qtype, output),
                           np.uint8)
                continue
            got = read_items(stream, items.nbytes, items.dtype)
            unequal = np.flatnonzero(items != got)
            if unequal.size and (output, way) not in differences:
                first = unequal[0]
                differences[output, way] = (done[output, way] + first,
                                            items[first], got[first])
            done[output, way] += items.size
    return able, differences


def print_table(rows):
    print(f"{'type':8} {'tensors':>8} {'weights':>14} {'equal':>8} "
          f"{'different':>10} {'gguf cannot':>12}")
    total = sum(rows.values(), Counter())
    for name, row in [*sorted(rows.items()), ("total", total)]:
        print(f"{name:8} {row['tensors']:8} {row['weights']:14,} "
              f"{row['equal']:8} {row['different']:10} {row['unable']:12}")


def read_tensors(path):
    try:
        return GGUFReader(path).tensors
    except (LookupError, ValueError) as error:
        raise ValueError(f"the gguf package cannot read {path}: {error}")


def check(build, path):
    paths = shards(path)
    tensors = [tensor for p in paths for tensor in read_tensors(p)]
    rows = defaultdict(Counter)
    with contextlib.ExitStack() as stack:
        streams = open_outputs(stack, build, paths)
        for tensor in tensors:
            able, differences = compare(tensor, streams)
            for (output, way), (index, want, got) in differences.items():
                digits = 2 * want.itemsize
                print(f"{tensor.name}: {output} by {way}: item {index} is "
                      f"{got:0{digits}x}, expected {want:0{digits}x}")
            verdict = ("different" if differences else
                       "equal" if able else "unable")
            rows[tensor.tensor_type.name].update(
                {"tensors": 1, "weights": tensor.n_elements, verdict: 1})
        for (output, way), stream in streams.items():
            if stream.read(1):
                raise ValueError(f"{output} by {way}: the output is too long")
    print("outputs: " + ", ".join(f"{o} by {w}" for o, w in streams))
    print_table(rows)
    return 1 if any(row["different"] for row in rows.values()) else 0


# What llama.cpp must run, and say what it says with the model.
GGUF_OUTPUTS = {output: ["-t", output] for output in gguf_py.OUTPUTS}
GGUF_OUTPUTS["mixed"] = ["-t", "bf16", "-t", "type:Q*=f16"]


def check_generation(build, path):
    """Lets llama.cpp generate from the model and from each GGUF output."""
    original = llama_cpp_run.text_of(path)
    if original == llama_cpp_run.ABORTS:
        print("llama.cpp does not run the model")
        return 0
    print(f"llama.cpp, after {llama_cpp_run.PROMPT!r}: {original}")
    different = 0
    with tempfile.TemporaryDirectory(prefix="check-model-",
                                     dir=build) as folder:
        made = pathlib.Path(folder, "made.gguf")
        for output, options in GGUF_OUTPUTS.items():
            run = subprocess.run([build / "gguf-dequant", *options, "-fo",
                                  made, path], stderr=subprocess.PIPE)
            if b"matches" in run.stderr and run.returncode:
                continue  # nothing to mix
            run.check_returncode()
            text = llama_cpp_run.text_of(made)
            if text != original:
                print(f"{output}.gguf: {text}")
                different = 1
    return different


def main():
    if len(sys.argv) != 3:
        print("usage: scripts/check-model FILE", file=sys.stderr)
        return 2
    try:
        build, path = map(pathlib.Path, sys.argv[1:])
        return check(build, path) | check_generation(build, path)
    except (OSError, EOFError, ValueError,
            subprocess.CalledProcessError) as error:
        print(f"check-model: {error}", file=sys.stderr)
        return 2


sys.exit(main())
