/* dimensions.h - the sizes of a model that several facts depend on. */
#ifndef HF_DIMENSIONS_H
#define HF_DIMENSIONS_H

#include "hf/architecture.h"
#include "hf/metadata.h"

struct dimensions {
	uint64_t layers;
	uint64_t hidden;
	uint64_t vocabulary; /* rows of the embeddings, padding included */
	uint64_t heads;      /* in each layer */
	uint64_t kv_heads;
	uint64_t head; /* of a query; with latent attention, of both its
			  parts */
};

/* Reads them from metadata and tensors, which must agree. */
int dimensions_read(struct dimensions *dimensions,
		    const struct metadata *metadata, const struct model *model,
		    struct error *err);

#endif
