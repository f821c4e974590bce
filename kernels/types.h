/* types.h - the types that tensors are converted to: one row each. */
#ifndef DQ_TYPES_H
#define DQ_TYPES_H

/*
 * Expands ROW(NAME, name, bytes, nan, file_type, ...) for each type:
 *
 *   NAME, name  as in formats.def, which has a row for it as well
 *   bytes       of a value
 *   nan         the bits that every NaN gets
 *   file_type   general.file_type of a GGUF file of that type, llama.cpp's
 *               LLAMA_FTYPE_ALL_F32, _MOSTLY_F16 and _MOSTLY_BF16
 *   ...         what else DQ_OUTPUT_TYPES was given
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
