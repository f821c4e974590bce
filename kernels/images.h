/* images.h - the code objects of dequant.hip that are built into the
 * program. */
#ifndef DQ_IMAGES_H
#define DQ_IMAGES_H

#include <stddef.h>

/*
 * Either target is an AMD architecture without feature suffixes ("gfx90a") and
 * data its code object, or target is "cuda" and data a fatbin, from which the
 * driver picks the code for the device.
 */
struct dq_image {
	const char *target;
	const void *data;
	size_t size;
};

/* The last one's target is NULL. */
extern const struct dq_image dq_images[];

#endif
