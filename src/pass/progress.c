#include "pass/progress.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/escape.h"

#define FIRST_AFTER 0.5 /* seconds */
#define INTERVAL 0.1
#define DEFAULT_COLUMNS 80
#define MAX_COLUMNS 256 /* of the line, however wide the terminal */

struct progress {
	FILE *stream;
	uint64_t total; /* bytes of output */
	uint64_t done;
	double start; /* seconds */
	double next;  /* when to draw */
	unsigned drawn; /* columns that the line takes at most; 0: none yet */
};

struct progress *progress_open(FILE *stream, const struct plan *plan,
			       struct error *err)
{
	struct progress *const progress = malloc(sizeof(*progress));

	if (!progress) {
		error_errno(err, "cannot show the progress");
		return NULL;
	}
	*progress = (struct progress){
		.stream = stream,
		.total = plan->dst_bytes,
		.start = clock_seconds(),
	};
	progress->next = progress->start + FIRST_AFTER;
	return progress;
}

static unsigned terminal_columns(FILE *stream)
{
	struct winsize size;

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) || !size.ws_col)
		return DEFAULT_COLUMNS;
	return size.ws_col < MAX_COLUMNS ? size.ws_col : MAX_COLUMNS;
}

/* "0:07", "12:34", "3:12:34". */
static void print_duration(char *buffer, size_t size, double seconds)
{
	const uint64_t s = (uint64_t)seconds;

	if (s < 3600)
		snprintf(buffer, size, "%" PRIu64 ":%02u", s / 60,
			 (unsigned)(s % 60));
	else
		snprintf(buffer, size, "%" PRIu64 ":%02u:%02u", s / 3600,
			 (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* "94.1 MB/s", "2.31 GB/s". */
static void print_rate(char *buffer, size_t size, double rate)
{
	if (rate < 1e8)
		snprintf(buffer, size, "%.1f MB/s", rate * 1e-6);
	else
		snprintf(buffer, size, "%.2f GB/s", rate * 1e-9);
}

/* Erases the old line and draws the new one, in one write. */
static void replace_line(struct progress *progress, const char *line)
{
	fprintf(progress->stream, "\r%*s\r%s", (int)progress->drawn, "", line);
	fflush(progress->stream);
	progress->drawn = (unsigned)strlen(line);
}

static void draw(struct progress *progress, double elapsed, struct text name)
{
	const double done = (double)progress->done;
	const double left = (double)(progress->total - progress->done);
	/* A character has at most as many columns as bytes. The last column
	 * stays free, since filling it would wrap the line on some
	 * terminals. */
	const size_t size = terminal_columns(progress->stream);
	char line[MAX_COLUMNS], rate[32], duration[32];
	size_t used;

	print_rate(rate, sizeof(rate), done / elapsed);
	print_duration(duration, sizeof(duration), left * elapsed / done);
	snprintf(line, size, "%3u %%  %s  %s left  ",
		 (unsigned)(100 * done / (double)progress->total), rate,
		 duration);
	used = strlen(line);
	if (size - used >= 8)
		escape_text(line + used, size - used, name);
	replace_line(progress, line);
}

void progress_update(struct progress *progress, const struct work_batch *batch)
{
	const struct work_item *last = &batch->items[batch->n_items - 1];
	const double t = clock_seconds();

	progress->done += batch->out_bytes;
	if (t < progress->next)
		return;
	progress->next = t + INTERVAL;
	draw(progress, t - progress->start, last->tensor->tensor->info->name);
}

void progress_close(struct progress *progress)
{
	if (progress && progress->drawn)
		replace_line(progress, "");
	free(progress);
}
