/*
 * bench_rows - GB/s that one thread decodes, for each format, output type and
 * instruction set: with the buffers in the L2 cache ("hot") and much larger
 * than all caches ("stream"), beside memset and memcpy. Also GB/s that it
 * hashes with BLAKE3, alone and right after decoding Q4_K, beside b3sum.
 *
 *   bench_rows [--json] [FORMAT|blake3]...
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hash/blake3.h"
#include "cpu/rows.h"

#define HOT_BYTES (256 << 10)
#define STREAM_BYTES (256 << 20)
#define ROW_WEIGHTS 4096
/* The best of so many runs counts, since others share the machine. */
#define HOT_RUNS 400
#define STREAM_RUNS 4

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
				    const struct cpu_rows *rows,
				    enum output_type type,
				    const struct format *format)
{
	const size_t block =
		format->block_weights * output_type_at(type)->bytes;
	struct cpu_run hot = { .blocks = bench->in, .n = HOT_BYTES / block };
	struct cpu_run stream = { .blocks = bench->in,
				  .n = STREAM_BYTES / block };

	/* Both are whole groups of up to 16 rows. */
	hot.row_blocks = format->group_rows ?
			 ROW_WEIGHTS / format->block_weights : hot.n;
	stream.row_blocks = format->group_rows ? hot.row_blocks : stream.n;
	return (struct result){
		MEASURE(HOT_RUNS, HOT_BYTES,
			cpu_rows_convert(rows, type, format, &hot,
					 bench->out)),
		MEASURE(STREAM_RUNS, STREAM_BYTES,
			cpu_rows_convert(rows, type, format, &stream,
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

/* For 1 KiB at a time, libc uses ordinary stores like the row functions do:
 * they read a cache line from memory before they write it. A large memset
 * avoids that. */
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
	for (enum output_type type = 0; type < OUTPUT_NATIVE; type++) {
		if (!bench->json)
			printf("%-8s %-5s", format->file_name,
			       output_type_at(type)->name);
		for (size_t i = 0; cpu_rows_at(i); i++) {
			const struct cpu_rows *rows = cpu_rows_at(i);

			if (cpu_rows_runs(rows))
				print_result(bench, format->file_name,
					     output_type_at(type)->name,
					     rows->isa,
					     measure_format(bench, rows, type,
							    format));
		}
		if (!bench->json)
			putchar('\n');
	}
}

static void hash(const struct cpu_rows *rows, const uint8_t *bytes, size_t n)
{
	static struct blake3_part part;
	struct blake3_tree tree;
	uint8_t digest[BLAKE3_DIGEST_BYTES];
	size_t len;

	blake3_tree_init(&tree, n);
	for (size_t at = 0; at < n; at += len) {
		len = n - at < HOT_BYTES ? n - at : HOT_BYTES;
		blake3_part_hash(&part, rows->blake3, bytes + at, len, at, n);
		blake3_tree_add(&tree, &part);
	}
	blake3_tree_finish(&tree, digest);
}

/* n bytes of values, each part hashed as soon as it is decoded. */
static void decode_and_hash(const struct bench *bench,
			    const struct cpu_rows *rows, size_t n)
{
	const struct format *const format = format_at(FORMAT_Q4_K);
	const size_t n_blocks = HOT_BYTES / 4 / format->block_weights;

	for (size_t at = 0; at < n; at += HOT_BYTES) {
		rows->convert[OUTPUT_F32][format->index](
			bench->in + at / HOT_BYTES * n_blocks *
				    format->block_bytes,
			n_blocks, bench->out);
		hash(rows, bench->out, HOT_BYTES);
	}
}

static struct result measure_hash(const struct bench *bench,
				  const struct cpu_rows *rows, bool decode)
{
	if (decode)
		return (struct result){
			MEASURE(HOT_RUNS, HOT_BYTES,
				decode_and_hash(bench, rows, HOT_BYTES)),
			MEASURE(STREAM_RUNS, STREAM_BYTES,
				decode_and_hash(bench, rows, STREAM_BYTES)),
		};
	return (struct result){
		MEASURE(HOT_RUNS, HOT_BYTES, hash(rows, bench->out, HOT_BYTES)),
		MEASURE(STREAM_RUNS, STREAM_BYTES,
			hash(rows, bench->out, STREAM_BYTES)),
	};
}

/* b3sum --num-threads 1 of the same bytes in memory; 0 if it is missing. */
static double measure_b3sum(const struct bench *bench)
{
	const int fd = memfd_create("bench", 0);
	char command[128];
	int status = 1;
	double speed = 0;

	snprintf(command, sizeof(command), "b3sum --num-threads 1 "
		 "/proc/%d/fd/%d >/dev/null 2>&1", (int)getpid(), fd);
	if (write(fd, bench->out, STREAM_BYTES) == STREAM_BYTES)
		speed = MEASURE(STREAM_RUNS, STREAM_BYTES,
				status = system(command));
	close(fd);
	return status ? 0 : speed;
}

static void bench_hash(struct bench *bench)
{
	static const char *const names[] = { "blake3", "q4_k and blake3" };
	double b3sum;

	for (unsigned decode = 0; decode < 2; decode++) {
		if (!bench->json)
			printf("%-14s", names[decode]);
		for (size_t i = 0; cpu_rows_at(i); i++) {
			const struct cpu_rows *rows = cpu_rows_at(i);

			if (cpu_rows_runs(rows))
				print_result(bench, names[decode], "f32",
					     rows->isa,
					     measure_hash(bench, rows,
							  decode));
		}
		if (!bench->json)
			putchar('\n');
	}
	b3sum = measure_b3sum(bench);
	if (!b3sum)
		fprintf(stderr, "SKIPPED: there is no b3sum\n");
	else if (bench->json)
		print_result(bench, "b3sum", "bytes", "best",
			     (struct result){ 0, b3sum });
	else
		printf("%-14s %17.1f\n", "b3sum", b3sum);
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

static bool selected(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcasecmp(*names, name))
			return true;
	return false;
}

static void bench_all(struct bench *bench, char **names)
{
	if (!bench->json)
		print_header();
	bench_memory(bench);
	if (selected("blake3", names))
		bench_hash(bench);
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (format_at(i)->kind != FORMAT_KIND_INTEGER &&
		    selected(format_at(i)->name, names))
			bench_format(bench, format_at(i));
	if (bench->json)
		printf("]\n");
}

int main(int argc, char **argv)
{
	/* F64 has the largest input: eight bytes for two of F16. */
	const size_t in_bytes = (size_t)STREAM_BYTES * 4;
	struct bench bench = { .separator = "[" };
	int status = 2;

	argv += argc > 0;
	if (*argv && !strcmp(*argv, "--json")) {
		bench.json = true;
		argv++;
	}
	for (char **name = argv; *name; name++)
		if (!format_by_name(*name) && strcasecmp(*name, "blake3")) {
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
