#include "cpu/rows.h"

#include <stdlib.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "base/escape.h"

extern const struct cpu_rows cpu_rows_baseline;
#ifdef __x86_64__
extern const struct cpu_rows cpu_rows_avx2;
extern const struct cpu_rows cpu_rows_avx512;
#endif

static const struct cpu_rows *const tables[] = {
	&cpu_rows_baseline,
#ifdef __x86_64__
	&cpu_rows_avx2,
	&cpu_rows_avx512,
#endif
};

#define N_TABLES (sizeof(tables) / sizeof(tables[0]))

const struct cpu_rows *cpu_rows_at(size_t i)
{
	return i < N_TABLES ? tables[i] : NULL;
}

/* What is narrowed at a time: it stays in the L1 cache. */
#define FLOATS_AT_A_TIME 2048

static bool convert_rows(const struct cpu_rows *rows, enum output_type type,
			 const struct format *format,
			 const struct cpu_run *run, void *out)
{
	const size_t most = FLOATS_AT_A_TIME / format->block_weights;
	const size_t block =
		format->block_weights * output_type_at(type)->bytes;
	struct cpu_run piece = *run;
	bool fits = true;

	for (size_t left = run->n; left; left -= piece.n) {
		float y[FLOATS_AT_A_TIME];

		piece.n = left < most ? left : most;
		fits &= rows->rows_to_f32[format->index](&piece, y);
		rows->narrow[type](y, piece.n * format->block_weights, out);
		piece.first += piece.n;
		out = (char *)out + piece.n * block;
	}
	return fits || type != OUTPUT_F16;
}

static const void *first_block(const struct format *format,
			       const struct cpu_run *run)
{
	return (const char *)run->blocks + run->first * format->block_bytes;
}

bool cpu_rows_convert(const struct cpu_rows *rows, enum output_type type,
		      const struct format *format, const struct cpu_run *run,
		      void *out)
{
	if (!format_has_rows(format))
		return rows->convert[type][format->index](
			first_block(format, run), run->n, out);
	if (type != OUTPUT_F32)
		return convert_rows(rows, type, format, run, out);
	rows->rows_to_f32[format->index](run, out);
	return true;
}

bool cpu_rows_fit_f16(const struct cpu_rows *rows, const struct format *format,
		      const struct cpu_run *run)
{
	if (format_has_rows(format))
		return rows->rows_to_f32[format->index](run, NULL);
	return rows->fits_f16[format->index](first_block(format, run), run->n);
}

#ifdef __x86_64__
/* The features that the Makefile compiles for. __builtin_cpu_supports also asks
 * the operating system; not every compiler's knows F16C. */
static int runs_avx2(void)
{
	unsigned eax, ebx, ecx, edx;

	return __builtin_cpu_supports("avx2") &&
	       __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

static int runs_avx512(void)
{
	return runs_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}
#endif

int cpu_rows_runs(const struct cpu_rows *rows)
{
#ifdef __x86_64__
	if (rows == &cpu_rows_avx2)
		return runs_avx2();
	if (rows == &cpu_rows_avx512)
		return runs_avx512();
#endif
	return rows == &cpu_rows_baseline;
}

static const struct cpu_rows *best(void)
{
	size_t i = N_TABLES - 1;

	while (!cpu_rows_runs(tables[i]))
		i--;
	return tables[i];
}

static const struct cpu_rows *fail_unknown(const char *isa, struct error *err)
{
	error_set(err, "unknown instruction set '%s'; use one of",
		  ESCAPED(text_of(isa)));
	for (size_t i = 0; i < N_TABLES; i++)
		error_append(err, "%s '%s'", i ? "," : "", tables[i]->isa);
	return NULL;
}

const struct cpu_rows *cpu_rows_select(const char *isa, struct error *err)
{
	if (!isa)
		return best();
	for (size_t i = 0; i < N_TABLES; i++) {
		if (strcmp(isa, tables[i]->isa))
			continue;
		if (cpu_rows_runs(tables[i]))
			return tables[i];
		error_set(err, "this CPU lacks the instruction set '%s'", isa);
		return NULL;
	}
	return fail_unknown(isa, err);
}

const struct cpu_rows *cpu_rows_chosen(struct error *err)
{
	const char *const isa = getenv("GGUF_DEQUANT_ISA");

	return cpu_rows_select(isa && *isa ? isa : NULL, err);
}
