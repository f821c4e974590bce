#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "hf/transform.h"

static const struct hf_architecture *arch;

static const char *row_of(const struct hf_tensor_row *row)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s: %s", arch->class_name, row->gguf);
	return text;
}

static size_t count(const char *pattern, char c)
{
	size_t n = 0;

	for (; *pattern; pattern++)
		n += *pattern == c;
	return n;
}

/* Names of layers become names of layers, and so on; @ may be made by SPLIT. */
static void check_names(const struct hf_tensor_row *row)
{
	const struct hf_match match = { true, UINT32_MAX, UINT32_MAX, false };
	char name[HF_NAME_SIZE];

	hf_name_make(name, row->hf, &match);
	assert_true(strlen(name) < HF_NAME_SIZE - 1);
	hf_name_make(name, row->gguf, &match);
	assert_true(strlen(name) < HF_NAME_SIZE - 1);
	if (count(row->hf, '#') != count(row->gguf, '#') ||
	    count(row->hf, '*') != count(row->gguf, '*') ||
	    count(row->hf, '@') != count(row->gguf, '@') +
					   (row->transform == HF_SPLIT))
		fail_msg("%s", row_of(row));
}

/* Exactly one other row makes the other part. */
static void check_parts(const struct hf_tensor_row *row)
{
	const bool first = hf_is_first(row->transform);
	size_t n = 0;

	for (size_t i = 0; i < arch->n_tensors; i++) {
		const struct hf_tensor_row *const other = &arch->tensors[i];

		n += other->hf && !strcmp(other->hf, row->hf) &&
		     (first ? hf_is_second(other->transform) :
			      hf_is_first(other->transform));
	}
	if (n != 1)
		fail_msg("%s", row_of(row));
}

static void test_rows(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t k = 0; (arch = hf_architecture_at(k)); k++) {
		assert_true(arch->n_tensors > 10);
		for (size_t i = 0; i < arch->n_tensors; i++) {
			const struct hf_tensor_row *const row =
				&arch->tensors[i];

			assert_non_null(hf_transform_name(row->transform));
			if (!row->hf)
				continue;
			check_names(row);
			if (hf_is_first(row->transform) ||
			    hf_is_second(row->transform))
				check_parts(row);
			n++;
		}
	}
	assert_true(n > 300);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("architecture", tests, NULL, NULL);
}
