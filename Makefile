# gguf-dequant
#
#   make              build/gguf-dequant, the program
#   make check        run all tests: check-unit, check-cli, check-models,
#                     check-hf, check-install, check-api
#   make check-reproducible  build in another folder; compare every byte
#   make bench        measure decoding, checksums and the whole program, in
#                     GB/s: bench-rows, bench-checksum, bench-program,
#                     bench-machine
#   make bench-gpu    on a GPU: compare every bit with the CPU, then measure
#   make check-amd    run the AMD kernels in an emulator
#   make check-hip    run the program on simulated AMD GPUs
#   make kernel-resources  show the registers of the GPU kernels
#   make fuzz         search for files that break the parser or the program,
#                     with clang: FUZZ_SECONDS=60 for each of the two, which
#                     run side by side with -j2
#   make torture      signals, valgrind, MemorySanitizer and more, which take
#                     too long for scripts/test: see tests/torture/torture.mk
#   make install      install the program, its manual page and the C API
#   make uninstall    remove them
#   make clean        remove build/
#
#   V=1                         show the commands
#   SANITIZE=address,undefined  build with sanitizers
#   PREFIX=/usr/local DESTDIR=  where to install
#   GPU=auto                    the GPU targets: see kernels/kernels.mk
#   CC CPPFLAGS CFLAGS LDFLAGS  as usual
#
# Objects go to build/<config>/, one folder per set of flags, so that objects
# built with different flags never mix. build/gguf-dequant is a link to the
# program that was built last.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
CFLAGS ?= -O2 -g
SANITIZE ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wundef -Wvla -Wformat=2
# Values must be exact: no contraction, reordering or flushing to zero.
EXACT := -ffp-contract=off -fno-fast-math
ALL_CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -Isrc $(CPPFLAGS)
ALL_CFLAGS := -std=c11 -pthread $(WARNINGS) $(CFLAGS) $(EXACT)
ALL_LDFLAGS := $(LDFLAGS)
LDLIBS ?=
# nettle: SHA-256; xxhash: XXH3 and XXH64; deflate: fast CRC-32; z: combining
# CRC-32s; cjson: config.json of --config-from; m: powers.
PROGRAM_LDLIBS := -lnettle -lxxhash -ldeflate -lz -lcjson -lm
ifneq ($(SANITIZE),)
ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif

.DEFAULT_GOAL := all
include kernels/kernels.mk

quoted = '$(subst ','\'',$(1))'
CONFIG := $(firstword $(shell printf %s $(call quoted,$(CC) $(ALL_CPPFLAGS) \
	$(ALL_CFLAGS) $(ALL_LDFLAGS) $(LDLIBS) $(GPU_BUILD)) | cksum))
B := build/$(CONFIG)

# With the prefix map, objects do not depend on the folder of the checkout.
COMPILE = $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
	$(call quoted,-ffile-prefix-map=$(CURDIR)=.) $(FRAMES) $(HARDEN) \
	-MMD -MP -c
# Against what a hostile file could do with a fault of ours. Builds with
# sanitizers, which find the same and more, do without.
CF_PROTECTION := $(if $(filter x86_64-%,$(shell $(CC) -dumpmachine)), \
	-fcf-protection)
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection $(CF_PROTECTION)
ifneq ($(filter -O0,$(CFLAGS))$(SANITIZE),)
HARDENING :=
endif
$B/src/%.o $B/pic/src/%.o: HARDEN := $(HARDENING)
# A thread's stack may be small: `ulimit -s 256`. Sanitizers need more.
$B/src/%.o: FRAMES := $(if $(SANITIZE),,-Wframe-larger-than=16384)
LINK = $(CC) $(ALL_CFLAGS) -Wl,-z,relro,-z,now,-z,noexecstack $(ALL_LDFLAGS)

ifneq ($(V),1)
quiet = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

# cpu/rows.c and hash/blake3_lanes.c are compiled once per instruction set. No
# compiler may unroll the loop of a decode function, at most 32 rounds, before
# it has vectorised it. With sanitizers, gcc would take minutes to optimize.
ROWS_CFLAGS := $(if $(SANITIZE),-O0,-O3) -fno-trapping-math
ifneq ($(findstring clang,$(shell $(CC) --version)),)
ROWS_CFLAGS += -fno-unroll-loops
else
ROWS_CFLAGS += --param max-completely-peel-times=8
endif
# The CPU features that cpu/dispatch.c checks for.
ISA_FLAGS_baseline :=
ISA_FLAGS_avx2 := -mavx2 -mf16c
ISA_FLAGS_avx512 := $(ISA_FLAGS_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl
ISAS := baseline
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
ISAS += avx2 avx512
endif

ISA_SOURCES := src/cpu/rows.c src/hash/blake3_lanes.c
ISA_OBJECTS := $(foreach isa,$(ISAS),$(ISA_SOURCES:%.c=$B/%_$(isa).o))
MAIN := src/cli/main.c
SOURCES := $(filter-out $(MAIN) $(ISA_SOURCES),$(wildcard src/*/*.c))
OBJECTS := $(SOURCES:%.c=$B/%.o) $(ISA_OBJECTS) $(GPU_OBJECTS)
LIBRARY := $B/libgguf-dequant.a
PROGRAM := $B/gguf-dequant
MANUAL := man/gguf-dequant.1
# The library of the C API, and a copy with code for the fake GPUs.
API_HEADER := src/api/gguf-dequant.h
VERSION = $(shell sed -n 's/.*VERSION "\(.*\)"/\1/p' src/cli/options.h)
API_LIBRARY := $B/api/libgguf-dequant.a
API_FAKE := $B/tests/gpu/libgguf-dequant.a
API_OBJECTS := $(addprefix $B/pic/src/,api/api.o base/error.o \
	base/escape.o base/format.o base/output_type.o gpu/amd.o gpu/gpu.o \
	gpu/runtime.o)
UNIT_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/unit/*/test_*.c \
	tests/golden/test_*.c tests/gpu/test_*.c))
BENCH_ROWS := $B/tests/bench/bench_rows
BENCH_CHECKSUM := $B/tests/bench/bench_checksum
BENCH_GPU := $B/tests/bench/bench_gpu
BENCH_LIMITS := $B/tests/bench/bench_limits
WRITE_CORPUS := $B/tests/unit/write_corpus
FUZZERS := $B/tests/fuzz/fuzz_gguf $B/tests/fuzz/fuzz_program
# The program with code for the fake GPUs, and the fake GPUs themselves.
FAKE_PROGRAM := $B/tests/gpu/gguf-dequant
FAKE_GPUS := $B/tests/gpu/hip/libamdhip64.so.7 \
	$B/tests/gpu/rocm5/libamdhip64.so.7 $B/tests/gpu/cuda/libcuda.so.1
# Preloaded to simulate a full disk.
PRELOADED := $B/tests/cli/fail_write.so $B/tests/cli/fail_call.so
TESTS := $(UNIT_TESTS) $(BENCH_ROWS) $(BENCH_CHECKSUM) $(BENCH_GPU) \
	$(BENCH_LIMITS) $(WRITE_CORPUS) $(FUZZERS)

.PHONY: all help bench_gpu bench_limits tests check check-unit check-cli \
	check-threads check-models check-hf check-install check-reproducible \
	check-api bench bench-rows bench-checksum bench-gpu bench-program \
	bench-machine fuzz fuzz-corpus fuzz-seeds fuzz-run fuzz-merge \
	$(FUZZERS:%=%.run) install uninstall clean
all: $(PROGRAM)
	@ln -sfn $(CONFIG)/gguf-dequant build/gguf-dequant

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

$(PROGRAM): $(MAIN:%.c=$B/%.o) $(LIBRARY)
	$(call quiet,LINK,$@)$(LINK) -o $@ $^ $(PROGRAM_LDLIBS) $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	$(call quiet,AR,$@)rm -f $@ && $(AR) rcsD $@ $^

# One object that exports only the names of the API.
$(API_LIBRARY): $(API_OBJECTS) $(GPU_OBJECTS)
$(API_FAKE): $(API_OBJECTS) $B/tests/gpu/fake_images.o
$(API_LIBRARY) $(API_FAKE):
	@mkdir -p $(@D)
	$(call quiet,AR,$@)$(LD) -r -o $(@:.a=.o) $^ && \
		objcopy --wildcard --keep-global-symbol='gguf_dequant_*' \
		$(@:.a=.o) && rm -f $@ && $(AR) rcsD $@ $(@:.a=.o)

$B/pic/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(COMPILE) -fPIC -o $@ $<

# The stack protector would cost rows with AVX2 and AVX-512 25 % of the speed of
# IQ1_M as F32, and 5 % of Q4_K as F16; the other flags cost nothing, nor does
# any in blake3_lanes.
$B/src/cpu/rows_%.o: HARDEN := $(filter-out -fstack-protector-%,$(HARDENING))
define compile_isa
$$(ISA_SOURCES:%.c=$$B/%_$(1).o): $$B/%_$(1).o: %.c Makefile
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$@)$$(COMPILE) $$(ROWS_CFLAGS) $$(ISA_FLAGS_$(1)) \
		-DCPU_ROWS_ISA=$(1) -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call compile_isa,$(isa))))

$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(COMPILE) -o $@ $<

$(TESTS): %: %.o $(LIBRARY)
	$(call quiet,LINK,$@)$(LINK) -o $@ $^ $(TEST_LDLIBS) $(PROGRAM_LDLIBS) \
		$(LDLIBS)
$(UNIT_TESTS): TEST_LDLIBS := -lcmocka -lm
$(FUZZERS): TEST_LDLIBS := -fsanitize=fuzzer
$B/tests/unit/model/test_gguf $(WRITE_CORPUS): $B/tests/unit/gguf_corpus.o
# These make each allocation fail in turn.
$B/tests/unit/model/test_model $B/tests/unit/observe/test_expect: \
	TEST_LDLIBS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray

# Loads a fake GPU at run time.
$B/tests/gpu/test_device_gpu: | $(FAKE_GPUS)

$(FAKE_PROGRAM): $(MAIN:%.c=$B/%.o) $B/tests/gpu/fake_images.o $(LIBRARY)
	$(call quiet,LINK,$@)$(LINK) -o $@ $^ $(PROGRAM_LDLIBS) $(LDLIBS)

$(FAKE_GPUS): tests/gpu/fake_runtime.c $B/tests/gpu/fake_kernels.o
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(LINK) $(ALL_CPPFLAGS) -DFAKE_$(notdir $(@D)) \
		-shared -fPIC -Wl,-soname,$(@F) -o $@ $^ $(LDLIBS)
$B/tests/gpu/fake_kernels.o: ALL_CFLAGS += -fPIC

$(PRELOADED): $B/%.so: %.c
	@mkdir -p $(@D)
	$(call quiet,LINK,$@)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) \
		$(CFLAGS) -shared -fPIC -o $@ $<

# With sanitizers build/gguf-dequant stays the program for use.
tests: $(if $(SANITIZE),$(PROGRAM),all) $(UNIT_TESTS) $(WRITE_CORPUS) \
	$(PRELOADED) $(FAKE_PROGRAM) $(FAKE_GPUS)

check: check-unit check-cli check-models check-hf check-install check-api

# Tests send signals, so none may be ignored, as under nohup and in some CIs.
TEST_ENV := env --default-signal

check-unit: $(UNIT_TESTS)
	@set -e; for test in $^; do \
		echo "== $${test#$B/}"; $(TEST_ENV) $$test; done

check-cli: $(PROGRAM) $(WRITE_CORPUS) $(PRELOADED) $(FAKE_PROGRAM) $(FAKE_GPUS)
	@$(TEST_ENV) $(if $(HARDENING),,UNHARDENED=1) tests/cli/run $(PROGRAM) \
		$(WRITE_CORPUS)

# With SANITIZE=thread: what runs in several threads. The sanitizer of gcc 12
# needs the address space as it was before it became more random.
THREAD_ENV := TSAN_OPTIONS=allocator_may_return_null=1 setarch -R
THREAD_TESTS := $(filter $B/tests/unit/pass/% $B/tests/unit/observe/% \
	$B/tests/unit/device/% $B/tests/gpu/test_device_gpu,$(UNIT_TESTS))
check-threads: $(PROGRAM) $(THREAD_TESTS) $(WRITE_CORPUS) $(PRELOADED) \
		$(FAKE_PROGRAM) $(FAKE_GPUS)
	@set -e; for test in $(THREAD_TESTS); do \
		echo "== $${test#$B/}"; \
		$(TEST_ENV) $(THREAD_ENV) $$test; done
	@$(TEST_ENV) $(THREAD_ENV) tests/cli/run $(PROGRAM) $(WRITE_CORPUS) \
		'threads_*'

check-models: $(PROGRAM)
	@tests/models/test_models.sh $(PROGRAM)

# With the packages of scripts/requirements.txt, if setup has installed them.
check-hf: $(PROGRAM)
	@PATH="$(CURDIR)/build/venv/bin:$$PATH" && \
		tests/hf/test_tensors.py $(PROGRAM) && \
		tests/hf/test_files.py $(PROGRAM)

check-install: $(PROGRAM) $(MANUAL) $(API_LIBRARY)
	+@$(if $(HARDENING),,UNHARDENED=1) tests/install/test_install.sh \
		"$(MAKE)"

# What is compiled does not depend on where or when.
check-reproducible: $(PROGRAM) $(LIBRARY) $(API_LIBRARY)
	+@tests/install/test_reproducible.sh "$(MAKE)" $(GPU_BUILD) $^

check-api: $(PROGRAM) $(API_LIBRARY) $(API_FAKE) $(FAKE_GPUS)
	+@tests/gpu/test_api.sh "$(MAKE)" $B/tests/gpu $(LINK)

include tests/gpu/check-hip.mk
include tests/torture/torture.mk

bench: bench-rows bench-checksum bench-program bench-machine

# GB/s per format, output type and instruction set: BENCH_ARGS='--json q4_k'
bench-rows: $(BENCH_ROWS)
	$< $(BENCH_ARGS)

bench-checksum: $(BENCH_CHECKSUM)
	$<

bench_gpu bench_limits: %: $B/tests/bench/%
	@ln -sfn $(<:build/%=%) build/$@

# On a machine with a GPU: compare every bit with the CPU, then measure.
bench-gpu: $(BENCH_GPU)
	$< $(BENCH_ARGS)

# The whole program, relative to plain writes: BENCH_PROGRAM_ARGS='--repeat 9'
bench-program: all
	scripts/bench $(BENCH_PROGRAM_ARGS)

# All CPUs, relative to the machine's limits: BENCH_MACHINE_ARGS='--gpus all'
bench-machine: all bench_limits
	scripts/bench-machine $(BENCH_MACHINE_ARGS)

# Files that break it are left in build/fuzz/. What reached new code before is
# in tests/fuzz/NAME.tar.xz; `make fuzz-corpus` renews these.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 60
FUZZ_ARGS ?=
# The largest seed of a tensor type, Q8_K_R16, has 8352 bytes.
FUZZ_OPTIONS = -max_len=8704 -handle_xfsz=0 $(FUZZ_ARGS)
FUZZ_MAKE = $(MAKE) CC=$(FUZZ_CC) SANITIZE=fuzzer-no-link,address,undefined \
	CPPFLAGS="$(CPPFLAGS) -DGGUF_READ_AHEAD=256"
fuzz:
	+$(FUZZ_MAKE) fuzz-run

fuzz-corpus:
	$(FUZZ_MAKE) fuzz-merge

# Each type is converted to F32, F16 and BF16: fuzz_program.c knows the bytes
# that this takes at the end.
fuzz-seeds: $(FUZZERS) $(WRITE_CORPUS)
	rm -rf build/fuzz/seeds && mkdir -p build/fuzz/seeds
	$(WRITE_CORPUS) build/fuzz/seeds
	@for seed in build/fuzz/seeds/format-*; do \
		for flags in 000 040 100; do \
			{ cat $$seed; printf "\\$$flags\\003"; } \
				>$$seed-$$flags; \
		done; \
	done
	@for fuzzer in $(FUZZERS); do \
		name=$${fuzzer##*/}; mkdir -p build/fuzz/$$name; \
		tar -C build/fuzz/$$name -xf tests/fuzz/$$name.tar.xz; done

fuzz-run: $(FUZZERS:%=%.run)
$(FUZZERS:%=%.run): %.run: fuzz-seeds
	@log=build/fuzz/$(*F).log; echo "== $(*F), $(FUZZ_SECONDS) s"; \
		"$$PWD/$*" -max_total_time=$(FUZZ_SECONDS) -timeout=20 \
			-artifact_prefix="$$PWD/build/fuzz/" $(FUZZ_OPTIONS) \
			"$$PWD/build/fuzz/$(*F)" \
			"$$PWD/build/fuzz/seeds" >"$$log" 2>&1 || \
			{ tail -40 "$$log"; exit 1; }; \
		tail -1 "$$log"

fuzz-merge: fuzz-seeds
	@set -e; for fuzzer in $(FUZZERS); do \
		name=$${fuzzer##*/}; \
		rm -rf build/fuzz/merged && mkdir build/fuzz/merged; \
		"$$PWD/$$fuzzer" -merge=1 $(FUZZ_OPTIONS) \
			"$$PWD/build/fuzz/merged" "$$PWD/build/fuzz/$$name" \
			"$$PWD/build/fuzz/seeds"; \
		tar -C build/fuzz/merged --sort=name --mtime=@0 --mode=644 \
			--owner=0 --group=0 --numeric-owner \
			-cJf tests/fuzz/$$name.tar.xz .; done

install: $(PROGRAM) $(MANUAL) $(API_LIBRARY)
	install -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(MANDIR)/man1" \
		"$(DESTDIR)$(INCLUDEDIR)" "$(DESTDIR)$(LIBDIR)/pkgconfig"
	install -m 755 $(PROGRAM) "$(DESTDIR)$(BINDIR)"
	install -m 644 $(MANUAL) "$(DESTDIR)$(MANDIR)/man1"
	install -m 644 $(API_HEADER) "$(DESTDIR)$(INCLUDEDIR)"
	install -m 644 $(API_LIBRARY) "$(DESTDIR)$(LIBDIR)"
	sed "s|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; \
		s|@INCLUDEDIR@|$(INCLUDEDIR)|; s|@VERSION@|$(VERSION)|" \
		src/api/gguf-dequant.pc.in | install -m 644 /dev/stdin \
		"$(DESTDIR)$(LIBDIR)/pkgconfig/gguf-dequant.pc"

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/gguf-dequant" \
		"$(DESTDIR)$(MANDIR)/man1/gguf-dequant.1" \
		"$(DESTDIR)$(INCLUDEDIR)/gguf-dequant.h" \
		"$(DESTDIR)$(LIBDIR)/libgguf-dequant.a" \
		"$(DESTDIR)$(LIBDIR)/pkgconfig/gguf-dequant.pc"

clean:
	rm -rf build

.SECONDARY:
-include $(OBJECTS:.o=.d) $(API_OBJECTS:.o=.d) $(MAIN:%.c=$B/%.d) $(TESTS:=.d) \
	$B/tests/unit/gguf_corpus.d $B/tests/gpu/fake_kernels.d
