/* images.S - embeds the code objects that images.inc lists (see images.h). */
#if __SIZEOF_POINTER__ == 8
#define WORD .quad
#else
#define WORD .long
#endif

	.section .rodata
#define IMAGE(target, file)           \
name_##target:                        \
	.asciz #target;               \
	.balign 4096;                 \
image_##target:                       \
	.incbin file;                 \
end_##target:
#include "images.inc"
#undef IMAGE

	.section .data.rel.ro, "aw"
	.balign 8
	.globl dq_images
	.type dq_images, %object
dq_images:
#define IMAGE(target, file) \
	WORD name_##target, image_##target, end_##target - image_##target
#include "images.inc"
	WORD 0, 0, 0
	.size dq_images, . - dq_images

	.section .note.GNU-stack, "", %progbits
