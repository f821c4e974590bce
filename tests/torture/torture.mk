# torture.mk - tests that take too long for scripts/test. `scripts/setup
# torture` installs what they need.
#
#   make torture      all of them: 20 minutes of CPU time, which took 38 on
#                     two CPUs that others used, too
#   torture-signals   a signal at a random moment, for every kind of output
#   torture-soak      eight processes at a time give the bytes of one
#   torture-memcheck, torture-helgrind, torture-drd
#                     tests of the program in valgrind
#   torture-msan      check-unit and check-cli with MemorySanitizer
#   torture-fuzz      all fuzz targets
#   check-cross       unit tests for aarch64 in qemu; s390x is refused
#
#   TORTURE_SECONDS=60  for the soak and for each fuzz target
#   TORTURE_RUNS=500    signals, and as many SIGKILLs

TORTURE_SECONDS ?= 60
TORTURE_RUNS ?= 500
TORTURE_MODEL := build/torture/model.gguf
TORTURE_MODELS := $(TORTURE_MODEL) tests/models/tiny-llama.gguf \
	tests/models/tiny-llama-split-00001-of-00003.gguf
VALGRIND_TOOLS := memcheck helgrind drd
# Without the tests that limit memory or descriptors, or that need the fake GPUs
# beside the program.
VALGRIND_TESTS_helgrind := threads_[!fg]*
VALGRIND_TESTS_drd := $(VALGRIND_TESTS_helgrind)
VALGRIND_TESTS_memcheck := \
	@($(VALGRIND_TESTS_helgrind)|corpus|expect_d*|check_is_strict|*_output)
MSAN_CC ?= clang-19

.PHONY: torture torture-signals torture-soak $(VALGRIND_TOOLS:%=torture-%) \
	torture-msan torture-fuzz check-cross
torture: torture-signals torture-soak $(VALGRIND_TOOLS:%=torture-%) \
	torture-msan torture-fuzz check-cross

$(TORTURE_MODEL): tests/torture/model.py
	@mkdir -p $(@D)
	PYTHONPATH=tests/cli python3 $< $@

torture-signals: $(PROGRAM) $(TORTURE_MODEL)
	$(TEST_ENV) python3 tests/torture/signals.py $^ $(TORTURE_RUNS)

torture-soak: $(PROGRAM) $(TORTURE_MODEL)
	python3 tests/torture/soak.py $(PROGRAM) $(TORTURE_SECONDS) \
		$(TORTURE_MODELS)

$(VALGRIND_TOOLS:%=torture-%): torture-%: $(PROGRAM) $(WRITE_CORPUS) \
		$(PRELOADED)
	VALGRIND=$* PROGRAM_IN_VALGRIND="$$PWD/$(PROGRAM)" $(TEST_ENV) \
		tests/cli/run tests/torture/valgrind $(WRITE_CORPUS) \
		'$(VALGRIND_TESTS_$*)'

torture-msan:
	+MSAN_OPTIONS=allocator_may_return_null=1 $(MAKE) CC=$(MSAN_CC) \
		SANITIZE=memory check-unit check-cli
ifeq ($(SANITIZE),memory)
$(PROGRAM) $(FAKE_PROGRAM) $(UNIT_TESTS): $B/tests/torture/msan.o
endif

torture-fuzz:
	+$(MAKE) fuzz FUZZ_SECONDS=$(TORTURE_SECONDS)

check-cross:
	+@tests/torture/check-cross "$(MAKE)"
