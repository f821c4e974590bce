"""usage: llama_cpp_run.py FILE...

Lets llama.cpp generate six tokens from each GGUF file, greedily, on one thread,
and prints them; "aborts" for a file that llama.cpp loads and then aborts on, or
that it does not load. Each file has a process of its own.
"""
import json
import os
import subprocess
import sys

PROMPT = "The capital of France is"
ABORTS = "aborts"


def generate(path):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = 256
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.warmup = False
    params.verbosity = 0
    answer = xllamacpp.Server(params).handle_completions(
        {"prompt": PROMPT, "max_tokens": 6, "temperature": 0})
    print("text:", json.dumps(answer["choices"][0]["text"]))


def text_of(path):
    """The text, as JSON, or ABORTS."""
    run = subprocess.run([sys.executable, __file__, "--generate", str(path)],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         errors="replace", timeout=300,
                         env={**os.environ, "GGML_NO_BACKTRACE": "1"})
    texts = [line[6:] for line in run.stdout.splitlines()
             if line.startswith("text: ")]
    if run.returncode == 0 and texts:
        return texts[0]
    sys.stderr.write(run.stderr)
    return ABORTS


def main(*arguments):
    if arguments[:1] == ("--generate",):
        return generate(*arguments[1:])
    for path in arguments:
        print(path, text_of(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
