#include "io/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "io/pipe.h"

#define COPY_SIZE (256 << 10) /* a piece of what is spooled */
#define SKIP_SIZE (12 << 10)  /* a piece of what is dropped, on the stack */
#define DRAIN_SECONDS 0.1     /* that the last bytes of a stream may take */

static char *escaped_path(const char *path, struct error *err)
{
	const struct text text = text_of(path);
	const size_t size = ESCAPE_SIZE(text.len);
	char *const name = malloc(size);

	if (!name) {
		error_errno(err, "cannot open a file");
		return NULL;
	}
	return escape_text(name, size, text);
}

/* Files of /proc have size 0, and those of /sys 4096, whatever they hold. */
static bool has_size(int fd, off_t size)
{
	char byte;

	if (!size)
		return pread(fd, &byte, 1, 0) != 1;
	return pread(fd, &byte, 1, size - 1) == 1;
}

/* Says what fd is, and where it starts and ends. */
static int examine(struct source *src, struct error *err)
{
	struct stat st;
	off_t at;

	if (fstat(src->fd, &st))
		return error_errno(err, "cannot examine '%s'", src->name);
	if (S_ISDIR(st.st_mode))
		return error_set(err, "'%s' is a directory", src->name);
	if (isatty(src->fd))
		return error_set(err, "'%s' is a terminal; pass the path of a "
				 "file, or redirect one into it", src->name);
	if (S_ISFIFO(st.st_mode))
		(void)fcntl(src->fd, F_SETPIPE_SZ, PIPE_SIZE);
	src->opened = st;
	src->seekable = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode);
	if (S_ISREG(st.st_mode))
		src->seekable = has_size(src->fd, st.st_size);
	if (!src->seekable)
		return 0;

	at = lseek(src->fd, 0, SEEK_CUR);
	if (S_ISBLK(st.st_mode))
		st.st_size = lseek(src->fd, 0, SEEK_END);
	if (at < 0 || st.st_size < 0)
		return error_errno(err, "cannot seek in '%s'", src->name);
	src->start = (uint64_t)at;
	src->size = st.st_size > at ? (uint64_t)(st.st_size - at) : 0;
	(void)posix_fadvise(src->fd, at, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

int source_open(struct source *src, const char *path, struct error *err)
{
	const bool is_stdin = !strcmp(path, "-");

	*src = (struct source){ .fd = -1 };
	src->name = escaped_path(is_stdin ? "standard input" : path, err);
	if (!src->name)
		return -1;
	if (is_stdin)
		src->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		src->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (src->fd < 0) {
		error_errno(err, "cannot open '%s'", src->name);
		goto out_close;
	}
	if (examine(src, err))
		goto out_close;
	return 0;

out_close:
	source_close(src);
	return -1;
}

void source_close(struct source *src)
{
	if (src->fd >= 0)
		close(src->fd);
	free(src->name);
	free(src->ahead);
	*src = (struct source){ .fd = -1 };
}

/* One read(2), or pread(2) at `offset` of a seekable source, that is repeated
 * where a signal or a non-blocking stream interrupts it. */
static ssize_t read_some(const struct source *src, uint64_t offset, void *buf,
			 size_t n)
{
	struct pollfd wait = { .fd = src->fd, .events = POLLIN };
	ssize_t got;

	for (;;) {
		if (src->seekable)
			got = pread(src->fd, buf, n,
				    (off_t)(src->start + offset));
		else
			got = read(src->fd, buf, n);
		if (got >= 0)
			return got;
		if (errno == EAGAIN)
			(void)poll(&wait, 1, -1);
		else if (errno != EINTR)
			return -1;
	}
}

/* Checks that a stream that was read up to where it must end does end. */
static int check_end(const struct source *src, struct error *err)
{
	unsigned char byte;
	ssize_t got;

	if (src->position < src->end)
		return 0;
	got = src->position > src->end ? 1 :
					 read_some(src, 0, &byte, 1);
	if (got < 0)
		return error_errno(err, "cannot read '%s' at offset %" PRIu64,
				   src->name, src->position);
	if (got > 0)
		return error_set(err, "'%s' has trailing data after %" PRIu64
				 " bytes", src->name,
				 src->end);
	return 0;
}

static int refuse_size(const struct source *src, uint64_t size,
		       uint64_t expected, struct error *err)
{
	return error_set(err, "'%s' has %" PRIu64 " bytes, but should have %"
			 PRIu64, src->name, size, expected);
}

int source_end_at(struct source *src, uint64_t n, struct error *err)
{
	if (src->seekable)
		return src->size == n ? 0 : refuse_size(src, src->size, n, err);
	src->end = n;
	return n ? 0 : check_end(src, err);
}

/* Takes up to n bytes of what was put back. */
static size_t take_ahead(struct source *src, void *buf, size_t n)
{
	const size_t taken = n < src->ahead_len ? n : src->ahead_len;

	if (taken)
		memcpy(buf, src->ahead + src->ahead_size - src->ahead_len,
		       taken);
	src->ahead_len -= taken;
	if (!src->ahead_len) {
		free(src->ahead);
		src->ahead = NULL;
	}
	return taken;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Copies what the taps want of n bytes that come next. */
static void copy_to_taps(const struct source *src, const void *buf, size_t n)
{
	const uint64_t begin = src->position, end = begin + n;

	for (const struct source_tap *tap = src->taps; tap; tap = tap->next) {
		const uint64_t from = begin > tap->offset ? begin : tap->offset;
		const uint64_t to = least(end, tap->offset + tap->n);

		if (from < to)
			memcpy(tap->to + (from - tap->offset),
			       (const char *)buf + (from - begin),
			       (size_t)(to - from));
	}
}

/* Reads what comes next in a stream, or what is at `offset` of a file. */
static ptrdiff_t read_on(struct source *src, uint64_t offset, void *buf,
			 size_t n, struct error *err)
{
	size_t done = src->seekable ? 0 : take_ahead(src, buf, n);

	while (done < n) {
		const ssize_t got = read_some(src, offset + done,
					      (char *)buf + done, n - done);

		if (got < 0)
			return error_errno(err, "cannot read '%s' at offset "
					   "%" PRIu64, src->name,
					   offset + done);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	if (src->seekable)
		return (ptrdiff_t)done;
	copy_to_taps(src, buf, done);
	src->position += done;
	if (src->end && done && check_end(src, err))
		return -1;
	return (ptrdiff_t)done;
}

/* Reads a stream up to `offset`, or to its end. */
static int skip_to(struct source *src, uint64_t offset, struct error *err)
{
	unsigned char dropped[SKIP_SIZE];

	while (src->position < offset) {
		const uint64_t left = offset - src->position;
		const size_t n = left < SKIP_SIZE ? (size_t)left : SKIP_SIZE;
		const ptrdiff_t got =
			read_on(src, src->position, dropped, n, err);

		if (got < 0)
			return -1;
		if ((size_t)got < n)
			break;
	}
	return 0;
}

ptrdiff_t source_read_upto(struct source *src, uint64_t offset, void *buf,
			   size_t n, struct error *err)
{
	if (offset < src->position)
		return error_set(err, "cannot go back to offset %" PRIu64
				 " of '%s', which was read up to offset %"
				 PRIu64, offset, src->name, src->position);
	if (!src->seekable) {
		if (skip_to(src, offset, err))
			return -1;
		if (src->position < offset)
			return 0;
	}
	return read_on(src, offset, buf, n, err);
}

void source_read_ahead(const struct source *src, uint64_t offset, uint64_t n)
{
	if (!src->seekable || offset >= src->size)
		return;
	n = least(n, src->size - offset);
	if (n) /* 0 means everything */
		(void)posix_fadvise(src->fd, (off_t)(src->start + offset),
				    (off_t)n, POSIX_FADV_WILLNEED);
}

void source_tap(struct source *src, struct source_tap *tap)
{
	tap->next = src->taps;
	src->taps = tap;
}

int source_tap_finish(struct source *src, const struct source_tap *tap,
		      struct error *err)
{
	char last;

	if (!tap->n || src->position >= tap->offset + tap->n)
		return 0;
	/* Of a stream that became seekable, nothing or all was read. */
	if (src->seekable)
		return source_read(src, tap->offset, tap->to, tap->n, err);
	return source_read(src, tap->offset + tap->n - 1, &last, 1, err);
}

/* Where a source ends from which a read got too little. */
static uint64_t end_of(const struct source *src)
{
	struct stat st;

	if (!src->seekable)
		return src->position;
	if (fstat(src->fd, &st) || !S_ISREG(st.st_mode))
		return src->size;
	return (uint64_t)st.st_size > src->start ?
	       (uint64_t)st.st_size - src->start : 0;
}

int source_read(struct source *src, uint64_t offset, void *buf, size_t n,
		struct error *err)
{
	const ptrdiff_t got = source_read_upto(src, offset, buf, n, err);
	uint64_t end;

	if (got < 0)
		return -1;
	if ((size_t)got == n)
		return 0;
	end = end_of(src);
	if (src->end)
		return refuse_size(src, end, src->end, err);
	if (end < src->least)
		return error_set(err, "'%s' is incomplete; download it again: "
				 "its tensors end at offset %" PRIu64 ", but "
				 "it ends at %" PRIu64 ", so %" PRIu64
				 " byte%s missing", src->name, src->least, end,
				 src->least - end,
				 src->least - end == 1 ? " is" : "s are");
	if (end < src->size)
		return error_set(err, "'%s' shrank while it was read, from %"
				 PRIu64 " to %" PRIu64 " bytes", src->name,
				 src->size, end);
	return error_set(err, "'%s' ends at offset %" PRIu64 ", but %zu bytes "
			 "at offset %" PRIu64 " are needed", src->name, end, n,
			 offset);
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

int source_check_unchanged(const struct source *src, struct error *err)
{
	const struct stat *const then = &src->opened;
	struct stat now;

	if (!S_ISREG(then->st_mode))
		return 0;
	if (fstat(src->fd, &now))
		return error_errno(err, "cannot examine '%s'", src->name);
	if (now.st_size == then->st_size &&
	    is_same_time(now.st_mtim, then->st_mtim) &&
	    is_same_time(now.st_ctim, then->st_ctim))
		return 0;
	return error_set(err, "'%s' changed while it was read", src->name);
}

/* Waits for an event, but no longer than to that time. */
static bool poll_until(struct pollfd *wait, double end)
{
	const double left = end - clock_seconds();

	return left > 0 && poll(wait, 1, (int)(left * 1000) + 1) > 0;
}

void source_drain(struct source *src, size_t n)
{
	struct pollfd wait = { .fd = src->fd, .events = POLLIN };
	const double end = clock_seconds() + DRAIN_SECONDS;
	unsigned char dropped[SKIP_SIZE];

	while (!src->seekable && n && poll_until(&wait, end)) {
		const size_t some = n < SKIP_SIZE ? n : SKIP_SIZE;
		const ssize_t got = read(src->fd, dropped, some);

		if (got <= 0)
			break;
		n -= (size_t)got;
	}
}

int source_unread(struct source *src, const void *buf, size_t n,
		  struct error *err)
{
	const size_t size = n + src->ahead_len;
	unsigned char *ahead;

	if (src->seekable || n == 0)
		return 0;
	ahead = malloc(size);
	if (!ahead)
		return error_errno(err, "cannot read '%s'", src->name);
	memcpy(ahead, buf, n);
	(void)take_ahead(src, ahead + n, src->ahead_len);
	src->ahead = ahead;
	src->ahead_size = size;
	src->ahead_len = size;
	src->position -= n;
	return 0;
}

/* A file without a name in `dir`. */
static int open_unlinked(const char *dir, struct error *err)
{
	const struct text text = text_of(dir);
	char *template;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* A file system without O_TMPFILE. */
	if (asprintf(&template, "%s/gguf-dequant.XXXXXX", dir) < 0)
		return error_errno(err, "cannot make a temporary file");
	fd = mkostemp(template, O_CLOEXEC);
	if (fd >= 0)
		unlink(template);
	else
		error_errno(err, "cannot make a temporary file in '%s'",
			    ESCAPED(text));
	free(template);
	return fd;
}

static int write_all(int fd, const void *buf, size_t n, uint64_t offset)
{
	while (n) {
		const ssize_t wrote = pwrite(fd, buf, n, (off_t)offset);

		if (wrote < 0 && errno != EINTR)
			return -1;
		if (wrote > 0) {
			buf = (const char *)buf + wrote;
			n -= (size_t)wrote;
			offset += (uint64_t)wrote;
		}
	}
	return 0;
}

/* Copies what is left of the stream to the same offsets of fd, so that what
 * went before is a hole there. */
static int copy_rest(struct source *src, int fd, struct error *err)
{
	unsigned char *const buf = malloc(COPY_SIZE);
	int result = -1;

	if (!buf)
		return error_errno(err, "cannot read '%s'", src->name);
	for (;;) {
		const uint64_t offset = src->position;
		const ptrdiff_t n = read_on(src, offset, buf, COPY_SIZE, err);

		if (n < 0)
			break;
		if (n == 0) {
			result = 0;
			break;
		}
		if (write_all(fd, buf, (size_t)n, offset)) {
			error_errno(err, "cannot write the temporary copy of "
				    "'%s'", src->name);
			break;
		}
	}
	free(buf);
	return result;
}

static const char *spool_folder(void)
{
	const char *const tmpdir = getenv("TMPDIR");
	struct statfs fs;

	if (tmpdir && *tmpdir)
		return tmpdir;
	/* On tmpfs the copy would be in memory, of which --memory tells the
	 * most that we take. */
	if (!statfs("/tmp", &fs) && fs.f_type == TMPFS_MAGIC &&
	    !access("/var/tmp", W_OK))
		return "/var/tmp";
	return "/tmp";
}

int source_spool(struct source *src, struct error *err)
{
	const uint64_t position = src->position;
	int fd;

	if (src->seekable)
		return 0;
	fd = open_unlinked(spool_folder(), err);
	if (fd < 0)
		return -1;
	if (copy_rest(src, fd, err)) {
		close(fd);
		return -1;
	}
	close(src->fd);
	src->fd = fd;
	src->opened.st_mode = 0; /* nobody else can write to the copy */
	src->seekable = true;
	src->size = src->position;
	src->position = position;
	return 0;
}
