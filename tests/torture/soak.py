"""usage: soak.py PROGRAM SECONDS LLAMA MODEL...

Runs PROGRAM in eight processes at a time, with random kinds of output, types,
instruction sets, threads and memory, from files and pipes. The same output must
always have the same bytes.
"""
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM, SECONDS, MODELS = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
TYPES = ("f32", "f16", "bf16")
CHECKPOINT = ("folder/", "-F", "hf", "--max-shard-size", "5M")
OUTPUTS = (("out",), ("out.gguf",), ("out.safetensors",), ("out.npz",),
           ("folder/",), CHECKPOINT,
           ("folder/", "-F", "safetensors", "--max-shard-size", "300K"))
with open("/proc/cpuinfo") as file:
    FLAGS = file.read().split()
ISAS = ["baseline"] + [isa for isa, flag in (("avx2", "avx2"),
                                             ("avx512", "avx512f"))
                       if flag in FLAGS]


def digest(path):
    """Returns a hash of a file, or of a folder with its files."""
    if os.path.isdir(path):
        return str([(name, digest(os.path.join(path, name)))
                    for name in sorted(os.listdir(path))])
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Soak:
    def __init__(self):
        self.end = time.monotonic() + SECONDS
        self.lock = threading.Lock()
        self.digests, self.n_runs, self.faults = {}, 0, []

    def run(self, choose, folder):
        output = choose(OUTPUTS)
        model = choose(MODELS[:1] if output is CHECKPOINT else MODELS)
        # NumPy has no bfloat16.
        type_name = choose(TYPES[:2] if "out.npz" in output else TYPES)
        piped = "-of-" not in model and choose((True, False, False))
        path = os.path.join(folder, output[0])
        command = [PROGRAM, "-q", "-t", type_name, *output[1:], "-o", path,
                   "-j%d" % choose(range(1, 17)),
                   "--memory", choose(("4M", "8M", "64M", "256M")),
                   "-" if piped else model]
        isa = choose(ISAS)
        with open(model, "rb") as file:
            cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
        result = subprocess.run(command, stdin=cat.stdout, capture_output=True,
                                env=dict(os.environ, GGUF_DEQUANT_ISA=isa))
        cat.stdout.close()
        cat.wait()
        with self.lock:
            self.n_runs += 1
            if result.returncode:
                self.faults.append("%s: %s" % (command, result.stderr))
                return
            found = digest(path)
            known = self.digests.setdefault((model, output, type_name), found)
            if found != known:
                self.faults.append("%s, %s: other bytes" % (command, isa))

    def work(self, number):
        generator = random.Random(number)
        while time.monotonic() < self.end:
            with tempfile.TemporaryDirectory() as folder:
                self.run(generator.choice, folder)


def main():
    soak = Soak()
    workers = [threading.Thread(target=soak.work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(*soak.faults[:20], sep="\n", end="\n" if soak.faults else "")
    print("soak: %d runs, %d faults" % (soak.n_runs, len(soak.faults)))
    sys.exit(1 if soak.faults or not soak.n_runs else 0)


main()
