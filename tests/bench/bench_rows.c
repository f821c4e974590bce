/*
 * bench_rows - GB/s that one thread writes, for each format, output type and
 * instruction set: with the buffers in the L2 cache ("hot") and far beyond all
 * caches ("stream"); memset and memcpy in the same run.
 *
 *   bench_rows [--json] [FORMAT]...
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../../src/cpu_rows.h"

#define HOT_BYTES (256 << 10)
#define STREAM_BYTES (256 << 20)
/* The best of so many runs counts: others share the machine. */
#define HOT_RUNS 400
#define STREAM_RUNS 4

static const char *const type_names[] = { "f32", "f16", "bf16" };
static const size_t type_bytes[] = { 4, 2, 2 };

struct bench {
	uint8_t *in, *out;
	bool json;
	const char *separator; /* of JSON's rows */
};

struct result {
	double hot, stream; /* GB/s of output */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* GB/s of the best of `runs` calls that write about `bytes` bytes each. */
#define MEASURE(runs, bytes, call)                                        \
	({                                                                \
		double best_ = 1e9;                                       \
									  \
		for (int run_ = 0; run_ < (runs); run_++) {               \
			const double start_ = now();                      \
			call;                                             \
			const double seconds_ = now() - start_;           \
									  \
			best_ = seconds_ < best_ ? seconds_ : best_;      \
		}                                                         \
		(double)(bytes) / best_ * 1e-9;                           \
	})

static struct result measure_format(const struct bench *bench,
				    const struct cpu_rows *rows, int type,
				    const struct format *format)
{
	const size_t block = format->block_weights * type_bytes[type];
	const size_t hot = HOT_BYTES / block, stream = STREAM_BYTES / block;

	return (struct result){
		MEASURE(HOT_RUNS, hot * block,
			rows->convert[type][format->index](bench->in, hot,
							   bench->out)),
		MEASURE(STREAM_RUNS, stream * block,
			rows->convert[type][format->index](bench->in, stream,
							   bench->out)),
	};
}

static void print_result(struct bench *bench, const char *format,
			 const char *type, const char *isa, struct result r)
{
	if (bench->json) {
		printf("%s{\"format\": \"%s\", \"type\": \"%s\", \"isa\": "
		       "\"%s\", \"hot\": %.2f, \"stream\": %.2f}",
		       bench->separator, format, type, isa, r.hot, r.stream);
		bench->separator = ",\n ";
	} else {
		printf(" %8.1f %8.1f", r.hot, r.stream);
	}
	fflush(stdout);
}

/* 1 KiB at a time libc uses ordinary stores, which read a line from memory
 * before they write it, as the rows do; a large memset avoids that. */
static void set_in_pieces(uint8_t *out, int value, size_t n)
{
	for (size_t i = 0; i < n; i += 1024)
		memset(out + i, value, 1024);
}

static void bench_memory(struct bench *bench)
{
	uint8_t *const out = bench->out;
	const struct {
		const char *name;
		struct result result;
	} rows[] = {
		{ "memset",
		  { MEASURE(HOT_RUNS, HOT_BYTES, memset(out, run_, HOT_BYTES)),
		    MEASURE(STREAM_RUNS, STREAM_BYTES,
			    memset(out, run_, STREAM_BYTES)) } },
		{ "memset 1 KiB",
		  { MEASURE(HOT_RUNS, HOT_BYTES,
			    set_in_pieces(out, run_, HOT_BYTES)),
		    MEASURE(STREAM_RUNS, STREAM_BYTES,
			    set_in_pieces(out, run_, STREAM_BYTES)) } },
		{ "memcpy",
		  { MEASURE(HOT_RUNS, HOT_BYTES,
			    memcpy(out, bench->in, HOT_BYTES)),
		    MEASURE(STREAM_RUNS, STREAM_BYTES,
			    memcpy(out, bench->in, STREAM_BYTES)) } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!bench->json)
			printf("%-14s", rows[i].name);
		print_result(bench, rows[i].name, "bytes", "libc",
			     rows[i].result);
		if (!bench->json)
			putchar('\n');
	}
}

static void bench_format(struct bench *bench, const struct format *format)
{
	for (int type = 0; type < OUTPUT_NATIVE; type++) {
		if (!bench->json)
			printf("%-8s %-5s", format->file_name,
			       type_names[type]);
		for (size_t i = 0; cpu_rows_at(i); i++) {
			const struct cpu_rows *rows = cpu_rows_at(i);

			if (cpu_rows_runs(rows))
				print_result(bench, format->file_name,
					     type_names[type], rows->isa,
					     measure_format(bench, rows, type,
							    format));
		}
		if (!bench->json)
			putchar('\n');
	}
}

static void print_header(void)
{
	printf("GB/s written by one thread\n%-14s", "");
	for (size_t i = 0; cpu_rows_at(i); i++)
		if (cpu_rows_runs(cpu_rows_at(i)))
			printf(" %17s", cpu_rows_at(i)->isa);
	printf("\n%-14s", "");
	for (size_t i = 0; cpu_rows_at(i); i++)
		if (cpu_rows_runs(cpu_rows_at(i)))
			printf(" %8s %8s", "hot", "stream");
	putchar('\n');
}

/* Random bytes with bit 6 clear, so that every scale is finite. */
static void fill(uint8_t *p, size_t n)
{
	uint64_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		p[i] = x >> 56 & 0xbf;
	}
}

static bool selected(const struct format *format, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcasecmp(*names, format->name))
			return true;
	return false;
}

static void bench_all(struct bench *bench, char **names)
{
	if (!bench->json)
		print_header();
	bench_memory(bench);
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (format_at(i)->kind != FORMAT_KIND_INTEGER &&
		    selected(format_at(i), names))
			bench_format(bench, format_at(i));
	if (bench->json)
		printf("]\n");
}

int main(int argc, char **argv)
{
	/* F64 has the largest blocks: eight bytes for two of F16. */
	const size_t in_bytes = (size_t)STREAM_BYTES * 4;
	struct bench bench = { .separator = "[" };
	int status = 2;

	argv += argc > 0;
	if (*argv && !strcmp(*argv, "--json")) {
		bench.json = true;
		argv++;
	}
	for (char **name = argv; *name; name++)
		if (!format_by_name(*name)) {
			fprintf(stderr, "unknown format '%s'\n", *name);
			return 2;
		}
	bench.in = malloc(in_bytes);
	bench.out = malloc(STREAM_BYTES);
	if (!bench.in || !bench.out) {
		fprintf(stderr, "cannot allocate %zu bytes\n",
			in_bytes + STREAM_BYTES);
		goto out_free;
	}
	fill(bench.in, in_bytes);
	memset(bench.out, 1, STREAM_BYTES);
	bench_all(&bench, argv);
	status = 0;
out_free:
	free(bench.in);
	free(bench.out);
	return status;
}
