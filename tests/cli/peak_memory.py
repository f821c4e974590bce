"""usage: peak_memory.py BYTES PROGRAM [ARG]...

Reads so many bytes of what the program writes, then stops it, and prints how
much memory it had at most, in MiB.
"""
import resource
import subprocess
import sys

left = int(sys.argv[1])
with subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, bufsize=0) as child:
    buffer = bytearray(1 << 20)
    while left > 0:
        n = child.stdout.readinto(buffer)
        if not n:
            sys.exit("the program ended early")
        left -= n
    child.kill()
    child.wait()
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10)
