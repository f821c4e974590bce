#include "gpu/amd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

/* What LLVM's "User Guide for AMDGPU Backend" lists under generic processors.
 * gfx908 and gfx90a are of none. */
static const struct amd_family families[] = {
	{ "gfx900", "gfx9-generic", "gfx900", "9.0.0" },
	{ "gfx902", "gfx9-generic", "gfx900", "9.0.0" },
	{ "gfx904", "gfx9-generic", "gfx900", "9.0.0" },
	{ "gfx906", "gfx9-generic", "gfx906", "9.0.6" },
	{ "gfx909", "gfx9-generic", "gfx900", "9.0.0" },
	{ "gfx90c", "gfx9-generic", "gfx900", "9.0.0" },
	{ "gfx94", "gfx9-4-generic", NULL, NULL },
	{ "gfx950", "gfx9-4-generic", NULL, NULL },
	{ "gfx101", "gfx10-1-generic", "gfx1010", "10.1.0" },
	{ "gfx103", "gfx10-3-generic", "gfx1030", "10.3.0" },
	{ "gfx110", "gfx11-generic", "gfx1100", "11.0.0" },
	{ "gfx115", "gfx11-generic", "gfx1100", "11.0.0" },
	{ "gfx120", "gfx12-generic", NULL, NULL },
};

const struct amd_family *amd_family(const char *arch)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
		if (!strncmp(arch, families[i].prefix,
			     strlen(families[i].prefix)))
			return &families[i];
	return NULL;
}

/* A GPU as the driver has it. */
struct node {
	char arch[32];
	unsigned render; /* the N of /dev/dri/renderN */
};

#define NODES "/sys/devices/virtual/kfd/kfd/topology/nodes"

/* Whether that node is a GPU. */
static bool read_node(const char *name, struct node *node)
{
	char path[sizeof(NODES) + 300], key[64];
	unsigned long long value;
	unsigned version = 0;
	FILE *file;

	snprintf(path, sizeof(path), NODES "/%s/properties", name);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fscanf(file, "%63s %llu", key, &value) == 2) {
		if (!strcmp(key, "gfx_target_version"))
			version = (unsigned)value;
		else if (!strcmp(key, "drm_render_minor"))
			node->render = (unsigned)value;
	}
	fclose(file);
	/* 90010 is gfx90a. */
	snprintf(node->arch, sizeof(node->arch), "gfx%u%u%x", version / 10000,
		 version / 100 % 100, version % 100);
	return version != 0;
}

/* The driver's first GPU. */
static bool find_node(struct node *node)
{
	DIR *const folder = opendir(NODES);
	const struct dirent *entry;
	bool found = false;

	*node = (struct node){ 0 };
	while (folder && !found && (entry = readdir(folder)))
		if (*entry->d_name != '.')
			found = read_node(entry->d_name, node);
	if (folder)
		closedir(folder);
	return found;
}

/* Whether the file cannot be opened, which then is the reason. */
static bool explain_access(const char *path, struct error *err)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return false;
	}
	error_append(err, "; cannot open '%s': %s", path, strerror(errno));
	if (errno == EACCES || errno == EPERM)
		error_append(err, ": this user must be in the groups render "
			     "and video, and a container needs access to it");
	else if (errno == ENOENT)
		error_append(err, ": a container needs it, and /dev/dri");
	return true;
}

/* Whether the user has hidden GPUs, which then is the reason. */
static bool explain_visible(struct error *err)
{
	static const char *const names[] = { "HIP_VISIBLE_DEVICES",
					     "CUDA_VISIBLE_DEVICES",
					     "ROCR_VISIBLE_DEVICES",
					     "GPU_DEVICE_ORDINAL" };
	char text[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *const value = getenv(names[i]);

		if (!value)
			continue;
		error_append(err, "; %s is '%s'", names[i],
			     escape_text(text, sizeof(text),
					 text_of(value)));
		return true;
	}
	return false;
}

void amd_explain_no_gpu(const char *path, struct error *err)
{
	char render[40];
	struct node node;
	const struct amd_family *family;

	if (!find_node(&node))
		return;
	snprintf(render, sizeof(render), "/dev/dri/renderD%u", node.render);
	if (explain_access("/dev/kfd", err) || explain_access(render, err) ||
	    explain_visible(err))
		return;
	error_append(err, "; the driver has a %s, for which the runtime '%s' "
		     "may be too old", node.arch, path);
	family = amd_family(node.arch);
	if (family && family->alike && strcmp(family->alike, node.arch))
		error_append(err, "; HSA_OVERRIDE_GFX_VERSION=%s may let it be "
			     "used as %s", family->version, family->alike);
}
