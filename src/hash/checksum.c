#include "hash/checksum.h"

#include <nettle/sha2.h>
#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

#include "hash/blake3.h"

/* --------------------------------- BLAKE3 --------------------------------- */

static void *tree_open(void)
{
	return malloc(sizeof(struct blake3_tree));
}

static bool tree_begin(void *state, uint64_t total)
{
	blake3_tree_init(state, total);
	return true;
}

static void tree_join(void *state, const struct blake3_part *part)
{
	blake3_tree_add(state, part);
}

static bool tree_end(void *state, unsigned char *sum)
{
	blake3_tree_finish(state, sum);
	return true;
}

/* --------------------------------- SHA-256 -------------------------------- */

static void *sha256_open(void)
{
	return malloc(sizeof(struct sha256_ctx));
}

static bool sha256_begin(void *state, uint64_t total)
{
	(void)total;
	sha256_init(state);
	return true;
}

static bool sha256_add(void *state, const void *bytes, size_t n)
{
	sha256_update(state, n, bytes);
	return true;
}

static bool sha256_end(void *state, unsigned char *sum)
{
	sha256_digest(state, SHA256_DIGEST_SIZE, sum);
	return true;
}

/* ------------------------- XXH3 of 64 bits, XXH64 ------------------------- */

/* High byte first, as xxhsum prints it. */
static bool store_xxh(XXH64_hash_t hash, unsigned char *sum)
{
	XXH64_canonicalFromHash((XXH64_canonical_t *)sum, hash);
	return true;
}

static void *xxh3_open(void)
{
	return XXH3_createState();
}

static bool xxh3_begin(void *state, uint64_t total)
{
	(void)total;
	return XXH3_64bits_reset(state) == XXH_OK;
}

static bool xxh3_add(void *state, const void *bytes, size_t n)
{
	return XXH3_64bits_update(state, bytes, n) == XXH_OK;
}

static bool xxh3_end(void *state, unsigned char *sum)
{
	return store_xxh(XXH3_64bits_digest(state), sum);
}

static void xxh3_close(void *state)
{
	XXH3_freeState(state);
}

static void *xxh64_open(void)
{
	return XXH64_createState();
}

static bool xxh64_begin(void *state, uint64_t total)
{
	(void)total;
	return XXH64_reset(state, 0) == XXH_OK;
}

static bool xxh64_add(void *state, const void *bytes, size_t n)
{
	return XXH64_update(state, bytes, n) == XXH_OK;
}

static bool xxh64_end(void *state, unsigned char *sum)
{
	return store_xxh(XXH64_digest(state), sum);
}

static void xxh64_close(void *state)
{
	XXH64_freeState(state);
}

/* -------------------------------- the table ------------------------------- */

#define XXH_BYTES sizeof(XXH64_canonical_t)
#define XXH(name) \
	name##_open, name##_begin, name##_add, NULL, name##_end, name##_close

/* Like xxhsum, we read 16 digits without a prefix as XXH64. */
#define ALGORITHMS(ROW)                                                    \
	ROW("blake3", "BLAKE3", "", BLAKE3_DIGEST_BYTES, tree_open,        \
	    tree_begin, NULL, tree_join, tree_end, free)                   \
	ROW("sha256", "SHA256", "", SHA256_DIGEST_SIZE, sha256_open,       \
	    sha256_begin, sha256_add, NULL, sha256_end, free)              \
	ROW("xxh3", "XXH3", "XXH3_", XXH_BYTES, XXH(xxh3))                 \
	ROW("xxh64", "XXH64", "", XXH_BYTES, XXH(xxh64))

#define ASSERT(name, tag, prefix, bytes, ...) \
	_Static_assert((bytes) <= CHECKSUM_MAX_BYTES, name);
ALGORITHMS(ASSERT)

#define ENTRY(...) { __VA_ARGS__ },
static const struct checksum checksums[] = { ALGORITHMS(ENTRY) };

#define N_CHECKSUMS (sizeof(checksums) / sizeof(*checksums))

const struct checksum *checksum_at(size_t i)
{
	return i < N_CHECKSUMS ? &checksums[i] : NULL;
}

const struct checksum *checksum_by_name(const char *name)
{
	for (size_t i = 0; i < N_CHECKSUMS; i++)
		if (!strcasecmp(checksums[i].name, name))
			return &checksums[i];
	return NULL;
}

const struct checksum *checksum_default(void)
{
	return &checksums[0];
}
