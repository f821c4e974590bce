# Where the tensors are written to.
# shellcheck shell=bash

test_output_to_a_file() {
	run -o out "$MODELS/small.gguf"
	succeeds
	stdout_is ''
	same 'out' out "$MODELS/small.f32"
	folder_is out
}

test_output_to_a_pipe() {
	"$PROGRAM" -c "$MODELS/small.gguf" | cat >out
	same '-c' out "$MODELS/small.f32"
	"$PROGRAM" "$MODELS/small.gguf" --output=- | cat >out
	same '--output=-' out "$MODELS/small.f32"
}

test_output_to_a_redirected_file() {
	{
		echo before
		"$PROGRAM" -c "$MODELS/shuffled.gguf"
		echo after
	} >got
	{
		echo before
		cat "$MODELS/small.f32"
		echo after
	} >expected
	same 'what stands around it' got expected
	cp got twice
	"$PROGRAM" -c "$MODELS/shuffled.gguf" >>twice
	same 'appended' twice <(cat expected "$MODELS/small.f32")
}

test_existing_output() {
	echo old >out
	run -o out "$MODELS/small.gguf"
	fails "'out' already exists; use --force to overwrite it"
	same 'out' out <(echo old)
	folder_is out
	run -f -o out "$MODELS/small.gguf"
	succeeds
	same 'out' out "$MODELS/small.f32"
	folder_is out
}

test_output_permissions() {
	umask 027
	run -o out "$MODELS/small.gguf"
	succeeds
	[ "$(stat -c %a out)" = 640 ] || fail "mode $(stat -c %a out)"
}

test_output_permissions_are_those_of_the_model() {
	umask 022
	install -m 600 "$MODELS/small.gguf" private.gguf
	run -o out --index index private.gguf
	succeeds
	run -o folder/ private.gguf
	succeeds
	echo old >old
	chmod 666 old
	run -f -o old private.gguf
	succeeds
	stat -c '%a %n' old out index folder/* >modes
	same 'modes' modes <(cat <<-'end'
	666 old
	600 out
	600 index
	600 folder/blk.0.attn_norm.weight.f32
	600 folder/blk.0.attn_q.weight.f32
	600 folder/blk.1.ids.i32
	600 folder/token_embd.weight.f32
	end
	)
}

test_output_to_a_device() {
	run -o /dev/random "$MODELS/small.gguf"
	fails "'/dev/random' is a device; use --force to write to it"
	run -f -o /dev/random "$MODELS/small.gguf"
	succeeds
}

test_links_of_other_users() {
	[ "$(id -u)" = 0 ] || skip 'only root can make them'
	mkdir -m 1777 shared
	ln -s ../mine shared/link
	chown -h 12345 shared/link
	echo mine >mine
	run -f -o shared/link "$MODELS/small.gguf"
	fails "cannot follow the link 'shared/link': Permission denied"
	same 'mine' mine <(echo mine)
}

test_the_input_is_never_overwritten() {
	local message=', which is never overwritten'

	cp "$MODELS/small.gguf" model
	ln -s model symbolic
	ln model hard
	for name in model symbolic hard ./model "$PWD/model"; do
		run -f -o "$name" model
		fails "'$name' is the input$message"
		run -f -o out --index "$name" model
		fails "'$name' is the input$message"
	done
	# shellcheck disable=SC2094 # that is the test
	run -f -o model - <model
	fails "'model' is the input$message"
	run_into model -f -c model
	fails "'standard output' is the input$message"
	same 'model' model "$MODELS/small.gguf"
	folder_is hard model symbolic
}

test_no_shard_is_overwritten() {
	cp "$MODELS"/split-0000?-of-00003.gguf .
	run -f -o split-00003-of-00003.gguf split-00001-of-00003.gguf
	fails "'split-00003-of-00003.gguf' is the input, which is never \
overwritten"
	same 'shard' split-00003-of-00003.gguf \
		"$MODELS/split-00003-of-00003.gguf"
}

test_output_through_a_link() {
	mkdir folder
	ln -s folder/target link
	run -o link "$MODELS/small.gguf"
	succeeds
	[ -L link ] || fail 'the link is gone'
	same 'target' folder/target "$MODELS/small.f32"
	[ "$(ls -A folder)" = target ] || fail "$(ls -A folder)"
	ln -s loop loop
	run -o loop "$MODELS/small.gguf"
	fails "cannot create 'loop': Too many levels of symbolic links"
}

test_output_to_a_folder() {
	mkdir folder
	run -o folder "$MODELS/small.gguf"
	fails "'folder' is a directory"
	run -F raw -f -o new/ "$MODELS/small.gguf"
	fails "'new/' is a directory"
	folder_is folder
}

test_output_to_nowhere() {
	run -o none/out "$MODELS/small.gguf"
	fails "cannot create 'none/out': No such file or directory"
	run -o '' "$MODELS/small.gguf"
	fails "the output path is empty"
	run -o $'a\nb/out' "$MODELS/small.gguf"
	fails "cannot create 'a\\nb/out': No such file or directory"
	folder_is
}

test_output_to_a_folder_that_is_not_writable() {
	[ "$(id -u)" != 0 ] || skip 'root may write anywhere'
	mkdir -m 555 folder
	run -o folder/out "$MODELS/small.gguf"
	fails "cannot create 'folder/out': Permission denied"
}

test_output_to_a_fifo() {
	mkfifo fifo
	cat fifo >got &
	run -o fifo "$MODELS/small.gguf"
	wait $!
	succeeds
	same 'got' got "$MODELS/small.f32"
	folder_is fifo got
}

test_output_to_devices() {
	run -o /dev/null "$MODELS/small.gguf"
	succeeds
	[ -c /dev/null ] || fail '/dev/null is no device any more'
	run -o /dev/stdout "$MODELS/small.gguf"
	succeeds
	same '/dev/stdout' "$OUT" "$MODELS/small.f32"
	run -o /dev/null --index /dev/stdout "$MODELS/small.gguf"
	succeeds
	[ "$(jq .bytes "$OUT")" = 432 ] || fail "$(cat "$OUT")"
}

test_full_disk() {
	[ -w /dev/full ] || skip 'there is no /dev/full'
	run -o /dev/full "$MODELS/small.gguf"
	fails "cannot write '/dev/full': No space left on device"
	run -o out --index /dev/full "$MODELS/small.gguf"
	fails "cannot write '/dev/full': No space left on device"
	run -o /dev/full --index index "$MODELS/small.gguf"
	fails "cannot write '/dev/full': No space left on device"
	folder_is
	for option in -c --list --json; do
		run_into /dev/full $option "$MODELS/small.gguf"
		fails "cannot write 'standard output': No space left on device"
	done
}

test_file_size_limit() {
	(
		ulimit -f 8
		run -o out "$GOLDEN/q4_k.gguf"
		fails_with "cannot write 'out': File too large"
	) || exit
	folder_is
}

test_closed_standard_output() {
	for option in -c --list --json; do
		status=0
		"$PROGRAM" $option "$MODELS/small.gguf" 2>"$ERR" >&- ||
			status=$?
		: >"$OUT"
		fails "cannot write 'standard output': Bad file descriptor"
	done
	"$PROGRAM" -o out "$MODELS/small.gguf" 2>"$ERR" >&- <&- || fail "$?"
	same 'out' out "$MODELS/small.f32"
	status=0
	"$PROGRAM" -l - 2>"$ERR" >"$OUT" <&- || status=$?
	fails "cannot read 'standard input' at offset 0: Bad file descriptor"
}

test_a_reader_that_leaves() {
	# 1 MiB fits into a pipe.
	"$PROGRAM" -j1 -c "$MODELS/long.gguf" 2>err | head -c 100 >got
	[ "${PIPESTATUS[0]}" = 141 ] || fail "status ${PIPESTATUS[0]}"
	same 'standard error' err /dev/null
}

test_a_terminal() {
	local message="gguf-dequant: 'standard output' is a terminal; use \
'--output PATH' or '--force'"

	on_terminal "$PROGRAM" -c "$MODELS/small.gguf"
	same 'the screen' screen <(printf '%s\r\n' "$message")
	[ "$status" = 2 ] || fail "status $status"
	on_terminal "$PROGRAM" -fc -t native "$MODELS/small.gguf"
	[ "$status" = 0 ] || fail "status $status"
	on_terminal "$PROGRAM" --list "$MODELS/small.gguf"
	[ "$status" = 0 ] || fail "status $status"
	"$PROGRAM" "$MODELS/small.gguf" >list
	same 'the list' screen <(sed 's/$/\r/' list)
}

test_selection() {
	run -o out -T '*attn*' "$MODELS/small.gguf"
	succeeds
	same '-T' out <(part 384 28)
	run -fo out -T '*attn*' -T token_embd.weight -x '*q*' \
		"$MODELS/small.gguf"
	succeeds
	same '-T -T -x' out <(part 0 384; part 400 12)
	run -fo out -x 'blk.?.*' "$MODELS/small.gguf"
	succeeds
	same '-x' out <(part 0 384)
	run -fo out -x '*' "$MODELS/small.gguf"
	succeeds
	same 'nothing' out /dev/null
	run -fo out -T 'blk.[0-9].ids' "$MODELS/small.gguf"
	succeeds
	same 'brackets' out <(part 412 20)
}

# Prints N bytes of the small model's output from OFFSET on.
part() {
	tail -c +$(($1 + 1)) "$MODELS/small.f32" | head -c "$2"
}

test_globs_that_match_nothing() {
	run -o out -T 'blk.*' -T 'blk' "$MODELS/small.gguf"
	fails "no tensor name matches 'blk'"
	run -o out -x $'\e' "$MODELS/small.gguf"
	fails "no tensor name matches '\\x1b'"
	run -T 'x*' "$MODELS/small.gguf"
	fails "no tensor name matches 'x*'"
	run -T '*' "$MODELS/none.gguf"
	fails "no tensor name matches '*'"
	folder_is
}

test_index() {
	run -o out --index index "$MODELS/small.gguf" -t bf16
	succeeds
	jq -c '.bytes, (.tensors[] | [.name, .type, .shape, .offset, .bytes])' \
		index >rows
	same 'index' rows <(cat <<-'end'
	226
	["token_embd.weight","bf16",[32,3],0,192]
	["blk.0.attn_q.weight","bf16",[2,2],192,8]
	["blk.0.attn_norm.weight","bf16",[3],200,6]
	["blk.1.ids","i32",[5],206,20]
	end
	)
	rm rows
	run -c --index shuffled -t bf16 "$MODELS/shuffled.gguf"
	same 'the index of the same tensors in another order' shuffled index
	run --index - -f -o out -t bf16 "$MODELS/small.gguf"
	succeeds
	same 'the index on standard output' "$OUT" index
	folder_is index out shuffled
}

test_existing_index() {
	echo old >index
	run -o out --index index "$MODELS/small.gguf"
	fails "'index' already exists; use --force to overwrite it"
	same 'index' index <(echo old)
	folder_is index
	run -f -o out --index index "$MODELS/small.gguf"
	succeeds
	[ "$(jq .bytes index)" = 432 ] || fail "$(cat index)"
}

test_output_and_index_are_one_file() {
	for index in ./out "$PWD/out" link; do
		ln -sf out link
		run -o out --index "$index" "$MODELS/small.gguf"
		fails "'out' and '$index' are the same file"
		run -fo out --index "$index" "$MODELS/small.gguf"
		fails "'out' and '$index' are the same file"
		folder_is link
	done
}

# Each of these would lose one of the two.
test_two_outputs_on_one_file() {
	local model=$MODELS/small.gguf name=token_embd.weight.f32
	mkdir d
	echo old >X
	ln -s X link
	run_into X -f "$model" -o link --checksum
	fails "'link' and 'standard output' are the same file"
	run -f "$model" -o X --index link
	fails "'X' and 'link' are the same file"
	run_into X -f -c --index X "$model"
	fails "'standard output' and 'X' are the same file"
	run -f -o d/ --index d/$name "$model"
	fails "'d/$name' and 'd/$name' are the same file"
	: >d/$name
	run_into d/$name -f -o d/ --checksum "$model"
	fails "'d/$name' and 'standard output' are the same file"
	run -o X --checksum "$model"
	fails "'X' already exists; use --force to overwrite it"
	run --checksum "$model"
	cp "$OUT" m.b3
	run_into m.b3 --check m.b3 "$model"
	fails "'standard output' is the input, which is never overwritten"
	same 'X' X <(echo old)
	folder_is X d link m.b3
}

test_a_model_that_changes_while_it_is_read() {
	local pid
	cp "$MODELS/long.gguf" model
	mkfifo fifo
	"$PROGRAM" -o out --expect fifo model 2>"$ERR" &
	pid=$!
	{
		head -c 1M /dev/zero
		touch model
		tail -c +1048577 <(head -c 8M /dev/zero)
	} >fifo
	status=0
	wait $pid || status=$?
	: >"$OUT"
	fails "'model' changed while it was read"
	folder_is fifo model
}

test_a_writer_that_lingers() {
	mkfifo fifo
	{
		cat "$MODELS/long.gguf"
		exec sleep 60
	} >fifo &
	SECONDS=0
	run -o out fifo
	succeeds
	[ $SECONDS -lt 30 ] || fail "waited for $SECONDS s"
	kill $!
}

test_no_sync() {
	run --no-sync -o out "$MODELS/small.gguf"
	succeeds
	same 'out' out "$MODELS/small.f32"
	run --no-sync -o d/ "$MODELS/small.gguf"
	succeeds
}

test_small_stack() {
	(
		ulimit -s 256
		run -l "$MODELS/small.gguf"
		status_is 0
		run -o out --checksum "$MODELS/small.gguf"
		status_is 0
	) || exit
}

test_few_descriptors() {
	local n
	for n in 4 5 6 7 8 9; do
		status=0
		(ulimit -n $n && exec "$PROGRAM" -o d/ "$MODELS/small.gguf") \
			>"$OUT" 2>"$ERR" || status=$?
		[ "$status" = 0 ] && break
		fails_with "cannot create 'd"
		folder_is
	done
	succeeds
}

test_failure_removes_output_and_index() {
	run -o out --index index - < <(head -c -300 "$MODELS/long.gguf")
	fails_with "'standard input' is incomplete; "
	folder_is
}
