#include "pass/prefetch.h"

#include "io/cleanup.h"

/* Returns whether to go on. */
static bool read_ahead(struct prefetch *prefetch,
		       const struct model_tensor *tensor)
{
	const uint64_t bytes = tensor->info->bytes;
	const uint64_t offset = tensor->info->offset;

	for (uint64_t done = 0, n; done < bytes; done += n) {
		if (prefetch->asked >= PREFETCH_BYTES ||
		    atomic_load(&prefetch->stop))
			return false;
		n = bytes - done < SOURCE_AHEAD ? bytes - done : SOURCE_AHEAD;
		source_read_ahead(tensor->source, offset + done, n);
		prefetch->asked += n;
	}
	return true;
}

static void *run(void *arg)
{
	struct prefetch *const prefetch = arg;
	const struct plan *const plan = prefetch->plan;
	const struct model_tensor *stored;

	for (size_t i = 0; i < plan->n_tensors; i++)
		for (unsigned k = 0;
		     (stored = plan_stored(&plan->tensors[i], k)); k++)
			if (!read_ahead(prefetch, stored))
				return NULL;
	return NULL;
}

void prefetch_start(struct prefetch *prefetch, const struct plan *plan)
{
	sigset_t before;

	prefetch->plan = plan;
	prefetch->asked = 0;
	atomic_init(&prefetch->stop, false);
	cleanup_block_signals(&before);
	prefetch->started =
		!pthread_create(&prefetch->thread, NULL, run, prefetch);
	cleanup_restore_signals(&before);
}

void prefetch_stop(struct prefetch *prefetch)
{
	atomic_store(&prefetch->stop, true);
	if (prefetch->started)
		(void)pthread_join(prefetch->thread, NULL);
}
