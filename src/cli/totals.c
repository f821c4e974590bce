#include "cli/totals.h"

static void totals_add(struct totals *totals, const struct gguf_tensor *info)
{
	totals->n_tensors++;
	totals->bytes += info->bytes; /* each file has less than 2^63 */
	if (!bytes_add(totals->weights, info->n_weights, &totals->weights))
		totals->weights = UINT64_MAX;
}

void totals_fill(struct all_totals *totals, const struct plan *plan)
{
	*totals = (struct all_totals){ 0 };
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct gguf_tensor *info = plan->tensors[i].tensor->info;

		totals_add(info->format ?
			   &totals->of_type[info->format->index] :
			   &totals->unsupported, info);
		totals_add(&totals->all, info);
	}
}
