/*
 * Compares every format × output type × instruction set with the values of ggml
 * for the same blocks, at lengths around every power of two, with both buffers
 * between inaccessible pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/rows.h"
#include "golden.h"

#define GUARD 64 /* bytes beside the output that must stay as they are */
#define UNTOUCHED 0xa5

static const char *const type_names[] = { "f32", "f16", "bf16" };
static const size_t type_bytes[] = { 4, 2, 2 };

/* Memory with an inaccessible page on either side. */
struct arena {
	uint8_t *start, *end;
};

static void arena_map(struct arena *arena, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	size = (size + page - 1) / page * page;
	arena->start = mmap(NULL, size + 2 * page, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(arena->start, MAP_FAILED);
	arena->start += page;
	arena->end = arena->start + size;
	assert_false(mprotect(arena->start, size, PROT_READ | PROT_WRITE));
}

static void arena_unmap(struct arena *arena)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	munmap(arena->start - page,
	       (size_t)(arena->end - arena->start) + 2 * page);
}

struct fixture {
	const struct format *format;
	struct golden golden;
	uint8_t *expected[OUTPUT_NATIVE]; /* in each output type */
	struct arena in, out;
};

/* Converts n blocks from block `from` on, in buffers that start or end beside
 * an inaccessible page. */
static void check_run(const struct fixture *f, const struct cpu_rows *rows,
		      int type, size_t from, size_t n, int at_end)
{
	const size_t weight_bytes = type_bytes[type] * f->format->block_weights;
	const size_t in_bytes = n * f->format->block_bytes;
	const size_t out_bytes = n * weight_bytes;
	const uint8_t *expected = f->expected[type] + from * weight_bytes;
	/* Off by one, so that it has no more than the required alignment. */
	uint8_t *in = at_end ? f->in.end - in_bytes : f->in.start + 1;
	uint8_t *out = at_end ? f->out.end - out_bytes
			      : f->out.start + type_bytes[type];
	const size_t before = at_end ? GUARD : type_bytes[type];
	const size_t after = at_end ? 0 : GUARD;

	memcpy(in, f->golden.blocks + from * f->format->block_bytes, in_bytes);
	memset(out - before, UNTOUCHED, before + out_bytes + after);
	rows->convert[type][f->format->index](in, n, out);

	for (size_t i = 0; i < out_bytes; i++)
		if (out[i] != expected[i])
			fail_msg("%s to %s, %s: %zu blocks from %zu on: "
				 "weight %zu", f->format->name,
				 type_names[type], rows->isa, n, from,
				 i / type_bytes[type]);
	for (size_t i = 0; i < before; i++)
		assert_int_equal(out[-1 - (ptrdiff_t)i], UNTOUCHED);
	for (size_t i = 0; i < after; i++)
		assert_int_equal(out[out_bytes + i], UNTOUCHED);
}

static void check_rows(const struct fixture *f, const struct cpu_rows *rows,
		       int type)
{
	const size_t all = f->golden.n_blocks;

	check_run(f, rows, type, 0, all, 0);
	check_run(f, rows, type, 0, all, 1);
	for (size_t power = 1; power <= all; power *= 2)
		for (size_t n = power - 1; n <= power + 1 && n <= all; n++) {
			check_run(f, rows, type, 0, n, 1);
			check_run(f, rows, type, all - n, n, 0);
		}
}

/* Converts n blocks of a tensor with rows, from number `first` on, and checks
 * what is beside them. */
static void check_row_run(const struct fixture *f, const struct cpu_rows *rows,
			  enum output_type type, const struct golden_tensor *t,
			  size_t first, size_t n)
{
	const size_t weight_bytes = type_bytes[type] * f->format->block_weights;
	const size_t out_bytes = n * weight_bytes;
	const struct cpu_run run = { f->in.end - t->bytes, t->row_blocks, first,
				     n };
	uint8_t *const out = f->out.end - out_bytes;

	memset(out - GUARD, UNTOUCHED, GUARD + out_bytes);
	cpu_rows_convert(rows, type, f->format, &run, out);
	if (memcmp(out, f->expected[type] + (t->first + first) * weight_bytes,
		   out_bytes))
		fail_msg("%s to %s, %s: %zu blocks from %zu on, in rows of %zu",
			 f->format->name, type_names[type], rows->isa, n, first,
			 t->row_blocks);
	for (size_t i = 1; i <= GUARD; i++)
		assert_int_equal(out[-(ptrdiff_t)i], UNTOUCHED);
}

/* Every run of blocks of every tensor. */
static void check_row_runs(const struct fixture *f, const struct cpu_rows *rows,
			   enum output_type type)
{
	for (size_t i = 0; i < f->golden.n_tensors; i++) {
		const struct golden_tensor *const t = &f->golden.tensors[i];

		memcpy(f->in.end - t->bytes, f->golden.blocks + t->at,
		       t->bytes);
		for (size_t n = 1; n <= t->n_blocks; n += n < 9 ? 1 : n / 3)
			for (size_t first = 0; first + n <= t->n_blocks;
			     first += n < 9 ? 1 : n / 2)
				check_row_run(f, rows, type, t, first, n);
		check_row_run(f, rows, type, t, 0, t->n_blocks);
	}
}

static void check_format(const struct fixture *f, const struct cpu_rows *rows,
			 int type)
{
	if (format_has_rows(f->format))
		check_row_runs(f, rows, (enum output_type)type);
	else
		check_rows(f, rows, type);
}

static void test_format(void **state)
{
	struct fixture f = { .format = *state };
	size_t n;

	golden_read(&f.golden, f.format);
	n = f.golden.n_blocks * f.format->block_weights;
	for (int type = 0; type < OUTPUT_NATIVE; type++)
		f.expected[type] = golden_values(&f.golden, f.format, type);
	/* A header per block is more than enough. */
	arena_map(&f.in, f.golden.n_blocks * (f.format->block_bytes +
					      f.format->header_bytes) + 1);
	arena_map(&f.out, (n + 1) * sizeof(float) + GUARD);

	for (size_t i = 0; cpu_rows_at(i); i++)
		for (int type = 0; type < OUTPUT_NATIVE; type++)
			if (cpu_rows_runs(cpu_rows_at(i)))
				check_format(&f, cpu_rows_at(i), type);

	arena_unmap(&f.in);
	arena_unmap(&f.out);
	for (int type = 0; type < OUTPUT_NATIVE; type++)
		free(f.expected[type]);
	golden_release(&f.golden);
}

int main(void)
{
	struct CMUnitTest tests[FORMAT_COUNT];
	size_t n = 0;

	for (unsigned i = 0; i < FORMAT_COUNT; i++) {
		const struct format *format = format_at(i);

		if (format->kind != FORMAT_KIND_INTEGER)
			tests[n++] = (struct CMUnitTest){
				.name = format->name,
				.test_func = test_format,
				.initial_state = (void *)(uintptr_t)format,
			};
	}
	for (size_t i = 0; cpu_rows_at(i); i++)
		if (!cpu_rows_runs(cpu_rows_at(i)))
			fprintf(stderr, "SKIPPED: %s, which this CPU lacks\n",
				cpu_rows_at(i)->isa);
	return _cmocka_run_group_tests("golden", tests, n, NULL, NULL);
}
