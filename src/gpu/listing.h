/* listing.h - the output of --devices. */
#ifndef GPU_LISTING_H
#define GPU_LISTING_H

#include <stdio.h>

/* Prints one line per GPU: number, name, memory, architecture, runtime, and the
 * code that runs there, or why none does. Then one line per runtime that has no
 * GPU, with the reason. Opens each GPU, which takes a while. */
void gpu_listing(FILE *stream);

#endif
