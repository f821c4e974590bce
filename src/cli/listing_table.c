#include "cli/listing.h"

#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "cli/totals.h"

#define SHAPE_SIZE (GGUF_MAX_DIMS * 24)
#define SIZE_SIZE 16

static const char *format_shape(char text[SHAPE_SIZE],
				const struct model_tensor *tensor)
{
	const struct model_shape shape = model_tensor_shape(tensor);
	size_t len = 0;

	strcpy(text, "scalar");
	for (unsigned i = 0; i < shape.n_dims; i++)
		len += (size_t)snprintf(text + len, SHAPE_SIZE - len,
					"%s%" PRIu64, i ? " x " : "",
					shape.dims[i]);
	return text;
}

static const char *format_size(char size[SIZE_SIZE], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(size, SIZE_SIZE, "%u B", (unsigned)bytes);
		return size;
	}
	for (; value >= 1023.95; unit++)
		value /= 1024;
	snprintf(size, SIZE_SIZE, "%.1f %s", value, units[unit]);
	return size;
}

/* How large a tensor of an unknown type is, is not known either: the table has
 * the distance to the next tensor, marked with "~". */
static const char *format_tensor_size(char text[SIZE_SIZE],
				      const struct gguf_tensor *info)
{
	char size[SIZE_SIZE];

	if (info->format)
		return format_size(text, info->bytes);
	if (!info->bytes)
		return "?";
	snprintf(text, SIZE_SIZE, "~%s", format_size(size, info->bytes));
	return text;
}

static const char *format_type(char text[FORMAT_FOREIGN_SIZE],
			       const struct gguf_tensor *info)
{
	return info->format ? info->format->name :
			      format_foreign_text(text, info->type);
}

static int max(int a, int b)
{
	return a > b ? a : b;
}

static int digits(uint64_t n)
{
	return snprintf(NULL, 0, "%" PRIu64, n);
}

/* The longest name of a GGUF type is IQ2_XXS. */
static int longest_type(const struct plan *plan)
{
	char type[FORMAT_FOREIGN_SIZE];
	int width = 7;

	for (size_t i = 0; i < plan->n_tensors; i++)
		width = max(width, (int)strlen(format_type(
			type, plan->tensors[i].tensor->info)));
	return width;
}

static void print_rows(FILE *stream, const struct plan *plan)
{
	static const char shapes[] = "SHAPE", weights[] = "WEIGHTS";
	char type[FORMAT_FOREIGN_SIZE], shape[SHAPE_SIZE], size[SIZE_SIZE];
	const int type_width = longest_type(plan);
	int shape_width = sizeof(shapes) - 1;
	int weights_width = sizeof(weights) - 1;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;

		shape_width = max(shape_width,
				  (int)strlen(format_shape(shape, tensor)));
		weights_width = max(weights_width,
				    digits(tensor->info->n_weights));
	}
	fprintf(stream, "%-*s  %-*s  %*s  %10s  NAME\n", type_width, "TYPE",
		shape_width, shapes, weights_width, weights, "SIZE");
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct model_tensor *tensor = plan->tensors[i].tensor;
		const struct gguf_tensor *info = tensor->info;

		fprintf(stream, "%-*s  %-*s  %*" PRIu64 "  %10s  ",
			type_width, format_type(type, info), shape_width,
			format_shape(shape, tensor), weights_width,
			info->n_weights, format_tensor_size(size, info));
		escape_print(stream, info->name);
		putc('\n', stream);
	}
}

static double bits_per_weight(const struct totals *totals)
{
	return totals->weights ? (double)totals->bytes * 8 /
					 (double)totals->weights :
				 0;
}

static void print_totals(FILE *stream, int type_width, const char *type,
			 const struct totals *totals, int width)
{
	char size[SIZE_SIZE];

	fprintf(stream, "%-*s  %7zu  %*" PRIu64 "  %10s  %11.3f\n",
		type_width, type, totals->n_tensors, width, totals->weights,
		format_size(size, totals->bytes), bits_per_weight(totals));
}

static void print_all_totals(FILE *stream, const struct plan *plan,
			     uint64_t gguf_bytes)
{
	static const char weights[] = "WEIGHTS";
	static const char unsupported[] = "unsupported";
	struct all_totals totals;
	char size[SIZE_SIZE];
	int type_width = longest_type(plan);
	int width;

	totals_fill(&totals, plan);
	if (totals.unsupported.n_tensors)
		type_width = max(type_width, sizeof(unsupported) - 1);
	width = max(sizeof(weights) - 1, digits(totals.all.weights));
	fprintf(stream, "%-*s  TENSORS  %*s  %10s  BITS/WEIGHT\n", type_width,
		"TYPE", width, weights, "SIZE");
	for (unsigned i = 0; i < FORMAT_COUNT; i++)
		if (totals.of_type[i].n_tensors)
			print_totals(stream, type_width, format_at(i)->name,
				     &totals.of_type[i], width);
	if (totals.unsupported.n_tensors)
		print_totals(stream, type_width, unsupported,
			     &totals.unsupported, width);
	print_totals(stream, type_width, "all", &totals.all, width);
	fprintf(stream, "\nOutput as %s: %" PRIu64 " bytes (%s)\n",
		plan_type_name(plan), plan->dst_bytes,
		format_size(size, plan->dst_bytes));
	if (gguf_bytes)
		fprintf(stream, "As a GGUF file: %" PRIu64 " bytes (%s)\n",
			gguf_bytes, format_size(size, gguf_bytes));
	if (totals.unsupported.n_tensors)
		fprintf(stream, "Tensors of unsupported types must be excluded "
				"with -x; their size (~) is that up to the "
				"next tensor\n");
}

/* Prints `before` and the metadata entry `key` if that is a string. Returns
 * what must be printed before the next one. */
static const char *print_string(FILE *stream, const char *before,
				const struct gguf *gguf, const char *key)
{
	const struct text text = gguf_string(gguf_find(gguf, key));

	if (!text.data)
		return before;
	fprintf(stream, "%s%s", before, ESCAPED(text));
	return ", ";
}

static void print_model(FILE *stream, const struct model *model,
			const struct plan *plan)
{
	const struct gguf *gguf = &model->shards[0].gguf;
	const char *before = ": ";

	fputs(model->shards[0].source.name, stream);
	before = print_string(stream, before, gguf, "general.architecture");
	print_string(stream, before, gguf, "general.name");
	if (gguf->version)
		fprintf(stream, "\nGGUF version %" PRIu32 ", ", gguf->version);
	else
		fputs("\nHeaderless blocks, ", stream);
	if (model->n_shards > 1)
		fprintf(stream, "%zu shards, ", model->n_shards);
	if (plan->n_tensors < model->n_tensors)
		fprintf(stream, "%zu of ", plan->n_tensors);
	fprintf(stream, "%zu tensors; a shape's fastest dimension is first\n\n",
		model->n_tensors);
}

void listing_table(FILE *stream, const struct model *model,
		   const struct plan *plan, uint64_t gguf_bytes)
{
	print_model(stream, model, plan);
	print_rows(stream, plan);
	fputc('\n', stream);
	print_all_totals(stream, plan, gguf_bytes);
}
