#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/budget.h"

#define MIB ((uint64_t)1 << 20)

static struct error err;

static void test_too_little(void **state)
{
	struct budget budget;

	(void)state;
	assert_int_equal(budget_init(&budget, 4 * MIB - 1, 1, &err), -1);
	assert_string_equal(err.message, "'--memory' is 4194303 bytes, but "
					 "1 thread needs at least 4194304");
	assert_int_equal(budget_init(&budget, 4 * MIB, 1, &err), 0);
	assert_int_equal(budget.threads, 1);
	assert_int_equal(budget_init(&budget, 8 * MIB - 1, 128, &err), -1);
	assert_int_equal(budget_init(&budget, 8 * MIB, 128, &err), 0);
	assert_int_equal(budget_init(&budget, 4 * MIB, 0, &err), 0);
	assert_true(budget.threads > 0);
}

/* In place of libc's: 1,000 CPUs. */
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	(void)pid;
	memset(set, 0, size);
	memset(set, 0xff, 125);
	return 0;
}

static void test_threads_that_fit(void **state)
{
	struct budget budget;

	(void)state;
	assert_int_equal(budget_init(&budget, 256 * MIB, 0, &err), 0);
	assert_in_range(budget.threads, 1, 1000);
	assert_int_equal(budget_init(&budget, 4 * MIB, 0, &err), 0);
	assert_in_range(budget.threads, 1, 64);
}

/* What the parts get is never more than there is. */
static void test_the_parts_fit_together(void **state)
{
	static struct plan_tensor tensors[1000];

	(void)state;
	for (uint64_t memory = 4 * MIB; memory <= 1024 * MIB; memory *= 2)
		for (size_t n = 0; n <= 1000; n += 100) {
			struct model_shard shards[2] = {
				{ .gguf = { .memory = n * 300 } },
				{ .gguf = { .memory = 1000 } },
			};
			const struct model model = { .shards = shards,
						     .n_shards = 2 };
			const struct plan plan = { .tensors = tensors,
						   .n_tensors = n };
			const uint64_t used = 3 * MIB + n * 300 + 1000 +
					      n * sizeof(*tensors);
			struct budget budget;
			size_t slots;

			assert_int_equal(budget_init(&budget, memory, 4, &err),
					 0);
			assert_true(budget.header + 4 * budget.manifest <
				    memory);
			slots = budget_for_slots(&budget, &model, &plan, 0, 4);
			assert_true(slots + used <= memory);
			assert_true(slots <= memory / 2);
			if (memory >= 16 * MIB)
				assert_true(slots >= memory / 4);
		}
}

/* A plan that takes all there is leaves nothing, and not a huge number. */
static void test_nothing_is_left(void **state)
{
	const struct plan plan = { .n_tensors = 1000000 };
	const struct model model = { .n_shards = 0 };
	struct budget budget;

	(void)state;
	assert_int_equal(budget_init(&budget, 4 * MIB, 1, &err), 0);
	assert_int_equal(budget_for_slots(&budget, &model, &plan, 0, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_threads_that_fit),
		cmocka_unit_test(test_the_parts_fit_together),
		cmocka_unit_test(test_nothing_is_left),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
