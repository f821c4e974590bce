# Hugging Face checkpoints. tests/hf compares their values.
# shellcheck shell=bash

# write_llama FILE [PYTHON]: a model of one layer; the Python code may change
# `tensors`, by name (type, shape, data), and `metadata`, by key (kind, value).
write_llama() {
	PYTHONPATH=$HERE python3 - "$@" <<-'end' || exit
	import gguf_file
	import sys
	tensors = {}
	def add(name, *shape, type="f32"):
	    tensors[name] = (type, shape, None)
	add("token_embd.weight", 8, 3)
	add("output_norm.weight", 8)
	for name in "attn_norm", "ffn_norm":
	    add(f"blk.0.{name}.weight", 8)
	add("blk.0.attn_q.weight", 8, 8)
	add("blk.0.attn_k.weight", 8, 4)
	add("blk.0.attn_v.weight", 8, 4)
	add("blk.0.attn_output.weight", 8, 8)
	add("blk.0.ffn_gate.weight", 8, 5)
	add("blk.0.ffn_up.weight", 8, 5)
	add("blk.0.ffn_down.weight", 5, 8)
	metadata = {"general.architecture": ("string", "llama"),
	            "llama.block_count": ("u32", 1),
	            "llama.attention.head_count": ("u32", 4),
	            "llama.attention.head_count_kv": ("u32", 2),
	            "llama.attention.layer_norm_rms_epsilon": ("f32", 1e-5),
	            "llama.context_length": ("u32", 16),
	            "llama.embedding_length": ("u32", 8)}
	exec("\n".join(sys.argv[2:]))
	def data(type, shape, given):
	    n = gguf_file.n_bytes(type, shape)
	    return given or bytes(i % 251 for i in range(n))
	gguf_file.write(sys.argv[1],
	                [(name, type, shape, data(type, shape, given))
	                 for name, (type, shape, given) in tensors.items()],
	                [(key, *item) for key, item in metadata.items()])
	end
}

# writes: status 0, and nothing printed but that there is no tokenizer.
writes() {
	stderr_is "gguf-dequant: '${1-model.gguf}' has no vocabulary; no \
tokenizer is written"
	status_is 0
}

# refuses MESSAGE [PYTHON]: the model that the code makes is refused, and nothing
# is written.
refuses() {
	write_llama model.gguf "${@:2}"
	run -F hf -o out model.gguf
	fails "$1"
	run -F hf model.gguf
	fails "$1"
	folder_is model.gguf
}

test_hf_listing() {
	write_llama model.gguf 'add("rope_freqs.weight", 1)'
	run -l -F hf model.gguf
	succeeds
	stdout_is "model.gguf: LlamaForCausalLM, 11 tensors; a shape's slowest \
dimension is first

HUGGING FACE                                    SHAPE   TRANSFORM  GGUF
model.embed_tokens.weight                       [3, 8]  copy       token_embd.weight
model.norm.weight                               [8]     copy       output_norm.weight
model.layers.0.input_layernorm.weight           [8]     copy       blk.0.attn_norm.weight
model.layers.0.post_attention_layernorm.weight  [8]     copy       blk.0.ffn_norm.weight
model.layers.0.self_attn.q_proj.weight          [8, 8]  unpermute  blk.0.attn_q.weight
model.layers.0.self_attn.k_proj.weight          [4, 8]  unpermute  blk.0.attn_k.weight
model.layers.0.self_attn.v_proj.weight          [4, 8]  copy       blk.0.attn_v.weight
model.layers.0.self_attn.o_proj.weight          [8, 8]  copy       blk.0.attn_output.weight
model.layers.0.mlp.gate_proj.weight             [5, 8]  copy       blk.0.ffn_gate.weight
model.layers.0.mlp.up_proj.weight               [5, 8]  copy       blk.0.ffn_up.weight
model.layers.0.mlp.down_proj.weight             [8, 5]  copy       blk.0.ffn_down.weight
-                                               -       drop       rope_freqs.weight"
	run --json -F hf -T '*attn_q*' -T 'rope*' model.gguf
	succeeds
	stdout_is '{
  "architecture": "LlamaForCausalLM",
  "model_type": "llama",
  "tensors": [
    {"gguf": "blk.0.attn_q.weight", "hf": "model.layers.0.self_attn.q_proj.weight", "transform": "unpermute", "shape": [8, 8]},
    {"gguf": "rope_freqs.weight", "hf": null, "transform": "drop", "shape": []}
  ]
}'
	folder_is model.gguf
}

test_hf_shards_and_checksums() {
	write_llama model.gguf
	run -F hf -t bf16 -o out --max-shard-size 200 --checksum model.gguf
	writes
	[ "$(grep -c . "$OUT")" = 11 ] || fail 'not one line per tensor'
	grep -q 'BLAKE3 (model.layers.0.mlp.down_proj.weight.bf16) = ' "$OUT" ||
		fail "$(<"$OUT")"
	[ -e out/model-00001-of-00005.safetensors ] ||
		fail "$(ls out)"
	run -F hf -q -o out model.gguf
	fails "folder 'out' is not empty; use --force to write to it and \
replace files of the same names"
	touch out/mine
	run -F hf -f -o out model.gguf
	writes
	[ -e out/model.safetensors ] || fail "$(ls out)"
	[ -e out/mine ] || fail 'a file of another name is gone'
}

test_hf_refuses_other_files() {
	local lists="; '--format hf' supports command-r, cohere2, deepseek2, \
falcon, gemma2, gemma3, glm4, gpt-oss, gpt2, granite, llama, olmo2, phi3, \
qwen2, qwen2moe, qwen3, qwen3moe, smollm3, stablelm, starcoder2"

	refuses "'model.gguf' has the architecture 'bert'$lists" \
		'metadata["general.architecture"] = "string", "bert"'
	refuses "'model.gguf' has the architecture 'a\\x1b]0;x\\x07'$lists" \
		'metadata["general.architecture"] = "string", "a\x1b]0;x\x07"'
	refuses "'model.gguf' has no 'general.architecture'$lists" \
		'del metadata["general.architecture"]'
	refuses "'model.gguf' is a LoRA adapter, not a language model" \
		'metadata["general.type"] = "string", "adapter"'
	refuses "'model.gguf' is a vision projector, not a language model" \
		'metadata["general.type"] = "string", "mmproj"'
	refuses "'model.gguf' is a vision projector, not a language model" \
		'metadata["general.architecture"] = "string", "clip"'
	refuses "'model.gguf' is an importance matrix, not a language model" \
		'metadata["general.type"] = "string", "imatrix"'
}

test_hf_refuses_tensors() {
	local unknown="is not known for LlamaForCausalLM; exclude it with \
'--exclude' if the checkpoint is right without it"

	refuses "'model.gguf': tensor 'blk.0.attn_q_norm.weight' $unknown" \
		'add("blk.0.attn_q_norm.weight", 2)'
	refuses "'model.gguf': tensor 'blk.00.attn_q.weight' $unknown" \
		'add("blk.00.attn_q.weight", 8, 8)'
	refuses "'model.gguf': tensor 'blk.0.attn_q.weight/../../x' $unknown" \
		'add("blk.0.attn_q.weight/../../x", 8, 8)'
	refuses "'model.gguf': tensor 'output.weight\", \"x' $unknown" \
		'add("output.weight\", \"x", 8, 3)'
	refuses "'model.gguf': tensor 'output.weight\\x00' $unknown" \
		'add("output.weight\0", 8, 3)'
	refuses "'model.gguf' lacks tensor 'blk.0.attn_k.weight', which \
LlamaForCausalLM needs" 'del tensors["blk.0.attn_k.weight"]'
	refuses "'model.gguf' lacks tensor 'blk.1.attn_norm.weight', which \
LlamaForCausalLM needs" 'metadata["llama.block_count"] = "u32", 2'
	refuses "'model.gguf': tensor 'blk.1.ffn_up.weight' is of layer 1, but \
'llama.block_count' is 1" 'add("blk.1.ffn_up.weight", 8, 5)'
	refuses "'model.gguf': tensor 'blk.0.ffn_up.weight' has type I32, which \
is no weights" 'add("blk.0.ffn_up.weight", 8, 5, type="i32")'
	refuses "'model.gguf': tensor 'blk.0.ffn_up.weight' is empty" \
		'add("blk.0.ffn_up.weight", 0, 5)'
	refuses "'model.gguf': tensor 'blk.0.attn_q.weight' has 6 rows, which \
are not 8 heads" 'add("blk.0.attn_q.weight", 8, 6)'
	refuses "'model.gguf': tensor 'blk.0.attn_qkv.weight' would become \
'model.layers.0.self_attn.q_proj.weight', as 'blk.0.attn_q.weight' does" \
		'add("blk.0.attn_qkv.weight", 8, 16)'
	refuses "'model.gguf': tensor 'blk.0.attn_qkv.weight' has 17 rows, not \
those of 4 queries and 2 keys of 2 numbers and as many values of 2" \
		'add("blk.0.attn_qkv.weight", 8, 17)'
	refuses "'model.gguf': tensor 'blk.0.attn_qkv.weight' has 3 \
dimensions, not 1 to 2" 'add("blk.0.attn_qkv.weight", 8, 8, 2)'
}

test_hf_refuses_metadata() {
	local heads

	refuses "'model.gguf': 'llama.block_count' must be an integer from 1 to \
65536" 'del metadata["llama.block_count"]'
	refuses "'model.gguf': 'llama.block_count' must be an integer from 1 to \
65536" 'metadata["llama.block_count"] = "u64", 2**40'
	for heads in '"u32", 0' '"i32", -4' '"u64", 2**33' '"f32", 4' \
			'["u32"], []' '["u32"], [0]' '[["u32"]], [[4]]'; do
		refuses "'model.gguf': 'llama.attention.head_count' must be an \
integer greater than 0" "metadata['llama.attention.head_count'] = $heads"
	done
	write_llama model.gguf \
		'metadata["llama.attention.head_count"] = ["i32"], [4]'
	run -F hf -o out model.gguf
	writes
}

test_hf_refuses_parts() {
	local of='metadata["llama.expert_count"] = "u32", 2
for name in "gate", "up", "down":
    del tensors[f"blk.0.ffn_{name}.weight"]'

	refuses "'model.gguf' lacks tensor 'blk.0.ffn_gate_inp.weight', which \
MixtralForCausalLM needs" "$of"
	refuses "'model.gguf': tensor 'blk.0.ffn_up_exps.weight' would become \
4611686018427387904 tensors, more than '--memory' has room for" "$of" \
		'add("blk.0.ffn_up_exps.weight", 0, 0, 2**62)'
	refuses "'model.gguf': tensor 'blk.0.ffn_up_exps.weight' has 0 \
dimensions, not 2 or more" "$of" 'add("blk.0.ffn_up_exps.weight")'
	write_llama model.gguf \
		'metadata["general.architecture"] = "string", "gpt-oss"' \
		'metadata["gpt-oss.block_count"] = "u32", 1' \
		'add("blk.0.ffn_gate_exps.weight", 8, 5, 3)' \
		'add("blk.0.ffn_up_exps.weight", 8, 5, 2)'
	run -F hf -o out -T '*gate_exps*' model.gguf
	fails "'model.gguf': tensor 'blk.0.ffn_gate_exps.weight' cannot be \
written without 'blk.0.ffn_up_exps.weight'"
	run -F hf -o out -T '*_exps*' model.gguf
	fails "'model.gguf': tensor 'blk.0.ffn_gate_exps.weight' and \
'blk.0.ffn_up_exps.weight' have different shapes"
	run -F hf -o out -T '*_exps*' -t '*up*=bf16' model.gguf
	fails "'model.gguf': tensor 'blk.0.ffn_gate_exps.weight' and \
'blk.0.ffn_up_exps.weight' become one tensor, but are to be written as \
different types"
	folder_is model.gguf
}

test_hf_types() {
	write_llama model.gguf
	run -F hf -o out -t native model.gguf
	fails "'--type native' for tensor 'token_embd.weight' cannot be combined \
with '--format hf', which writes f32, f16 or bf16"
	run -F hf -o out -t bf16 -t '*norm*=f32' -x token_embd.weight model.gguf
	writes
}

# A transposed tensor of which not even a row of blocks fits into a slot.
test_hf_memory() {
	PYTHONPATH=$HERE python3 -c "
import gguf_file
gguf_file.write('model.gguf', [
	('token_embd.weight', 'f32', (64, 3), None),
	('position_embd.weight', 'f32', (64, 16), None),
	('blk.0.attn_qkv.weight', 'f32', (64, 192), None),
	('blk.0.ffn_down.weight', 'q8_0', (200000, 64), None),
	('blk.0.ffn_up.weight', 'q8_0', (64, 200000), None)], [
	('general.architecture', 'string', 'gpt2'),
	('gpt2.attention.head_count', 'u32', 4),
	('gpt2.attention.layer_norm_epsilon', 'f32', 1e-5),
	('gpt2.block_count', 'u32', 1),
	('gpt2.context_length', 'u32', 16),
	('gpt2.embedding_length', 'u32', 64)])" || exit
	# The peak counts pages of Python before, and of the program's own file.
	python3 - "$PROGRAM" --memory 4M -j1 -F hf -o out -T '*ffn_up*' \
		model.gguf >mib <<-'end' || fail
	import resource
	import subprocess
	import sys
	subprocess.run(sys.argv[1:], check=True)
	print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
	end
	[ "$(stat -c %s out/model.safetensors)" -gt 51200000 ] ||
		fail "$(ls -l out)"
	skip_if_sanitized 'a sanitizer uses memory'
	[ "$(<mib)" -le 32 ] || fail "$(<mib) MiB"
}

# Scales are applied before rows move, experts part, and columns become rows: as
# if they had been applied in a GGUF file before.
test_hf_scales() {
	local name
	PYTHONPATH=$HERE python3 <<-'end' || fail
	import gguf_file
	import random
	import struct
	rng = random.Random(1)
	def nvfp4(n):
	    return b"".join(bytes([rng.randrange(127) for _ in range(4)]) +
	                    rng.randbytes(32) for _ in range(n // 64))
	def write(name, arch, tensors):
	    made = []
	    for tensor, n_scales, *shape in tensors:
	        n = gguf_file.n_bytes("nvfp4", shape) // 36 * 64
	        made.append((tensor + ".weight", "nvfp4", shape, nvfp4(n)))
	        scales = [rng.uniform(-2, 2) for _ in range(n_scales)]
	        if scales:
	            made.append((tensor + ".scale", "f32", [n_scales],
	                         struct.pack("<%df" % n_scales, *scales)))
	    made.append((tensors[0][0] + ".input_scale", "f32", [1], bytes(4)))
	    # What config.json needs.
	    made += [("token_embd.weight", "f32", [64, 3], None),
	             ("blk.2.attn_q.weight", "f32",
	              [64, 288 if name == "deepseek2" else 64], None),
	             ("blk.2.ffn_down.weight", "f32", [64, 64], None),
	             ("blk.2.ffn_down_exps.weight", "f32", [64, 64, 4], None)]
	    gguf_file.write(name, made, [
	        ("general.architecture", "string", arch),
	        (arch + ".block_count", "u32", 3),
	        (arch + ".context_length", "u32", 16),
	        (arch + ".embedding_length", "u32", 64),
	        (arch + ".feed_forward_length", "u32", 64),
	        (arch + ".expert_used_count", "u32", 2),
	        (arch + ".attention.kv_lora_rank", "u32", 128),
	        (arch + ".attention.key_length_mla", "u32", 72),
	        (arch + ".attention.value_length_mla", "u32", 5),
	        (arch + ".attention.sliding_window", "u32", 8),
	        (arch + ".rope.dimension_count", "u32", 8),
	        (arch + ".leading_dense_block_count", "u32", 2),
	        (arch + ".expert_shared_count", "u32", 1),
	        (arch + ".attention.layer_norm_rms_epsilon", "f32", 1e-5),
	        (arch + ".expert_count", "u32", 4 if name == "mixtral" else 0),
	        (arch + ".attention.head_count", "u32", 4)])
	write("llama", "llama", [("blk.0.attn_q", 1, 64, 32),
	                         ("blk.1.attn_qkv", 1, 64, 96)])
	write("mixtral", "llama", [("blk.0.ffn_up_exps", 4, 64, 3, 4),
	                           ("blk.0.ffn_down_exps", 1, 64, 3, 4)])
	write("gpt-oss", "gpt-oss", [("blk.0.ffn_down_exps", 4, 64, 5, 4),
	                             ("blk.0.ffn_up_exps", 4, 64, 5, 4),
	                             ("blk.0.ffn_gate_exps", 0, 64, 5, 4)])
	write("deepseek2", "deepseek2", [("blk.0.attn_k_b", 2, 64, 128, 2),
	                                 ("blk.0.attn_v_b", 1, 128, 5, 2)])
	end
	for name in llama mixtral gpt-oss deepseek2; do
		run --apply-scales -o f32.gguf -f "$name"
		succeeds
		run -F hf -f -o in_two -x 'blk.2.*' f32.gguf
		writes f32.gguf
		run --apply-scales -F hf -f -o in_one -x 'blk.2.*' "$name"
		writes "$name"
		same "$name" in_one/model.safetensors in_two/model.safetensors
	done
	run -F hf -o out llama
	fails_with "2 NVFP4 tensors are not multiplied by the scales beside \
them: use '--apply-scales'
gguf-dequant: 'llama': tensor 'blk.0.attn_q.scale' is not known for \
LlamaForCausalLM"
}

# Types whose rows have headers or are interleaved, in each layer another one:
# rows move as if they had been converted before.
test_hf_rows() {
	local name
	PYTHONPATH=$HERE python3 <<-'end' || fail
	import gguf_file
	import random
	rng = random.Random(1)
	rows = [type for type in gguf_file.TYPES.values() if len(type) > 3]
	def write(name, arch, n_experts, tensor, shape, types):
	    made = [("token_embd.weight", "f32", (256, 3), None),
	            ("blk.0.ffn_down.weight", "f32", (256, 3), None)]
	    if n_experts:
	        made += [("blk.0.attn_q.weight", "f32", (256, 64), None)]
	    made += [(f"blk.{i}.{tensor}.weight", type[0], shape,
	              rng.randbytes(gguf_file.n_bytes(type[0], shape)))
	             for i, type in enumerate(types)]
	    gguf_file.write(name, made, [
	        ("general.architecture", "string", arch),
	        (arch + ".block_count", "u32", len(types)),
	        (arch + ".context_length", "u32", 16),
	        (arch + ".embedding_length", "u32", 256),
	        (arch + ".feed_forward_length", "u32", 256),
	        (arch + ".expert_count", "u32", n_experts),
	        (arch + ".expert_used_count", "u32", 1),
	        (arch + ".attention.head_count", "u32", 4),
	        (arch + ".attention.head_count_kv", "u32", 2),
	        (arch + ".attention.layer_norm_epsilon", "f32", 1e-5),
	        (arch + ".attention.layer_norm_rms_epsilon", "f32", 1e-5)])
	write("cut", "qwen2", 0, "attn_qkv", (256, 64),
	      [type for type in rows if type[4] > 0])
	write("split", "llama", 3, "ffn_up_exps", (256, 16, 3),
	      [type for type in rows if type[4] > 0])
	write("copied", "qwen2", 0, "attn_q", (256, 64), rows)
	write("unpermuted", "llama", 0, "attn_qkv", (256, 64),
	      [type for type in rows if type[4] == 1])
	write("regrouped", "falcon", 0, "attn_qkv", (256, 64),
	      [type for type in rows if type[4] == 1])
	end
	for name in cut split copied unpermuted regrouped; do
		run -o f32.gguf -f "$name"
		succeeds
		run -F hf -f -o in_two -x '*ffn_down.*' -x 'token*' f32.gguf
		writes f32.gguf
		run -F hf -f -o in_one -x '*ffn_down.*' -x 'token*' "$name"
		writes "$name"
		same "$name" in_one/model.safetensors in_two/model.safetensors
	done
}

# cannot ARCHITECTURE TENSOR TYPE COLUMNS ROWS WHY: such a tensor is refused.
cannot() {
	refuses "'model.gguf': tensor 'blk.0.$2.weight' has type ${3^^}, which \
'--format hf' cannot rearrange, since its rows $6; convert the file with \
'--format gguf' first" "arch = '$1'" \
		'metadata = {key.replace("llama", arch): value
			     for key, value in metadata.items()}' \
		'metadata["general.architecture"] = "string", arch' \
		"tensors = {'blk.0.$2.weight': ('$3', ($4, $5), None)}"
}

test_hf_refuses_rows() {
	# Permuted; regrouped; cut within a group; cut into single rows;
	# transposed; changed.
	cannot llama attn_q q4_0_r8 32 8 'are interleaved'
	cannot llama attn_q i2_s 128 8 'share one scale'
	cannot llama attn_qkv bf16_r16 16 128 'are interleaved'
	cannot falcon attn_qkv iq1_s_r4 32 64 'are interleaved'
	cannot qwen2 attn_qkv q8_k_r16 256 32 'are interleaved'
	cannot qwen2 attn_qkv q8_0_r8 32 48 'are interleaved'
	cannot qwen2 attn_qkv i2_s 128 8 'share one scale'
	cannot stablelm attn_q_norm q4_k_r4 256 4 'are interleaved'
	cannot gpt2 ffn_up iq4_ks 256 4 'have headers'
	cannot gemma2 attn_norm q8_kv 32 1 'have headers'
}
