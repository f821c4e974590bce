"""The cases of this folder: see README.md."""
import os
import sys
import tarfile

HERE = os.path.dirname(os.path.realpath(__file__))
SHARED = os.environ.get("HF_CASES",
                        os.path.join(HERE, "../../../shared/hf"))


def unpack(folder):
    """Returns (name, path) of each case; may unpack them in the folder."""
    if not os.path.isdir(SHARED):
        print(f"SKIPPED  the models before quantization: no '{SHARED}'",
              file=sys.stderr)
        with tarfile.open(os.path.join(HERE, "cases.tar.xz")) as tar:
            # Python before 3.11.4 has no filters.
            tar.extractall(folder, **({"filter": "data"} if hasattr(
                tarfile, "data_filter") else {}))
        root = folder
    else:
        root = SHARED
    return [(name, os.path.join(root, name))
            for name in sorted(os.listdir(root))
            if os.path.isdir(os.path.join(root, name))]


def models(case):
    """Returns the columns of tensors.tsv and the paths of their models."""
    paths = [(name, os.path.join(case, name + ".gguf"))
             for name in ("model", "model-q")]
    return [(name, path) for name, path in paths if os.path.exists(path)]
