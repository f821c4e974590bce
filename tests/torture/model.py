"""usage: PYTHONPATH=tests/cli model.py PATH: writes a Llama model of 8 MB."""
import random
import sys

import gguf_file

N_LAYERS, WIDTH, INNER, N_HEADS, N_TOKENS = 7, 256, 1024, 4, 512
SHAPES = {"attn_q": (WIDTH, WIDTH), "attn_k": (WIDTH, WIDTH),
          "attn_v": (WIDTH, WIDTH), "attn_output": (WIDTH, WIDTH),
          "ffn_gate": (WIDTH, INNER), "ffn_up": (WIDTH, INNER),
          "ffn_down": (INNER, WIDTH)}
NORMS = "attn_norm", "ffn_norm"
METADATA = [("general.architecture", "string", "llama"),
            ("llama.attention.head_count", "u32", N_HEADS),
            ("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5),
            ("llama.block_count", "u32", N_LAYERS),
            ("llama.context_length", "u32", 16),
            ("llama.embedding_length", "u32", WIDTH)]


generator = random.Random(1)


def quantized(name, shape):
    blocks = (b"\0\x30" + generator.randbytes(32)
              for _ in range(shape[0] * shape[1] // 32))
    return name, "q8_0", shape, b"".join(blocks)


tensors = [quantized("token_embd.weight", (WIDTH, N_TOKENS)),
           ("output_norm.weight", "f32", (WIDTH,), None)]
for layer in range(N_LAYERS):
    for name, shape in SHAPES.items():
        tensors.append(quantized("blk.%d.%s.weight" % (layer, name), shape))
    for name in NORMS:
        tensors.append(("blk.%d.%s.weight" % (layer, name), "f32", (WIDTH,),
                        None))
gguf_file.write(sys.argv[1], tensors, METADATA)
