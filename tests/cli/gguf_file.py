"""Writes and reads GGUF files for tests, as simply as possible, unchecked."""
import bisect
import struct

# id: (name in an index, weights per block, bytes per block)
TYPES = {
    0: ("f32", 1, 4), 1: ("f16", 1, 2), 2: ("q4_0", 32, 18),
    3: ("q4_1", 32, 20), 6: ("q5_0", 32, 22), 7: ("q5_1", 32, 24),
    8: ("q8_0", 32, 34), 9: ("q8_1", 32, 36), 10: ("q2_k", 256, 84),
    11: ("q3_k", 256, 110), 12: ("q4_k", 256, 144), 13: ("q5_k", 256, 176),
    14: ("q6_k", 256, 210), 15: ("q8_k", 256, 292), 16: ("iq2_xxs", 256, 66),
    17: ("iq2_xs", 256, 74), 18: ("iq3_xxs", 256, 98), 19: ("iq1_s", 256, 50),
    20: ("iq4_nl", 32, 18), 21: ("iq3_s", 256, 110), 22: ("iq2_s", 256, 82),
    23: ("iq4_xs", 256, 136), 24: ("i8", 1, 1), 25: ("i16", 1, 2),
    26: ("i32", 1, 4), 27: ("i64", 1, 8), 28: ("f64", 1, 8),
    29: ("iq1_m", 256, 56), 30: ("bf16", 1, 2), 34: ("tq1_0", 256, 54),
    35: ("tq2_0", 256, 66), 39: ("mxfp4", 32, 17), 40: ("nvfp4", 64, 36),
    41: ("q1_0", 128, 18), 42: ("q2_0", 64, 18),
}
IDS = {name: id for id, (name, _, _) in TYPES.items()}

# The struct format of a metadata value, by the id of its type.
SCALARS = "BbHhIif?  Qqd"
VALUE_IDS = {name: id for id, name in enumerate(
    "u8 i8 u16 i16 u32 i32 f32 bool string array u64 i64 f64".split())}


def string(text):
    data = text.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(data)) + data


def value(kind, item):
    """Returns a value's bytes. The kind of an array is [kind of an item]."""
    if isinstance(kind, list):
        item_kind = kind[0]
        id = VALUE_IDS["array" if isinstance(item_kind, list) else item_kind]
        return (struct.pack("<IQ", id, len(item)) +
                b"".join(value(item_kind, i) for i in item))
    if kind == "string":
        return string(item)
    return struct.pack("<" + SCALARS[VALUE_IDS[kind]], item)


def pair(key, kind, item):
    id = VALUE_IDS["array" if isinstance(kind, list) else kind]
    return string(key) + struct.pack("<I", id) + value(kind, item)


def n_bytes(type_name, shape):
    _, weights, size = TYPES[IDS[type_name]]
    n = 1
    for dim in shape:
        n *= dim
    return n // weights * size


def write(path, tensors, metadata=(), alignment=32, order=None, tail=b""):
    """tensors: (name, type, shape, data); order: the order of their data. If
    data is None, the file has a hole there. A type that TYPES lacks is given
    by its id."""
    offsets = {}
    end = 0
    for i in order or range(len(tensors)):
        _, type_name, shape, data = tensors[i]
        offsets[i] = end
        size = (n_bytes(type_name, shape) if type_name in IDS else len(data))
        end += -(-size // alignment) * alignment
    head = bytearray(b"GGUF")
    head += struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(pair(*entry) for entry in metadata)
    for i, (name, type_name, shape, _) in enumerate(tensors):
        head += string(name) + struct.pack("<I", len(shape))
        head += struct.pack("<%dQ" % len(shape), *shape)
        head += struct.pack("<IQ", IDS.get(type_name, type_name), offsets[i])
    start = -(-len(head) // alignment) * alignment
    with open(path, "wb") as file:
        file.write(head)
        for i, (_, _, _, data) in enumerate(tensors):
            file.seek(start + offsets[i])
            file.write(data or b"")
        file.truncate(start + end)
        file.seek(start + end)
        file.write(tail)


class Reader:
    """Takes values from bytes, one after the other."""

    def __init__(self, data):
        self.data = data
        self.pos = 0

    def take(self, code):
        item, = struct.unpack_from("<" + code, self.data, self.pos)
        self.pos += struct.calcsize("<" + code)
        return item

    def string(self):
        n = self.take("Q")
        return self.take("%ds" % n).decode("utf-8", "surrogateescape")

    def value(self, id):
        if id == VALUE_IDS["string"]:
            return self.string()
        if id == VALUE_IDS["array"]:
            id = self.take("I")
            return [self.value(id) for _ in range(self.take("Q"))]
        return self.take(SCALARS[id])


def read(path):
    """Returns the metadata by key, and tensors: (name, type, shape, data). A type
    that TYPES lacks is an id, and its data goes to the next tensor's."""
    with open(path, "rb") as file:
        reader = Reader(file.read())
    reader.pos = 8
    n_tensors, n_kv = reader.take("Q"), reader.take("Q")
    metadata = {reader.string(): reader.value(reader.take("I"))
                for _ in range(n_kv)}
    infos = []
    for _ in range(n_tensors):
        name = reader.string()
        shape = [reader.take("Q") for _ in range(reader.take("I"))]
        infos.append((name, reader.take("I"), shape, reader.take("Q")))
    alignment = metadata.get("general.alignment", 32)
    start = -(-reader.pos // alignment) * alignment
    offsets = sorted(offset for _, _, _, offset in infos)
    offsets.append(len(reader.data) - start)
    tensors = []
    for name, id, shape, offset in infos:
        if id in TYPES:
            type_name = TYPES[id][0]
            end = offset + n_bytes(type_name, shape)
        else:
            type_name = id
            end = offsets[bisect.bisect_right(offsets, offset)]
        tensors.append((name, type_name, shape,
                        reader.data[start + offset:start + end]))
    return metadata, tensors
