#include "hf/originals.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "hf/config.h"

#define CONFIG_FILE "config.json"
#define MAX_CONFIG (1 << 20) /* bytes */
#define MIN_SIZES 3 /* that it must have */
#define MAX_DEPTH 64 /* so that a parser's recursion needs little stack */

static const char *const names[] = {
#define FILE_NAME(name) name,
	HF_ORIGINALS(FILE_NAME)
};

bool hf_originals_has(const struct hf_originals *originals, const char *name)
{
	for (size_t i = 0; originals->name && i < HF_N_ORIGINALS; i++)
		if (!strcmp(names[i], name))
			return originals->has[i];
	return false;
}

/* Opens a regular file; links to one are fine. */
static int open_file(const struct hf_originals *originals, const char *name,
		     struct error *err)
{
	const int fd = openat(originals->folder, name,
			      O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		error_errno(err, "cannot open '%s/%s'", originals->name, name);
	} else if (!S_ISREG(st.st_mode)) {
		error_set(err, "'%s/%s' is not a regular file",
			  originals->name, name);
	} else {
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Reads up to n bytes, fewer only at the end of the file. Returns their number,
 * or -1. */
static ssize_t read_file(const struct hf_originals *originals, const char *name,
			 int fd, char *bytes, size_t n, struct error *err)
{
	size_t done = 0;
	ssize_t now;

	do {
		now = TEMP_FAILURE_RETRY(read(fd, bytes + done, n - done));
		if (now < 0)
			return error_errno(err, "cannot read '%s/%s'",
					   originals->name, name);
		done += (size_t)now;
	} while (now && done < n);
	return (ssize_t)done;
}

int hf_originals_copy(const struct hf_originals *originals, const char *name,
		      FILE *stream, struct error *err)
{
	const int fd = open_file(originals, name, err);
	char buffer[8192];
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read_file(originals, name, fd, buffer, sizeof(buffer),
			      err)) > 0)
		fwrite_unlocked(buffer, 1, (size_t)n, stream);
	close(fd);
	return n < 0 ? -1 : 0;
}

/* -------------------------------- checking -------------------------------- */

/* How deep brackets are nested, at most; those in strings count, too. */
static size_t depth_of(struct text text)
{
	size_t depth = 0, most = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.data[i];

		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth)
			depth--;
		if (depth > most)
			most = depth;
	}
	return most;
}

/* Parses an object of JSON. NULL on error. */
static cJSON *parse(struct text text, const char *folder, struct error *err)
{
	cJSON *const json = depth_of(text) > MAX_DEPTH ? NULL :
			    cJSON_ParseWithLength(text.data, text.len);

	if (cJSON_IsObject(json))
		return json;
	cJSON_Delete(json);
	error_set(err, "'%s/" CONFIG_FILE "' is not an object of JSON", folder);
	return NULL;
}

static cJSON *read_config(const struct hf_originals *originals,
			  struct error *err)
{
	const int fd = open_file(originals, CONFIG_FILE, err);
	char *const bytes = fd < 0 ? NULL : malloc(MAX_CONFIG + 1);
	cJSON *config = NULL;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (bytes)
		n = read_file(originals, CONFIG_FILE, fd, bytes,
			      MAX_CONFIG + 1, err);
	else
		error_errno(err, "cannot read '%s/" CONFIG_FILE "'",
			    originals->name);
	if (n > MAX_CONFIG)
		error_set(err, "'%s/" CONFIG_FILE "' has more than %d bytes",
			  originals->name, MAX_CONFIG);
	else if (n >= 0)
		config = parse((struct text){ bytes, (size_t)n },
			       originals->name, err);
	free(bytes);
	close(fd);
	return config;
}

/* The sizes that config.json would have of the model itself. */
static cJSON *sizes_of(const struct hf_checkpoint *checkpoint,
		       struct error *err)
{
	char *text = NULL;
	size_t len = 0;
	FILE *const stream = open_memstream(&text, &len);
	cJSON *sizes = NULL;
	int result;

	if (!stream) {
		error_errno(err, "cannot compare configurations");
		return NULL;
	}
	result = hf_config_put_sizes(checkpoint, stream, err);
	if (fclose(stream))
		error_errno(err, "cannot compare configurations");
	else if (!result)
		sizes = parse((struct text){ text, len }, "", err);
	free(text);
	return sizes;
}

/* Keys that are missing have the class's default. */
static int check_sizes(const struct hf_originals *originals,
		       const cJSON *config, const cJSON *sizes,
		       struct error *err)
{
	const cJSON *size;
	size_t n_equal = 0;

	cJSON_ArrayForEach(size, sizes) {
		const cJSON *const other =
			cJSON_GetObjectItemCaseSensitive(config, size->string);

		if (!other)
			continue;
		if (!cJSON_IsNumber(other))
			return error_set(err, "'%s/" CONFIG_FILE "': '%s' is "
					 "not a number", originals->name,
					 size->string);
		if (other->valuedouble != size->valuedouble)
			return error_set(err, "'%s/" CONFIG_FILE "' is of "
					 "another model: '%s' is %.17g, but "
					 "%.0f in the GGUF file",
					 originals->name, size->string,
					 other->valuedouble, size->valuedouble);
		n_equal++;
	}
	if (n_equal >= MIN_SIZES)
		return 0;
	return error_set(err, "'%s/" CONFIG_FILE "' is not that of a language "
			 "model: it has %zu of its sizes", originals->name,
			 n_equal);
}

static int check_config(const struct hf_originals *originals, cJSON *config,
			const struct hf_checkpoint *checkpoint,
			struct error *err)
{
	cJSON *sizes;
	int result;

	if (cJSON_GetObjectItemCaseSensitive(config, "quantization_config"))
		return error_set(err, "'%s/" CONFIG_FILE "' has a "
				 "'quantization_config', but the weights are "
				 "not quantized; remove it", originals->name);
	sizes = sizes_of(checkpoint, err);
	if (!sizes)
		return -1;
	result = check_sizes(originals, config, sizes, err);
	cJSON_Delete(sizes);
	return result;
}

/* transformers converts weights to the type that the configuration names. */
static void warn_of_dtype(const struct hf_originals *originals,
			  cJSON *config, const struct hf_checkpoint *checkpoint)
{
	const char *const written = hf_config_dtype(checkpoint->type);
	const cJSON *const old =
		cJSON_GetObjectItemCaseSensitive(config, "torch_dtype");
	const cJSON *const dtype =
		cJSON_GetObjectItemCaseSensitive(config, "dtype");
	const char *const named = cJSON_GetStringValue(dtype ? dtype : old);

	if (named && strcmp(named, written) != 0)
		notes_warn(checkpoint->notes, "'%s/" CONFIG_FILE "' says that "
			   "weights are '%s'; they are written as '%s'",
			   originals->name, ESCAPED(text_of(named)), written);
}

static int check(const struct hf_originals *originals,
		 const struct hf_checkpoint *checkpoint, struct error *err)
{
	cJSON *const config = read_config(originals, err);
	int result;

	if (!config)
		return -1;
	result = check_config(originals, config, checkpoint, err);
	if (!result)
		warn_of_dtype(originals, config, checkpoint);
	cJSON_Delete(config);
	return result;
}

/* -------------------------------- opening --------------------------------- */

static int open_folder(struct hf_originals *originals, const char *path,
		       struct error *err)
{
	const size_t size = ESCAPE_SIZE(strlen(path));

	originals->name = malloc(size);
	if (!originals->name) {
		error_errno(err, "cannot open '--config-from'");
		return -1; /* so that Clang's analyzer knows */
	}
	escape_text(originals->name, size, text_of(path));
	originals->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (originals->folder < 0) {
		error_errno(err, "cannot open '%s'", originals->name);
		return -1;
	}
	for (size_t i = 0; i < HF_N_ORIGINALS; i++)
		originals->has[i] =
			!faccessat(originals->folder, names[i], F_OK, 0);
	return 0;
}

int hf_originals_open(struct hf_originals *originals, const char *path,
		      const struct hf_checkpoint *checkpoint,
		      struct error *err)
{
	*originals = (struct hf_originals){ .folder = -1 };
	if (!open_folder(originals, path, err) &&
	    !check(originals, checkpoint, err))
		return 0;
	hf_originals_close(originals);
	return -1;
}

void hf_originals_close(struct hf_originals *originals)
{
	if (!originals->name)
		return;
	if (originals->folder >= 0)
		close(originals->folder);
	free(originals->name);
	originals->name = NULL;
}
