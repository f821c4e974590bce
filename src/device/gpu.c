#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/devices.h"
#include "gpu/gpu.h"
#include "hash/blake3.h"
#include "kernels/launch.h"

struct device_gpu {
	struct device device; /* first, so that a pointer to it can be cast */
	struct gpus gpus;
	atomic_size_t n_slots; /* opened so far: the GPUs take turns */
	size_t n_kernels;
	char description[512];
	struct gpu_kernels kernels[]; /* of the GPUs in use */
};

/*
 * For each GPU, of whose link slots of 8 MiB keep 95 % busy on an H200 with
 * PCIe 5. Larger ones gain nothing, nor do more workers: 4 wait for copies, and
 * one reads 5 GB/s of a link of 55. The BLAKE3 kernels are 8 times as fast on
 * 32 MiB as on 4, but 64 MiB of blocks would no longer be in the CPU's cache.
 */
#define N_WORKERS 4
#define N_COPYING 12
#define BEST_SLOT ((size_t)8 << 20)
#define KEPT_BYTES ((size_t)32 << 20)

_Static_assert(KEPT_BYTES <= BLAKE3_PART_BYTES, "a batch is one part at most");

/* The hashes of a batch. Each buffer has space for the chaining value of every
 * chunk in a batch. */
struct hashes {
	char *chunks; /* both on the GPU */
	char *values;
	uint32_t (*download)[BLAKE3_WORDS]; /* page-locked */
	size_t n_values;
};

#define VALUE_BYTES (sizeof(uint32_t) * BLAKE3_WORDS)

/* Each slot has its own stream, so that its copies and kernels overlap with
 * those of other slots. */
struct slot {
	struct gpu_kernels *kernels;
	void *stream;
	struct gpu_host host; /* has all buffers there */
	void *memory; /* on the GPU: all of the following */
	void *in;
	void *out;
	struct hashes hashes;
};

/* Releases everything even if something fails; no data depends on it. */
static void slot_close(struct device *dev, struct device_slot *buffers)
{
	struct slot *const slot = buffers->own;
	const struct gpu *const gpu = slot->kernels->gpu;
	struct error ignored;

	(void)dev;
	(void)gpu_select(slot->kernels, &ignored);
	if (slot->stream)
		gpu->runtime->stream_destroy(slot->stream);
	if (slot->memory)
		gpu->runtime->memory_free(slot->memory);
	gpu_host_free(gpu, &slot->host);
	free(slot);
	*buffers = (struct device_slot){ 0 };
}

/* What slot_open returns after that result of the runtime. */
static int slot_result(int result)
{
	if (!result)
		return 0;
	return result == GPU_ERROR_MEMORY ? DEVICE_NO_MEMORY : -1;
}

/* Takes the next n bytes, aligned as the kernels and copies want. */
static size_t take(size_t *end, size_t n)
{
	const size_t begin = *end;

	*end += (n + 255) & ~(size_t)255;
	return begin;
}

/* The bytes for the hashes of a slot's values. Each item may begin and end in
 * the middle of a chunk of the slot. */
static size_t hash_bytes(const struct device_slot *buffers, size_t out_bytes)
{
	return !buffers->blake3 ? 0 :
	       (out_bytes / BLAKE3_CHUNK_BYTES + PLAN_BATCH_ITEMS) *
		       VALUE_BYTES;
}

/* On the GPU, in one piece: | blocks | values | hashes of chunks | hashes |. */
static int open_memory(struct slot *slot, const struct device_slot *buffers,
		       size_t slot_bytes, struct error *err)
{
	const size_t out_bytes = buffers->kept_bytes ? buffers->kept_bytes :
						       slot_bytes;
	const size_t hashes = hash_bytes(buffers, out_bytes);
	size_t bytes = 0;
	const size_t in = take(&bytes, buffers->in_bytes);
	const size_t out = take(&bytes, out_bytes);
	const size_t chunks = take(&bytes, hashes);
	const size_t values = take(&bytes, hashes);
	const struct gpu *const gpu = slot->kernels->gpu;
	const int result = gpu->runtime->memory_alloc(&slot->memory, bytes);

	if (gpu_check(gpu->runtime, gpu->label, GPU_FUNCTION_memory_alloc,
		      bytes, result, err)) {
		slot->memory = NULL;
		return slot_result(result);
	}
	slot->in = (char *)slot->memory + in;
	slot->out = (char *)slot->memory + out;
	slot->hashes.chunks = (char *)slot->memory + chunks;
	slot->hashes.values = (char *)slot->memory + values;
	return 0;
}

/* In the host's memory, also in one piece, which is page-locked in one call:
 * | blocks | values, unless they are kept | hashes |. */
static int open_host_memory(struct slot *slot, struct device_slot *buffers,
			    size_t slot_bytes, struct error *err)
{
	const size_t kept = buffers->kept_bytes;
	size_t bytes = 0;
	const size_t in = take(&bytes, buffers->in_bytes);
	const size_t out = take(&bytes, kept ? 0 : slot_bytes);
	const size_t hashes = take(&bytes, hash_bytes(buffers, kept ? kept :
						      slot_bytes));
	const int result =
		gpu_host_alloc(slot->kernels->gpu, bytes, &slot->host, err);
	char *const memory = slot->host.memory;

	if (result)
		return slot_result(result);
	buffers->in = memory + in;
	buffers->out = kept ? NULL : memory + out;
	slot->hashes.download = (void *)(memory + hashes);
	return 0;
}

static int open_buffers(struct slot *slot, struct device_slot *buffers,
			size_t slot_bytes, struct error *err)
{
	const struct gpu *const gpu = slot->kernels->gpu;
	int result;

	if (gpu_select(slot->kernels, err) ||
	    GPU_CALL(gpu, err, 0, stream_create, &slot->stream,
		     GPU_STREAM_NON_BLOCKING))
		return -1;
	result = open_memory(slot, buffers, slot_bytes, err);
	if (!result)
		result = open_host_memory(slot, buffers, slot_bytes, err);
	return result;
}

static int slot_open(struct device *dev, struct device_slot *buffers,
		     size_t slot_bytes, struct error *err)
{
	struct device_gpu *const device = (struct device_gpu *)dev;
	const size_t turn = atomic_fetch_add(&device->n_slots, 1);
	struct slot *const slot = calloc(1, sizeof(*slot));
	int result;

	if (!slot)
		return error_errno(err, "cannot open a slot of the GPU");
	slot->kernels = &device->kernels[turn % device->n_kernels];
	buffers->own = slot;
	result = open_buffers(slot, buffers, slot_bytes, err);
	if (result)
		slot_close(dev, buffers);
	return result;
}

static int launch_items(const struct slot *slot, const struct work_batch *batch,
			struct error *err)
{
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		const struct gguf_tensor *const info =
			item->tensor->tensor->info;

		if (plan_is_for_device(item->tensor) &&
		    gpu_launch(slot->kernels, info->format, item->tensor->type,
			       (char *)slot->in + item->in, item->n_blocks,
			       work_item_row_blocks(item),
			       (char *)slot->out + item->out, slot->stream,
			       err))
			return -1;
	}
	return 0;
}

/* Downloads each run of items between verbatim ones in one copy. */
static int download_items(const struct slot *slot, void *to,
			  const struct work_batch *batch, struct error *err)
{
	const struct work_item *const items = batch->items;
	size_t n = batch->n_items;

	for (size_t i = 0, end; i < n; i = end + 1) {
		size_t bytes = 0;

		for (end = i; end < n; end++) {
			if (!plan_is_for_device(items[end].tensor))
				break;
			bytes += items[end].dst_bytes;
		}
		if (bytes &&
		    GPU_CALL(slot->kernels->gpu, err, bytes, download,
			     (char *)to + items[i].out,
			     (char *)slot->out + items[i].out, bytes,
			     slot->stream))
			return -1;
	}
	return 0;
}

/* The hashes of a batch are downloaded in one copy. */
static int hash_items(struct slot *slot, const struct work_batch *batch,
		      struct error *err)
{
	struct hashes *const hashes = &slot->hashes;

	hashes->n_values = 0;
	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];
		const size_t at = hashes->n_values * VALUE_BYTES;
		size_t n;

		if (!plan_is_for_device(item->tensor))
			continue;
		if (gpu_hash(slot->kernels, (char *)slot->out + item->out,
			     item->dst_bytes, item->dst_offset,
			     item->tensor->dst_bytes, hashes->chunks,
			     hashes->values + at, &n, slot->stream, err))
			return -1;
		hashes->n_values += n;
	}
	return GPU_CALL(slot->kernels->gpu, err,
			hashes->n_values * VALUE_BYTES, download,
			hashes->download, hashes->values,
			hashes->n_values * VALUE_BYTES, slot->stream);
}

static void join_items(const struct device_slot *buffers,
		       const struct work_batch *batch)
{
	const struct slot *const slot = buffers->own;
	uint32_t (*values)[BLAKE3_WORDS] = slot->hashes.download;

	for (size_t i = 0; i < batch->n_items; i++) {
		const struct work_item *const item = &batch->items[i];

		if (plan_is_for_device(item->tensor))
			values += blake3_part_join(
				&buffers->parts[i], buffers->blake3, values,
				DQ_HASH_LEVEL, item->dst_bytes,
				item->dst_offset, item->tensor->dst_bytes);
	}
}

static int start_batch(struct device_slot *buffers,
		       const struct work_batch *batch, struct error *err)
{
	struct slot *const slot = buffers->own;
	const struct gpu *const gpu = slot->kernels->gpu;

	if (GPU_CALL(gpu, err, batch->in_bytes, upload, slot->in, buffers->in,
		     batch->in_bytes, slot->stream) ||
	    launch_items(slot, batch, err) ||
	    (buffers->blake3 && hash_items(slot, batch, err)) ||
	    (!buffers->parts_only &&
	     download_items(slot, buffers->out, batch, err)))
		return -1;
	return 0;
}

static int convert(struct device *dev, struct device_slot *buffers,
		   const struct work_batch *batch, struct error *err)
{
	struct slot *const slot = buffers->own;
	const struct gpu *const gpu = slot->kernels->gpu;
	int result;

	(void)dev;
	buffers->fits_f16 = false;
	if (gpu_select(slot->kernels, err))
		return -1;
	result = start_batch(buffers, batch, err);
	/* All work must have ended before the buffers are freed. */
	if (result)
		gpu->runtime->stream_wait(slot->stream);
	else
		result = GPU_CALL(gpu, err, 0, stream_wait, slot->stream);
	if (!result && buffers->blake3)
		join_items(buffers, batch);
	return result;
}

static void close_device(struct device *dev)
{
	struct device_gpu *const device = (struct device_gpu *)dev;

	while (device->n_kernels)
		gpu_kernels_close(&device->kernels[--device->n_kernels]);
	gpus_release(&device->gpus);
	free(device);
}

static int explain_no_gpu(const struct gpus *gpus, struct error *err)
{
	return error_set(err, "no usable GPU: %s; %s",
			 gpus->missing[GPU_HIP].message,
			 gpus->missing[GPU_CUDA].message);
}

/* The first GPU that this program has code for. */
static const struct gpu *first_gpu(const struct gpus *gpus)
{
	for (size_t i = 0; i < gpus->n; i++)
		if (gpus->list[i].image)
			return &gpus->list[i];
	return gpus->list;
}

/* Adds a GPU to the device's description. */
static int describe(struct device_gpu *device, struct gpu_kernels *kernels,
		    struct error *err)
{
	const size_t len = strlen(device->description);
	char text[GPU_DESCRIPTION_SIZE];

	if (gpu_describe(kernels, text, err))
		return -1;
	snprintf(device->description + len, sizeof(device->description) - len,
		 "%s%s (%s)", len ? ", " : "", kernels->gpu->label, text);
	return 0;
}

/* A GPU that is being opened, by a thread of its own if there are several: each
 * takes a tenth of a second. */
struct opening {
	struct gpu_kernels *kernels;
	const struct gpu *gpu;
	int result;
	struct error err;
};

static void *open_one(void *arg)
{
	struct opening *const opening = arg;

	opening->result = gpu_kernels_open(opening->kernels, opening->gpu,
					   &opening->err);
	return NULL;
}

/* Opens n GPUs at once. If a thread can't be started, opens its GPU here. */
static void open_all(struct opening *openings, size_t n)
{
	pthread_t threads[DEVICE_MAX_GPUS];
	size_t n_threads = 0;

	while (n_threads + 1 < n &&
	       !pthread_create(&threads[n_threads], NULL, open_one,
			       &openings[n_threads]))
		n_threads++;
	for (size_t i = n_threads; i < n; i++)
		(void)open_one(&openings[i]);
	for (size_t i = 0; i < n_threads; i++)
		(void)pthread_join(threads[i], NULL);
}

/* Keeps all of them, or none. */
static int keep_all(struct device_gpu *device, const struct opening *openings,
		    size_t n, struct error *err)
{
	size_t failed = 0;

	while (failed < n && !openings[failed].result)
		failed++;
	if (failed == n) {
		device->n_kernels = n;
		return 0;
	}
	*err = openings[failed].err;
	for (size_t i = 0; i < n; i++)
		if (!openings[i].result)
			gpu_kernels_close(openings[i].kernels);
	return -1;
}

static int open_kernels(struct device_gpu *device,
			const struct gpu *const *chosen, size_t n,
			struct error *err)
{
	struct opening *const openings = calloc(n, sizeof(*openings));
	int result;

	if (!openings)
		return error_errno(err, "cannot open %zu GPUs", n);
	for (size_t i = 0; i < n; i++) {
		openings[i].kernels = &device->kernels[i];
		openings[i].gpu = chosen[i];
	}
	open_all(openings, n);
	result = keep_all(device, openings, n, err);
	free(openings);
	for (size_t i = 0; !result && i < n; i++)
		result = gpu_select(&device->kernels[i], err) ||
			 describe(device, &device->kernels[i], err);
	return result ? -1 : 0;
}

/* Finds the GPUs with these numbers and opens them. */
static int open_gpus(struct device_gpu *device, const unsigned *numbers,
		     size_t n, struct error *err)
{
	const struct gpus *const gpus = &device->gpus;
	const struct gpu *chosen[DEVICE_MAX_GPUS];

	gpus_init(&device->gpus);
	if (!gpus->n)
		return explain_no_gpu(gpus, err);
	chosen[0] = first_gpu(gpus);
	for (size_t i = 0; i < n; i++) {
		if (numbers[i] >= gpus->n)
			return error_set(err, "gpu:%u does not exist; the last "
					 "one is gpu:%zu", numbers[i],
					 gpus->n - 1);
		chosen[i] = &gpus->list[numbers[i]];
	}
	return open_kernels(device, chosen, n ? n : 1, err);
}

struct device *device_gpu_open(const unsigned *numbers, size_t n,
			       struct error *err)
{
	const unsigned n_gpus = n ? (unsigned)n : 1;
	struct device_gpu *const device =
		calloc(1, sizeof(*device) +
			  n_gpus * sizeof(device->kernels[0]));

	if (!device) {
		error_errno(err, "cannot open the GPU");
		return NULL;
	}
	device->device = (struct device){
		.description = device->description,
		.n_workers = N_WORKERS * n_gpus,
		.n_copying = N_COPYING * n_gpus,
		.best_slot = BEST_SLOT,
		.kept_bytes = KEPT_BYTES,
		.few_slots = true,
		.hashes = true,
		.slot_open = slot_open,
		.slot_close = slot_close,
		.convert = convert,
		.close = close_device,
	};
	if (!open_gpus(device, numbers, n, err))
		return &device->device;
	close_device(&device->device);
	return NULL;
}
