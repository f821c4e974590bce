#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "pass/progress.h"
#include "../fake_model.h"
#include "../terminal.h"

static const struct plan_globs everything;

static struct timespec clock_now;

/* Takes the place of libc's: time passes only where a test says so. */
int clock_gettime(clockid_t id, struct timespec *t)
{
	(void)id;
	*t = clock_now;
	return 0;
}

static void wait_ms(long ms)
{
	clock_now.tv_nsec += ms * 1000000;
	clock_now.tv_sec += clock_now.tv_nsec / 1000000000;
	clock_now.tv_nsec %= 1000000000;
}

/* A terminal, the model's one tensor of 1,000 bytes, and its progress. */
struct screen {
	int master;
	FILE *stream;
	struct fake_model fake;
	struct plan plan;
	struct plan_tensor *tensor;
	struct progress *progress;
	char bytes[4096]; /* what came since the last look */
};

static void screen_open(struct screen *screen, const char *name,
			unsigned short columns)
{
	const struct winsize size = { .ws_col = columns, .ws_row = 24 };
	struct error err;
	int slave;

	terminal_open(&screen->master, &slave, &size);
	screen->stream = fdopen(slave, "w");
	assert_non_null(screen->stream);
	fake_model_init(&screen->fake, 1);
	fake_model_add(&screen->fake, name, FORMAT_I8, 1000, 0);
	assert_int_equal(plan_init(&screen->plan, &screen->fake.model,
				   &everything, OUTPUT_F32, &err), 0);
	screen->tensor = screen->plan.tensors;
	screen->progress = progress_open(screen->stream, &screen->plan, &err);
	assert_non_null(screen->progress);
}

static void screen_close(struct screen *screen)
{
	fclose(screen->stream);
	close(screen->master);
	plan_release(&screen->plan);
	fake_model_release(&screen->fake);
}

static void update(struct screen *screen, size_t bytes)
{
	struct work_batch batch = { .n_items = 1, .out_bytes = bytes };

	batch.items[0].tensor = screen->tensor;
	progress_update(screen->progress, &batch);
}

/* What was drawn since the last call. A byte of our own ends it, so that there
 * is no waiting for what does not come. */
static const char *look(struct screen *screen)
{
	size_t n = 0;

	fputc('$', screen->stream);
	fflush(screen->stream);
	do {
		const ssize_t got = read(screen->master, screen->bytes + n,
					 sizeof(screen->bytes) - n);

		assert_true(got > 0);
		n += (size_t)got;
	} while (screen->bytes[n - 1] != '$');
	screen->bytes[n - 1] = '\0';
	return screen->bytes;
}

static void test_short_work_shows_nothing(void **state)
{
	struct screen screen;

	(void)state;
	screen_open(&screen, "name", 80);
	update(&screen, 500);
	wait_ms(499);
	update(&screen, 500);
	progress_close(screen.progress);
	assert_string_equal(look(&screen), "");
	screen_close(&screen);
}

static void test_line(void **state)
{
	struct screen screen;
	char blank[80];

	(void)state;
	screen_open(&screen, "blk.0.ffn", 80);
	wait_ms(500);
	update(&screen, 429);
	assert_string_equal(look(&screen),
			    "\r\r 42 %  0.0 MB/s  0:00 left  blk.0.ffn");
	snprintf(blank, sizeof(blank), "\r%*s\r",
		 (int)strlen(screen.bytes) - 2, "");
	wait_ms(99);
	update(&screen, 1);
	assert_string_equal(look(&screen), "");
	wait_ms(2);
	update(&screen, 570);
	assert_memory_equal(look(&screen), blank, strlen(blank));
	assert_string_equal(screen.bytes + strlen(blank),
			    "100 %  0.0 MB/s  0:00 left  blk.0.ffn");
	progress_close(screen.progress);
	assert_string_equal(look(&screen), blank);
	screen_close(&screen);
}

static void test_figures(void **state)
{
	static const struct {
		uint64_t total, done; /* in 500 ms */
		const char *line;
	} rows[] = {
		{ 1000, 1000, "\r\r100 %  0.0 MB/s  0:00 left  t" },
		{ 2000000, 1999999, "\r\r 99 %  4.0 MB/s  0:00 left  t" },
		{ 100000000, 49900000, "\r\r 49 %  99.8 MB/s  0:00 left  t" },
		{ 3000000000, 50000000, "\r\r  1 %  0.10 GB/s  0:29 left  t" },
		{ UINT64_C(120) << 30, 1 << 30,
		  "\r\r  0 %  2.15 GB/s  0:59 left  t" },
		{ UINT64_C(7200) << 30, 1 << 30,
		  "\r\r  0 %  2.15 GB/s  59:59 left  t" },
		{ UINT64_C(73460) << 30, 1 << 30,
		  "\r\r  0 %  2.15 GB/s  10:12:09 left  t" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct screen screen;
		struct error err;

		screen_open(&screen, "t", 80);
		progress_close(screen.progress);
		screen.plan.dst_bytes = rows[i].total;
		screen.progress = progress_open(screen.stream, &screen.plan,
						&err);
		wait_ms(500);
		update(&screen, rows[i].done);
		assert_string_equal(look(&screen), rows[i].line);
		progress_close(screen.progress);
		screen_close(&screen);
	}
}

/* Draws once and gives what the terminal got after "\r\r". */
static const char *drawn(struct screen *screen, const char *name,
			 unsigned short columns)
{
	screen_open(screen, name, columns);
	wait_ms(500);
	update(screen, 500);
	progress_close(screen->progress);
	look(screen);
	screen_close(screen);
	strtok(screen->bytes + 2, "\r");
	return screen->bytes + 2;
}

static void test_width(void **state)
{
	struct screen screen;

	(void)state;
	assert_string_equal(drawn(&screen, "0123456789abcdef", 40),
			    " 50 %  0.0 MB/s  0:00 left  01234567\u2026");
	assert_string_equal(drawn(&screen, "\u20ac\u20ac\u20ac\u20ac", 40),
			    " 50 %  0.0 MB/s  0:00 left  "
			    "\u20ac\u20ac\u2026");
	assert_string_equal(drawn(&screen, "0123456789", 29),
			    " 50 %  0.0 MB/s  0:00 left  ");
	assert_string_equal(drawn(&screen, "0123456789", 10), " 50 %  0.");
	assert_true(strlen(drawn(&screen, "\033[31m", 0)) < 80);
	assert_non_null(strstr(screen.bytes, "left  \\x1b[31m"));
}

static void test_no_progress_closes(void **state)
{
	(void)state;
	progress_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_work_shows_nothing),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_no_progress_closes),
	};

	return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
