/*
 * keep.c - what llama.cpp keeps in F32.
 *
 * Its converters (conversion/base.py, and what overrides tensor_force_quant)
 * write these tensors as F32 even with --outtype f16 or bf16, and its quantizer
 * (tensor_allows_quantization in src/llama-quant.cpp) leaves them alone. Most
 * must be F32: ggml adds, multiplies and convolves them with F32 values, and
 * aborts if they are F16 or BF16. Others are small, and rounding them shows.
 *
 * https://github.com/ggml-org/llama.cpp
 */
#include "pass/keep.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct keep {
	const char *glob; /* as fnmatch(3) takes it; NULL: see find_keep */
	const char *why;
	bool f16_runs; /* one that is stored as F16 stays F16 */
};

/* ggml's sums and products take one row of F32, as norms and biases are. */
static const struct keep one_row = { NULL, "1-D", false };
/* Biases, and states such as ssm_a: only what ends so is multiplied. */
static const struct keep no_weight = { NULL, "not a .weight", false };
/* The rest is quantized, but whoever made the model spared this one. */
static const struct keep spared = { NULL, "F32 in the model", false };

/* The first row that matches counts. */
static const struct keep keeps[] = {
	{ "*_norm.weight", "norm", false },
	{ "*.norm[12].weight", "norm", false },
	{ "*rope_f*", "rope", false },
	{ "*ffn_gate_inp*", "router", false },
	{ "*altup*", "AltUp", false },
	{ "*laurel*", "LAuReL", false },
	{ "*per_layer_model_proj*", "per-layer projection", false },
	{ "position_embd.weight", "position", false },
	{ "*.position_embd*", "position", false },
	{ "*pos_embd*", "position", false },
	{ "*.rel_pos*", "position", false },
	{ "*attn_rel_b.weight", "position", false },
	{ "token_types.weight", "token type", false },
	/* ggml has no convolution with BF16; some take F16 kernels only. */
	{ "*conv1d*", "convolution", true },
	{ "*conv2d*", "convolution", true },
	{ "*.conv*", "convolution", true },
	{ "*_conv*", "convolution", true },
	{ "*dwconv*", "convolution", true },
	{ "*.patch_embd*", "convolution", true },
	{ "*.patch_merger*", "convolution", true },
	{ "*sam.neck.*", "convolution", true },
	{ "*sam.net_*", "convolution", true },
	{ "*.seanet.*", "convolution", true },
	{ "*codebook*", "codebook", false },
	{ "*.code_embd*", "codebook", false },
	/* RWKV's low-rank matrices and what it interpolates by. */
	{ "*time_mix_[agvw][012].weight", "time mixer", false },
	{ "*time_mix_decay_w[12].weight", "time mixer", false },
	{ "*time_mix_first.weight", "time mixer", false },
	{ "*time_mix_lerp_*", "time mixer", false },
	/* They choose what is attended to; rounding changes the choice. */
	{ "*indexer*", "indexer", false },
	{ "*hc_attn_*", "hyper-connection", false },
	{ "*hc_ffn_*", "hyper-connection", false },
	{ "output_hc_*", "hyper-connection", false },
};

/* As ggml counts them, without dimensions of 1 at the end. */
static unsigned count_dims(const struct gguf_tensor *tensor)
{
	unsigned n = tensor->n_dims;

	while (n > 1 && tensor->dims[n - 1] == 1)
		n--;
	return n;
}

static bool is_weight(const char *name)
{
	return !fnmatch("*.weight", name, 0) ||
	       !fnmatch("*.lora_[ab]", name, 0);
}

static const struct keep *find_keep(const struct gguf_tensor *tensor,
				    const char *name, bool is_f32_model)
{
	if (count_dims(tensor) < 2)
		return &one_row;
	for (size_t i = 0; i < sizeof(keeps) / sizeof(*keeps); i++)
		if (!fnmatch(keeps[i].glob, name, 0))
			return &keeps[i];
	if (!is_weight(name))
		return &no_weight;
	if (tensor->format->index == FORMAT_F32 && !is_f32_model)
		return &spared;
	return NULL;
}

static void keep_tensor(struct plan_tensor *tensor, const char *name,
			bool is_f32_model)
{
	const struct gguf_tensor *const info = tensor->tensor->info;
	const struct keep *keep;

	if ((tensor->type != OUTPUT_F16 && tensor->type != OUTPUT_BF16) ||
	    tensor->chosen || !info->format ||
	    info->format->kind == FORMAT_KIND_INTEGER)
		return;
	keep = find_keep(info, name, is_f32_model);
	if (!keep)
		return;
	if (keep->f16_runs && info->format->index == FORMAT_F16) {
		tensor->type = OUTPUT_NATIVE;
	} else {
		tensor->type = OUTPUT_F32;
		tensor->kept = keep;
	}
}

/* Whether none of the model's tensors is a float but F32. */
static bool is_f32_model(const struct model *model)
{
	for (size_t i = 0; i < model->n_tensors; i++) {
		const struct format *const format =
			model->tensors[i].info->format;

		if (!format || (format->kind != FORMAT_KIND_INTEGER &&
				format->index != FORMAT_F32))
			return false;
	}
	return true;
}

int keep_f32(struct plan *plan, const struct model *model, struct error *err)
{
	const bool f32_model = is_f32_model(model);
	char *name;

	if (!gguf_find(&model->shards[0].gguf, "general.architecture"))
		return 0;
	name = malloc(GGUF_MAX_NAME + 1);
	if (!name)
		return error_errno(err, "cannot choose types");
	for (size_t i = 0; i < plan->n_tensors; i++) {
		plan_copy_name(name, plan->tensors[i].tensor->info->name);
		keep_tensor(&plan->tensors[i], name, f32_model);
	}
	free(name);
	return plan_place(plan, err);
}

static size_t count_kept(const struct plan *plan, const char *why)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct keep *const keep = plan->tensors[i].kept;

		n += keep && (!why || !strcmp(keep->why, why));
	}
	return n;
}

/* Whether a tensor before number i was kept for the same reason. */
static bool is_known(const struct plan *plan, size_t end)
{
	for (size_t i = 0; i < end; i++) {
		const struct keep *const keep = plan->tensors[i].kept;

		if (keep && !strcmp(keep->why, plan->tensors[end].kept->why))
			return true;
	}
	return false;
}

void keep_report(FILE *stream, const struct plan *plan)
{
	const size_t n = count_kept(plan, NULL);
	const char *separator = ": ";

	if (!n)
		return;
	fprintf(stream, "gguf-dequant: %zu of %zu tensors stay F32", n,
		plan->n_tensors);
	for (size_t i = 0; i < plan->n_tensors; i++) {
		const struct keep *const keep = plan->tensors[i].kept;

		if (!keep || is_known(plan, i))
			continue;
		fprintf(stream, "%s%s (%zu)", separator, keep->why,
			count_kept(plan, keep->why));
		separator = ", ";
	}
	putc('\n', stream);
}
