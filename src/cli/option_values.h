/* option_values.h - reads the argument of an option into its field. */
#ifndef CLI_OPTION_VALUES_H
#define CLI_OPTION_VALUES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Each reads `text`, the argument, into `field`, which has the type that the
 * comment says, and returns false if the option does not take it. Names may be
 * in upper or lower case. Fields that are texts borrow the argument.
 */
typedef bool option_reader(void *field, const char *text);

option_reader option_u64;        /* uint64_t, from digits alone */
option_reader option_threads;    /* unsigned */
option_reader option_shard_size; /* uint64_t */
option_reader option_size;       /* uint64_t, in bytes */
option_reader option_difference; /* double: finite, without a sign */
option_reader option_shape;      /* the dimensions of struct model_blocks */
option_reader option_part;       /* struct plan_part */
option_reader option_device;     /* struct device_choice */
option_reader option_glob;       /* adds to struct globs, which has room */
option_reader option_input_type; /* const struct format * */
option_reader option_type;       /* adds to struct type_rules, with room */
option_reader option_kind;       /* const struct sink_kind * */

/* const struct checksum *; NULL without an argument. */
option_reader option_checksum;

/* const char *; refuses a second path that differs from the first, which it
 * would silently replace. */
option_reader option_path;

/* These take no argument. */
option_reader option_true;        /* bool */
option_reader option_progress;    /* enum options_progress */
option_reader option_no_progress; /* enum options_progress */

/* Name number `i` that the option takes; NULL past the end. */
const char *option_checksum_name(size_t i);
const char *option_type_name(size_t i);
const char *option_kind_name(size_t i);

#endif
