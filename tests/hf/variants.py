"""Other files of the same models, as other converters write them."""
import os
import re
import subprocess
import sys

import numpy as np

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)),
                             "../cli"))
import gguf_file

KINDS = {bool: "bool", int: "u32", float: "f32", str: "string"}


def pairs(metadata):
    """Returns what gguf_file.write takes, without the tokenizer."""
    return [(key, [KINDS[type(value[0])]] if isinstance(value, list) else
             KINDS[type(value)], value) for key, value in metadata.items()
            if not key.startswith("tokenizer.")]


def rows(data, n):
    """Cuts the data of a tensor into n parts of equal size."""
    size = len(data) // n
    return [data[i * size:(i + 1) * size] for i in range(n)]


def fuse(tensors):
    """attn_q, attn_k and attn_v as one tensor: --fuse-qkv."""
    by_name = {tensor[0]: tensor for tensor in tensors}
    fused = []
    for name, type, shape, data in tensors:
        part = re.fullmatch(r"(.*\.attn_)([qkv])(\.\w+)", name)
        if not part:
            fused.append((name, type, shape, data))
        elif part[2] == "q":
            three = [by_name[part[1] + c + part[3]] for c in "qkv"]
            n = sum(tensor[2][-1] for tensor in three)
            fused.append((part[1] + "qkv" + part[3], type, shape[:-1] + [n],
                          b"".join(tensor[3] for tensor in three)))
    return fused


def separate(tensors):
    """Each expert a tensor, as in the first files of Mixtral."""
    separated = []
    for name, type, shape, data in tensors:
        part = re.fullmatch(r"(.*)_exps(\.weight)", name)
        if not part:
            separated.append((name, type, shape, data))
        else:
            separated += [(f"{part[1]}.{i}{part[2]}", type, shape[:-1], expert)
                          for i, expert in enumerate(rows(data, shape[-1]))]
    return separated


def join_kv_b(tensors):
    """attn_kv_b whole, as before attn_k_b and attn_v_b."""
    by_name = {tensor[0]: tensor for tensor in tensors}
    joined = []
    for name, type, shape, data in tensors:
        if name.endswith("attn_k_b.weight"):
            _, _, v_shape, v = by_name[name.replace("k_b", "v_b")]
            k = np.frombuffer(data, "<f4").reshape(shape[::-1])
            v = np.frombuffer(v, "<f4").reshape(v_shape[::-1])
            kv = np.concatenate([k.transpose(0, 2, 1), v], axis=1)
            joined.append((name.replace("k_b", "kv_b"), type,
                           [kv.shape[2], kv.shape[0] * kv.shape[1]],
                           kv.tobytes()))
        elif not name.endswith("attn_v_b.weight"):
            joined.append((name, type, shape, data))
    return joined


def other_shape(tensors):
    """The gate of the shared expert with one dimension more, or less."""
    return [(name, type, [shape[0], 1] if len(shape) == 1 else shape[:1], data)
            if "ffn_gate_inp_shexp" in name else (name, type, shape, data)
            for name, type, shape, data in tensors]


VARIANTS = [
    ("llama-bias", "fused", fuse),
    ("qwen2", "fused", fuse),
    ("granite", "fused", fuse),
    ("mixtral", "an expert a tensor", separate),
    ("deepseek-v2", "kv_b whole", join_kv_b),
    ("qwen2moe", "other shape", other_shape),
]


def dequantize(program, model, path):
    subprocess.run([program, model, "-F", "gguf", "-o", path, "--no-sync"],
                   check=True, capture_output=True)
    return gguf_file.read(path)


def write_variants(program, case, model, folder):
    """Yields a name and a path for each variant of the case: of F32."""
    name = os.path.basename(case)
    metadata = None
    for of, what, change in VARIANTS:
        if of != name:
            continue
        if not metadata:
            metadata, tensors = dequantize(program, model,
                                           os.path.join(folder, "f32.gguf"))
        path = os.path.join(folder, "variant.gguf")
        gguf_file.write(path, change(tensors), pairs(metadata))
        yield what, path


def write_shards(program, model, folder):
    """Writes the model's tensors to two files in turn, backwards. Returns the
    path of the first."""
    metadata, tensors = dequantize(program, model,
                                   os.path.join(folder, "f32.gguf"))
    for i in range(2):
        split = [("split.no", "u16", i), ("split.count", "u16", 2),
                 ("split.tensors.count", "i32", len(tensors))]
        gguf_file.write(os.path.join(folder, f"s-0000{i + 1}-of-00002.gguf"),
                        tensors[i::2],
                        (pairs(metadata) if i == 0 else []) + split,
                        order=range(len(tensors[i::2]))[::-1])
    return os.path.join(folder, "s-00001-of-00002.gguf")
