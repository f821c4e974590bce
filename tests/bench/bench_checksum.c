/*
 * bench_checksum - GB/s of F32 that one thread decodes, hashes, and does both
 * with; like in the program, in slots that stay in the cache. "x sum" is the
 * time for both together, divided by the sum of the times for each alone.
 *
 *   bench_checksum [FORMAT]...
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hash/blake3.h"
#include "hash/checksum.h"
#include "cpu/rows.h"

#define SLOT_BYTES ((size_t)256 << 10) /* of output: see device/cpu.c */
#define OUT_BYTES ((size_t)8 << 20)
#define RUNS 100 /* the best one counts, since others share the machine */

struct bench {
	const struct cpu_rows *rows;
	const struct format *format;
	const struct checksum *checksum;
	void *state;
	const unsigned char *in;
	unsigned char *out; /* a slot */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool add(const struct bench *b, uint64_t offset)
{
	struct blake3_part part;

	if (!b->checksum->join)
		return b->checksum->update(b->state, b->out, SLOT_BYTES);
	blake3_part_hash(&part, b->rows->blake3, b->out, SLOT_BYTES, offset,
			 OUT_BYTES);
	b->checksum->join(b->state, &part);
	return true;
}

/* Seconds for all slots. */
static double run(const struct bench *b, bool decodes, bool hashes)
{
	const size_t n_blocks = SLOT_BYTES / 4 / b->format->block_weights;
	const size_t in_bytes = n_blocks * b->format->block_bytes;
	unsigned char sum[CHECKSUM_MAX_BYTES];
	const double start = now();
	bool good = !hashes || b->checksum->begin(b->state, OUT_BYTES);

	for (size_t i = 0; i < OUT_BYTES / SLOT_BYTES; i++) {
		if (decodes)
			b->rows->convert[OUTPUT_F32][b->format->index](
				b->in + i * in_bytes, n_blocks, b->out);
		if (hashes)
			good = add(b, i * SLOT_BYTES) && good;
	}
	if (!good || (hashes && !b->checksum->end(b->state, sum)))
		abort();
	return now() - start;
}

static void measure(const struct bench *b)
{
	double best[3] = { 1e9, 1e9, 1e9 };

	for (unsigned i = 0; i < RUNS; i++) {
		const double seconds[] = {
			run(b, true, false),
			run(b, false, true),
			run(b, true, true),
		};

		for (unsigned j = 0; j < 3; j++)
			best[j] = seconds[j] < best[j] ? seconds[j] : best[j];
	}
	printf("%-8s%-8s", b->format->file_name, b->checksum->name);
	for (unsigned j = 0; j < 3; j++)
		printf("%8.2f", (double)OUT_BYTES / best[j] * 1e-9);
	printf("%8.2f\n", best[2] / (best[0] + best[1]));
	fflush(stdout);
}

static void bench_format(struct bench *b, const char *name)
{
	b->format = format_by_name(name);
	if (!b->format || !b->rows->convert[OUTPUT_F32][b->format->index]) {
		fprintf(stderr, "unknown format '%s'\n", name);
		exit(2);
	}
	for (size_t i = 0; (b->checksum = checksum_at(i)); i++) {
		b->state = b->checksum->open();
		if (!b->state)
			abort();
		measure(b);
		b->checksum->close(b->state);
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "q4_k", "q8_0", "f16" };
	/* F64 has the largest input: eight bytes for four. */
	unsigned char *const in = malloc(2 * OUT_BYTES);
	unsigned char *const out = aligned_alloc(4096, SLOT_BYTES);
	struct error err;
	struct bench b = {
		.rows = cpu_rows_select(NULL, &err),
		.in = in,
		.out = out,
	};

	if (!in || !out)
		abort();
	/* Finite values, whatever the format. */
	memset(in, 0x29, 2 * OUT_BYTES);
	memset(out, 0x29, SLOT_BYTES);
	printf("GB/s of F32, one thread, %s\n"
	       "%-16s%8s%8s%8s%8s\n", b.rows->isa, "", "decode", "hash", "both",
	       "x sum");
	for (int i = 1; i < argc; i++)
		bench_format(&b, argv[i]);
	for (size_t i = 0; argc < 2 && i < sizeof(names) / sizeof(*names); i++)
		bench_format(&b, names[i]);
	free(in);
	free(out);
	return 0;
}
