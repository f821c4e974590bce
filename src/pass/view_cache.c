#include "pass/view_cache.h"

#include <stdlib.h>

void view_cache_init(struct view_cache *cache, size_t bytes)
{
	*cache = (struct view_cache){ .lock = PTHREAD_MUTEX_INITIALIZER,
				      .loaded = PTHREAD_COND_INITIALIZER,
				      .room = bytes };
}

static void drop(struct view_cache *cache, struct view_region *region)
{
	free(region->bytes);
	cache->room += region->capacity;
	*region = (struct view_region){ .source = NULL };
}

void view_cache_release(struct view_cache *cache)
{
	for (size_t i = 0; i < VIEW_CACHE_REGIONS; i++)
		if (cache->regions[i].source)
			drop(cache, &cache->regions[i]);
}

static struct view_region *find(struct view_cache *cache,
				const struct source *source, uint64_t offset,
				uint64_t size)
{
	for (size_t i = 0; i < VIEW_CACHE_REGIONS; i++) {
		struct view_region *const region = &cache->regions[i];

		if (region->source == source && region->offset == offset &&
		    region->size == size)
			return region;
	}
	return NULL;
}

/* The region without users that was taken first, or NULL. */
static struct view_region *oldest(struct view_cache *cache)
{
	struct view_region *first = NULL;

	for (size_t i = 0; i < VIEW_CACHE_REGIONS; i++) {
		struct view_region *const region = &cache->regions[i];

		if (region->source && !region->n_users &&
		    (!first || region->taken < first->taken))
			first = region;
	}
	return first;
}

/* A region with that capacity: a new one, or an old one, whose memory need not
 * be got from the system again; NULL if there is none. */
static struct view_region *make_room(struct view_cache *cache, uint64_t size)
{
	struct view_region *region, *old;

	for (;;) {
		region = find(cache, NULL, 0, 0);
		if (region && size <= cache->room)
			break;
		old = oldest(cache);
		if (!old)
			return NULL;
		if (old->capacity >= size)
			return old;
		drop(cache, old);
	}
	region->bytes = malloc((size_t)size);
	if (!region->bytes)
		return NULL;
	region->capacity = (size_t)size;
	cache->room -= region->capacity;
	return region;
}

/* Reads the region, without the lock. Whoever needs it and cannot have it reads
 * the source himself, and gets the error. */
static void load(struct view_cache *cache, struct view_region *region,
		 struct source *source)
{
	struct error ignored;
	int result;

	pthread_mutex_unlock(&cache->lock);
	result = source_read(source, region->offset, region->bytes,
			     region->size, &ignored);
	pthread_mutex_lock(&cache->lock);
	region->state = result ? VIEW_FAILED : VIEW_LOADED;
	pthread_cond_broadcast(&cache->loaded);
}

/* Adds the region as one that is loading; NULL if there is no room. */
static struct view_region *add(struct view_cache *cache,
			       const struct source *source, uint64_t offset,
			       uint64_t size)
{
	struct view_region *const region = make_room(cache, size);

	if (!region)
		return NULL;
	*region = (struct view_region){ .bytes = region->bytes,
					.offset = offset,
					.source = source,
					.size = (size_t)size,
					.capacity = region->capacity };
	return region;
}

struct view_region *view_cache_take(struct view_cache *cache,
				    struct source *source, uint64_t offset,
				    uint64_t size)
{
	struct view_region *region;

	pthread_mutex_lock(&cache->lock);
	region = find(cache, source, offset, size);
	if (region) {
		region->n_users++;
		while (region->state == VIEW_LOADING)
			pthread_cond_wait(&cache->loaded, &cache->lock);
	} else {
		region = add(cache, source, offset, size);
		if (region) {
			region->n_users++;
			load(cache, region, source);
		}
	}
	if (region && region->state == VIEW_FAILED) {
		if (!--region->n_users)
			drop(cache, region);
		region = NULL;
	}
	if (region)
		region->taken = ++cache->n_taken;
	pthread_mutex_unlock(&cache->lock);
	return region;
}

void view_cache_give(struct view_cache *cache, struct view_region *region)
{
	pthread_mutex_lock(&cache->lock);
	region->n_users--;
	pthread_mutex_unlock(&cache->lock);
}
