# gguf-dequant: `make`, `make check`, `make bench`, `make install`.
#
#   SANITIZE=address,undefined  build with sanitizers
#   V=1                         show the commands
#   PREFIX=/usr/local DESTDIR=  where `make install` puts things
#
# Objects go to build/<config>/, a folder per set of flags, so that a change of
# flags never mixes objects; build/gguf-dequant is the program made last.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:

PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
SANITIZE ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wundef -Wvla -Wformat=2
# Values are exact: nothing may contract, reorder or flush.
EXACT := -ffp-contract=off -fno-fast-math
ALL_CPPFLAGS := -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(WARNINGS) $(EXACT) $(CFLAGS)
ALL_LDFLAGS := -pthread $(LDFLAGS)
LDLIBS ?=
ifneq ($(SANITIZE),)
ALL_CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
endif

CONFIG := $(shell printf '%s' '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) \
	$(ALL_LDFLAGS)' | cksum | cut -d' ' -f1)
B := build/$(CONFIG)

ifneq ($(V),1)
quiet = @printf '  %-7s %s\n' '$(1)' '$(2)';
endif

# cpu_rows.c is compiled once per instruction set.
ROWS_CFLAGS := -O3 -fno-trapping-math -fno-math-errno
ISA_FLAGS_baseline :=
ISA_FLAGS_avx2 := -march=x86-64-v3
ISA_FLAGS_avx512 := -march=x86-64-v4
ISAS := baseline
ifneq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
ISAS += avx2 avx512
endif

SOURCES := $(filter-out src/main.c src/cpu_rows.c,$(wildcard src/*.c))
OBJECTS := $(SOURCES:%.c=$B/%.o) $(ISAS:%=$B/src/cpu_rows_%.o)
LIBRARY := $B/libgguf-dequant.a
PROGRAM := $B/gguf-dequant
UNIT_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/unit/test_*.c \
	tests/golden/test_*.c))

.PHONY: all check check-unit clean
all: build/gguf-dequant

build/gguf-dequant: $(PROGRAM)
	@ln -sfn $(CONFIG)/gguf-dequant $@

$(PROGRAM): $B/src/main.o $(LIBRARY)
	$(call quiet,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIBRARY): $(OBJECTS)
	$(call quiet,AR,$@)rm -f $@ && $(AR) rcs $@ $^

$(ISAS:%=$B/src/cpu_rows_%.o): $B/src/cpu_rows_%.o: src/cpu_rows.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ROWS_CFLAGS) \
		$(ISA_FLAGS_$*) -DCPU_ROWS_ISA=$* -MMD -MP -c -o $@ $<

$B/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$@)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(UNIT_TESTS): %: %.o $(LIBRARY)
	$(call quiet,LINK,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ \
		-lcmocka $(LDLIBS)

check: check-unit

check-unit: $(UNIT_TESTS)
	@set -e; for test in $^; do echo "== $${test#$B/}"; $$test; done

clean:
	rm -rf build

.SECONDARY:
-include $(OBJECTS:.o=.d) $B/src/main.d $(UNIT_TESTS:=.d)
