/* pipe.h - how large the kernel's buffer of a pipe is made. */
#ifndef IO_PIPE_H
#define IO_PIPE_H

#define PIPE_SIZE (1 << 20) /* the most that Linux gives to anybody */

#endif
