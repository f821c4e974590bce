# The files of a Hugging Face checkpoint beside its weights. tests/hf compares
# what is made from the GGUF file.
# shellcheck shell=bash

# write_original KEYS: the folder of a checkpoint for write_llama's model, whose
# config.json has these lines of keys.
write_original() {
	mkdir -p original
	printf '{%s}\n' "$1" >original/config.json
	echo tokens >original/tokenizer.model
	echo weights >original/pytorch_model.bin
}

SIZES='"hidden_size": 8, "num_hidden_layers": 1, "vocab_size": 3'

# refuses_original MESSAGE [KEYS]
refuses_original() {
	[ $# = 1 ] || write_original "$2"
	run -F hf -o out --config-from original model.gguf
	fails "$1"
	[ ! -e out ] || fail "$(ls out)"
}

test_hf_config_from() {
	write_complete model.gguf
	write_original "$SIZES, \"dtype\": \"float32\", \"x\": [1.50]"
	ln -s ../merges original/merges.txt
	echo m >merges
	run -F hf -o out --config-from original model.gguf
	succeeds
	(cd out && echo *) >files
	[ "$(<files)" = 'config.json merges.txt model.safetensors tokenizer.model' ] ||
		fail "$(<files)"
	cmp out/config.json original/config.json || fail
	cmp out/merges.txt merges || fail

	run -F hf -t bf16 -o other --config-from original model.gguf
	stderr_is "gguf-dequant: 'original/config.json' says that weights are \
'float32'; they are written as 'bfloat16'"
	status_is 0
	run -F dir -o other --config-from original model.gguf
	fails "'--config-from' has no effect without '--format hf'
Try 'gguf-dequant --help' for more information."
}

test_hf_refuses_config_from() {
	local file="'original/config.json'"

	write_complete model.gguf
	refuses_original "cannot open 'original': No such file or directory"
	mkdir original
	refuses_original "cannot open $file: No such file or directory"
	mkfifo original/config.json
	refuses_original "$file is not a regular file"
	rm original/config.json
	refuses_original "$file is of another model: 'hidden_size' is 9, but 8 \
in the GGUF file" '"hidden_size": 9'
	refuses_original "$file is of another model: 'num_key_value_heads' is \
4, but 2 in the GGUF file" "$SIZES, \"num_key_value_heads\": 4"
	refuses_original "$file: 'vocab_size' is not a number" \
		'"vocab_size": "3"'
	refuses_original "$file is not that of a language model: it has 1 of \
its sizes" '"hidden_size": 8'
	refuses_original "$file has a 'quantization_config', but the weights \
are not quantized; remove it" "$SIZES, \"quantization_config\": null"
	refuses_original "$file is not an object of JSON" '"x"'
	write_original "$SIZES, \"x\": $(printf '[%.0s' {1..100000})"
	refuses_original "$file is not an object of JSON"
	write_original "$SIZES, \"x\": \"$(printf '%01048576d' 0)\""
	refuses_original "$file has more than 1048576 bytes"
}

# write_complete FILE [PYTHON]: write_llama's model with all that config.json
# needs.
write_complete() {
	write_llama "$1" 'metadata.update({
	    "llama.attention.layer_norm_rms_epsilon": ("f32", 1e-5),
	    "llama.context_length": ("u32", 16),
	    "llama.embedding_length": ("u32", 8)})' "${@:2}"
}

# What is assumed is said with -v; what cannot be, is an error.
test_hf_config() {
	write_complete model.gguf
	run -F hf -o out -v model.gguf
	status_is 0
	grep -v 'bytes read' "$ERR" >said
	cat >expected <<-end
	gguf-dequant: 'model.gguf' has no vocabulary; no tokenizer is written
	gguf-dequant: config.json: rope_theta is not in the file; assuming 10000.0
	gguf-dequant: config.json: hidden_act is not in the file; assuming "silu"
	end
	same 'standard error' expected said
	(cd out && echo *) >files
	[ "$(<files)" = 'config.json generation_config.json model.safetensors' ] ||
		fail "$(<files)"

	write_complete model.gguf 'del metadata["llama.embedding_length"]'
	run -F hf -q -o other model.gguf
	fails "'model.gguf' has no metadata 'llama.embedding_length'"
	write_complete model.gguf \
		'metadata["llama.rope.scaling.type"] = "string", "\",\""'
	run -F hf -q -o other model.gguf
	fails "'model.gguf': metadata 'llama.rope.scaling.type' at offset 352 \
is '\",\"'; only none, linear, yarn and, with factors in tensors, longrope are \
supported"
	[ ! -e other ] || fail "$(ls other)"
}

# The text of a tokenizer is nowhere but in its string.
test_hf_tokenizer() {
	write_complete model.gguf 'metadata.update({
	    "tokenizer.ggml.model": ("string", "gpt2"),
	    "tokenizer.ggml.pre": ("string", "gpt-2"),
	    "tokenizer.ggml.tokens": (["string"], ["a", "\"}", "\x1b[2J"]),
	    "tokenizer.chat_template": ("string", "\"},\n")})'
	run -F hf -o out model.gguf
	succeeds
	python3 -c '
import json
vocab = json.load(open("out/tokenizer.json"))["model"]["vocab"]
assert vocab == {"a": 0, "\"}": 1, "\x1b[2J": 2}, vocab
config = json.load(open("out/tokenizer_config.json"))
assert config["chat_template"] == "\"},\n", config' || fail
	run -F hf -o other --memory 4M -j1 -q model.gguf
	succeeds
	for file in out/*.json; do
		cmp "$file" "other/${file#out/}" || fail
	done
}
