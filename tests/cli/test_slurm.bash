# A real Slurm on this machine: munge, slurmctld, and two slurmd as two nodes.
# shellcheck shell=bash

# daemon COMMAND...: runs it in the background until the end of the test.
daemon() {
	"$@" >>"$SLURM/log" 2>&1 &
	SLURM_DAEMONS+=($!)
}

# Jobs may outlive their node; by then, none runs any more.
stop_slurm() {
	kill "${SLURM_DAEMONS[@]}" 2>/dev/null
	wait
	rm -rf "$SLURM"
}

# slurm_config PORT: ports PORT to PORT + 2 are free.
slurm_config() {
	local user
	user=$(id -un)
	cat <<-END
		ClusterName=test
		SlurmctldHost=$(hostname -s)(127.0.0.1)
		SlurmctldPort=$1
		AuthType=auth/munge
		AuthInfo=socket=$SLURM/munge.socket
		SlurmUser=$user
		SlurmdUser=$user
		StateSaveLocation=$SLURM/state
		SlurmdSpoolDir=$SLURM/%n
		SlurmctldPidFile=$SLURM/slurmctld.pid
		SlurmdPidFile=$SLURM/%n.pid
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		MpiDefault=none
		SelectType=select/cons_tres
		ReturnToService=2
		NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 \
			Port=$(($1 + 1)) CPUs=$(nproc)
		NodeName=n2 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 \
			Port=$(($1 + 2)) CPUs=$(nproc)
		PartitionName=all Nodes=n1,n2 Default=YES State=UP
	END
}

# Starts Slurm, or skips the test.
start_slurm() {
	local name tries
	for name in munged slurmctld slurmd sbatch; do
		PATH=$PATH:/usr/sbin command -v $name >/dev/null ||
			skip "there is no $name: install munge and slurm-wlm"
	done
	PATH=$PATH:/usr/sbin
	SLURM=$(mktemp -d) SLURM_DAEMONS=()
	trap stop_slurm EXIT
	mkdir "$SLURM/state" "$SLURM/n1" "$SLURM/n2"
	chmod 755 "$SLURM"
	export SLURM_CONF=$SLURM/slurm.conf
	slurm_config $((20000 + $$ % 10000)) >"$SLURM_CONF"
	head -c 1024 /dev/urandom >"$SLURM/munge.key"
	chmod 400 "$SLURM/munge.key"
	daemon munged -F --key-file="$SLURM/munge.key" --force \
		--socket="$SLURM/munge.socket" --pid-file="$SLURM/munge.pid" \
		--log-file="$SLURM/munge.log" --seed-file="$SLURM/munge.seed"
	for ((tries = 0; tries < 600; tries++)); do
		[ ! -S "$SLURM/munge.socket" ] || break
		sleep 0.05
	done
	daemon slurmctld -D
	daemon slurmd -D -N n1
	daemon slurmd -D -N n2
	for ((tries = 0; tries < 300; tries++)); do
		[ "$(sinfo -ho %T -n n1,n2 2>/dev/null)" != idle ] || return 0
		sleep 0.1
	done
	skip "Slurm did not start: $(tail -n 5 "$SLURM/log")"
}

test_slurm_job_array() {
	local model=$HERE/../models/tiny-llama.gguf
	start_slurm
	run "$model" -F safetensors --max-shard-size 100K -o whole/
	succeeds
	GGUF_DEQUANT=$PROGRAM timeout 300 sbatch --wait -Q --array=1-4 \
		--cpus-per-task=1 --output=%a.log "$ROOT/scripts/slurm-dequant" \
		"$model" -F safetensors --max-shard-size 100K -v -o out/ ||
		fail "$(cat ./*.log "$SLURM/log")"
	diff -r whole out || fail 'the folders differ'
	[ "$(cat ./*.log | grep -c ' written in ')" = 4 ] ||
		fail "$(cat ./*.log)"
	# One part again: it alone writes anew.
	rm out/model-00002-of-*
	GGUF_DEQUANT=$PROGRAM PARTS=4 timeout 300 sbatch --wait -Q --array=1 \
		--cpus-per-task=1 --output=%a.log "$ROOT/scripts/slurm-dequant" \
		"$model" -F safetensors --max-shard-size 100K -f -o out/ ||
		fail "$(cat ./*.log "$SLURM/log")"
	diff -r whole out || fail 'the folders differ'
}
