/* images.S - embeds the code objects that images.inc lists (see images.h). */
#ifdef __CET__ /* -fcf-protection: without its note, nothing linked has CET */
#include <cet.h>
#endif

#if __SIZEOF_POINTER__ == 8
#define WORD .quad
#else
#define WORD .long
#endif

	.section .rodata
#define IMAGE(label, target, file)    \
name_##label:                         \
	.asciz target;                \
	.balign 4096;                 \
image_##label:                        \
	.incbin file;                 \
end_##label:
#include "images.inc"
#undef IMAGE

	.section .data.rel.ro, "aw"
	.balign 8
	.globl dq_images
	.type dq_images, %object
dq_images:
#define IMAGE(label, target, file) \
	WORD name_##label, image_##label, end_##label - image_##label
#include "images.inc"
	WORD 0, 0, 0
	.size dq_images, . - dq_images

	.section .note.GNU-stack, "", %progbits
