# The command line by itself: no model is read.
# shellcheck shell=bash

test_help() {
	run --help
	stdout_is 'Usage: gguf-dequant [OPTION]... FILE
Dequantize the tensors of a GGUF file, bit for bit as ggml does.
FILE "-" is standard input; of a split model, FILE is the first shard.

  -o, --output PATH      write to PATH; "-" is standard output
  -c                     write to standard output
  -F, --format KIND      raw, gguf, safetensors, npz or dir (default: by PATH)
  -t, --type TYPE        f32 (default), f16, bf16 or native (as stored)
  -T, --tensor GLOB      only tensors whose name matches (repeatable)
  -x, --exclude GLOB     no tensor whose name matches (repeatable)
      --index PATH       also write a JSON index of the output
      --input-type TYPE  FILE has no header, but only blocks of TYPE
      --shape N,M,...    the shape of these, fastest dimension first
      --expect PATH      compare the output with the values in PATH
      --ulp N            allow floats to be N floats apart
      --rtol X           allow a difference of X times the value in PATH
      --atol X           allow one of X, on top of that of --rtol
      --checksum[=ALGO]  print a checksum of each tensor'\''s output
      --untagged         print checksums without their algorithm
      --check FILE       compare with checksums from FILE
  -f, --force            overwrite files; write even to a terminal
  -d, --device DEV       auto (default), cpu, gpu, or gpu:N,M,... by number
      --verify           compare the GPU'\''s values with the CPU'\''s, every bit
      --devices          list the GPUs, and what runs on them
  -l, --list             list the tensors (default without -o and -c)
      --json             list as JSON, with all metadata
  -j, --threads N        use N threads (default: one a CPU)
      --memory SIZE      use at most SIZE of memory (default 256M)
  -q, --quiet            print nothing but errors
  -v, --verbose          say what did the work, and how fast
      --progress         show progress even if not on a terminal
      --no-progress      show no progress
  -h, --help             print this help
  -V, --version          print the version

ALGO is blake3 (default), sha256, xxh3 or xxh64.
SIZE is in bytes; K, M and G after it stand for 1024, 1024^2 and 1024^3.
Exit status: 0 done, 1 the values compared differ, 2 trouble.'
	succeeds
	cp "$OUT" help
	run -h
	same 'help' "$OUT" help
	succeeds
}

test_version() {
	run --version
	stdout_is 'gguf-dequant 0.1.0'
	succeeds
	run -V
	stdout_is 'gguf-dequant 0.1.0'
	succeeds
}

test_help_to_a_full_disk() {
	[ -w /dev/full ] || skip 'there is no /dev/full'
	for option in --help --version; do
		run_into /dev/full $option
		fails "cannot write 'standard output': No space left on device"
	done
}

test_missing_operand() {
	run
	fails_usage "missing operand: a GGUF file, or '-'"
	run -c --
	fails_usage "missing operand: a GGUF file, or '-'"
}

test_extra_operand() {
	run a.gguf $'b\e[31m'
	fails_usage "extra operand 'b\\x1b[31m'"
}

test_unknown_options() {
	run -z
	fails_usage "invalid option '-z'"
	run --frobnicate
	fails_usage "unrecognized option '--frobnicate'"
	run --ver
	fails_usage "ambiguous option '--ver'"
	run --json=x
	fails_usage "option '--json' allows no argument"
}

test_missing_arguments() {
	for option in output type tensor exclude index threads memory; do
		run model.gguf "--$option"
		fails_usage "option '--$option' requires an argument"
	done
	run model.gguf -o
	fails_usage "option '--output' requires an argument"
}

test_bad_arguments() {
	run -t q4_0 m
	fails_usage "'--type' takes f32, f16, bf16 or native, not 'q4_0'"
	run -j 0 m
	fails_usage "'--threads' takes a number from 1 to 1024, not '0'"
	run -j -1 m
	fails_usage "'--threads' takes a number from 1 to 1024, not '-1'"
	run --memory 1.5G m
	fails_usage "'--memory' takes a size such as 1000000, 512K, 256M or \
2G, less than 2^64, not '1.5G'"
}

test_conflicts() {
	local both="exclude each other"
	local listing="a listing ('--list', '--json') and an output \
('--output', '-c') $both"

	run --list -c m
	fails_usage "$listing"
	run --json -o out m
	fails_usage "$listing"
	run -o a -o b m
	fails_usage "more than one output: 'a' and 'b'"
	run -c --index a --index b m
	fails_usage "more than one index: 'a' and 'b'"
	run --index a m
	fails_usage "'--index' needs '--output' or '-c'"
	run -c --index - m
	fails_usage "'--output' and '--index' are the same"
	run -q -v m
	fails_usage "'--quiet' and '--verbose' $both"
	run -q --progress m
	fails_usage "'--quiet' and '--progress' $both"
}

test_too_little_memory() {
	run -j 2 --memory 3M "$MODELS/small.gguf"
	fails "'--memory' is 3145728 bytes, but with 2 threads the least is \
4194304"
	run -j 1024 --memory 4M "$MODELS/small.gguf"
	fails "'--memory' is 4194304 bytes, but with 1024 threads the least is \
67108864"
	run -j 1024 --memory 64M -o out "$MODELS/small.gguf"
	succeeds
	run -j 1 --memory 4M -o - "$MODELS/small.gguf"
	status_is 0
	same 'output' "$OUT" out
}

test_instruction_sets() {
	GGUF_DEQUANT_ISA=baseline run -v -c "$MODELS/small.gguf"
	status_is 0
	same 'output' "$OUT" "$MODELS/small.f32"
	grep -q '^gguf-dequant: baseline, ' "$ERR" || fail "$(cat "$ERR")"
	GGUF_DEQUANT_ISA='' run -c "$MODELS/small.gguf"
	succeeds
	GGUF_DEQUANT_ISA=z80 run -o out "$MODELS/small.gguf"
	fails_with "unknown instruction set 'z80'"
	folder_is
}

test_an_instruction_set_that_this_cpu_lacks() {
	grep -qw avx512f /proc/cpuinfo && skip 'this CPU has them all'
	GGUF_DEQUANT_ISA=avx512 run -o out "$MODELS/small.gguf"
	fails "this CPU lacks the instruction set 'avx512'"
	folder_is
}

test_verbose() {
	run -v -j 1 -o out "$MODELS/small.gguf"
	status_is 0
	sed -E 's/^(gguf-dequant:) [a-z0-9]+,/\1 ISA,/; s/[0-9]+\.[0-9]+/N/g' \
		"$ERR" >report
	same 'the report' report <(echo 'gguf-dequant: ISA, 1 thread:' \
		'144 bytes read, 432 written in N s, N GB/s')
	run -v -j 3 -f -o out "$MODELS/small.gguf"
	grep -q ', 3 threads: ' "$ERR" || fail "$(cat "$ERR")"
}

test_the_default_is_a_thread_per_usable_cpu() {
	local cpu
	cpu=$(taskset -pc $$ | sed 's/.*: //; s/[,-].*//')
	taskset -c "$cpu" "$PROGRAM" -v -o out "$MODELS/small.gguf" 2>"$ERR"
	grep -q ', 1 thread: ' "$ERR" || fail "$(cat "$ERR")"
}
