"""usage: soak.py PROGRAM SECONDS MODEL...

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
OUTPUTS = ("out", "out.gguf", "out.safetensors", "out.npz", "folder/")


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
        model, output = choose(MODELS), choose(OUTPUTS)
        # NumPy has no bfloat16.
        types = ("f32", "f16") if output == "out.npz" else (
            "f32", "f16", "bf16")
        type_name = choose(types)
        piped = "-of-" not in model and choose((True, False, False))
        path = os.path.join(folder, output)
        command = [PROGRAM, "-q", "-t", type_name, "-o", path,
                   "-j%d" % choose(range(1, 17)),
                   "--memory", choose(("4M", "8M", "64M", "256M")),
                   "-" if piped else model]
        isa = choose(("baseline", "avx2", "avx512"))
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
