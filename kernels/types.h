/* types.h - the output types, one row each. */
#ifndef DQ_TYPES_H
#define DQ_TYPES_H

/*
 * Expands ROW(NAME, name, bytes, nan, file_type, ...) for each type:
 *
 *   NAME, name  as in formats.def, which also has a row for it
 *   bytes       per value
 *   nan         the bits that are stored for every NaN
 *   file_type   general.file_type of a GGUF file of that type: llama.cpp's
 *               LLAMA_FTYPE_ALL_F32, _MOSTLY_F16 and _MOSTLY_BF16
 *   ...         the other arguments of DQ_OUTPUT_TYPES
 */
#define DQ_OUTPUT_TYPES(ROW, ...)                    \
	ROW(F32, f32, 4, 0x7fc00000, 0, __VA_ARGS__) \
	ROW(F16, f16, 2, 0x7e00, 1, __VA_ARGS__)     \
	ROW(BF16, bf16, 2, 0x7fc0, 32, __VA_ARGS__)

enum {
#define DQ_NAN(NAME, name, bytes, nan, file_type, ...) DQ_NAN_##NAME = nan,
	DQ_OUTPUT_TYPES(DQ_NAN, )
#undef DQ_NAN
};

#endif
