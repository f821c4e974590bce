"""usage: PYTHONPATH=tests/cli model.py PATH: writes a model of 7 MB."""
import random
import sys

import gguf_file

blocks = random.Random(1)
gguf_file.write(sys.argv[1], [
    ("blk.%d.weight" % i, "q8_0", (256, 1024),
     b"".join(b"\0\x30" + blocks.randbytes(32) for _ in range(8192)))
    for i in range(24)])
