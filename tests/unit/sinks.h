/* sinks.h - a plan and its values, for tests of the sinks. */
#ifndef SINKS_H
#define SINKS_H

#include "sink/kinds.h"
#include "fake_model.h"
#include "observing.h"
#include "scratch.h"

static const struct plan_globs sinks_everything;

/* The tensors "a" to "d" of 2 bytes each, which are in the file in the order b,
 * c, d, a; and "e" that has none. A test may rename them. */
struct sinks {
	struct fake_model fake;
	struct plan plan;
	struct output_options options;
	struct error err;
};

static inline void sinks_init(struct sinks *s)
{
	static const uint64_t offsets[] = { 96, 0, 32, 64 };
	static const char *const names[] = { "a", "b", "c", "d" };

	fake_model_init(&s->fake, 5);
	s->options = (struct output_options){
		.inputs = &s->fake.model.files,
	};
	for (size_t i = 0; i < 4; i++)
		fake_model_add(&s->fake, names[i], FORMAT_I8, 2, offsets[i]);
	fake_model_add(&s->fake, "e", FORMAT_I8, 0, 0);
	if (plan_init(&s->plan, &s->fake.model, &sinks_everything, OUTPUT_F32,
		      &s->err))
		abort();
}

static inline void sinks_release(struct sinks *s)
{
	plan_release(&s->plan);
	fake_model_release(&s->fake);
}

static inline struct output *sinks_output(struct sinks *s, const char *path)
{
	struct output *const output =
		output_open(path, &s->options, &s->err);

	if (!output)
		abort();
	return output;
}

/* Writes all in the order of `plan`, each tensor's name twice as its values. */
static inline int sinks_write(struct sinks *s, struct sink *sink,
			      const struct plan *plan)
{
	struct plan_cursor cursor = { .plan = plan,
				      .slot_bytes = PLAN_MIN_SLOT };
	struct work_batch batch;
	char bytes[16];

	if (!plan_next(&cursor, &batch) || batch.out_bytes != 8)
		abort();
	for (size_t i = 0; i < batch.n_items; i++)
		memset(bytes + batch.items[i].out,
		       *batch.items[i].tensor->tensor->info->name.data,
		       batch.items[i].dst_bytes);
	if (sink->observer) {
		const struct observed observed =
			observed_values(&batch, bytes);

		if (observe_batch(sink->observer, &observed, &s->err))
			return -1;
	}
	return sink->write(sink, &batch, bytes, &s->err);
}

static inline int sinks_write_by_source(struct sinks *s, struct sink *sink)
{
	struct plan sorted;
	int result;

	if (plan_init_by_source(&sorted, &s->plan, &s->err))
		abort();
	result = sinks_write(s, sink, &sorted);
	plan_release(&sorted);
	return result;
}

#endif
