"""usage: signals.py PROGRAM MODEL RUNS

Sends RUNS signals, and as many SIGKILLs, to PROGRAM at random moments, for
every kind of output. A file that is there then must be whole; after a signal,
nothing else may be there. What SIGKILL leaves, the next run must remove.
"""
import collections
import itertools
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
# Arguments, and whether the input is a pipe.
KINDS = {
    "raw": (["-o", "out"], False),
    "raw, index": (["-o", "out", "--index", "index"], False),
    "gguf": (["-o", "out.gguf"], False),
    "safetensors": (["-o", "out.safetensors"], False),
    "npz": (["-o", "out.npz"], False),
    "npz from a pipe": (["-o", "out.npz"], True),
    "folder": (["-o", "out/"], False),
    "shards": (["-o", "out/", "-F", "safetensors", "--max-shard-size", "1M"],
               False),
    "checkpoint": (["-o", "out/", "-F", "hf"], False),
    "raw, replaced": (["-f", "-o", "out"], False),
    "folder, replaced": (["-f", "-o", "out/"], False),
}
SUFFIX = ", replaced"


def read(path):
    """Returns what a file holds, or a folder with its files."""
    if os.path.isdir(path):
        return {name: read(os.path.join(path, name))
                for name in os.listdir(path)}
    with open(path, "rb") as file:
        return file.read()


def write_old(path, whole):
    """Writes what will be replaced by `whole`."""
    if isinstance(whole, dict):
        os.mkdir(path)
        for name in whole:
            write_old(os.path.join(path, name), whole[name])
    else:
        with open(path, "wb") as file:
            file.write(OLD)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def is_temporary(name):
    return name.startswith(".")


def temporary(files):
    """Returns the names of temporary files, also of those in folders."""
    return [*filter(is_temporary, files)] + [
        name for folder in files.values() if isinstance(folder, dict)
        for name in temporary(folder)]


def is_whole(found, whole, replaced):
    if not isinstance(whole, dict):
        return found == whole or replaced and found == OLD
    return {*itertools.filterfalse(is_temporary, found)} == {*whole} and all(
        is_whole(found[name], whole[name], replaced) for name in whole)


def start(kind):
    args, piped = KINDS[kind]
    stdin = subprocess.DEVNULL
    if piped:
        stdin = subprocess.Popen(["cat", MODEL], stdout=subprocess.PIPE).stdout
    process = subprocess.Popen(
        [PROGRAM, "-j3", "-q", "-d", "cpu", *args, "-" if piped else MODEL],
        stdin=stdin, stderr=subprocess.DEVNULL)
    if piped:
        stdin.close()
    return process


class Torture:
    def __init__(self):
        self.random = random.Random(1)
        self.whole, self.seconds, self.faults = {}, {}, []
        self.ends = collections.Counter()
        for kind in KINDS:
            self.prepare(kind)
            before = time.monotonic()
            assert start(kind).wait() == 0
            self.seconds[kind] = time.monotonic() - before
            self.whole[kind] = read(".")

    def prepare(self, kind):
        for name in os.listdir("."):
            remove(name)
        if kind.endswith(SUFFIX):
            write_old("out", self.whole[kind[:-len(SUFFIX)]]["out"])

    def look(self, kind, number, status):
        """Returns what is wrong, or None."""
        files, whole = read("."), self.whole[kind]
        replaced = kind.endswith(SUFFIX)
        if status not in (0, -number):
            return "status %d" % status
        if status == 0 and files != whole:
            return "status 0, but not the whole output"
        if temporary(files) and number != signal.SIGKILL:
            return "%s was left" % temporary(files)
        for name in itertools.filterfalse(is_temporary, files):
            if not is_whole(files[name], whole.get(name), replaced):
                return "'%s' is not whole" % name
        if replaced and "out" not in files:
            return "what was there is gone"
        return None

    def rerun(self, kind):
        """A run after SIGKILL: nothing may stand in its way, or be left."""
        if not kind.endswith(SUFFIX):
            for name in itertools.filterfalse(is_temporary, os.listdir(".")):
                remove(name)
        if start(kind).wait() or read(".") != self.whole[kind]:
            return "the next run left %s" % os.listdir(".")
        return None

    def send(self, number):
        kind = self.random.choice(list(KINDS))
        self.prepare(kind)
        process = start(kind)
        time.sleep(self.random.random() * self.seconds[kind] * 0.9)
        process.send_signal(number)
        status = process.wait(60)
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
        os.chdir("/")
    print(*torture.faults[:20], sep="\n", end="\n" if torture.faults else "")
    print("signals: %d runs, %d ended by one, %d faults" % (
        2 * RUNS, 2 * RUNS - torture.ends[0], len(torture.faults)))
    sys.exit(1 if torture.faults else 0)


main()
