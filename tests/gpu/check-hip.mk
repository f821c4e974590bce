# check-hip.mk - tests the program on simulated AMD GPUs, through a real HIP
# runtime; skips if the simulator is not there. See check-hip.
#
#   AMD_GPU=   where amd-gpu is
#   RUNTIME=   5.2, 5.7, 6.4 or 7.2; default: the machine's own
#   ARCH=      the GPUs, as in gfx942,gfx1100; default: see check-hip

AMD_GPU ?= ../shared/amd-gpu
RUNTIME ?=
ARCH ?=
.PHONY: check-hip
ifneq ($(and $(wildcard $(AMD_GPU)/amd-gpu),$(HIP_IMAGES)),)
check-hip: $(PROGRAM) $(FAKE_PROGRAM) $(API_LIBRARY)
	tests/gpu/check-hip $(AMD_GPU) $(PROGRAM) $(GPU_BUILD) $(API_LIBRARY) \
		$(FAKE_PROGRAM) '$(RUNTIME)' '$(ARCH)'
else
check-hip:
	@echo "SKIPPED: $@: $(if $(HIP_IMAGES),no simulator in AMD_GPU=$(AMD_GPU),no \
		compiler for AMD GPUs)" >&2
endif
