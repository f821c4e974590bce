/* amd.h - AMD's architectures, and why HIP may find no GPU. */
#ifndef GPU_AMD_H
#define GPU_AMD_H

#include "base/error.h"

/* HIP's first version that loads code for generic targets. */
#define AMD_GENERIC_VERSION 60300000

struct amd_family {
	const char *prefix;  /* of the names of its architectures */
	const char *generic; /* the target whose code all of them run */
	const char *alike;   /* NULL, or the one whose code most of them run */
	const char *version; /* if HSA_OVERRIDE_GFX_VERSION is that */
};

/* The family of an architecture ("gfx1034"), or NULL. */
const struct amd_family *amd_family(const char *arch);

/*
 * Appends to the error of a HIP runtime without a GPU what the kernel's driver
 * tells about it: no access to a GPU that is there, GPUs hidden by an
 * environment variable, or ones that the runtime, whose library is at `path`,
 * does not know. Appends nothing if the driver has no GPU either.
 */
void amd_explain_no_gpu(const char *path, struct error *err);

#endif
