"""Run by scripts/check-hf, which describes it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TEXTS = [
    "The capital of France is",
    "  Hello,   world!\n\nI've 12345 things to say; we'll see.",
    "camelCase snake_case  \t(x == 3.14) { return; }",
    "línea número 2\n第二行 ελληνικά 🦙",
]
N_CONTEXT = 256  # tokens; llama.cpp takes no fewer
N_TOP = 20  # most probable tokens that are compared
MAX_DIFFERENCE = 0.05  # of the logarithms of their probabilities


def probabilities_of_llama_cpp(path, *texts):
    """Prints, for each text, [[id, logarithm of its probability], ...], which
    is empty if the next token is only a part of a character."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = N_CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = os.cpu_count()
    params.warmup = False
    params.verbosity = 0
    params.cache_type_k = xllamacpp.ggml_type.GGML_TYPE_F32
    params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    server = xllamacpp.Server(params)
    for text in texts:
        answer = server.handle_completions(
            {"prompt": text, "max_tokens": 1, "temperature": 0,
             "logprobs": N_TOP, "ignore_eos": True})
        logprobs = answer["choices"][0]["logprobs"]
        top = logprobs["content"][0]["top_logprobs"] if logprobs else []
        print("top:", json.dumps([[token["id"], token["logprob"]]
                                  for token in top]))


def run_llama_cpp(path, texts):
    """None if it does not run the model. A process of its own: it may abort."""
    run = subprocess.run([sys.executable, __file__, "--llama.cpp", path,
                          *texts],
                         capture_output=True, text=True, errors="replace")
    tops = [json.loads(line[5:]) for line in run.stdout.splitlines()
            if line.startswith("top: ")]
    return tops if not run.returncode and any(tops) else None


def load(folder):
    """The model; fails if a weight is missing, or not one of its."""
    import torch
    from transformers import AutoModelForCausalLM

    model, info = AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True, dtype=torch.float32)
    wrong = {key: names for key, names in info.items() if names}
    if wrong:
        raise ArithmeticError(f"transformers: {wrong}")
    return model.eval()


def logits_of(model, tokenizer, texts):
    """For each text, those of the next token."""
    import torch

    with torch.no_grad():
        return [model(tokenizer(text, return_tensors="pt").input_ids)
                .logits[0, -1] for text in texts]


def compare_with_original(folder, config, tokenizer, texts, logits):
    """The same weights with the original's config.json."""
    import torch

    shutil.copy(config, os.path.join(folder, "config.json"))
    originals = logits_of(load(folder), tokenizer, texts)
    for text, ours, original in zip(texts, logits, originals):
        if not torch.equal(ours, original):
            raise ArithmeticError(f"logits after {text!r} with the original's "
                                  "config.json")


def is_longrope_of_few(config):
    """llama.cpp chooses between two scalings by the size of its context, and
    transformers by the length of the text."""
    rope = getattr(config, "rope_parameters", None) or {}
    return (rope.get("rope_type") == "longrope" and
            rope["original_max_position_embeddings"] < N_CONTEXT)


def compare_with_llama_cpp(tops, tokenizer, texts, logits):
    """Returns the largest difference."""
    import torch

    largest = 0.0
    for text, top, ours in zip(texts, tops, logits):
        ours = torch.log_softmax(ours.double(), 0)
        for token, probability in top:
            largest = max(largest, abs(float(ours[token]) - probability))
        if not largest <= MAX_DIFFERENCE:
            raise ArithmeticError(
                f"by {largest:.3f} from llama.cpp after {text!r} (tokens "
                f"{tokenizer(text).input_ids})")
    return largest


def check(program, path, folder):
    """Returns what was found equal."""
    from transformers import AutoTokenizer

    checkpoint = os.path.join(folder, "checkpoint")
    made = os.path.join(folder, "f32.gguf")
    for options in ["-Fhf", "-o", checkpoint], ["-o", made]:
        subprocess.run([program, "-t", "f32", "-d", "cpu", *options, path],
                       check=True)
    model = load(checkpoint)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    texts = [text for text in TEXTS if len(tokenizer(text).input_ids) <=
             model.config.max_position_embeddings]
    logits = logits_of(model, tokenizer, texts)
    found = type(model).__name__
    original = os.path.join(os.path.dirname(path), "config.json")
    if os.path.exists(original):
        compare_with_original(checkpoint, original, tokenizer, texts, logits)
        found += ", the original's logits bit for bit"
    if is_longrope_of_few(model.config):
        return found + ", llama.cpp would scale otherwise"
    tops = run_llama_cpp(made, texts)
    if not tops:
        return found + ", llama.cpp does not run it"
    largest = compare_with_llama_cpp(tops, tokenizer, texts, logits)
    return found + f", within {largest:.6f} of llama.cpp"


def main():
    if sys.argv[1:2] == ["--llama.cpp"]:
        return probabilities_of_llama_cpp(*sys.argv[2:])
    if len(sys.argv) < 3:
        print("usage: scripts/check-hf FILE...", file=sys.stderr)
        return 2
    program = pathlib.Path(sys.argv[1]).resolve()
    status = 0
    for path in sys.argv[2:]:
        try:
            with tempfile.TemporaryDirectory(prefix="check-hf-",
                                             dir=program.parent) as folder:
                found = check(program, path, folder)
            print(f"EQUAL      {path}: {found}", flush=True)
        except ArithmeticError as error:
            print(f"DIFFERENT  {path}: {error}", flush=True)
            status = max(status, 1)
        except (OSError, RuntimeError, ValueError,
                subprocess.CalledProcessError) as error:
            print(f"TROUBLE    {path}: {error}", flush=True)
            status = 2
    return status


sys.exit(main())
