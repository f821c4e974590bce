/* listing.h - what --devices prints. */
#ifndef GPU_LISTING_H
#define GPU_LISTING_H

#include <stdio.h>

/* A line for each GPU: its number and name, memory, architecture, runtime, and
 * the code that runs there, or why none does. Then one for each runtime that
 * has no GPU, with the reason. Opens each GPU, which takes a while. */
void gpu_listing(FILE *stream);

#endif
