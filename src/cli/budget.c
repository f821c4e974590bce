#include "cli/budget.h"

#include <inttypes.h>

#include "cli/cpus.h"

/* The program with its libraries and buffers takes 3 MiB; a thread's stack and
 * smallest slot take 48 KiB. */
#define PROGRAM_MEMORY ((uint64_t)3 << 20)
#define MIN_MEMORY ((uint64_t)4 << 20)
#define STACK_MEMORY ((uint64_t)16 << 10)
#define MIN_THREAD_MEMORY ((uint64_t)64 << 10)

/* One per CPU, if there is memory for so many. */
static unsigned threads_for(unsigned cpus, uint64_t memory)
{
	const uint64_t most = memory / MIN_THREAD_MEMORY;

	return cpus <= most ? cpus : most ? (unsigned)most : 1;
}

int budget_init(struct budget *budget, uint64_t memory, unsigned threads,
		struct error *err)
{
	const unsigned cpus = cpus_usable();
	uint64_t least;

	if (!threads)
		threads = threads_for(cpus, memory);
	least = threads * MIN_THREAD_MEMORY;
	if (least < MIN_MEMORY)
		least = MIN_MEMORY;
	if (memory < least)
		return error_set(err, "'--memory' is %" PRIu64 " bytes, but "
				 "%u %s at least %" PRIu64, memory, threads,
				 threads == 1 ? "thread needs" : "threads need",
				 least);
	*budget = (struct budget){
		.memory = memory,
		.header = (size_t)(memory / 16 * 3),
		.checkpoint = (size_t)(memory / 4),
		.files = (size_t)((memory - PROGRAM_MEMORY) / 2),
		.manifest = (size_t)(memory / 32),
		.cpus = cpus,
		.threads = threads,
	};
	return 0;
}

size_t budget_for_slots(const struct budget *budget, const struct model *model,
			const struct plan *plan, size_t plan_bytes,
			unsigned n_workers)
{
	uint64_t used = PROGRAM_MEMORY + n_workers * STACK_MEMORY +
			plan->n_tensors * sizeof(*plan->tensors) + plan_bytes;
	uint64_t left;

	for (size_t i = 0; i < model->n_shards; i++)
		used += model->shards[i].gguf.memory;
	left = used < budget->memory ? budget->memory - used : 0;
	return (size_t)(left < budget->memory / 2 ? left : budget->memory / 2);
}
