"""usage: fail_calls.py PROGRAM FAILING_CALL MODELS FOLDER

Runs PROGRAM for each kind of output and of input, in FOLDER, and lets each of
its calls fail in turn: see fail_call.c. FOLDER has the model llama of tests/hf.
The program must then have done all of its work, with status 0, or have left
everything as it was, with status 2 and a message. Reads and writes that are
short or interrupted are no failures.
"""
import collections
import concurrent.futures
import os
import shutil
import subprocess
import sys

PROGRAM, FAILING_CALL, MODELS, FOLDER = sys.argv[1:]
SMALL = MODELS + "/small.gguf"
LLAMA = FOLDER + "/llama/model-q.gguf"
CONFIG = (b'{"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 320, '
          b'"dtype": "float32"}')
OLD = b"what was there"
CPU = ["-d", "cpu", "-j1"]
TEMPORARY = ".gguf-dequant."
HARMLESS = {"short", "interrupted"}
# Calls that fail without harm, or whose failure tells nothing.
MAY_BE_HARMLESS = {"close", "random", "stat", "space", "sync", "thread"}

# files: what is in the folder before; a list: what PROGRAM prints. several: the
# ways to fail after which one of several outputs may be there, and whole.
# Without memory, the files that were moved into a folder cannot be moved back.
Case = collections.namedtuple("Case", "name args stdin files several",
                              defaults=(None, {}, ()))
CASES = [
    Case("list", ["--list", SMALL]),
    Case("json", ["--json", SMALL]),
]
CASES += [Case(name, CPU + args, *rest) for name, args, *rest in (
    ("raw, index", ["-o", "out", "--index", "index", SMALL], None, {},
     ("", "on")),
    ("gguf", ["-o", "out.gguf", SMALL]),
    ("safetensors", ["-o", "out.safetensors", SMALL]),
    ("shards", ["-F", "safetensors", "-o", "out/", "--max-shard-size", "200",
                SMALL]),
    ("checkpoint", ["-F", "hf", "-o", "out/", LLAMA, "-T",
                    "output_norm.weight"]),
    ("checkpoint, copies", ["-F", "hf", "-o", "out/", LLAMA, "-T",
                            "output_norm.weight", "--config-from", "from"],
     None, {"from/config.json": CONFIG, "from/merges.txt": OLD}),
    ("npz", ["-o", "out.npz", SMALL]),
    ("folder", ["-o", "out/", SMALL]),
    ("replaced file", ["-f", "-o", "out", SMALL], None, {"out": OLD}),
    ("replaced files in a folder", ["-f", "-o", "out/", SMALL], None,
     {"out/blk.1.ids.i32": OLD, "out/token_embd.weight.f32": OLD}, ("on",)),
    ("standard output", ["-c", SMALL]),
    ("standard output, npz", ["-c", "-F", "npz", SMALL]),
    ("pipe, npz", ["-o", "out.npz", "-"], SMALL),
    ("checksums, safetensors", ["--checksum", "-o", "out.safetensors", "-q",
                                "-t", "f16", SMALL], None, {}, ("", "on")),
    ("sha256", ["--checksum=sha256", SMALL]),
    ("check", ["--check", "sums", SMALL], None,
     {"sums": ["--checksum", SMALL]}),
    ("expect", ["--expect", "values", SMALL], None, {"values": ["-c", SMALL]}),
    ("blocks", ["--input-type", "i8", SMALL, "-o", "out.gguf"]),
    ("split model", [MODELS + "/split-00001-of-00003.gguf", "-o", "out"]),
)]


def files_in(folder):
    """Returns what is in the files by path, and FOLDER for each folder."""
    files = {}
    for path, folders, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as file:
                files[os.path.join(path, name)] = file.read()
        files.update((os.path.join(path, name), FOLDER) for name in folders)
    return files


def prepare(case, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, data in case.files.items():
        if isinstance(data, list):
            data = subprocess.run([PROGRAM, *data], check=True,
                                  stdout=subprocess.PIPE).stdout
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def run(case, folder, **variables):
    stdin, feed = os.pipe()
    if case.stdin:
        with open(case.stdin, "rb") as file:
            os.write(feed, file.read())
    os.close(feed)
    ran = subprocess.run([PROGRAM, *case.args], stdin=stdin, cwd=folder,
                         capture_output=True, timeout=60,
                         env=dict(os.environ, LD_PRELOAD=FAILING_CALL,
                                  **variables))
    os.close(stdin)
    return ran


class Runs:
    """The runs of one case."""

    def __init__(self, case, folder):
        self.case, self.folder = case, folder
        self.faults, self.n_runs, self.n_failed = [], 0, collections.Counter()
        prepare(case, folder)
        self.before = files_in(folder)
        counts = folder + ".counts"
        self.whole = run(case, folder, FAIL_COUNTS=counts)
        assert self.whole.returncode == 0, self.whole.stderr
        self.after = files_in(folder)
        with open(counts) as file:
            self.counts = {kind: int(n) for kind, n in map(str.split, file)}

    def is_done(self, files):
        """Whether all outputs are there. What could not be removed, the next
        run removes."""
        if any(TEMPORARY in path for path in files):
            run(self.case, self.folder)
            files = files_in(self.folder)
        return files == self.after

    def is_as_before(self, files, ran, how):
        """Whether nothing is left, and nothing lost, of each output."""
        if (how not in self.case.several and
                b" is complete, but " not in ran.stderr):
            return files == self.before
        return all(files.get(path) in (self.before.get(path),
                                       self.after.get(path))
                   for path in {*files, *self.before, *self.after})

    def look(self, ran, how):
        """Returns what is wrong after a run, or None."""
        files = files_in(self.folder)
        if ran.returncode == 0:
            if not self.is_done(files) or ran.stdout != self.whole.stdout:
                return "status 0, but not the whole output"
        elif how in HARMLESS or ran.returncode != 2:
            return "status %d" % ran.returncode
        elif not ran.stderr.startswith(b"gguf-dequant: "):
            return "no message"
        elif not self.is_as_before(files, ran, how):
            return "files were left or lost"
        return None

    def fail(self, kind, n, how=""):
        if files_in(self.folder) != self.before:
            prepare(self.case, self.folder)
        call = "%s:%d%s" % (kind, n, how and ":" + how)
        ran = run(self.case, self.folder, FAIL_CALL=call)
        fault = self.look(ran, how)
        self.n_runs += 1
        self.n_failed[kind] += ran.returncode == 2
        if fault:
            self.faults.append("%s: %s: %s: %s" % (
                self.case.name, call, fault, ran.stderr.decode().strip()))

    def fail_each(self):
        for kind, n_calls in self.counts.items():
            for n in range(1, n_calls + 1):
                self.fail(kind, n)
                if kind in ("malloc", "write"):
                    self.fail(kind, n, "on")
                if kind in ("read", "write"):
                    self.fail(kind, n, "short")
                    self.fail(kind, n, "interrupted")
            if (n_calls and not self.n_failed[kind] and
                    kind not in MAY_BE_HARMLESS):
                self.faults.append("%s: no %s failed" % (self.case.name, kind))
        return self


def main():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(
            lambda i: Runs(CASES[i], "%s/%d" % (FOLDER, i)).fail_each(),
            range(len(CASES))))
    faults = [fault for each in runs for fault in each.faults]
    print(*faults[:20], sep="\n")
    print(len(faults), "faults,", sum(each.n_runs for each in runs), "runs")
    sys.exit(1 if faults else 0)


main()
