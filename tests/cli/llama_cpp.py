"""usage: llama_cpp.py FILE...

Opens each GGUF file with llama.cpp's own reader, from the package xllamacpp,
and loads the tensors. Prints the number of tensors and keys.
"""
import ctypes
import importlib.util
import sys


class InitParams(ctypes.Structure):
    _fields_ = [("no_alloc", ctypes.c_bool),
                ("ctx", ctypes.POINTER(ctypes.c_void_p))]


def load_library():
    folder = importlib.util.find_spec("xllamacpp").submodule_search_locations
    lib = ctypes.CDLL(folder[0] + "/xllamacpp.abi3.so")
    lib.gguf_init_from_file.restype = ctypes.c_void_p
    lib.gguf_init_from_file.argtypes = [ctypes.c_char_p, InitParams]
    for function in lib.gguf_get_n_tensors, lib.gguf_get_n_kv:
        function.restype = ctypes.c_int64
        function.argtypes = [ctypes.c_void_p]
    return lib


def main(*paths):
    lib = load_library()
    for path in paths:
        tensors = ctypes.c_void_p()
        file = lib.gguf_init_from_file(
            path.encode(), InitParams(False, ctypes.pointer(tensors)))
        if not file or not tensors:
            sys.exit(f"llama.cpp cannot read {path}")
        print(path, lib.gguf_get_n_tensors(file), lib.gguf_get_n_kv(file))


main(*sys.argv[1:])
