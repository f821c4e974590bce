"""Computes the expected output of gguf-dequant with the gguf package."""
import numpy as np
from gguf import GGML_QUANT_SIZES, quants
from gguf import GGMLQuantizationType as Type

OUTPUTS = ("f32", "f16", "bf16", "native")

INTEGERS = (Type.I8, Type.I16, Type.I32, Type.I64)


def is_verbatim(qtype, output):
    return (output == "native" or qtype in INTEGERS
            or qtype.name.lower() == output)


def output_bytes(data, qtype, output):
    """Returns the output size of whole blocks, which are given as bytes."""
    if is_verbatim(qtype, output):
        return len(data)
    block_weights, block_bytes = GGML_QUANT_SIZES[qtype]
    item_bytes = 4 if output == "f32" else 2
    return len(data) // block_bytes * block_weights * item_bytes


def to_f32(data, qtype):
    """Whole blocks, as bytes, to F32; None if gguf does not support qtype."""
    with np.errstate(all="ignore"):
        if qtype == Type.F64:
            values = data.view(np.float64).astype(np.float32)
        else:
            try:
                values = quants.dequantize(data, qtype)
            except NotImplementedError:
                return None
    return np.where(np.isnan(values), np.float32(np.nan), values)


def from_f32(values, output):
    """F32 values, with canonical NaNs, to the bits of the output."""
    if output == "f32":
        return values.view(np.uint32)
    if output == "f16":
        with np.errstate(all="ignore"):
            return values.astype(np.float16).view(np.uint16)
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def pieces(data, qtype, max_weights=1 << 20):
    """Splits a tensor's data, as bytes, into runs of whole blocks."""
    block_weights, block_bytes = GGML_QUANT_SIZES[qtype]
    data = data.reshape(-1).view(np.uint8)
    step = max(max_weights // block_weights, 1) * block_bytes
    for start in range(0, len(data), step):
        yield data[start:start + step]


def convert(data, qtype):
    """Whole blocks → {output: the bits of its items, or None}."""
    values = None
    if not all(is_verbatim(qtype, output) for output in OUTPUTS):
        values = to_f32(data, qtype)
    converted = {}
    for output in OUTPUTS:
        if is_verbatim(qtype, output):
            converted[output] = data
        else:
            converted[output] = (
                None if values is None else from_f32(values, output))
    return converted
