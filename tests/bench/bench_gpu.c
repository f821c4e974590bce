/*
 * bench_gpu - checks and measures the kernels on a GPU. First it compares every
 * bit with the CPU, on random blocks. Then it measures how many bytes of blocks
 * and values a kernel reads and writes per second, in percent of a device copy
 * in the same run, and the speed of the link to the host. Without a FORMAT, it
 * also checks and measures BLAKE3, on the size of a slot and on a larger one.
 *
 *   bench_gpu [-c MILLIONS] [-m MILLIONS] [FORMAT]...
 *
 * -c: weights to check per format and type, 0 for none (default 16)
 * -m: weights to measure with, 0 for none (default 1024)
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "kernels/formats.h"
#include "kernels/launch.h"
#include "hash/blake3.h"
#include "cpu/rows.h"
#include "gpu/gpu.h"

#define RUNS 15
#define MOST_THREADS 64
/* Rows, if the format has them: of so many blocks to check, whose number is no
 * part of a tile, and of so many weights to measure. */
#define CHECKED_ROW 17
#define MEASURED_ROW 4096
#define GUARD 4096 /* bytes behind the values that must stay as they are */
#define UNTOUCHED 0xa5
#define LINK_BYTES ((size_t)256 << 20)
#define COPY_BYTES ((size_t)2 << 30)

/* The functions of HIP and the CUDA driver that only a measurement needs, in
 * addition to gpu/runtime.h; they return the same values. */
#define FUNCTIONS(F)                                                          \
	F(copy, hipMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                     \
	  (void *to, const void *from, size_t n, void *stream))               \
	F(fill, hipMemsetD32Async, cuMemsetD32Async,                          \
	  (void *p, unsigned value, size_t n, void *stream))                  \
	F(event, hipEventCreateWithFlags, cuEventCreate,                      \
	  (void **event, unsigned flags))                                     \
	F(record, hipEventRecord, cuEventRecord, (void *event, void *stream)) \
	F(elapsed, hipEventElapsedTime, cuEventElapsedTime,                   \
	  (float *milliseconds, void *from, void *to))

struct bench {
	const struct gpu *gpu;
	const struct gpu_runtime *rt;
	struct gpu_kernels kernels;
#define FIELD(field, hip, cuda, parameters) int (*field) parameters;
	FUNCTIONS(FIELD)
#undef FIELD
	void *stream, *from, *to; /* from, to: events */
	uint8_t *in, *out;        /* on the GPU */
	uint8_t *blocks, *values; /* page-locked */
	uint64_t checked, measured;
	char *const *formats;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_gpu: %s\n", what);
	exit(2);
}

/* Ends the program on an error of the GPU: `result` is 0 or its number. */
static void check(const char *function, int result)
{
	if (!result)
		return;
	fprintf(stderr, "bench_gpu: %s: error %d\n", function, result);
	exit(2);
}
#define CALL(bench, function, ...) \
	check(#function, (bench)->function(__VA_ARGS__))
#define RUNTIME(bench, function, ...) \
	check(#function, (bench)->rt->function(__VA_ARGS__))

static void load_functions(struct bench *bench)
{
	void *const library = dlopen(bench->rt->library, RTLD_NOW);
	const bool is_hip = bench->rt->api == GPU_HIP;

	if (!library)
		die(dlerror());
#define LOAD(field, hip, cuda, parameters)                               \
	*(void **)&bench->field = dlsym(library, is_hip ? #hip : #cuda); \
	if (!bench->field)                                               \
		die(dlerror());
	FUNCTIONS(LOAD)
#undef LOAD
}

static bool is_wanted(const struct bench *bench, const struct format *format)
{
	bool wanted = !*bench->formats;

	for (char *const *name = bench->formats; *name; name++)
		wanted |= !strcasecmp(*name, format->name);
	return wanted && format->kind != FORMAT_KIND_INTEGER;
}

/* Blocks in whole groups of rows. */
struct run {
	size_t n, row_blocks;
};

/* About so many weights, in rows of row_blocks blocks. */
static struct run run_of(const struct format *format, uint64_t weights,
			 size_t row_blocks)
{
	const size_t group = row_blocks *
			     (format->group_rows ? format->group_rows : 1);
	struct run run = { (size_t)(weights / format->block_weights),
			   row_blocks };

	if (format_has_rows(format))
		run.n -= run.n % group;
	if (!format->group_rows)
		run.row_blocks = run.n;
	return run;
}

static size_t bytes_of(const struct format *format, struct run run)
{
	return (size_t)format_run_bytes(format, run.n, run.row_blocks);
}

static void allocate_host(struct bench *bench, size_t bytes, void **memory)
{
	struct gpu_host host;
	struct error err;

	if (gpu_host_alloc(bench->gpu, bytes, &host, &err))
		die(err.message);
	*memory = host.memory;
}

/* Allocates buffers for the selected formats and for the copy. */
static void allocate(struct bench *bench)
{
	const uint64_t weights = bench->checked > bench->measured ?
		bench->checked : bench->measured;
	const size_t out = weights * sizeof(float) + GUARD;
	size_t in = LINK_BYTES;

	/* Room for one block more than is used. */
	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *const format = format_at(i);
		const size_t bytes = bytes_of(
			format, run_of(format, weights, CHECKED_ROW));

		if (is_wanted(bench, format) && bytes > in)
			in = bytes;
	}
	allocate_host(bench, in, (void **)&bench->blocks);
	allocate_host(bench, out > LINK_BYTES ? out : LINK_BYTES,
		      (void **)&bench->values);
	RUNTIME(bench, memory_alloc, (void **)&bench->in,
		in > COPY_BYTES ? in : COPY_BYTES);
	RUNTIME(bench, memory_alloc, (void **)&bench->out,
		out > COPY_BYTES ? out : COPY_BYTES);
}

static void open_bench(struct bench *bench, struct gpus *gpus)
{
	char text[GPU_DESCRIPTION_SIZE];
	struct error err;

	gpus_init(gpus);
	if (!gpus->n) {
		fprintf(stderr, "bench_gpu: %s; %s\n",
			gpus->missing[GPU_HIP].message,
			gpus->missing[GPU_CUDA].message);
		exit(2);
	}
	bench->gpu = gpus->list;
	bench->rt = bench->gpu->runtime;
	if (gpu_kernels_open(&bench->kernels, bench->gpu, &err) ||
	    gpu_describe(&bench->kernels, text, &err))
		die(err.message);
	load_functions(bench);
	RUNTIME(bench, stream_create, &bench->stream, GPU_STREAM_NON_BLOCKING);
	CALL(bench, event, &bench->from, 0);
	CALL(bench, event, &bench->to, 0);
	printf("%s (%s)\n", bench->gpu->label, text);
	allocate(bench);
}

static void launch(struct bench *bench, const struct format *format, int type,
		   struct run run)
{
	struct error err;

	if (gpu_launch(&bench->kernels, format, (enum output_type)type,
		       bench->in, run.n, run.row_blocks, bench->out,
		       bench->stream, &err))
		die(err.message);
}

/* --------------------------------- threads -------------------------------- */

/* One thread's share of a job over n blocks. */
struct share {
	pthread_t thread;
	const struct format *format;
	enum output_type type;
	uint8_t *blocks, *values; /* of all threads */
	struct run run;           /* the same */
	size_t first, n_blocks;
	size_t first_byte, n_bytes;
	uint64_t random; /* a state; not 0 */
	size_t wrong;    /* blocks that differ */
};

/* Runs `work` in threads over all blocks; returns how many are wrong. */
static size_t in_threads(void *(*work)(void *), const struct bench *bench,
			 const struct format *format, int type, struct run run)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const size_t threads = cpus < MOST_THREADS ? (size_t)cpus :
						     MOST_THREADS;
	const size_t bytes = bytes_of(format, run);
	struct share shares[MOST_THREADS];
	size_t wrong = 0;

	for (size_t i = 0; i < threads; i++) {
		const size_t first = run.n * i / threads;
		/* Whole blocks, if blocks are all there is. */
		const size_t first_byte = format_has_rows(format) ?
			bytes * i / threads : first * format->block_bytes;

		shares[i] = (struct share){
			.format = format,
			.type = (enum output_type)type,
			.blocks = bench->blocks,
			.values = bench->values,
			.run = run,
			.first = first,
			.n_blocks = run.n * (i + 1) / threads - first,
			.first_byte = first_byte,
			.n_bytes = (format_has_rows(format) ?
				    bytes * (i + 1) / threads :
				    run.n * (i + 1) / threads *
					    format->block_bytes) - first_byte,
			.random = 0x9e3779b97f4a7c15 * (i + 1) ^ format->id,
		};
		if (pthread_create(&shares[i].thread, NULL, work, &shares[i]))
			die("cannot start a thread");
	}
	for (size_t i = 0; i < threads; i++) {
		pthread_join(shares[i].thread, NULL);
		wrong += shares[i].wrong;
	}
	return wrong;
}

static void fill_random(uint8_t *p, size_t n, uint64_t *state)
{
	while (n) {
		const size_t k = n < sizeof(*state) ? n : sizeof(*state);

		*state ^= *state << 13; /* xorshift64 */
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(p, state, k);
		p += k;
		n -= k;
	}
}

static void *randomize(void *argument)
{
	struct share *const s = argument;

	fill_random(s->blocks + s->first_byte, s->n_bytes, &s->random);
	return NULL;
}

static bool is_finite(enum format_index format, const void *block)
{
	switch (format) {
#define DQ_QUANT(NAME, name, id, weights, bytes, span) \
	case FORMAT_##NAME: return name##_is_finite(block);
#include "kernels/formats.def"
	default: return true;
	}
}

/* Without scales that are Inf or NaN, like in a model. */
static void *randomize_finite(void *argument)
{
	struct share *const s = argument;
	const size_t bytes = s->format->block_bytes;
	uint8_t *const blocks = s->blocks + s->first_byte;

	if (format_has_rows(s->format)) {
		fill_random(blocks, s->n_bytes, &s->random);
		for (size_t i = 0; i < s->n_bytes; i++)
			blocks[i] &= 0xbf; /* any F16 or F32 is below 2 */
		return NULL;
	}
	for (size_t i = 0; i < s->n_blocks; i++)
		do
			fill_random(blocks + i * bytes, bytes, &s->random);
		while (!is_finite(s->format->index, blocks + i * bytes));
	return NULL;
}

static void *compare(void *argument)
{
	enum { STEP = 64 };
	struct share *const s = argument;
	const size_t bytes =
		s->format->block_weights * output_type_at(s->type)->bytes;
	const struct cpu_rows *rows = cpu_rows_select(NULL, NULL);
	uint8_t expected[STEP * 256 * 4];

	for (size_t i = 0; i < s->n_blocks; i += STEP) {
		const size_t left = s->n_blocks - i;
		const struct cpu_run run = {
			.blocks = s->blocks,
			.row_blocks = s->run.row_blocks,
			.first = s->first + i,
			.n = left < STEP ? left : STEP,
		};

		cpu_rows_convert(rows, s->type, s->format, &run, expected);
		for (size_t k = 0; k < run.n; k++)
			s->wrong += !!memcmp(expected + k * bytes,
					     s->values +
						     (run.first + k) * bytes,
					     bytes);
	}
	return NULL;
}

/* ---------------------------------- bits ---------------------------------- */

/* Checks every bit of one format and type, and that the bytes behind are
 * untouched. Returns how many are wrong. */
static size_t check_type(struct bench *bench, const struct format *format,
			 int type, struct run run)
{
	const size_t size =
		run.n * format->block_weights * output_type_at(type)->bytes;
	size_t wrong, past = 0;

	CALL(bench, fill, bench->out, UNTOUCHED * 0x01010101U,
	     (size + GUARD) / 4, bench->stream);
	launch(bench, format, type, run);
	RUNTIME(bench, download, bench->values, bench->out,
		size + GUARD - size % 4, bench->stream);
	RUNTIME(bench, stream_wait, bench->stream);
	for (size_t i = size; i < size + GUARD - 4; i++)
		past += bench->values[i] != UNTOUCHED;
	wrong = in_threads(compare, bench, format, type, run);
	if (past || wrong)
		printf("%s to %s: %zu of %zu blocks DIFFER, %zu bytes written "
		       "past the end\n", format->file_name,
		       output_type_at(type)->name,
		       wrong, run.n, past);
	return wrong + past;
}

static size_t check_format(struct bench *bench, const struct format *format)
{
	struct run run = run_of(format, bench->checked, CHECKED_ROW);
	size_t wrong = 0;

	if (!format_has_rows(format))
		run.n--; /* not a multiple of the tile */
	in_threads(randomize, bench, format, 0, run);
	/* The kernel reads the last word whole. */
	RUNTIME(bench, upload, bench->in, bench->blocks,
		(bytes_of(format, run) + 3) & ~(size_t)3, bench->stream);
	for (int type = 0; type < OUTPUT_NATIVE; type++)
		wrong += check_type(bench, format, type, run);
	return wrong;
}

static size_t check_all(struct bench *bench)
{
	size_t wrong = 0;

	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (is_wanted(bench, format_at(i)))
			wrong += check_format(bench, format_at(i));
	printf("%s: %.0f million weights of each format and type\n",
	       wrong ? "DIFFERENT" : "equal", (double)bench->checked * 1e-6);
	return wrong;
}

/* ---------------------------------- speed --------------------------------- */

static int compare_floats(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Seconds of `call`: the median of RUNS calls, after three to warm up. */
#define MEDIAN(bench, call)                                                \
	({                                                                 \
		float ms_[RUNS];                                           \
									   \
		for (int run_ = -3; run_ < RUNS; run_++) {                 \
			CALL(bench, record, (bench)->from, (bench)->stream); \
			call;                                              \
			CALL(bench, record, (bench)->to, (bench)->stream); \
			RUNTIME(bench, stream_wait, (bench)->stream);      \
			CALL(bench, elapsed, &ms_[run_ < 0 ? 0 : run_],    \
			     (bench)->from, (bench)->to);                  \
		}                                                          \
		qsort(ms_, RUNS, sizeof(ms_[0]), compare_floats);          \
		(double)ms_[RUNS / 2] * 1e-3;                              \
	})

static double gb_per_s(size_t bytes, double seconds)
{
	return (double)bytes / seconds * 1e-9;
}

/* GB/s, read and written, of a copy between two buffers. */
static double measure_memory(struct bench *bench)
{
	void *const stream = bench->stream;
	const double copy = gb_per_s(2 * COPY_BYTES, MEDIAN(bench,
		CALL(bench, copy, bench->out, bench->in, COPY_BYTES, stream)));
	const double fill = gb_per_s(COPY_BYTES, MEDIAN(bench,
		CALL(bench, fill, bench->out, 0x3f9d70a4, COPY_BYTES / 4,
		     stream)));

	printf("copy %.0f GB/s (read + written), write alone %.0f GB/s\n", copy,
	       fill);
	return copy;
}

static void measure_link(struct bench *bench)
{
	const double up = gb_per_s(LINK_BYTES, MEDIAN(bench,
		RUNTIME(bench, upload, bench->in, bench->blocks, LINK_BYTES,
			bench->stream)));
	const double down = gb_per_s(LINK_BYTES, MEDIAN(bench,
		RUNTIME(bench, download, bench->values, bench->out, LINK_BYTES,
			bench->stream)));

	printf("upload %.1f GB/s, download %.1f GB/s\n", up, down);
}

static void measure(struct bench *bench, const struct format *format,
		    double copy)
{
	const struct run run = run_of(format, bench->measured, MEASURED_ROW /
				      format->block_weights);
	const size_t bytes = bytes_of(format, run);

	in_threads(randomize_finite, bench, format, 0, run);
	RUNTIME(bench, upload, bench->in, bench->blocks, bytes, bench->stream);
	printf("%-10s", format->file_name);
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		const size_t values = run.n * format->block_weights *
				      output_type_at(type)->bytes;
		const double speed = gb_per_s(bytes + values, MEDIAN(bench,
			launch(bench, format, type, run)));

		printf(" %6.0f GB/s %5.1f %%", speed, speed / copy * 100);
	}
	putchar('\n');
	fflush(stdout);
}

/* ---------------------------------- BLAKE3 -------------------------------- */

/* The bytes that a worker hashes at once, and the largest possible number. */
static const size_t hash_bytes[] = { (size_t)4 << 20, BLAKE3_PART_BYTES };

/* Hashes the last n bytes of an input of n bytes and 5 chunks. The values go to
 * the start of bench->in; returns how many there are. */
static size_t launch_hash(struct bench *bench, size_t n)
{
	const uint64_t offset = 5 * BLAKE3_CHUNK_BYTES;
	struct error err;
	size_t n_values;

	if (gpu_hash(&bench->kernels, bench->out, n, offset, offset + n,
		     bench->in + BLAKE3_PART_BYTES, bench->in, &n_values,
		     bench->stream, &err))
		die(err.message);
	return n_values;
}

/* Whether the GPU and the CPU give the same values for random bytes. */
static bool check_hash(struct bench *bench, size_t n)
{
	const struct cpu_rows *const rows = cpu_rows_select(NULL, NULL);
	const uint64_t offset = 5 * BLAKE3_CHUNK_BYTES;
	static struct blake3_part gpu, cpu;
	uint64_t random = 1;
	size_t n_values;

	fill_random(bench->blocks, n, &random);
	RUNTIME(bench, upload, bench->out, bench->blocks, n, bench->stream);
	n_values = launch_hash(bench, n);
	RUNTIME(bench, download, bench->values, bench->in, n_values * 32,
		bench->stream);
	RUNTIME(bench, stream_wait, bench->stream);
	blake3_part_join(&gpu, rows->blake3,
			 (uint32_t (*)[BLAKE3_WORDS])bench->values,
			 DQ_HASH_LEVEL, n, offset, offset + n);
	blake3_part_hash(&cpu, rows->blake3, bench->blocks, n, offset,
			 offset + n);
	return !memcmp(&gpu, &cpu, sizeof(gpu));
}

/* Returns how many lengths differ. */
static size_t check_hashes(struct bench *bench)
{
	size_t wrong = 0;

	for (unsigned i = 0; i < 2; i++)
		for (size_t n = hash_bytes[i] - 2; n <= hash_bytes[i]; n += 2)
			if (!check_hash(bench, n)) {
				printf("blake3 of %zu bytes DIFFERS\n", n);
				wrong++;
			}
	return wrong;
}

static void measure_hashes(struct bench *bench)
{
	for (unsigned i = 0; i < 2; i++)
		printf("blake3 of %zu MiB: %.0f GB/s\n", hash_bytes[i] >> 20,
		       gb_per_s(hash_bytes[i], MEDIAN(bench,
				launch_hash(bench, hash_bytes[i]))));
}

static void measure_all(struct bench *bench)
{
	const double copy = measure_memory(bench);

	measure_link(bench);
	printf("%-10s %18s %18s %18s\n", "", "f32", "f16", "bf16");
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (is_wanted(bench, format_at(i)))
			measure(bench, format_at(i), copy);
}

int main(int argc, char **argv)
{
	struct bench bench = { .checked = 16 << 20, .measured = 1 << 30 };
	struct gpus gpus;
	size_t wrong = 0;
	int option;

	while ((option = getopt(argc, argv, "c:m:")) != -1) {
		if (option == '?')
			return 2;
		*(option == 'c' ? &bench.checked : &bench.measured) =
			strtoull(optarg, NULL, 10) << 20;
	}
	bench.formats = argv + optind;
	open_bench(&bench, &gpus);
	if (bench.checked)
		wrong = check_all(&bench);
	if (bench.checked && !*bench.formats)
		wrong += check_hashes(&bench);
	if (!wrong && bench.measured)
		measure_all(&bench);
	if (!wrong && bench.measured && !*bench.formats)
		measure_hashes(&bench);
	gpu_kernels_close(&bench.kernels);
	gpus_release(&gpus);
	return !!wrong;
}
