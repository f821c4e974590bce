# --help, the manual page and the README agree, and their examples work.
# shellcheck shell=bash

# The options in --help, one line each: "-o, --output PATH".
help_options() {
	"$PROGRAM" --help | sed -nE 's/^ +(-[^ ]+( [^ ]+)*)(  .*)?$/\1/p'
}

# The same from ".It Fl o Ar PATH , Fl -output Ar PATH", and "--name[=ARG]" from
# ".It Fl -name Ns Op = Ns Ar ARG".
manual_options() {
	sed -nE '/^\.It Fl/ { s/^\.It //; s/ Ns Op = Ns Ar (.*)/[=\1]/
		s/Fl /-/g; s/Ar //g
		s/^(-.)( [^ ]+)? ,/\1,/; p; }' "$ROOT/man/gguf-dequant.1"
}

# readme NAME: prints the block or the table after "<!-- tested: NAME -->".
readme() {
	awk -v name="<!-- tested: $1 -->" '
		$0 == name { inside = 1; next }
		inside && /^```/ { if (inside++ == 2) exit; next }
		inside == 1 && !NF { exit }
		inside { print }' "$ROOT/README.md"
}

test_manual_has_the_options_of_help() {
	help_options >help
	[ "$(wc -l <help)" -ge 30 ] || fail "$(cat help)"
	same 'the manual' <(manual_options | sort) <(sort help)
}

test_manual_is_clean() {
	local lint
	command -v mandoc >lint || skip 'there is no mandoc'
	lint=$(mandoc -T lint -W style "$ROOT/man/gguf-dequant.1") ||
		fail "$lint"
}

# The commands of the session print what the README shows, but for the CPU, the
# number of threads and the time.
test_readme_session() {
	local line
	recipe_folder
	readme session >shown
	grep '^[$] ' shown | while IFS= read -r line; do
		echo "$line"
		bash -euc "${line#??}" 2>&1
	done >got
	[ "$(grep -c '^[$] ' shown)" = 3 ] || fail "$(cat shown)"
	same 'the session' <(sed -E "$varies" got) <(sed -E "$varies" shown)
}
varies='/^$/d; s/: [a-z0-9]+, [0-9]+ threads?: /: /; s/ in [0-9].*//'

# Every line of the walk-through is in the source file it describes.
test_readme_walks_through_the_sources() {
	local line n=0
	while IFS= read -r line; do
		grep -qxF -- "$line" "$ROOT/kernels/formats/q8_0.h" ||
			fail "not in q8_0.h: $line"
		n=$((n + 1))
	done < <(readme header)
	[ $n -gt 10 ] || fail "$n lines"
	grep -qxF -- "$(readme row)" "$ROOT/kernels/formats.def" ||
		fail "$(readme row)"
	grep -qxF -- "$(readme row-header)" "$ROOT/kernels/formats.def" ||
		fail "$(readme row-header)"
	grep -qxF '#include "formats/q8_0.h"' "$ROOT/kernels/formats.def" ||
		fail 'no #include'
}

test_readme_has_every_format() {
	same 'the table' \
		<(readme formats | sed '1,2d; s/|[^|]*|//; s/|//; s/, */\n/g' |
			tr -d ' ' | sort) \
		<(sed -nE '/RETIRED/d; s/^DQ_[A-Z]+\(([^,]+),.*[0-9]\)$/\1/p' \
			"$ROOT/kernels/formats.def" | sort)
}

test_readme_index() {
	run -o out --index index "$MODELS/small.gguf"
	same 'the README' <(readme index) index
}

# A folder in which the reader can paste the recipes.
recipe_folder() {
	mkdir bin
	ln -s "$PROGRAM" bin/gguf-dequant
	PATH=$PWD/bin:$PATH
	ln -s "$ROOT/tests" tests
}

# The same with a model, by the recipe's name.
model_folder() {
	recipe_folder
	cp "$MODELS/small.gguf" model.gguf
}

# paste NAME N: runs the README's block, which calls gguf-dequant N times.
paste() {
	readme "$1" >commands
	[ "$(grep -c '^[^#]*gguf-dequant' commands)" = "$2" ] ||
		fail "$(cat commands)"
	bash -euo pipefail commands >got 2>errors || fail "$(cat errors)"
	# The random blocks of the golden files have such weights.
	same 'standard error' <(grep -v 'beyond the range of F16' errors) \
		/dev/null
}

test_readme_recipes() {
	recipe_folder
	command -v zstd jq >tools || skip 'there is no zstd, or no jq'
	paste recipe-files 0
	same 'model.gguf' model.gguf tests/models/tiny-llama.gguf
	cp "$MODELS/small.gguf" model.gguf
	zstd -qf model.gguf
	paste recipes 7
	made_by_the_recipes
	[ "$(stat -c %s rest.bf16)" = 212 ] || fail 'rest.bf16'
	same 'what is printed' got <("$PROGRAM" model.gguf
		"$PROGRAM" -t f16 -c model.gguf | sha256sum
		echo '"llama"')
}

# What the README's recipes make, and the examples of the manual page.
made_by_the_recipes() {
	same 'model.f32' model.f32 "$MODELS/small.f32"
	[ "$(jq .bytes model.json)" = 432 ] || fail "$(cat model.json)"
	[ "$(stat -c %s attention.f16)" = 14 ] || fail 'attention.f16'
	same 'model.safetensors' model.safetensors \
		<("$PROGRAM" -F safetensors -t bf16 -c model.gguf)
}

# The values of a kernel: as expected, and then with one bit flipped.
test_readme_kernel() {
	recipe_folder
	paste kernel-files 3
	same 'kernel.f32' kernel.f32 "$GOLDEN/q4_k.f32"
	paste kernel 3
	same 'what is printed' got /dev/null
	same 'expected.f32' expected.f32 kernel.f32
	python3 "$HERE/blocks.py" . "$GOLDEN/q4_k.gguf" || fail
	same 'blocks.bin' blocks.bin q4_k.blocks
	mv q4_k.flipped kernel.f32
	gguf-dequant --input-type q4_k blocks.bin --expect kernel.f32 >got 2>&1
	same 'the lines' got <(readme expect)
}

# The first run stores, the second compares, and one bit makes the third fail.
test_readme_check() {
	model_folder
	for _ in 1 2; do
		paste check 2
		same 'what is printed' got /dev/null
		[ "$(wc -l <model.b3)" = 4 ] || fail "$(cat model.b3)"
	done
	flip model.gguf $(($(offset_of model.gguf blk.0.attn_q.weight) + 7))
	bash -euo pipefail commands >got 2>errors && fail 'the job passed'
	same 'what is printed' got <(echo 'blk.0.attn_q.weight.f32: FAILED')
	same 'standard error' errors \
		<(echo 'gguf-dequant: 1 of 4 checksums differ')
}

test_readme_numpy() {
	python3 -c 'import numpy' 2>error || skip 'there is no NumPy'
	model_folder
	gguf-dequant model.gguf -o model.f32 --index model.json
	readme numpy >recipe.py
	echo 'print(weights.shape, weights[2, 0])' >>recipe.py
	python3 recipe.py >got || fail
	same 'the tensor' got <(echo '(3, 32) 6.0')
}

test_readme_safetensors() {
	library_python
	model_folder
	gguf-dequant model.gguf -t f16 -o model.safetensors
	readme safetensors >recipe.py
	"$VENV" recipe.py >got || fail
	same 'the tensor' got <(echo 'float16 (3, 32)')
}

# The examples of the manual page, one per line.
test_manual_examples() {
	model_folder
	command -v zstd jq >tools || skip 'there is no zstd, or no jq'
	zstd -q model.gguf
	sed -n 's/^\.Dl //p' "$ROOT/man/gguf-dequant.1" >examples
	[ "$(wc -l <examples)" = 9 ] || fail "$(cat examples)"
	"$PROGRAM" "$GOLDEN/q4_k.gguf" -t native -o blocks.bin
	cp "$GOLDEN/q4_k.f32" kernel.f32
	bash -euo pipefail examples >got 2>errors || fail "$(cat errors)"
	same 'standard error' errors /dev/null
	made_by_the_recipes
}

test_readme_checkpoint() {
	hf_case llama
	recipe_folder
	cp llama/model-q.gguf model.gguf
	readme hf >shown
	sed -n 's/^[$] //p' shown >commands
	same 'the files' <(bash -eu commands) <(sed 1,2d shown)

	cp "$ROOT/tests/models/tiny-llama.gguf" model.gguf
	readme hf-list >shown
	sed -n 's/^[$] //p' shown >commands
	same 'the list' <(bash -eu commands) <(sed 1d shown)
}

test_readme_architectures() {
	same 'the architectures' \
		<(sed -nE 's/^ARCHITECTURE\(("[^"]*"), \w+, ("\w+").*/| \1 | \2 |/p' \
			"$ROOT/src/hf/architectures.def" | tr -d '"') \
		<(readme hf-architectures | sed 1,2d)
	run -F hf "$GOLDEN/f32.gguf"
	fails "'$GOLDEN/f32.gguf' has the architecture 'golden'; '--format \
hf' supports $(readme hf-architectures |
		sed '1,2d; s/^| //; s/ .*//' | uniq | sed -z 's/\n$//; s/\n/, /g')"
}
