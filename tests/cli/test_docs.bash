# --help, the manual page and the README say the same, and what they say works.
# shellcheck shell=bash

# The options that --help has, "-o, --output PATH" a line.
help_options() {
	"$PROGRAM" --help | sed -nE 's/^ +(-[^ ]+( [^ ]+)*)  .*/\1/p'
}

# The same from ".It Fl o Ar PATH , Fl -output Ar PATH", and "--name[=ARG]" from
# ".It Fl -name Ns Op = Ns Ar ARG".
manual_options() {
	sed -nE '/^\.It Fl/ { s/^\.It //; s/ Ns Op = Ns Ar (.*)/[=\1]/
		s/Fl /-/g; s/Ar //g
		s/^(-.)( [A-Z]+)? ,/\1,/; p; }' "$ROOT/man/gguf-dequant.1"
}

# readme NAME: the block or the table after "<!-- tested: NAME -->".
readme() {
	awk -v name="<!-- tested: $1 -->" '
		$0 == name { inside = 1; next }
		inside && /^```/ { if (inside++ == 2) exit; next }
		inside == 1 && !NF { exit }
		inside { print }' "$ROOT/README.md"
}

test_manual_has_the_options_of_help() {
	help_options >help
	[ "$(wc -l <help)" = 30 ] || fail "$(cat help)"
	same 'the manual' <(manual_options | sort) <(sort help)
}

test_manual_is_clean() {
	local lint
	command -v mandoc >lint || skip 'there is no mandoc'
	lint=$(mandoc -T lint -W style "$ROOT/man/gguf-dequant.1") ||
		fail "$lint"
}

test_readme_has_the_help() {
	same 'the README' <(readme help) <("$PROGRAM" --help)
}

# Every line of the walk-through is in the sources that it is about.
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

# The folder in which the recipes run, as their reader types them.
recipe_folder() {
	mkdir bin
	ln -s "$PROGRAM" bin/gguf-dequant
	PATH=$PWD/bin:$PATH
	cp "$MODELS/small.gguf" model.gguf
}

test_readme_recipes() {
	recipe_folder
	command -v zstd jq >tools || skip 'there is no zstd, or no jq'
	zstd -q model.gguf
	readme recipes >commands
	[ "$(grep -c gguf-dequant commands)" = 7 ] || fail "$(cat commands)"
	bash -euo pipefail commands >got 2>errors || fail "$(cat errors)"
	same 'standard error' errors /dev/null
	same 'model.f32' model.f32 "$MODELS/small.f32"
	[ "$(jq .bytes model.json)" = 432 ] || fail "$(cat model.json)"
	[ "$(stat -c %s attention.f16)" = 14 ] || fail 'attention.f16'
	[ "$(stat -c %s rest.bf16)" = 212 ] || fail 'rest.bf16'
	same 'model.safetensors' model.safetensors \
		<("$PROGRAM" -F safetensors -t bf16 -c model.gguf)
	same 'what is printed' got <("$PROGRAM" model.gguf
		"$PROGRAM" -t f16 -c model.gguf | sha256sum
		echo '"llama"')
}

# The values of a kernel: those expected, and then with one bit flipped.
test_readme_kernel() {
	recipe_folder
	python3 "$HERE/blocks.py" . "$GOLDEN/q4_k.gguf" || fail
	mv q4_k.blocks blocks.bin
	cp "$GOLDEN/q4_k.f32" kernel.f32
	gguf-dequant --input-type q4_k blocks.bin -t f16 -o kernel.f16
	readme kernel >commands
	[ "$(grep -c gguf-dequant commands)" = 3 ] || fail "$(cat commands)"
	bash -euo pipefail commands >got 2>&1 || fail "$(cat got)"
	same 'what is printed' got /dev/null
	same 'expected.f32' expected.f32 kernel.f32
	mv q4_k.flipped kernel.f32
	gguf-dequant --input-type q4_k blocks.bin --expect kernel.f32 >got 2>&1
	same 'the lines' got <(readme expect)
}

# The first run stores, the second compares, and one bit makes the third fail.
test_readme_check() {
	recipe_folder
	readme check >job
	[ "$(wc -l <job)" = 3 ] || fail "$(cat job)"
	for _ in 1 2; do
		bash -euo pipefail job >got 2>&1 || fail "$(cat got)"
		same 'what is printed' got /dev/null
		[ "$(wc -l <model.b3)" = 4 ] || fail "$(cat model.b3)"
	done
	flip model.gguf $(($(offset_of model.gguf blk.0.attn_q.weight) + 7))
	bash -euo pipefail job >got 2>errors && fail 'the job passed'
	same 'what is printed' got <(echo 'blk.0.attn_q.weight.f32: FAILED')
	same 'standard error' errors \
		<(echo 'gguf-dequant: 1 of 4 checksums differ')
}

test_readme_numpy() {
	python3 -c 'import numpy' 2>error || skip 'there is no NumPy'
	recipe_folder
	gguf-dequant model.gguf -o model.f32 --index model.json
	readme numpy >recipe.py
	echo 'print(weights.shape, weights[2, 0])' >>recipe.py
	python3 recipe.py >got || fail
	same 'the tensor' got <(echo '(3, 32) 6.0')
}

test_readme_safetensors() {
	library_python
	recipe_folder
	mv model.gguf gemma-3-270m-Q8_0.gguf
	readme safetensors-sh >commands
	bash -euo pipefail commands >got 2>&1 || fail "$(cat got)"
	same 'what is printed' got /dev/null
	readme safetensors >recipe.py
	"$VENV" recipe.py >got || fail
	same 'the tensor' got <(echo 'float16 (3, 32)')
}

# The examples of the manual page, one a line.
test_manual_examples() {
	recipe_folder
	command -v zstd jq >tools || skip 'there is no zstd, or no jq'
	zstd -q model.gguf
	sed -n 's/^\.Dl //p' "$ROOT/man/gguf-dequant.1" >examples
	[ "$(wc -l <examples)" = 9 ] || fail "$(cat examples)"
	python3 "$HERE/blocks.py" . "$GOLDEN/q4_k.gguf" || fail
	mv q4_k.blocks blocks.bin
	cp "$GOLDEN/q4_k.f32" kernel.f32
	bash -euo pipefail examples >got 2>errors || fail "$(cat errors)"
	same 'standard error' errors /dev/null
	same 'model.f32' model.f32 "$MODELS/small.f32"
	[ "$(jq .bytes model.json)" = 432 ] || fail "$(cat model.json)"
	[ "$(stat -c %s attention.f16)" = 14 ] || fail 'attention.f16'
	same 'model.safetensors' model.safetensors \
		<("$PROGRAM" -F safetensors -t bf16 -c model.gguf)
}
