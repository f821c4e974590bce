/* What the fake runtimes accept instead of real code objects, so that the tests
 * need no GPU compiler. */
#include "kernels/images.h"

static const char code[] = "fake";

const struct dq_image dq_images[] = {
	{ "gfx1100", code, sizeof(code) },
	{ "gfx12-generic", code, sizeof(code) },
	{ "cuda", code, sizeof(code) },
	{ NULL, NULL, 0 },
};
