/*
 * bench_limits - what the machine can do at most, in GB/s, for bench-machine to
 * compare the program with.
 *
 *   bench_limits write FOLDER FILES BYTES THREADS
 *   bench_limits memcpy THREADS
 *   bench_limits link GPU...
 *
 * write: BYTES from a hot buffer per thread into so many new files of FOLDER; a
 * thread takes one file after another, or the next piece of a single one
 * memcpy: all threads at once, between buffers of their own
 * link: copies from and to page-locked memory, by all these GPUs at once
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "gpu/gpu.h"

#define HOT_BYTES ((size_t)256 << 10)    /* stays in the L2 cache */
#define COPY_BYTES ((size_t)128 << 20)   /* of each buffer: in no cache */
#define COPIES 8
#define LINK_BYTES ((size_t)256 << 20)
#define LINK_COPIES 4                    /* to each GPU, in turn */
#define LINK_RUNS 5                      /* the best one counts */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "bench_limits: %s\n", what);
	exit(2);
}

static uint64_t parse(const char *text)
{
	char *end;
	const uint64_t n = strtoull(text, &end, 10);

	if (!n || *end)
		die("a number is wrong");
	return n;
}

/* --------------------------------- threads -------------------------------- */

struct job {
	void (*work)(struct job *job, char *buffer);
	size_t buffer_bytes; /* of each thread */
	pthread_barrier_t begin, end;
	int folder;
	int fd; /* of the only file, or -1 */
	uint64_t bytes, file_bytes;
	_Atomic(uint64_t) next; /* offset of the next piece or file */
};

static void *run_thread(void *argument)
{
	struct job *const job = argument;
	char *const buffer = malloc(job->buffer_bytes);

	if (!buffer)
		die("not enough memory");
	memset(buffer, 0x29, job->buffer_bytes);
	pthread_barrier_wait(&job->begin);
	job->work(job, buffer);
	pthread_barrier_wait(&job->end);
	free(buffer);
	return NULL;
}

/* Returns the seconds that n threads take together. */
static double run_threads(struct job *job, unsigned n)
{
	pthread_t *const threads = calloc(n, sizeof(*threads));
	double start, seconds;

	if (!threads || pthread_barrier_init(&job->begin, NULL, n + 1) ||
	    pthread_barrier_init(&job->end, NULL, n + 1))
		die("not enough memory");
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, run_thread, job))
			die("cannot start a thread");
	pthread_barrier_wait(&job->begin);
	start = clock_seconds();
	pthread_barrier_wait(&job->end);
	seconds = clock_seconds() - start;
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	free(threads);
	return seconds;
}

/* ---------------------------------- files --------------------------------- */

static int create(const struct job *job, uint64_t number)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "%" PRIu64, number);
	fd = openat(job->folder, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd < 0)
		die("cannot create a file");
	return fd;
}

static void write_at(int fd, const char *buffer, uint64_t offset, uint64_t n)
{
	const size_t size = n < HOT_BYTES ? (size_t)n : HOT_BYTES;

	if (pwrite(fd, buffer, size, (off_t)offset) != (ssize_t)size)
		die("cannot write");
}

static void write_pieces(struct job *job, char *buffer)
{
	uint64_t at;

	while ((at = atomic_fetch_add(&job->next, HOT_BYTES)) < job->bytes)
		write_at(job->fd, buffer, at, job->bytes - at);
}

static void write_files(struct job *job, char *buffer)
{
	uint64_t at;

	while ((at = atomic_fetch_add(&job->next, job->file_bytes)) <
	       job->bytes) {
		const uint64_t left = job->bytes - at;
		const uint64_t n = left < job->file_bytes ? left :
							    job->file_bytes;
		const int fd = create(job, at / job->file_bytes);

		for (uint64_t i = 0; i < n; i += HOT_BYTES)
			write_at(fd, buffer, i, n - i);
		close(fd);
	}
}

static void measure_write(char **argv)
{
	const uint64_t files = parse(argv[1]), bytes = parse(argv[2]);
	const unsigned threads = (unsigned)parse(argv[3]);
	struct job job = {
		.work = files == 1 ? write_pieces : write_files,
		.buffer_bytes = HOT_BYTES,
		.folder = open(argv[0], O_RDONLY | O_DIRECTORY),
		.fd = -1,
		.bytes = bytes,
		.file_bytes = (bytes + files - 1) / files,
	};

	if (job.folder < 0)
		die("cannot open the folder");
	if (files == 1)
		job.fd = create(&job, 0);
	printf("write %.3f GB/s\n",
	       (double)bytes / run_threads(&job, threads) * 1e-9);
}

/* --------------------------------- memory --------------------------------- */

static void copy(struct job *job, char *buffer)
{
	(void)job;
	for (unsigned i = 0; i < COPIES; i++)
		memcpy(buffer + (i % 2 ? 0 : COPY_BYTES),
		       buffer + (i % 2 ? COPY_BYTES : 0), COPY_BYTES);
}

static void measure_memcpy(char **argv)
{
	const unsigned threads = (unsigned)parse(argv[0]);
	struct job job = { .work = copy, .buffer_bytes = 2 * COPY_BYTES };

	printf("memcpy %.3f GB/s\n", (double)(threads * COPIES * COPY_BYTES) /
	       run_threads(&job, threads) * 1e-9);
}

/* ---------------------------------- GPUs ---------------------------------- */

struct link {
	struct gpu_kernels kernels;
	struct gpu_host host;
	void *stream, *memory;
};

static void check(int result, const struct error *err)
{
	if (result)
		die(err->message);
}

/* Calls `function` of the GPU's runtime. */
#define CALL(link, function, ...)                                      \
	check(GPU_CALL((link)->kernels.gpu, &err, 0, function,         \
		       __VA_ARGS__), &err)

static void open_link(struct link *link, const struct gpus *gpus,
		      const char *number)
{
	/* 0 is no number to parse. */
	const size_t i = strcmp(number, "0") ? (size_t)parse(number) : 0;
	struct error err;

	if (i >= gpus->n)
		die("there is no such GPU");
	check(gpu_kernels_open(&link->kernels, &gpus->list[i], &err), &err);
	CALL(link, stream_create, &link->stream, GPU_STREAM_NON_BLOCKING);
	CALL(link, memory_alloc, &link->memory, LINK_BYTES);
	check(gpu_host_alloc(link->kernels.gpu, LINK_BYTES, &link->host, &err),
	      &err);
}

static void close_link(struct link *link)
{
	struct error err;

	check(gpu_select(&link->kernels, &err), &err);
	gpu_host_free(link->kernels.gpu, &link->host);
	CALL(link, memory_free, link->memory);
	CALL(link, stream_destroy, link->stream);
	gpu_kernels_close(&link->kernels);
}

static double time_links(struct link *links, size_t n, bool up)
{
	const double start = clock_seconds();
	struct error err;

	for (size_t i = 0; i < n * LINK_COPIES; i++) {
		struct link *const link = &links[i % n];

		check(gpu_select(&link->kernels, &err), &err);
		if (up)
			CALL(link, upload, link->memory, link->host.memory,
			     LINK_BYTES, link->stream);
		else
			CALL(link, download, link->host.memory, link->memory,
			     LINK_BYTES, link->stream);
	}
	for (size_t i = 0; i < n; i++) {
		check(gpu_select(&links[i].kernels, &err), &err);
		CALL(&links[i], stream_wait, links[i].stream);
	}
	return clock_seconds() - start;
}

static double link_speed(struct link *links, size_t n, bool up)
{
	double best = 0;

	for (unsigned run = 0; run < LINK_RUNS; run++) {
		const double speed = (double)(n * LINK_COPIES * LINK_BYTES) /
				     time_links(links, n, up) * 1e-9;

		best = speed > best ? speed : best;
	}
	return best;
}

static void measure_link(char **numbers, size_t n)
{
	struct link *const links = calloc(n, sizeof(*links));
	struct gpus gpus;

	if (!links)
		die("not enough memory");
	gpus_init(&gpus);
	for (size_t i = 0; i < n; i++)
		open_link(&links[i], &gpus, numbers[i]);
	printf("upload %.2f GB/s, ", link_speed(links, n, true));
	printf("download %.2f GB/s\n", link_speed(links, n, false));
	for (size_t i = 0; i < n; i++)
		close_link(&links[i]);
	gpus_release(&gpus);
	free(links);
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "write") && argc == 6)
		measure_write(argv + 2);
	else if (!strcmp(what, "memcpy") && argc == 3)
		measure_memcpy(argv + 2);
	else if (!strcmp(what, "link") && argc > 2)
		measure_link(argv + 2, (size_t)argc - 2);
	else
		die("see tests/bench/bench_limits.c for its arguments");
	return 0;
}
