#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sink/file.h"
#include "../sinks.h"

/* What the sinks of one file do alike; test_formats.bash has what the libraries
 * of the formats make of them. */

static struct sink *open_raw(struct sinks *s, struct output *output)
{
	return sink_raw_open(output, &s->plan, NULL, &s->err);
}

static struct sink *open_gguf(struct sinks *s, struct output *output)
{
	return sink_gguf_open(output, &s->plan, &s->fake.model, &s->err);
}

static struct sink *open_safetensors(struct sinks *s, struct output *output)
{
	return sink_safetensors_open(output, &s->plan, &s->fake.model, &s->err);
}

static struct sink *open_npz(struct sinks *s, struct output *output)
{
	return sink_npz_open(output, &s->plan, NULL, &s->err);
}

static struct sink *(*const openers[])(struct sinks *, struct output *) = {
	open_raw, open_gguf, open_safetensors, open_npz,
};
#define N_OPENERS (sizeof(openers) / sizeof(*openers))

/* Gives the bytes of a file, and their number. */
static size_t read_all(const char *path, char bytes[4096])
{
	FILE *const file = fopen(path, "r");
	const size_t n = fread(bytes, 1, 4096, file);

	fclose(file);
	return n;
}

static void write_file(size_t i, const char *path, bool by_source)
{
	struct sinks s;
	struct sink *sink;

	sinks_init(&s);
	sink = openers[i](&s, sinks_output(&s, path));
	assert_non_null(sink);
	assert_int_equal(by_source ? sinks_write_by_source(&s, sink) :
				     sinks_write(&s, sink, &s.plan), 0);
	assert_int_equal(sink->finish(sink, &s.err), 0);
	sinks_release(&s);
}

static void test_order_and_pipe(void **state)
{
	char table[4096], source[4096], piped[4096], path[32];

	(void)state;
	for (size_t i = 0; i < N_OPENERS; i++) {
		size_t n;
		int fds[2];

		write_file(i, "table", false);
		write_file(i, "source", true);
		n = read_all("table", table);
		assert_int_equal(read_all("source", source), n);
		assert_memory_equal(table, source, n);
		assert_int_equal(unlink("table") | unlink("source"), 0);

		assert_int_equal(pipe(fds), 0);
		snprintf(path, sizeof(path), "/dev/fd/%d", fds[1]);
		write_file(i, path, false);
		assert_int_equal(read(fds[0], piped, sizeof(piped)), n);
		assert_memory_equal(table, piped, n);
		close(fds[0]);
		close(fds[1]);
	}
}

/* Each offset that a sink gives a tensor is that of its values. */
static void test_offsets(void **state)
{
	char bytes[4096];

	(void)state;
	for (size_t i = 0; i < N_OPENERS; i++) {
		struct sinks s;
		struct sink *sink;

		sinks_init(&s);
		sink = openers[i](&s, sinks_output(&s, "out"));
		assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
		assert_int_equal(sink->finish(sink, &s.err), 0);
		read_all("out", bytes);
		for (size_t t = 0; t < 4; t++) {
			const char *const name = s.fake.infos[t].name.data;
			const char *const values =
				bytes + s.plan.tensors[t].dst_offset;

			assert_int_equal(values[0], *name);
			assert_int_equal(values[1], *name);
		}
		assert_int_equal(unlink("out"), 0);
		sinks_release(&s);
	}
}

static void test_full_device(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OPENERS; i++) {
		struct sinks s;
		struct sink *sink;

		sinks_init(&s);
		sink = openers[i](&s, sinks_output(&s, "/dev/full"));
		if (sink) {
			assert_int_equal(sinks_write(&s, sink, &s.plan), -1);
			sink->abort(sink);
		}
		assert_string_equal(s.err.message, "cannot write '/dev/full': "
						   "No space left on device");
		sinks_release(&s);
	}
}

static void test_abort_leaves_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OPENERS; i++) {
		struct sinks s;
		struct sink *sink;

		sinks_init(&s);
		sink = openers[i](&s, sinks_output(&s, "out"));
		assert_int_equal(sinks_write(&s, sink, &s.plan), 0);
		sink->abort(sink);
		assert_int_equal(scratch_count("."), 0);
		sinks_release(&s);
	}
}

/* One tensor of so many bytes that the file would have more than 2^63. */
static void test_too_much(void **state)
{
	(void)state;
	for (size_t i = 1; i < N_OPENERS; i++) {
		struct sinks s;

		sinks_init(&s);
		s.plan.tensors[3].dst_bytes = INT64_MAX;
		s.plan.dst_bytes = INT64_MAX;
		assert_null(openers[i](&s, sinks_output(&s, "out")));
		assert_memory_equal(s.err.message,
				    "the output exceeds 2^63 - 1 bytes", 33);
		assert_int_equal(scratch_count("."), 0);
		sinks_release(&s);
	}
}

/* A header longer than safetensors allows, of few tensors with long names. */
static void test_safetensors_header_limit(void **state)
{
	static char name[30000000];
	struct sinks s;

	(void)state;
	sinks_init(&s);
	memset(name, 'x', sizeof(name));
	for (size_t i = 0; i < 4; i++)
		s.fake.infos[i].name = (struct text){ name, sizeof(name) };
	assert_null(open_safetensors(&s, sinks_output(&s, "out")));
	assert_non_null(strstr(s.err.message, " bytes, but safetensors allows "
					      "100000000; select fewer"));
	assert_int_equal(scratch_count("."), 0);
	sinks_release(&s);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_pipe),
		TEST(test_offsets),
		TEST(test_full_device),
		TEST(test_abort_leaves_nothing),
		TEST(test_too_much),
		TEST(test_safetensors_header_limit),
	};

	return cmocka_run_group_tests_name("sink_file", tests, NULL, NULL);
}
