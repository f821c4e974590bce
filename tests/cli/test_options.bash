# The command line, without reading a model.
# shellcheck shell=bash

test_help() {
	run --help
	stdout_is 'Usage: gguf-dequant [OPTION]... FILE...
Dequantize the tensors of a GGUF file, bit for bit as ggml does.
FILE "-" is standard input. Several FILEs are the shards of one model;
pass one of them if they are named NAME-00001-of-00003.gguf and so on.

What to do (default: --list):
  -l, --list             list the tensors
      --json             list the tensors and metadata as JSON
  -o, --output PATH      write the tensors to PATH; "-" is standard output
  -c                     the same as --output -
      --checksum[=ALGO]  print one checksum per tensor
      --check PATH       compare the tensors with the checksums in PATH
      --expect PATH      compare the tensors with the values in PATH
      --verify           compare the GPU'\''s values with the CPU'\''s, bit for bit
      --devices          list the GPUs and which code runs on them
  -h, --help             print this help
  -V, --version          print the version

Input:
  -T, --tensor GLOB      take only tensors whose names match GLOB (repeatable)
  -x, --exclude GLOB     skip tensors whose names match GLOB (repeatable)
      --input-type TYPE  treat FILE as headerless blocks of TYPE
      --shape N,M,...    shape of these blocks, fastest dimension first

Output:
  -t, --type [SEL=]TYPE  f32 (default), f16, bf16 or native (as stored)
  -F, --format KIND      raw, gguf, safetensors, npz, dir or hf (or by PATH)
      --max-shard-size SIZE
                         size of the shards of safetensors and hf (default 5GB)
      --config-from DIR  copy configuration and tokenizer of hf from DIR
      --apply-scales     multiply NVFP4 weights by the scales beside them
      --index PATH       also write a JSON index of the output to PATH
  -f, --force            overwrite files; write even to a terminal
      --no-sync          do not wait until the output is on the disk
      --untagged         print checksums without the name of the algorithm

What --expect allows:
      --ulp N            floats that are up to N floats apart
      --rtol X           a difference of up to X times the value in PATH
      --atol X           a difference of up to X, added to that of --rtol

Device:
  -d, --device DEV       auto (default), cpu, gpu, or gpu:N,M,... by number
  -j, --threads N        use N threads (default: one per CPU)
      --memory SIZE      use at most SIZE bytes of memory (default: 256M)
      --part I/N         do the I-th of N parts of the work

Messages:
  -q, --quiet            no progress, no OK lines, no values that differ
  -v, --verbose          print the device, threads and throughput
      --progress         show progress even if not on a terminal
      --no-progress      show no progress

SEL is a glob of names, or type:GLOB of stored types; the last match counts.
ALGO is blake3 (default), sha256, xxh3 or xxh64.
SIZE may end in K, M or G for 1024, 1024^2 or 1024^3 bytes.
Exit status: 0 done, 1 data differ, 2 trouble.'
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
	run --input-type i8 a.gguf $'b\e[31m'
	fails_usage "extra operand 'b\\x1b[31m': headerless blocks are in one file"
	run --devices a.gguf
	fails_usage "extra operand 'a.gguf'"
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

test_options_without_effect() {
	run -l -f -v -d gpu:7 -j3 m
	fails_usage "'--force' has no effect with '--list'"
	run -q -l m
	fails_usage "'--quiet' has no effect with '--list'"
	run --index a m
	fails_usage "'--index' has no effect without '--output'"
	run --devices -v
	fails_usage "'--verbose' has no effect with '--devices'"
}

test_conflicts() {
	run --list -c m
	fails_usage "'--list' cannot be combined with '--output'"
	run --json -o out m
	fails_usage "'--json' cannot be combined with '--output'"
	run -o a -o b m
	fails_usage "'--output' takes one path, not both 'a' and 'b'"
	run -c --index - m
	fails_usage "'--output -' and '--index -' cannot both write to \
standard output"
	run -c -q -v m
	fails_usage "'--quiet' cannot be combined with '--verbose'"
}

test_too_little_memory() {
	run -c -j 2 --memory 3M "$MODELS/small.gguf"
	fails "'--memory' is 3145728 bytes, but 2 threads need at least \
4194304"
	run -c -j 1024 --memory 4M "$MODELS/small.gguf"
	fails "'--memory' is 4194304 bytes, but 1024 threads need at least \
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
