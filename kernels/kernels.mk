# kernels.mk - compiles dequant.hip for GPUs and embeds the code objects.
#
#   GPU=auto          hip, cuda, hip,cuda (both) or none; auto: all that the
#                     installed compilers can build
#   HIPCC= NVCC=      the compilers. HIPCC may list several, hipcc or Clang; the
#                     first one that knows a target builds it
#   GPU_TARGETS=      the AMD targets; CUDA_TARGETS=  NVIDIA's, 90 for sm_90
#   AMD_EMU=          the folder of amd-emu, in which `make check-amd` runs the
#                     AMD code objects; PYTHON= a python3 with its packages
#   EMULATED=         the targets for that; default: one per instruction set.
#                     The emulator also knows gfx1101, gfx1102 and gfx1201
#
# Sets GPU_BUILD, the folder of the code objects (one folder per set of
# compilers and targets), and GPU_OBJECTS, the objects to link. Host flags do
# not matter.

GPU ?= auto
which = $(firstword $(foreach program,$(1),$(shell command -v $(program))))
# A Clang without its own linker would use another one's, which may be older.
HIPCC ?= $(call which,hipcc /opt/rocm/bin/hipcc) $(call which,$(foreach \
	clang,clang-21 clang-20 clang-19,$(if $(wildcard $(dir $(realpath \
	$(call which,$(clang))))lld),$(clang))))
NVCC ?= $(call which,nvcc /usr/local/cuda/bin/nvcc)
HIPCC := $(strip $(HIPCC))
NVCC := $(strip $(NVCC))

comma := ,
GPU_KINDS := $(filter-out none,$(subst $(comma), ,$(GPU:auto=$(if \
	$(HIPCC),hip) $(if $(NVCC),cuda))))
$(if $(filter-out hip cuda,$(GPU_KINDS)),$(error \
	GPU is '$(GPU)', not auto, none, hip, cuda or hip,cuda))
$(if $(and $(filter hip,$(GPU_KINDS)),$(if $(HIPCC),,none)),$(error \
	GPU=hip needs hipcc or clang-19 (apt-get install hipcc), or HIPCC=PATH))
$(if $(and $(filter cuda,$(GPU_KINDS)),$(if $(NVCC),,none)),$(error \
	GPU=cuda needs nvcc of the CUDA toolkit, or NVCC=PATH))

# Clang's builtins suffice, so no ROCm header or library is needed, and any
# Clang that knows a target can build it. Code object version 4: ROCm 4 and
# later. Generic targets need version 6, ROCm 6.3 and later, against which
# Clang 19 warns. No compilation unit id: it is a hash of the folder's path.
HIP_FLAGS := -x hip --cuda-device-only --no-gpu-bundle-output -nogpuinc \
	-nogpulib -std=c++14 -O3 -ffp-contract=off -fuse-cuid=none \
	-Wall -Wextra -Werror
hip_flags = $(HIP_FLAGS) $(if $(findstring generic,$(1)), \
	-mcode-object-version=6 -w,-mcode-object-version=4)
CUDA_FLAGS := -x cu -fatbin -std=c++14 -O3 --fmad=false --threads 0 \
	-Xfatbin -compress-all \
	-Werror all-warnings -Xptxas -warn-spills,-warn-lmem-usage

# Each target takes 2 s to compile and 0.3 MB of the program. Generic targets,
# each for a family, are for chips that are not listed, or that no compiler here
# knows: see src/gpu/amd.c. Targets that a compiler does not know are skipped;
# its message names each one.
ifneq ($(filter hip,$(GPU_KINDS)),)
GPU_TARGETS ?= gfx900 gfx906 gfx908 gfx90a gfx942 gfx950 gfx1010 gfx1030 \
	gfx1031 gfx1032 gfx1033 gfx1034 gfx1035 gfx1036 gfx1100 gfx1101 gfx1102 \
	gfx1103 gfx1150 gfx1151 gfx1152 gfx1153 gfx1200 gfx1201 gfx9-generic \
	gfx9-4-generic gfx10-1-generic gfx10-3-generic gfx11-generic gfx12-generic
known = $(filter-out $(shell $(1) $(HIP_FLAGS) '-\#\#\#' -c kernels/dequant.hip \
	$(GPU_TARGETS:%=--offload-arch=%) 2>&1 | \
	sed -n "s/.*invalid target ID '\([^']*\)'.*/\1/p"),$(GPU_TARGETS))
$(foreach compiler,$(HIPCC),$(foreach target,$(call known,$(compiler)),$(if \
	$(HIPCC_$(target)),,$(eval HIPCC_$(target) := $(compiler)))))
HIP_TARGETS := $(foreach target,$(GPU_TARGETS),$(if \
	$(HIPCC_$(target)),$(target)))
HIP_SKIPPED := $(filter-out $(HIP_TARGETS),$(GPU_TARGETS))
endif

ifneq ($(filter cuda,$(GPU_KINDS)),)
CUDA_TARGETS ?= $(filter 75 80 86 89 90 100,$(patsubst sm_%,%,$(shell \
	$(NVCC) --list-gpu-code)))
CUDA_TARGETS := $(CUDA_TARGETS)
endif

GPU_BUILD := build/gpu-$(shell printf '%s' '$(call hip_flags,generic) $(foreach \
	target,$(HIP_TARGETS),$(target) $(HIPCC_$(target))) $(CUDA_FLAGS) \
	$(NVCC) $(CUDA_TARGETS)' | cksum | cut -d' ' -f1)
HIP_IMAGES := $(HIP_TARGETS:%=$(GPU_BUILD)/%.co)
GPU_IMAGES := $(HIP_IMAGES) $(if $(CUDA_TARGETS),$(GPU_BUILD)/cuda.fatbin)
GPU_OBJECTS := $(GPU_BUILD)/images.o
KERNEL_SOURCES := $(wildcard kernels/*.hip kernels/*.h kernels/*.def \
	kernels/formats/*.h) kernels/kernels.mk

.PHONY: kernels
kernels: $(GPU_OBJECTS)

# Clang 15 leaves an empty folder in TMPDIR.
$(HIP_IMAGES): $(GPU_BUILD)/%.co: $(KERNEL_SOURCES)
	@mkdir -p $(@D)/tmp
	$(call quiet,HIPCC,$@)TMPDIR=$(@D)/tmp $(HIPCC_$*) $(call hip_flags,$*) \
		--offload-arch=$* -c -o $@ kernels/dequant.hip

# The newest target is also built as PTX, which the driver compiles for newer
# GPUs.
$(GPU_BUILD)/cuda.fatbin: $(KERNEL_SOURCES)
	@mkdir -p $(@D)
	$(call quiet,NVCC,$@)$(NVCC) $(CUDA_FLAGS) $(foreach target, \
		$(CUDA_TARGETS),-gencode=arch=compute_$(target),code=sm_$(target)) \
		-gencode=arch=compute_$(lastword $(CUDA_TARGETS)),code=compute_$(lastword \
		$(CUDA_TARGETS)) -o $@ kernels/dequant.hip

%/images.inc:
	@mkdir -p $(@D)
	@$(if $^,printf 'IMAGE(%s$(comma) "%s"$(comma) "%s")\n' $(foreach \
		image,$^,$(subst -,_,$(basename $(notdir $(image)))) \
		$(basename $(notdir $(image))) $(image)),:) >$@

$(GPU_BUILD)/images.inc: $(GPU_IMAGES)
$(GPU_OBJECTS): kernels/images.S $(GPU_BUILD)/images.inc
	$(call quiet,AS,$@)$(CC) $(CF_PROTECTION) -I$(GPU_BUILD) -c -o $@ $<
	$(if $(HIP_SKIPPED),@echo "  NOTE    no compiler here knows \
		$(strip $(HIP_SKIPPED)):" $(if $(filter gfx1201,$(HIP_SKIPPED)), \
		"apt-get install clang-19 lld-19 adds most of them", \
		"a newer hipcc or Clang adds them"))

# Runs the embedded code objects on every golden vector; skipped without
# amd-emu.
AMD_EMU ?= ../shared/amd-emu
PYTHON ?= python3
EMULATED ?= gfx90a gfx942 gfx1100 gfx1200
EMULATED_IMAGES := $(filter $(EMULATED:%=$(GPU_BUILD)/%.co),$(HIP_IMAGES))
EMULATOR := $(dir $(firstword $(wildcard $(AMD_EMU)/emu.py $(AMD_EMU)/*/emu.py)))
.PHONY: check-amd
ifneq ($(and $(EMULATOR),$(EMULATED_IMAGES)),)
check-amd: $(EMULATED_IMAGES) $(GPU_BUILD)/kernel_table.so
	$(PYTHON) tests/gpu/check-amd $(EMULATOR) $(GPU_BUILD)/kernel_table.so \
		$(EMULATED_IMAGES)
else
check-amd:
	@echo "SKIPPED: $@: $(if $(EMULATED_IMAGES),no emulator in AMD_EMU=$(AMD_EMU),no \
		compiler for AMD GPUs)" >&2
endif

$(GPU_BUILD)/kernel_table.so: tests/gpu/kernel_table.c \
		tests/unit/blake3_reference.h $(KERNEL_SOURCES)
	$(call quiet,CC,$@)$(CC) -I. -std=c11 -shared -fPIC -o $@ $<

# Shows registers, LDS and spills; fails on a spill.
.PHONY: kernel-resources
kernel-resources: $(GPU_IMAGES)
	scripts/kernel-resources $^
