#include "pass/view.h"

#include <math.h>
#include <stdlib.h>

#include "pass/scales.h"

/* A transposed band is read in tiles of so many of its rows and columns. A row
 * of a tile is whole blocks; a column fills a line of the cache. */
#define TILE_ROWS 2048
#define TILE_COLUMNS 16
/* From one column of a tile to the next, in values: such that those of a row
 * are in different sets of the L1 cache. */
#define TILE_STRIDE ((size_t)TILE_ROWS + 16)
#define TILE_WEIGHTS (TILE_STRIDE * TILE_COLUMNS)
_Static_assert(TILE_ROWS % FORMAT_MAX_WEIGHTS == 0, "whole blocks");

#define WINDOW ((size_t)64 << 10)
/* To read that many bytes too many takes no longer than another call. */
#define SKIPPED 6144
_Static_assert(TILE_ROWS * sizeof(double) <= WINDOW, "F64");
_Static_assert(TILE_WEIGHTS * sizeof(float) + 2 * WINDOW <=
	       VIEW_SCRATCH_BYTES, "");

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static const struct format *format_of(const struct plan_tensor *tensor)
{
	return tensor->tensor->info->format;
}

/* Of n weights: whole blocks. */
static uint64_t bytes_of(const struct format *format, uint64_t n)
{
	return n / format->block_weights * format->block_bytes;
}

/* With the header, if rows have one. */
static uint64_t row_bytes(const struct view_band *band)
{
	const struct format *const format = format_of(band->from[0]);

	return bytes_of(format, band->row_weights) + format->header_bytes;
}

void view_scratch_release(struct view_scratch *scratch)
{
	free(scratch->windows[0].bytes);
	free(scratch->windows[1].bytes);
	free(scratch->values);
	*scratch = (struct view_scratch){ .cache = scratch->cache };
}

/* --------------------------------- windows -------------------------------- */

static int make_room(struct view_window *window, size_t size, struct error *err)
{
	char *bytes;

	if (window->size >= size)
		return 0;
	bytes = realloc(window->bytes, size);
	if (!bytes)
		return error_errno(err, "cannot allocate %zu bytes for rows",
				   size);
	window->bytes = bytes;
	window->size = size;
	return 0;
}

/* Makes the window hold n bytes. */
static int fill(struct view_window *window, struct source *source,
		uint64_t offset, size_t n, struct error *err)
{
	window->source = NULL;
	if (make_room(window, n, err) ||
	    source_read(source, offset, window->bytes, n, err))
		return -1;
	window->source = source;
	window->offset = offset;
	window->len = n;
	return 0;
}

/* The n bytes at the offset, if they are in the window; or NULL. */
static const char *look_up(const struct view_window *window,
			   const struct source *source, uint64_t offset,
			   size_t n)
{
	if (window->source != source || offset < window->offset ||
	    offset + n > window->offset + window->len)
		return NULL;
	return window->bytes + (offset - window->offset);
}

/* ---------------------------------- rows ---------------------------------- */

static uint64_t rows_in_group(const struct view *view)
{
	uint64_t rows = 0;

	for (unsigned i = 0; i < view->n_bands; i++)
		rows += view->bands[i].rows;
	return rows;
}

/* Where a row of the view is. */
struct place {
	const struct view_band *band;
	uint64_t group;
	uint64_t row; /* of the band */
};

static struct place find_row(const struct view *view, uint64_t row)
{
	const uint64_t in_group = rows_in_group(view);
	struct place place = { view->bands, row / in_group, row % in_group };

	while (place.row >= place.band->rows)
		place.row -= place.band++->rows;
	return place;
}

static uint64_t source_row(const struct view_band *band, uint64_t group,
			   uint64_t row)
{
	return band->first + group * band->step_group + row * band->step;
}

/* Whether the rows of each group are together in the source, too. */
static bool is_local(const struct view *view)
{
	const uint64_t rows = rows_in_group(view);

	for (unsigned i = 0; i < view->n_bands; i++) {
		const struct view_band *const band = &view->bands[i];

		if (band->step_group != rows ||
		    source_row(band, 0, band->rows - 1) >= rows)
			return false;
	}
	return true;
}

/* What is read at once to find rows in: a group, or all. */
static uint64_t window_bytes(const struct view *view)
{
	const uint64_t rows = rows_in_group(view) *
			      (is_local(view) ? 1 : view->n_groups);

	return rows * row_bytes(&view->bands[0]);
}

/* Fills the window with what the row of that source offset is in. */
static int fill_group(const struct view *view, struct view_window *window,
		      struct source *source, uint64_t start, uint64_t offset,
		      struct error *err)
{
	const uint64_t size = window_bytes(view);

	return fill(window, source, start + (offset - start) / size * size,
		    (size_t)size, err);
}

/* Reads n bytes, part of one row of the view or of several that follow one
 * another in the source. */
static int read_run(const struct view *view, struct view_window *window,
		    uint64_t offset, char *to, size_t n, struct error *err)
{
	const struct plan_tensor *const from = view->bands[0].from[0];
	struct source *const source = from->tensor->source;
	const char *bytes;

	if (source->seekable && window_bytes(view) > WINDOW)
		return source_read(source, offset, to, n, err);
	bytes = look_up(window, source, offset, n);
	if (!bytes) {
		if (fill_group(view, window, source,
			       from->tensor->info->offset, offset, err))
			return -1;
		bytes = look_up(window, source, offset, n);
	}
	memcpy(to, bytes, n);
	return 0;
}

static int read_rows(const struct view *view, struct view_window *window,
		     uint64_t offset, char *to, size_t n, struct error *err)
{
	const uint64_t size = row_bytes(&view->bands[0]);
	const uint64_t start = view->bands[0].from[0]->tensor->info->offset;

	while (n) {
		const struct place at = find_row(view, offset / size);
		const uint64_t done = offset % size;
		const uint64_t row = source_row(at.band, at.group, at.row);
		const uint64_t rows = at.band->step == 1 ?
				      at.band->rows - at.row : 1;
		const size_t now = (size_t)least(n, rows * size - done);

		if (read_run(view, window, start + row * size + done, to, now,
			     err))
			return -1;
		offset += now;
		to += now;
		n -= now;
	}
	return 0;
}

/* --------------------------------- values --------------------------------- */

static void decode_scaled(const struct cpu_rows *rows,
			  const struct plan_tensor *tensor, uint64_t first,
			  const char *blocks, size_t n, float *values)
{
	const struct format *const format = format_of(tensor);
	const size_t piece = SCALES_PIECE / format->block_weights;

	for (size_t now; n; n -= now) {
		now = (size_t)least(n, piece);
		scales_to_f32(rows, tensor, first, blocks, now, values);
		blocks += now * format->block_bytes;
		first += now * format->block_weights;
		values += now * format->block_weights;
	}
}

/* Decodes blocks whose first weight is number `first` of the tensor. */
static void decode(const struct cpu_rows *rows,
		   const struct plan_tensor *tensor, uint64_t first,
		   const char *blocks, size_t weights, float *values)
{
	const struct format *const format = format_of(tensor);
	const size_t n = weights / format->block_weights;

	if (tensor->scales)
		decode_scaled(rows, tensor, first, blocks, n, values);
	else if (format->index == FORMAT_F32)
		memcpy(values, blocks, n * sizeof(*values));
	else
		rows->convert[OUTPUT_F32][format->index](blocks, n, values);
}

/* Some rows and columns of a band. */
struct part {
	const struct view_band *band;
	uint64_t group;
	uint64_t row, end_row;
	uint64_t column, end_column;
	struct view_region *regions[2]; /* that has the group's rows of each
					   source; or NULL */
};

/* Reads weights of one row, whole blocks that fit a window, through one: with
 * those of the rows that follow, if that costs little more. */
static int fetch(const struct view_band *band, const struct plan_tensor *from,
		 struct view_window *window, uint64_t first, uint64_t n,
		 const char **bytes, struct error *err)
{
	const struct format *const format = format_of(from);
	const struct gguf_tensor *const info = from->tensor->info;
	struct source *const source = from->tensor->source;
	const uint64_t offset = info->offset + bytes_of(format, first);
	const size_t size = (size_t)bytes_of(format, n);
	const bool ahead = bytes_of(format, band->row_weights - n) <= SKIPPED;
	const uint64_t left = info->offset + info->bytes - offset;

	*bytes = look_up(window, source, offset, size);
	if (*bytes)
		return 0;
	if (fill(window, source, offset,
		 ahead ? (size_t)least(left, WINDOW) : size, err))
		return -1;
	*bytes = window->bytes;
	return 0;
}

/* The same in a region. */
static const char *find_in_region(const struct view_region *region,
				  const struct plan_tensor *from,
				  uint64_t first)
{
	const uint64_t offset = from->tensor->info->offset +
				bytes_of(format_of(from), first);

	return region->bytes + (offset - region->offset);
}

/* Reads a tile: at most TILE_ROWS rows, in the same TILE_ROWS, and TILE_COLUMNS
 * columns. Those after one another in a column are so in scratch->values; the
 * first of each is that of a block. */
static int read_tile(const struct part *part, const struct cpu_rows *rows,
		     struct view_scratch *scratch, uint64_t begin,
		     struct error *err)
{
	const struct view_band *const band = part->band;

	for (uint64_t c = part->column; c < part->end_column; c++) {
		const unsigned i = (unsigned)(c % band->n_from);
		const struct plan_tensor *const from = band->from[i];
		const unsigned block = format_of(from)->block_weights;
		const uint64_t n = (part->end_row - begin + block - 1) / block *
				   block;
		const uint64_t first = source_row(band, part->group,
						  c / band->n_from) *
				       band->row_weights + begin;
		const char *blocks;

		if (part->regions[i])
			blocks = find_in_region(part->regions[i], from, first);
		else if (fetch(band, from, &scratch->windows[i], first, n,
			       &blocks, err))
			return -1;
		decode(rows, from, first, blocks, (size_t)n,
		       scratch->values +
			       (c - part->column) * TILE_STRIDE);
	}
	return 0;
}

/* Stores the tile at `to`, where rows are `stride` values apart. */
static void transpose_tile(const struct part *part, const float *values,
			   uint64_t begin, float *to, uint64_t stride)
{
	const size_t columns = (size_t)(part->end_column - part->column);

	values += part->row - begin;
	for (uint64_t k = part->row; k < part->end_row; k++) {
		const float *from = values++;
		size_t c = 0;

		/* A compiler that does not unroll loops takes twice as long for
		 * single ones. */
		for (; c + 4 <= columns; c += 4) {
			to[c] = from[0];
			to[c + 1] = from[TILE_STRIDE];
			to[c + 2] = from[2 * TILE_STRIDE];
			to[c + 3] = from[3 * TILE_STRIDE];
			from += 4 * TILE_STRIDE;
		}
		for (; c < columns; c++, from += TILE_STRIDE)
			to[c] = *from;
		to += stride;
	}
}

/* The first weight of the blocks of all sources that number k is in. */
static uint64_t block_begin(const struct view_band *band, uint64_t k)
{
	const uint64_t a = format_of(band->from[0])->block_weights;
	const uint64_t b = format_of(band->from[band->n_from - 1])
				   ->block_weights;
	const uint64_t block = a > b ? a : b; /* a multiple of the other */

	return k - k % block;
}

static int read_tiles(const struct part *part, const struct cpu_rows *rows,
		      struct view_scratch *scratch, float *to, uint64_t stride,
		      struct error *err)
{
	struct part tile = *part;

	for (uint64_t k = part->row; k < part->end_row; k = tile.end_row) {
		const uint64_t begin = block_begin(part->band, k);
		float *const row = to + (k - part->row) * stride;

		tile.row = k;
		tile.end_row = least(part->end_row,
				     k - k % TILE_ROWS + TILE_ROWS);
		for (uint64_t c = part->column; c < part->end_column;
		     c = tile.end_column) {
			tile.column = c;
			tile.end_column = least(part->end_column,
						c + TILE_COLUMNS);
			if (read_tile(&tile, rows, scratch, begin, err))
				return -1;
			transpose_tile(&tile, scratch->values, begin,
				       row + (c - part->column), stride);
		}
	}
	return 0;
}

/* Other batches need the rest of the rows that this one reads a part of. */
static int read_transposed(const struct view *view, const struct part *part,
			   const struct cpu_rows *rows,
			   struct view_scratch *scratch, float *to,
			   struct error *err)
{
	const struct view_band *const band = part->band;
	const bool shared = scratch->cache &&
			    part->end_row - part->row < band->rows;
	struct part whole = *part;
	int result;

	for (unsigned i = 0; shared && i < band->n_from; i++) {
		const struct model_tensor *const from = band->from[i]->tensor;
		const uint64_t size = bytes_of(from->info->format,
					       band->row_weights);

		whole.regions[i] = view_cache_take(
			scratch->cache, from->source,
			from->info->offset +
				source_row(band, part->group, 0) * size,
			view->columns / band->n_from * size);
	}
	result = read_tiles(&whole, rows, scratch, to, view->columns, err);
	for (unsigned i = 0; i < 2; i++)
		if (whole.regions[i])
			view_cache_give(scratch->cache, whole.regions[i]);
	return result;
}

/* Reads n weights from number `first` on, in the order of the source. */
static int read_plain(const struct plan_tensor *from,
		      const struct cpu_rows *rows, struct view_scratch *scratch,
		      uint64_t first, uint64_t n, float *to, struct error *err)
{
	const struct format *const format = format_of(from);
	const unsigned block = format->block_weights;
	const uint64_t start = from->tensor->info->offset;
	uint64_t now;

	for (; n; n -= now) {
		const uint64_t skip = first % block;
		const uint64_t begin = first - skip;
		const uint64_t weights =
			(least(TILE_ROWS, skip + n) + block - 1) / block *
			block;
		const size_t bytes = (size_t)bytes_of(format, weights);

		if (fill(&scratch->windows[0], from->tensor->source,
			 start + bytes_of(format, begin), bytes, err))
			return -1;
		decode(rows, from, begin, scratch->windows[0].bytes,
		       (size_t)weights, scratch->values);
		now = least(weights - skip, n);
		memcpy(to, scratch->values + skip, (size_t)now * sizeof(*to));
		first += now;
		to += now;
	}
	return 0;
}

static int read_part(const struct view *view, const struct part *part,
		     const struct cpu_rows *rows, struct view_scratch *scratch,
		     float *to, struct error *err)
{
	const struct view_band *const band = part->band;

	if (band->transposed)
		return read_transposed(view, part, rows, scratch, to, err);
	for (uint64_t k = part->row; k < part->end_row; k++) {
		const uint64_t n = part->end_column - part->column;
		const uint64_t first = source_row(band, part->group, k) *
				       band->row_weights + part->column;

		if (read_plain(band->from[0], rows, scratch, first, n, to, err))
			return -1;
		to += n;
	}
	return 0;
}

/* As a decode function does, makes every NaN the same. */
static void subtract_one(float *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		values[i] -= 1.0f;
		if (isnan(values[i]))
			values[i] = NAN;
	}
}

/* Whole rows, or a part of one, at a time. */
static int read_values(const struct view *view, const struct cpu_rows *rows,
		       struct view_scratch *scratch, uint64_t first, size_t n,
		       float *to, struct error *err)
{
	float *const all = to;
	const size_t n_all = n;

	if (!scratch->values)
		scratch->values = malloc(TILE_WEIGHTS * sizeof(float));
	if (!scratch->values)
		return error_errno(err, "cannot transpose a tensor");
	while (n) {
		const struct place at = find_row(view, first / view->columns);
		const uint64_t column = first % view->columns;
		const uint64_t whole = column ? 0 : n / view->columns;
		const uint64_t rows_now =
			whole ? least(whole, at.band->rows - at.row) : 1;
		const uint64_t columns_now =
			whole ? view->columns :
				least(n, view->columns - column);
		const struct part part = { at.band, at.group,
					   at.row, at.row + rows_now,
					   column, column + columns_now,
					   { NULL, NULL } };

		if (read_part(view, &part, rows, scratch, to, err))
			return -1;
		first += rows_now * columns_now;
		to += rows_now * columns_now;
		n -= (size_t)(rows_now * columns_now);
	}
	if (view->minus_one)
		subtract_one(all, n_all);
	return 0;
}

int view_read(const struct view *view, const struct cpu_rows *rows,
	      struct view_scratch *scratch, uint64_t offset, void *to, size_t n,
	      struct error *err)
{
	if (!view->values)
		return read_rows(view, &scratch->windows[0], offset, to, n,
				 err);
	return read_values(view, rows, scratch, offset / sizeof(float),
			   n / sizeof(float), to, err);
}

/* ---------------------------------- facts --------------------------------- */

bool view_is_sequential(const struct view *view, size_t *window)
{
	const struct view_band *const band = &view->bands[0];
	uint64_t bytes;

	*window = 0;
	if (view->values)
		return view->n_bands == 1 && !band->transposed &&
		       band->step == 1 &&
		       (view->n_groups == 1 || band->step_group == band->rows);
	bytes = window_bytes(view);
	*window = bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
	return true;
}

uint64_t view_stored_bytes(const struct view *view)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < view->n_bands; i++) {
		const struct view_band *const band = &view->bands[i];

		for (unsigned k = 0; k < band->n_from; k++) {
			const struct plan_tensor *const from = band->from[k];

			if (!i || from != view->bands[0].from[0])
				bytes += from->tensor->info->bytes;
		}
	}
	return bytes;
}

uint64_t view_tile(const struct view *view)
{
	for (unsigned i = 0; i < view->n_bands; i++)
		if (view->bands[i].transposed)
			return view->columns * least(TILE_ROWS,
						     view->bands[i].rows);
	return 1;
}
