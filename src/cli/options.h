/* options.h - the command line, from one table that also makes --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "device/select.h"
#include "hash/checksum.h"
#include "observe/expect.h"
#include "sink/kinds.h"

#define VERSION "0.1.0"

enum options_action {
	OPTIONS_CONVERT, /* or compare, or print checksums */
	OPTIONS_LIST,
	OPTIONS_LIST_JSON,
	OPTIONS_DEVICES,
	OPTIONS_HELP,
	OPTIONS_VERSION
};

enum options_progress { PROGRESS_IF_TERMINAL, PROGRESS_ALWAYS, PROGRESS_NEVER };

/* In the order given. */
struct globs {
	const char **items;
	size_t n;
};

struct type_rules {
	struct plan_rule *items;
	size_t n;
	char *text; /* where the next one's glob is copied to */
};

struct options {
	enum options_action action;
	const char *const *inputs; /* "-": standard input; several: shards */
	size_t n_inputs;
	const char *output; /* "-": standard output; NULL: none */
	const char *index;  /* as output; NULL: none */
	struct model_blocks blocks; /* of the input; no format: it is GGUF */
	const char *expect; /* "-": standard input; NULL: nothing */
	struct tolerance tolerance;
	struct globs include;
	struct globs exclude;
	uint64_t max_shard_size; /* bytes */
	const char *config_from; /* a folder; NULL: none */
	struct plan_part part;
	bool apply_scales;
	const struct sink_kind *kind; /* by --format, or by the output's path */
	struct type_rules types;
	char *text; /* the globs of these */
	const struct checksum *checksum; /* to print, or of the lines in
					    `check`; NULL: none, or what these
					    say */
	bool untagged;
	const char *check; /* "-": standard input; NULL: none */
	struct device_choice device;
	bool verify;
	unsigned threads; /* 0: one per CPU that this process may use */
	uint64_t memory;  /* bytes */
	enum options_progress progress;
	bool force;
	bool no_sync;
	bool quiet;
	bool verbose;
};

#define OPTIONS_MAX_THREADS 1024

/*
 * Reads argv, which the options then borrow. Every error is one of usage; an
 * option without effect in what runs is one. getopt_long uses globals: call
 * this from one thread. The caller releases the options after success.
 */
int options_parse(struct options *options, int argc, char **argv,
		  struct error *err);
void options_release(struct options *options);

void options_print_help(FILE *stream);

#endif
