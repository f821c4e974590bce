#!/usr/bin/env python3
"""usage: test_files.py PROGRAM

Writes each case as a checkpoint with PROGRAM, and compares config.json with the
original's, and what the tokenizer makes of strings with tokens.json, through
the tokenizers library.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import tokenizers
except ModuleNotFoundError as missing:
    sys.exit(print(f"SKIPPED  hf files: {missing}"))

import cases

# What no GGUF file says, and what changes no logits: of training, and of parts
# that a language model does not have.
NOT_IN_FILE = """
    add_cross_attention attention_dropout attn_pdrop embd_pdrop
    embedding_dropout hidden_dropout initializer_range max_window_layers
    output_router_logits pretraining_tp reorder_and_upcast_attn resid_pdrop
    residual_dropout router_aux_loss_coef router_jitter_noise
    scale_attn_by_inverse_layer_idx scale_attn_weights summary_activation
    summary_first_dropout summary_proj_to_labels summary_type summary_use_proj
    transformers_version use_bidirectional_attention use_cache
""".split()

# What the classes make of other keys, or have for every model.
BY_CLASS = {
    "cohere2": ["rotary_pct"],
    "deepseek_v2": ["head_dim", "mlp_bias", "qk_head_dim"],
    "deepseek_v3": ["head_dim", "qk_head_dim", "rope_interleave"],
    "gemma3_text": ["_sliding_window_pattern"],
    "gpt_oss": ["swiglu_alpha"],
    "qwen2": ["layer_types"],
    "qwen2_moe": ["layer_types", "qkv_bias"],
    "qwen3": ["layer_types"],
    "smollm3": ["layer_types", "no_rope_layer_interval"],
}

# What is written besides, for other versions of transformers.
ADDED = {
    "deepseek_v2": ["scoring_func"],
    "gemma3_text": ["sliding_window_pattern"],
}

# (ours, the original's) where they are not equal.
DIFFERENT = {
    # Mistral is written as Llama, which has the same tensors.
    "mistral": {
        "architectures": (["LlamaForCausalLM"], ["MistralForCausalLM"]),
        "model_type": ("llama", "mistral"),
        "attention_bias": (False, ...), "mlp_bias": (False, ...),
        "sliding_window": (..., None),
    },
    "falcon": {"num_ln_in_parallel_attn": (..., None)},
    # A window that is not used.
    "qwen2moe": {"sliding_window": (None, 0)},
    # Version 5 has another name for it, and takes both.
    "qwen3moe": {"num_experts": (3, ...), "num_local_experts": (..., 3)},
    # F32 holds no more.
    "starcoder2": {"rope_parameters": (
        {"rope_theta": 999999.44, "rope_type": "default"},
        {"rope_theta": 999999.4420358813, "rope_type": "default"})},
}


class Failure(Exception):
    pass


def rope_parameters(config):
    """Takes out of the config what version 5 has in one dictionary."""
    if "rope_theta" not in config:
        return {}
    scaling = config.pop("rope_scaling", {})
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    rope = {**scaling, "rope_theta": config.pop("rope_theta"),
            "rope_type": kind}
    rope.pop("type", None)
    if "partial_rotary_factor" in config:
        rope["partial_rotary_factor"] = config.pop("partial_rotary_factor")
    if kind == "longrope":
        rope["original_max_position_embeddings"] = \
            config["original_max_position_embeddings"]
    if "rope_local_base_freq" in config:
        local = {"rope_theta": config.pop("rope_local_base_freq"),
                 "rope_type": "default"}
        rope = {"full_attention": rope, "sliding_attention": local}
    return {"rope_parameters": rope}


def check_config(name, case, folder):
    with open(os.path.join(case, "config.json")) as file:
        want = json.load(file)
    with open(os.path.join(folder, "config.json")) as file:
        got = json.load(file)
    kind = want["model_type"]
    if got.pop("torch_dtype") != "bfloat16":
        raise Failure("torch_dtype is not that of the weights")
    got.update(rope_parameters(got))
    del want["dtype"]
    for key in NOT_IN_FILE + BY_CLASS.get(kind, []):
        want.pop(key, None)
    for key in ADDED.get(kind, []):
        del got[key]
    different = {key: (got.get(key, ...), want.get(key, ...))
                 for key in got.keys() | want.keys()
                 if got.get(key, ...) != want.get(key, ...)}
    if different != DIFFERENT.get(name, {}):
        raise Failure(f"config.json: (ours, the original's): {different}")


def check_tokenizer(case, folder):
    path = os.path.join(folder, "tokenizer.json")
    tokenizer = tokenizers.Tokenizer.from_file(path)
    with open(os.path.join(folder, "tokenizer_config.json")) as file:
        config = json.load(file)
    with open(os.path.join(case, "tokens.json")) as file:
        want = json.load(file)
    for key in ("chat_template", "bos_token", "eos_token", "pad_token"):
        if config.get(key) != want[key]:
            raise Failure(f"{key} is {config.get(key)!r}, not {want[key]!r}")
    if tokenizer.get_vocab_size() != want["size"]:
        raise Failure(f"{tokenizer.get_vocab_size()} tokens, not "
                      f"{want['size']}")
    for row in want["tokens"]:
        plain = tokenizer.encode(row["text"], add_special_tokens=False)
        special = tokenizer.encode(row["text"])
        if (plain.ids != row["ids"] or
                special.ids != row.get("ids_special", row["ids"])):
            raise Failure(f"tokens of {row['text']!r}: {special.ids}")


def check(program, name, case):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program, "-F", "hf", "-t", "bf16", "-o", folder, "--no-sync",
             os.path.join(case, "model-q.gguf")], capture_output=True,
            text=True)
        if done.returncode or done.stderr:
            raise Failure(done.stderr)
        check_config(name, case, folder)
        check_tokenizer(case, folder)


def main():
    program = os.path.realpath(sys.argv[1])
    passed = failed = 0

    with tempfile.TemporaryDirectory() as folder:
        for name, case in cases.unpack(folder):
            try:
                check(program, name, case)
                passed += 1
            except Failure as failure:
                print(f"FAILED   {name}: {failure}")
                failed += 1
    print(f"hf files: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
