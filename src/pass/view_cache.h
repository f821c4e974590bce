/* view_cache.h - parts of sources that several batches need, read once. */
#ifndef PASS_VIEW_CACHE_H
#define PASS_VIEW_CACHE_H

#include <pthread.h>

#include "io/source.h"

/* A run of bytes of a source. Who has taken it may read `bytes`; everything
 * else is the cache's. */
struct view_region {
	char *bytes;
	uint64_t offset;
	const struct source *source; /* NULL: there is none */
	size_t size;
	size_t capacity; /* of `bytes` */
	unsigned n_users;
	uint64_t taken; /* last, as the cache counts */
	enum { VIEW_LOADING, VIEW_LOADED, VIEW_FAILED } state;
};

#define VIEW_CACHE_REGIONS 8

struct view_cache {
	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t loaded;
	size_t room; /* bytes that are left */
	uint64_t n_taken;
	struct view_region regions[VIEW_CACHE_REGIONS];
};

void view_cache_init(struct view_cache *cache, size_t bytes);
void view_cache_release(struct view_cache *cache);

/* The region, read unless it is there; NULL if it cannot be read, which reading
 * it without the cache explains, or if there is no room. It stays until the
 * caller gives it back. Threads may take regions side by side. */
struct view_region *view_cache_take(struct view_cache *cache,
				    struct source *source, uint64_t offset,
				    uint64_t size);
void view_cache_give(struct view_cache *cache, struct view_region *region);

#endif
