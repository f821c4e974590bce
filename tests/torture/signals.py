"""usage: signals.py PROGRAM MODEL RUNS

Sends RUNS signals, and as many SIGKILLs, to PROGRAM at random moments, for
every kind of output. A file that is there then must be whole; after a signal,
nothing else may be there. What SIGKILL leaves, the next run must remove.
"""
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, MODEL, RUNS = *map(os.path.realpath, sys.argv[1:3]), int(sys.argv[3])
OLD = b"what was there"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT,
           signal.SIGPIPE, signal.SIGXCPU, signal.SIGABRT, signal.SIGSEGV)
# Arguments, which files they make, and whether the input is a pipe.
KINDS = {
    "raw, index": (["-o", "out", "--index", "index"], {"out", "index"}, False),
    "gguf": (["-o", "out.gguf"], {"out.gguf"}, False),
    "safetensors": (["-o", "out.safetensors"], {"out.safetensors"}, False),
    "npz": (["-o", "out.npz"], {"out.npz"}, False),
    "npz from a pipe": (["-o", "out.npz"], {"out.npz"}, True),
    "folder": (["-o", "out/"], {"out"}, False),
    "shards": (["-o", "out/", "-F", "safetensors", "--max-shard-size", "1M"],
               {"out"}, False),
    "replaced": (["-f", "-o", "out"], {"out"}, False),
}


def read(path):
    """Returns what a file holds, or a folder with its files."""
    if os.path.isdir(path):
        return {name: read(os.path.join(path, name))
                for name in os.listdir(path)}
    with open(path, "rb") as file:
        return file.read()


def start(kind):
    args, _, piped = KINDS[kind]
    with open(MODEL, "rb") as model:
        return subprocess.Popen(
            [PROGRAM, "-j3", "-q", "-d", "cpu", *args, "-" if piped else MODEL],
            stdin=model if piped else subprocess.DEVNULL,
            stderr=subprocess.PIPE)


def empty():
    for name in os.listdir("."):
        if os.path.isdir(name):
            shutil.rmtree(name)
        else:
            os.unlink(name)


def prepare(kind):
    empty()
    if kind == "replaced":
        with open("out", "wb") as file:
            file.write(OLD)


class Torture:
    def __init__(self):
        self.random = random.Random(1)
        self.whole, self.seconds, self.faults = {}, {}, []
        self.ends = collections.Counter()
        for kind in KINDS:
            prepare(kind)
            before = time.monotonic()
            assert start(kind).wait() == 0
            self.seconds[kind] = time.monotonic() - before
            self.whole[kind] = read(".")

    def look(self, kind, number, status):
        """Returns what is wrong, or None."""
        files = read(".")
        if status not in (0, -number):
            return "status %d" % status
        if status == 0 and files != self.whole[kind]:
            return "status 0, but not the whole output"
        temporary = [name for name in files if name.startswith(".")]
        if temporary and number != signal.SIGKILL:
            return "%s was left" % temporary
        for name in set(files).difference(temporary):
            if (files[name] != self.whole[kind][name] and
                    not (kind == "replaced" and files[name] == OLD)):
                return "'%s' is not whole" % name
        if kind == "replaced" and "out" not in files:
            return "the old file is gone"
        return None

    def rerun(self, kind):
        """A run after SIGKILL: nothing may stand in its way, or be left."""
        for name in KINDS[kind][1].intersection(os.listdir(".")):
            if os.path.isdir(name):
                shutil.rmtree(name)
            elif kind != "replaced":
                os.unlink(name)
        if start(kind).wait() or read(".") != self.whole[kind]:
            return "the next run left %s" % os.listdir(".")
        return None

    def send(self, number):
        kind = self.random.choice(list(KINDS))
        prepare(kind)
        process = start(kind)
        time.sleep(self.random.random() * self.seconds[kind] * 0.9)
        process.send_signal(number)
        status = process.wait(60)
        process.stderr.close()
        self.ends[status] += 1
        fault = self.look(kind, number, status)
        if not fault and status == -signal.SIGKILL:
            fault = self.rerun(kind)
        if fault:
            self.faults.append("%s, %s: %s" % (kind, number.name, fault))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        torture = Torture()
        for _ in range(RUNS):
            torture.send(torture.random.choice(SIGNALS))
            torture.send(signal.SIGKILL)
        empty()
        os.chdir("/")
    print(*torture.faults[:20], sep="\n", end="\n" if torture.faults else "")
    print("signals: %d runs, %d ended by one, %d faults" % (
        2 * RUNS, 2 * RUNS - torture.ends[0], len(torture.faults)))
    sys.exit(1 if torture.faults else 0)


main()
