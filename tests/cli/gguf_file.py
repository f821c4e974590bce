"""Writes and reads GGUF files for tests, as simply as possible, unchecked."""
import bisect
import struct

# id: (name in an index, weights per block, bytes per block[, bytes of a header,
# rows that have one each and are interleaved; 0: one for all rows])
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
    36: ("i2_s", 128, 32, 32, 0), 133: ("q6_0", 32, 26),
    134: ("iq1_bn", 64, 13, 2, 1), 135: ("iq2_bn", 64, 16, 4, 1),
    137: ("iq2_k", 256, 76), 138: ("iq3_k", 256, 110),
    139: ("iq4_k", 256, 144), 140: ("iq5_k", 256, 176),
    141: ("iq6_k", 256, 212), 144: ("iq4_ks", 256, 136, 4, 1),
    145: ("iq2_ks", 256, 70, 2, 1), 146: ("iq4_kss", 256, 128, 4, 1),
    151: ("q8_kv", 32, 32, 8, 1), 152: ("iq5_ks", 256, 168, 4, 1),
    153: ("iq2_kt", 256, 68, 4, 1), 154: ("iq3_kt", 256, 100, 4, 1),
    155: ("iq4_kt", 256, 128, 4, 1), 156: ("iq3_ks", 256, 102, 2, 1),
    157: ("iq2_kl", 256, 86, 2, 1), 158: ("iq1_kt", 256, 56, 4, 1),
    202: ("q4_0_r8", 32, 18, 0, 8), 206: ("q5_0_r4", 32, 22, 0, 4),
    208: ("q8_0_r8", 32, 34, 0, 8), 210: ("q2_k_r4", 256, 84, 0, 4),
    211: ("q3_k_r4", 256, 110, 0, 4), 212: ("q4_k_r4", 256, 144, 0, 4),
    213: ("q5_k_r4", 256, 176, 0, 4), 214: ("q6_k_r4", 256, 210, 0, 4),
    216: ("iq2_xxs_r4", 256, 66, 0, 4), 217: ("iq2_xs_r4", 256, 74, 0, 4),
    218: ("iq3_xxs_r4", 256, 98, 0, 4), 219: ("iq1_s_r4", 32, 6, 2, 4),
    220: ("iq4_nl_r4", 32, 18, 0, 4), 221: ("iq3_s_r4", 256, 110, 0, 4),
    222: ("iq2_s_r4", 256, 82, 0, 4), 223: ("iq4_xs_r8", 256, 136, 0, 8),
    229: ("iq1_m_r4", 32, 7, 2, 4), 230: ("bf16_r16", 16, 32, 0, 16),
    233: ("q6_0_r4", 32, 26, 0, 4), 335: ("iq2_bn_r4", 64, 16, 4, 4),
    337: ("iq2_k_r4", 256, 76, 0, 4), 338: ("iq3_k_r4", 256, 110, 0, 4),
    339: ("iq4_k_r4", 256, 144, 0, 4), 340: ("iq5_k_r4", 256, 176, 0, 4),
    344: ("iq4_ks_r4", 256, 136, 4, 4), 352: ("iq5_ks_r4", 256, 168, 4, 4),
    353: ("mxfp4_r8", 32, 17, 0, 8), 397: ("q8_k_r16", 256, 258, 0, 16),
    398: ("q8_kv_r8", 32, 32, 4, 8), 399: ("q8_k_r8", 256, 258, 0, 8),
}
IDS = {row[0]: id for id, row in TYPES.items()}

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
    _, weights, size, header, rows = (TYPES[IDS[type_name]] + (0, 1))[:5]
    n_rows = 1
    for dim in shape[1:]:
        n_rows *= dim
    n = n_rows * shape[0] if shape else 1
    return n // weights * size + header * (n_rows if rows else 1)


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
