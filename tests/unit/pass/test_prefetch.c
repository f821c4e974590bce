#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io/cleanup.h"
#include "pass/prefetch.h"
#include "pass/view.h"
#include "../failing_threads.h"
#include "../fake_model.h"

#define AHEAD ((uint64_t)SOURCE_AHEAD)
#define NEVER UINT32_MAX

/* What the kernel was asked for. */
struct range {
	uint64_t offset, n;
};
static struct range asked[8];
static atomic_uint n_asked;
static unsigned stops_at;
static uint64_t bytes_asked;
static bool all_right;

static struct prefetch prefetch;

static bool blocks_signals(void)
{
	sigset_t wanted, blocked;

	cleanup_signals(&wanted);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i < NSIG; i++)
		if (sigismember(&wanted, i) == 1 && !sigismember(&blocked, i))
			return false;
	return true;
}

/* Takes the place of libc's. Call number stops_at returns once the thread was
 * told to stop. */
int posix_fadvise(int fd, off_t offset, off_t n, int advice)
{
	const unsigned i = atomic_fetch_add(&n_asked, 1);

	if (i < sizeof(asked) / sizeof(*asked))
		asked[i] = (struct range){ (uint64_t)offset, (uint64_t)n };
	bytes_asked += (uint64_t)n;
	all_right &= fd == 1000 && n && advice == POSIX_FADV_WILLNEED &&
		     blocks_signals();
	while (i + 1 == stops_at && !atomic_load(&prefetch.stop))
		;
	return EIO; /* must not matter */
}

/* A model of three tensors, the last of which is 1,000 bytes longer than the
 * file, and a plan of the last and the first. */
struct setup {
	struct fake_model fake;
	struct plan_tensor tensors[2];
	struct plan plan;
};

static void set_up(struct setup *s, uint64_t first_bytes)
{
	struct source *const source = &s->fake.shard.source;
	const uint64_t end = first_bytes + 64 + 4000;

	fake_model_init(&s->fake, 3);
	source->fd = 1000;
	source->start = 7;
	source->size = end - 1000;
	fake_model_add(&s->fake, "first", FORMAT_I8, first_bytes, 0);
	fake_model_add(&s->fake, "no", FORMAT_I8, 64, first_bytes);
	fake_model_add(&s->fake, "last", FORMAT_F32, 1000, first_bytes + 64);
	s->tensors[0] = (struct plan_tensor){
		.tensor = &s->fake.model.tensors[2] };
	s->tensors[1] = (struct plan_tensor){
		.tensor = &s->fake.model.tensors[0] };
	s->plan = (struct plan){ .tensors = s->tensors, .n_tensors = 2 };
	memset(asked, 0, sizeof(asked));
	n_asked = 0;
	bytes_asked = 0;
	stops_at = NEVER;
	all_right = true;
}

static void tear_down(struct setup *s)
{
	s->fake.shard.source.fd = -1;
	fake_model_release(&s->fake);
}

/* Lets the thread end without being stopped. */
static void run_to_end(const struct plan *plan)
{
	prefetch_start(&prefetch, plan);
	assert_true(prefetch.started);
	assert_false(blocks_signals());
	pthread_join(prefetch.thread, NULL);
	prefetch.started = false;
	prefetch_stop(&prefetch);
}

/* A plan's tensors in its order, each in steps; nothing past the file's end. */
static void test_order(void **state)
{
	const struct range expected[] = {
		{ 7 + 2 * AHEAD + 1 + 64, 3000 },
		{ 7, AHEAD },
		{ 7 + AHEAD, AHEAD },
		{ 7 + 2 * AHEAD, 1 },
	};
	struct setup s;

	(void)state;
	set_up(&s, 2 * AHEAD + 1);
	run_to_end(&s.plan);
	assert_int_equal(n_asked, 4);
	assert_memory_equal(asked, expected, sizeof(expected));
	assert_true(all_right);
	tear_down(&s);
}

/* The tensors that a view is made from. */
static void test_view(void **state)
{
	struct setup s;
	struct view view = { .n_bands = 2 };

	(void)state;
	set_up(&s, 100);
	view.bands[0] = (struct view_band){ .from = { &s.tensors[1] },
					    .n_from = 1 };
	view.bands[1] = (struct view_band){
		.from = { &s.tensors[0], &s.tensors[1] }, .n_from = 2 };
	s.plan.tensors = &(struct plan_tensor){
		.tensor = &s.fake.model.tensors[1], .view = &view };
	s.plan.n_tensors = 1;
	run_to_end(&s.plan);
	assert_int_equal(n_asked, 3);
	assert_int_equal(asked[0].offset, 7);
	assert_int_equal(asked[1].offset, 7 + 164);
	assert_int_equal(asked[2].offset, 7);
	tear_down(&s);
}

static void test_limit(void **state)
{
	struct setup s;

	(void)state;
	set_up(&s, 2 * PREFETCH_BYTES);
	run_to_end(&s.plan);
	assert_in_range(bytes_asked, PREFETCH_BYTES, PREFETCH_BYTES + AHEAD);
	tear_down(&s);
}

/* It ends after the call that is under way. */
static void test_stop(void **state)
{
	struct setup s;

	(void)state;
	set_up(&s, 10 * AHEAD);
	stops_at = 3;
	prefetch_start(&prefetch, &s.plan);
	while (atomic_load(&n_asked) < 3)
		;
	prefetch_stop(&prefetch);
	assert_int_equal(n_asked, 3);
	tear_down(&s);
}

static void test_stream(void **state)
{
	struct setup s;

	(void)state;
	set_up(&s, 10 * AHEAD);
	s.fake.shard.source.seekable = false;
	run_to_end(&s.plan);
	assert_int_equal(n_asked, 0);
	tear_down(&s);
}

static void test_no_thread(void **state)
{
	struct setup s;

	(void)state;
	set_up(&s, 10 * AHEAD);
	start_fails_at = n_started;
	prefetch_start(&prefetch, &s.plan);
	assert_false(blocks_signals());
	prefetch_stop(&prefetch);
	assert_int_equal(n_asked, 0);
	start_fails_at = UINT32_MAX;
	tear_down(&s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_no_thread),
	};

	return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
