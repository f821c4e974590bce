# Safetensors in shards, as Hugging Face writes them.
# shellcheck shell=bash

# shards_hold FOLDER MODEL TYPE [MAX]: by the index or, for one file, without,
# the folder has the tensors of the model, each shard as many as fit in MAX.
shards_hold() {
	"$PROGRAM" -t "$3" -fo expected.safetensors "$2" || fail
	"$VENV" - "$1" "${4-}" <<-'end' || fail "$*"
	import json
	import os
	import sys
	from safetensors import safe_open
	folder, limit = sys.argv[1:]
	files = sorted(os.listdir(folder))
	index = "model.safetensors.index.json"
	def load(path):
	    with safe_open(path, "np") as file:
	        assert file.metadata()["format"] == "pt"
	        return {name: (t.get_dtype(), t.get_shape())
	                for name in file.keys()
	                for t in [file.get_slice(name)]}
	def data(path):
	    with open(path, "rb") as file:
	        head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
	        body = file.read()
	    head.pop("__metadata__")
	    return {n: body[slice(*t["data_offsets"])] for n, t in head.items()}
	shards = [f for f in files if f != index]
	if len(shards) == 1:
	    assert files == ["model.safetensors"], files
	    where = {name: shards[0] for name in load(folder + "/" + shards[0])}
	else:
	    with open(folder + "/" + index) as file:
	        text = json.load(file)
	    where = text["weight_map"]
	    n = len(shards)
	    assert shards == [f"model-{i + 1:05}-of-{n:05}.safetensors"
	                      for i in range(n)], shards
	expected = load("expected.safetensors")
	values = data("expected.safetensors")
	assert set(where) == set(expected)
	names = list(values)
	sizes = []
	for shard in shards:
	    got, got_data = load(folder + "/" + shard), data(folder + "/" + shard)
	    assert {n for n in where if where[n] == shard} == set(got)
	    for name in got:
	        assert got[name] == expected[name], name
	        assert got_data[name] == values[name], name
	    sizes.append([len(v) for v in got_data.values()])
	if len(shards) > 1:
	    assert text["metadata"]["total_size"] == sum(map(sum, sizes))
	if limit:
	    limit = int(limit)
	    for i, size in enumerate(sizes):
	        assert sum(size) <= limit or len(size) == 1, size
	end
	rm expected.safetensors
}

test_shards() {
	local size type model=$ROOT/tests/models/tiny-llama.gguf
	library_python
	for size in 1 100KB 500K 1MB 5GB; do
		for type in f32 bf16; do
			run -t $type -F safetensors -o out/ \
				--max-shard-size $size "$model"
			succeeds
			case $size in
			1) bytes=1 ;; 100KB) bytes=100000 ;;
			500K) bytes=512000 ;; 1MB) bytes=1000000 ;;
			*) bytes=5000000000 ;;
			esac
			shards_hold out "$model" $type $bytes
			# The same from a pipe, and with any threads.
			run -t $type -F safetensors -o piped/ -j3 \
				--max-shard-size $size - < <(cat "$model")
			succeeds
			diff -r out piped || fail "$size $type"
			rm -r out piped
		done
	done
	run -F safetensors -o out/ "$model"
	succeeds
	shards_hold out "$model" f32
}

# Borders within a batch, types of several sizes, empty tensors, another order.
test_shards_of_small_tensors() {
	local size model
	library_python
	for model in corners small shuffled none empty; do
		for size in 1 10 20 100 10M; do
			run -F safetensors -o out/ --max-shard-size $size \
				"$MODELS/$model.gguf"
			succeeds
			shards_hold out "$MODELS/$model.gguf" f32 "${size/M/000000}"
			rm -r out
		done
	done
	run -F safetensors -o out/ --max-shard-size 16 \
		"$MODELS/split-00001-of-00003.gguf"
	succeeds
	shards_hold out "$MODELS/split-00001-of-00003.gguf" f32 16
}

test_shards_that_cannot_be() {
	run -F safetensors -o out.safetensors --max-shard-size 1M \
		"$MODELS/small.gguf"
	fails_usage "'--max-shard-size' has no effect without '--format \
hf', or '--format safetensors' and a folder as '--output DIR/'"
	run -F safetensors -o out/ --index index "$MODELS/small.gguf"
	fails_usage "'--index' does not describe shards: they have an index of \
their own"
	for size in 0 1T 5GBB 5B -1 99999999999GB; do
		run -F safetensors -o out/ --max-shard-size $size \
			"$MODELS/small.gguf"
		fails_usage "'--max-shard-size' takes a number of bytes, as in \
500M or 5GB, not '$size'"
	done
	run -t native -F safetensors -o out/ "$MODELS/small.gguf"
	fails_with "tensor 'token_embd.weight' would be "
	mkdir out
	echo mine >out/mine
	run -F safetensors -o out/ "$MODELS/small.gguf"
	fails_with "folder 'out' is not empty"
	run -f -F safetensors -o out/ "$MODELS/small.gguf"
	succeeds
	same 'another file' out/mine <(echo mine)
	for n in {1..64}; do
		run_full "$n" -F safetensors -o full/ --max-shard-size 20 \
			"$MODELS/corners.gguf"
		# shellcheck disable=SC2154 # run sets status
		[ "$status" != 0 ] || break
		fails_with 'cannot write '
		folder_is out
	done
	if [ "$n" -le 5 ] || [ ! -d full ]; then
		fail "$n"
	fi
}
