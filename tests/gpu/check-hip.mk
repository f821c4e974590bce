# check-hip.mk - tests the program on simulated AMD GPUs, through a real HIP
# runtime; skips if the simulator is not there. See check-hip.
#
#   AMD_GPU=   where amd-gpu is
#   RUNTIME=   5.2, 5.7, 6.4 or 7.2; default: the machine's own
#   ARCH=      the GPUs, as in gfx942,gfx1100; default: see check-hip

AMD_GPU ?= ../shared/amd-gpu
RUNTIME ?=
ARCH ?=
# The program with nothing but the code for generic targets.
GENERIC := $B/tests/gpu/generic
GENERIC_IMAGES := $(filter %-generic.co,$(HIP_IMAGES))
$(GENERIC)/images.inc: $(GENERIC_IMAGES)
$(GENERIC)/images.o: kernels/images.S $(GENERIC)/images.inc
	$(call quiet,AS,$@)$(CC) -I$(@D) -c -o $@ $<
$(GENERIC)/gguf-dequant: $(MAIN:%.c=$B/%.o) $(GENERIC)/images.o $(LIBRARY)
	$(call quiet,LINK,$@)$(LINK) -o $@ $^ $(PROGRAM_LDLIBS) $(LDLIBS)

.PHONY: check-hip
ifneq ($(and $(wildcard $(AMD_GPU)/amd-gpu),$(HIP_IMAGES)),)
check-hip: $(PROGRAM) $(FAKE_PROGRAM) $(GENERIC)/gguf-dequant $(API_LIBRARY)
	tests/gpu/check-hip $(AMD_GPU) $(PROGRAM) $(GPU_BUILD) $(API_LIBRARY) \
		$(FAKE_PROGRAM) $(GENERIC)/gguf-dequant '$(RUNTIME)' '$(ARCH)'
else
check-hip:
	@echo "SKIPPED: $@: $(if $(HIP_IMAGES),no simulator in AMD_GPU=$(AMD_GPU),no \
		compiler for AMD GPUs)" >&2
endif
