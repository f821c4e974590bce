/* images.h - the code objects of dequant.hip, as built into the program. */
#ifndef DQ_IMAGES_H
#define DQ_IMAGES_H

#include <stddef.h>

/*
 * target is an AMD architecture as the runtime names it, without the features
 * after its colon ("gfx90a"), and data its code object; or target is "cuda",
 * and data a fatbin, out of which the driver takes what suits the device.
 */
struct dq_image {
	const char *target;
	const void *data;
	size_t size;
};

/* The last one's target is NULL. */
extern const struct dq_image dq_images[];

#endif
