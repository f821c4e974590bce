"""usage: peak_memory.py BYTES PROGRAM [ARG]...

Reads BYTES bytes of the program's output, then stops it and prints its peak
memory in MiB.
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
