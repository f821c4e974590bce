# Every file of the reader's corpus: CORPUS/NAME.gguf, with the message that
# follows its quoted name in NAME.error or, for a pipe, NAME.pipe-error.
# shellcheck shell=bash

test_corpus() {
	local file name n=0
	for file in "$CORPUS"/*.gguf; do
		name=${file%.gguf}
		run -o out "$file"
		if [ -e "$name.error" ]; then
			fails "'$file'$(<"$name.error")"
			folder_is
		else
			succeeds
			folder_is out
			rm out
		fi
		n=$((n + 1))
	done
	[ $n -gt 100 ] || fail "$n files"
}

test_corpus_through_a_pipe() {
	local file name
	for file in "$CORPUS"/*.gguf; do
		name=${file%.gguf}
		run -o out - < <(cat "$file")
		if [ -e "$name.pipe-error" ]; then
			fails "'standard input'$(<"$name.pipe-error")"
			folder_is
		elif [ -e "$name.error" ]; then
			# Only for a file is missing data detected in advance.
			fails_with "'standard input' is incomplete; "
			folder_is
		else
			succeeds
			folder_is out
			rm out
		fi
	done
}
