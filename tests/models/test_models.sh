#!/bin/sh
# usage: tests/models/test_models.sh PROGRAM
#
# Compares the output of PROGRAM for the models in this folder with that of the
# gguf Python package. EXPECTED has lines of SHA-256, file and type, written by
# scripts/make-test-models.
set -eu

program=$(realpath "$1")
cd "$(dirname "$0")"
passed=0
failed=0

while read -r expected file type; do
	got=$("$program" "$file" -t "$type" -o - | sha256sum)
	if [ "${got%% *}" = "$expected" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $file -t $type"
	fi
done <EXPECTED

echo "models: $passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
