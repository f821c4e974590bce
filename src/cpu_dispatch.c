#include "cpu_rows.h"

#include <stdbool.h>
#include <string.h>

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

int cpu_rows_runs(const struct cpu_rows *rows)
{
#ifdef __x86_64__
	if (rows == &cpu_rows_avx2)
		return __builtin_cpu_supports("x86-64-v3");
	if (rows == &cpu_rows_avx512)
		return __builtin_cpu_supports("x86-64-v4");
#endif
	return rows == &cpu_rows_baseline;
}

const struct cpu_rows *cpu_rows_select(const char *isa, struct error *err)
{
	for (size_t i = N_TABLES; i-- > 0;) {
		if (isa && strcmp(isa, tables[i]->isa))
			continue;
		if (cpu_rows_runs(tables[i]))
			return tables[i];
		if (isa) {
			error_set(err, "this CPU lacks the instruction set '%s'",
				  isa);
			return NULL;
		}
	}
	error_set(err, "there is no instruction set called '%s'", isa);
	return NULL;
}
