/*
 * blake3_lanes.c - BLAKE3 on the CPU. Compiled once per instruction set, whose
 * name is CPU_ROWS_ISA. Lane i of each vector belongs to chunk i or parent i.
 * If fewer are left than there are lanes, the remaining lanes are idle.
 */
#include "hash/blake3_lanes.h"

#include "kernels/blake3.h"

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX2__)
#define LANES 8
#else
#define LANES 4
#endif

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

/* Not all compilers recognise rotations by whole bytes. */
DQ_FN lanes rotate(lanes x, unsigned n)
{
#if defined(__AVX512F__)
	if (n == 16)
		return (lanes)_mm512_ror_epi32((__m512i)x, 16);
	if (n == 12)
		return (lanes)_mm512_ror_epi32((__m512i)x, 12);
	if (n == 8)
		return (lanes)_mm512_ror_epi32((__m512i)x, 8);
	return (lanes)_mm512_ror_epi32((__m512i)x, 7);
#else
#if defined(__AVX2__)
	if (n == 16)
		return (lanes)_mm256_shuffle_epi8(
			(__m256i)x, _mm256_setr_epi8(
			2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
			2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
	if (n == 8)
		return (lanes)_mm256_shuffle_epi8(
			(__m256i)x, _mm256_setr_epi8(
			1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12,
			1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12));
#elif defined(__SSE2__)
	if (n == 16)
		return (lanes)_mm_shufflehi_epi16(
			_mm_shufflelo_epi16((__m128i)x, 0xb1), 0xb1);
#endif
	return x >> n | x << (32 - n);
#endif
}

BLAKE3_DEFINE_ROUNDS(rounds, lanes, rotate)

/* Loads 16 words at `from` of each lane's input; m[i] gets word i of each
 * lane. */
#if defined(__AVX512F__)
/* Interleaves pairs of rows in units of 32, 64, 128 and 256 bits. */
DQ_FN void transpose(const uint8_t *const in[LANES], size_t from,
		     lanes m[16])
{
	__m512i a[16], b[16];

	for (unsigned i = 0; i < 16; i++)
		a[i] = _mm512_loadu_si512(in[i] + from);
	for (unsigned i = 0; i < 16; i += 2) {
		b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
		b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
	}
	for (unsigned i = 0; i < 16; i += 4) {
		a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
		a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
		a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
		a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
	}
	for (unsigned i = 0; i < 4; i++) {
		b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
		b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
		b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
		b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
	}
	for (unsigned i = 0; i < 4; i++) {
		m[i] = (lanes)_mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
		m[i + 8] = (lanes)_mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
		m[i + 4] = (lanes)_mm512_shuffle_i32x4(b[i + 4], b[i + 12],
						       0x88);
		m[i + 12] = (lanes)_mm512_shuffle_i32x4(b[i + 4], b[i + 12],
							0xdd);
	}
}
#elif defined(__AVX2__)
DQ_FN void transpose_half(const uint8_t *const in[LANES], size_t from,
			  lanes m[8])
{
	__m256i a[8], b[8];

	for (unsigned i = 0; i < 8; i++)
		a[i] = _mm256_loadu_si256((const __m256i *)(in[i] + from));
	for (unsigned i = 0; i < 8; i += 2) {
		b[i] = _mm256_unpacklo_epi32(a[i], a[i + 1]);
		b[i + 1] = _mm256_unpackhi_epi32(a[i], a[i + 1]);
	}
	for (unsigned i = 0; i < 8; i += 4) {
		a[i] = _mm256_unpacklo_epi64(b[i], b[i + 2]);
		a[i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 2]);
		a[i + 2] = _mm256_unpacklo_epi64(b[i + 1], b[i + 3]);
		a[i + 3] = _mm256_unpackhi_epi64(b[i + 1], b[i + 3]);
	}
	for (unsigned i = 0; i < 4; i++) {
		m[i] = (lanes)_mm256_permute2x128_si256(a[i], a[i + 4], 0x20);
		m[i + 4] = (lanes)_mm256_permute2x128_si256(a[i], a[i + 4],
							    0x31);
	}
}

DQ_FN void transpose(const uint8_t *const in[LANES], size_t from,
		     lanes m[16])
{
	transpose_half(in, from, m);
	transpose_half(in, from + 32, m + 8);
}
#elif defined(__SSE2__)
DQ_FN void transpose(const uint8_t *const in[LANES], size_t from,
		     lanes m[16])
{
	for (unsigned i = 0; i < 16; i += 4, from += 16) {
		__m128i a[4], b[4];

		for (unsigned j = 0; j < 4; j++)
			a[j] = _mm_loadu_si128((const __m128i *)(in[j] + from));
		b[0] = _mm_unpacklo_epi32(a[0], a[1]);
		b[1] = _mm_unpackhi_epi32(a[0], a[1]);
		b[2] = _mm_unpacklo_epi32(a[2], a[3]);
		b[3] = _mm_unpackhi_epi32(a[2], a[3]);
		m[i] = (lanes)_mm_unpacklo_epi64(b[0], b[2]);
		m[i + 1] = (lanes)_mm_unpackhi_epi64(b[0], b[2]);
		m[i + 2] = (lanes)_mm_unpacklo_epi64(b[1], b[3]);
		m[i + 3] = (lanes)_mm_unpackhi_epi64(b[1], b[3]);
	}
}
#else
DQ_FN void transpose(const uint8_t *const in[LANES], size_t from,
		     lanes m[16])
{
	for (unsigned i = 0; i < 16; i++)
		for (unsigned j = 0; j < LANES; j++)
			m[i][j] = dq_load_u32(in[j] + from + 4 * i);
}
#endif

DQ_FN lanes all(uint32_t x)
{
	return x - (lanes){ 0 };
}

DQ_FN void start(lanes h[8])
{
	uint32_t iv[8];

	blake3_start(iv);
	for (unsigned i = 0; i < 8; i++)
		h[i] = all(iv[i]);
}

DQ_FN void compress(lanes h[8], const lanes m[16], const lanes counter[2],
		    uint32_t flags)
{
	static const uint32_t iv[8] = BLAKE3_IV;
	lanes v[16];

	for (unsigned i = 0; i < 8; i++)
		v[i] = h[i];
	for (unsigned i = 0; i < 4; i++)
		v[8 + i] = all(iv[i]);
	v[12] = counter[0];
	v[13] = counter[1];
	v[14] = all(BLAKE3_BLOCK);
	v[15] = all(flags);
	rounds(v, m);
	for (unsigned i = 0; i < 8; i++)
		h[i] = v[i] ^ v[i + 8];
}

/* Stores the values of the first n lanes. */
DQ_FN void store(const lanes h[8], size_t n, uint32_t (*values)[8])
{
	for (size_t j = 0; j < n; j++)
		for (unsigned i = 0; i < 8; i++)
			values[j][i] = h[i][j];
}

/* Sets each lane's input, `bytes` apart. Lanes past the n inputs hash the last
 * one again. */
DQ_FN void point(const uint8_t *in[LANES], const void *first, size_t n,
		 size_t bytes)
{
	for (size_t i = 0; i < LANES; i++)
		in[i] = (const uint8_t *)first +
			(i < n ? i : n - 1) * bytes;
}

static void hash_chunks(const uint8_t *bytes, size_t n, uint64_t number,
			uint32_t (*values)[8])
{
	const unsigned n_blocks = BLAKE3_CHUNK / BLAKE3_BLOCK;
	const uint8_t *in[LANES];
	lanes h[8], m[16], counter[2];

	point(in, bytes, n, BLAKE3_CHUNK);
	for (unsigned i = 0; i < LANES; i++) {
		counter[0][i] = (uint32_t)(number + i);
		counter[1][i] = (uint32_t)((number + i) >> 32);
	}
	start(h);
	for (unsigned i = 0; i < n_blocks; i++) {
		transpose(in, (size_t)i * BLAKE3_BLOCK, m);
		/* CPUs do not recognise this many streams of a quarter page
		 * each: 1.5 times the speed if the bytes are in no cache. */
		for (unsigned j = 0; j < LANES; j++)
			__builtin_prefetch(in[j] + (i + 2) * BLAKE3_BLOCK);
		compress(h, m, counter, blake3_block_flags(i, n_blocks, 0));
	}
	store(h, n, values);
}

static void chunks(const void *bytes, size_t n, uint64_t counter,
		   uint32_t (*values)[8])
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i += LANES)
		hash_chunks(p + i * BLAKE3_CHUNK,
			    n - i < LANES ? n - i : LANES, counter + i,
			    values + i);
}

static void hash_parents(const uint32_t (*children)[8], size_t n,
			 uint32_t (*values)[8])
{
	const lanes counter[2] = { { 0 } };
	const uint8_t *in[LANES];
	lanes h[8], m[16];

	point(in, children, n, BLAKE3_BLOCK);
	start(h);
	transpose(in, 0, m);
	compress(h, m, counter, BLAKE3_PARENT);
	store(h, n, values);
}

static void parents(const uint32_t (*children)[8], size_t n,
		    uint32_t (*values)[8])
{
	for (size_t i = 0; i < n; i += LANES)
		hash_parents(children + 2 * i, n - i < LANES ? n - i : LANES,
			     values + i);
}

const struct blake3_lanes CAT(blake3_lanes_, CPU_ROWS_ISA) = {
	.chunks = chunks,
	.parents = parents,
};
