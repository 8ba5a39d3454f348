"""Files that are no model files, each with a piece of the sentence that both readers refuse it with."""

import struct

META = '"__metadata__":{"format":"fastemo","format_version":"1"}'
GOOD = '"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'
ONE = struct.pack("<d", 1.0)


def file_of(header, data=b""):
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header + data


def model(*members, data=b"", meta=META):
    return file_of("{" + ",".join(filter(None, [meta, *members])) + "}", data)


def entry(name="a", dtype="F64", shape="[1]", offsets="[0,8]"):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}'


def metadata(text):
    return model(GOOD, data=ONE, meta='"__metadata__":' + text)


HOSTILE = {
    "nothing": (b"", "truncated model file: it has 0 bytes"),
    "no header": (bytes(8), "does not begin with '{'"),
    "half a length": (bytes(7), "truncated model file: it has 7 bytes"),
    "huge length": (b"\xff" * 8 + b"{}", "its header claims 18446744073709551615 bytes, at most 16777216"),
    "length 2^63": (struct.pack("<Q", 1 << 63) + b"{}", "its header claims 9223372036854775808"),
    "length beyond limit": (struct.pack("<Q", (1 << 24) + 1) + b"{}", "its header claims 16777217"),
    "length beyond file": (struct.pack("<Q", 3) + b"{}", "its header needs 3 bytes, 2 are there"),
    "pickle": (b"\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x01a\x94.", "damaged model file, or none at all"),
    "zip": (b"PK\x03\x04" + bytes(60), "its header claims"),
    "text": (b"time,Fp1,Fp2\n0,1,2\n", "its header claims"),
    "leading space": (file_of(" {}"), "does not begin with '{'"),
    "byte order mark": (file_of("\ufeff{}"), "does not begin with '{'"),
    "an array": (file_of("[]"), "does not begin with '{'"),
    "unclosed": (file_of("{"), "expected a string at byte 1"),
    "trailing comma": (file_of("{" + META + ",}"), "expected a string at byte"),
    "text after": (file_of("{" + META + "}x"), "expected the end at byte"),
    "zero after": (file_of("{" + META + "}\0"), "expected the end at byte"),
    "nested arrays": (model('"a":' + "[" * 100_000), "expected '{' at byte"),
    "nested objects": (model('"a":' * 100_000), "expected '{' at byte"),
    "deep object": (file_of('{"a":' * 1_000_000), "unknown entry 'a'"),
    "deep shape": (model(entry(shape="[" * 100_000)), "expected a whole number"),
    "deep metadata": (metadata('{"x":{"y":"z"}}'), "expected a string"),
    "bare key": (file_of("{a:1}"), "expected a string at byte 1"),
    "single quotes": (file_of("{'a':1}"), "expected a string at byte 1"),
    "comment": (file_of("{/**/}"), "expected a string at byte 1"),
    "no colon": (file_of('{"a"}'), "expected ':' at byte 4"),
    "bytes count, not characters": (file_of('{"é😀" }'), "expected ':' at byte 10"),
    "form feed": (file_of("{\f}"), "expected a string at byte 1"),
    "no-break space": (file_of("{\u00a0}"), "expected a string at byte 1"),
    "null tensor": (model('"a":null'), "expected '{' at byte"),
    "tuple tensor": (model('"a":["F64",[1],[0,8]]', data=ONE), "expected '{' at byte"),
    "same tensor twice": (model(GOOD, GOOD, data=ONE), "'a' is there twice"),
    "same tensor escaped": (model(GOOD, '"\\u0061":{}', data=ONE), "'a' is there twice"),
    "metadata twice": (model(META, GOOD, data=ONE), "'__metadata__' is there twice"),
    "metadata key twice": (metadata('{"x":"1","x":"1"}'), "metadata 'x' is there twice"),
    "field twice": (model('"a":{"dtype":"F64","dtype":"F64"}'), "tensor 'a' has 'dtype' twice"),
    "unknown field": (model(GOOD[:-1] + ',"x":1}', data=ONE), "tensor 'a' has an unknown entry 'x'"),
    "missing field": (model('"a":{"dtype":"F64","shape":[1]}', data=ONE), "tensor 'a' lacks its dtype"),
    "empty tensor object": (model('"a":{}'), "tensor 'a' lacks its dtype"),
    "unknown dtype": (model(entry(dtype="BF16")), "has dtype 'BF16', expected F64, F32, I64 or U8"),
    "lower-case dtype": (model(entry(dtype="f64"), data=ONE), "has dtype 'f64'"),
    "numeric dtype": (model(GOOD.replace('"F64"', "64"), data=ONE), "expected a string at byte"),
    "negative extent": (model(entry(shape="[-1]"), data=ONE), "expected a whole number at byte"),
    "minus zero": (model(entry(shape="[-0]", offsets="[0,0]")), "expected a whole number at byte"),
    "plus": (model(entry(shape="[+1]"), data=ONE), "expected a whole number at byte"),
    "fraction": (model(entry(shape="[1.0]"), data=ONE), "expected ']' at byte"),
    "exponent": (model(entry(shape="[1e0]"), data=ONE), "expected ']' at byte"),
    "hexadecimal": (model(entry(shape="[0x1]"), data=ONE), "expected ']' at byte"),
    "leading zero": (model(entry(shape="[01]"), data=ONE), "expected a whole number at byte"),
    "underscore": (model(entry(shape="[1_0]"), data=bytes(80)), "expected ']' at byte"),
    "NaN extent": (model(entry(shape="[NaN]"), data=ONE), "expected a whole number at byte"),
    "quoted extent": (model(entry(shape='["1"]'), data=ONE), "expected a whole number at byte"),
    "true extent": (model(entry(shape="[true]"), data=ONE), "expected a whole number at byte"),
    "Arabic digit": (model(entry(shape="[\u0661]"), data=ONE), "expected a whole number at byte"),
    "2^63": (model(entry(shape="[9223372036854775808]")), "expected a number below 2^63"),
    "2^64 + 1": (model(entry(shape="[18446744073709551617]"), data=ONE), "expected a number below 2^63"),
    "a million digits": (model(entry(shape=f"[{'9' * 1_000_000}]")), "expected a number below 2^63"),
    "2^62 numbers": (model(entry(shape=f"[{2**62}]")), "the shape of tensor 'a' needs 2^63 bytes"),
    "2^32 x 2^32": (model(entry(shape="[4294967296,4294967296]", offsets="[0,0]")), "needs 2^63 bytes"),
    "nothing x 2^62": (model(entry(shape=f"[0,{2**62}]", offsets="[0,0]")), "needs 2^63 bytes"),
    "2^62 x nothing": (model(entry(shape=f"[{2**62},0]", offsets="[0,0]")), "needs 2^63 bytes"),
    "2^59 numbers": (model(entry(shape=f"[{2**59}]", offsets=f"[0,{2**62}]")), "truncated model file"),
    "nine dimensions": (model(entry(shape="[1,1,1,1,1,1,1,1,1]"), data=ONE), "more than 8 dimensions"),
    "too large": (model(entry(shape="[2]"), data=ONE), "needs 16 bytes, its data_offsets are 0 to 8"),
    "too small": (model(entry(shape="[0]"), data=ONE), "needs 0 bytes, its data_offsets are 0 to 8"),
    "backward": (model(entry(offsets="[8,0]"), data=ONE), "needs 8 bytes, its data_offsets are 8 to 0"),
    "negative offset": (model(entry(offsets="[-8,0]"), data=ONE), "expected a whole number"),
    "three offsets": (model(entry(offsets="[0,8,8]"), data=ONE), "has no pair of data_offsets"),
    "no offsets": (model(entry(offsets="[]"), data=ONE), "has no pair of data_offsets"),
    "hole before": (model(entry(offsets="[8,16]"), data=bytes(16)), "at byte 8 of the data, expected 0"),
    "hole between": (model(GOOD, entry("b", offsets="[9,17]"), data=bytes(17)), "'b' begins at byte 9"),
    "same place": (model(GOOD, entry("b"), data=ONE), "tensor 'b' begins at byte 0 of the data, expected 8"),
    "overlap": (model(GOOD, entry("b", offsets="[4,12]"), data=bytes(12)), "'b' begins at byte 4"),
    "empty inside": (model(GOOD, entry("b", shape="[0]", offsets="[4,4]"), data=ONE), "'b' begins at byte 4"),
    "empty beyond": (model(entry(shape="[0]", offsets="[8,8]")), "'a' begins at byte 8"),
    "data missing": (model(GOOD), "truncated model file: its tensors need 8 bytes, 0 are there"),
    "data cut": (model(GOOD, data=ONE[:-1]), "truncated model file: its tensors need 8 bytes, 7 are there"),
    "data too many": (model(GOOD, data=ONE + b"\0"), "1 bytes follow its last tensor"),
    "data of nobody": (model(data=ONE), "8 bytes follow its last tensor"),
    "overlong slash": (file_of(b'{"\xc0\xaf":1}'), "its header is not UTF-8 at byte 2"),
    "overlong NUL": (file_of(b'{"\xc0\x80":1}'), "its header is not UTF-8 at byte 2"),
    "overlong of three": (file_of(b'{"\xe0\x9f\xbf":1}'), "its header is not UTF-8 at byte 2"),
    "overlong of four": (file_of(b'{"\xf0\x8f\xbf\xbf":1}'), "its header is not UTF-8 at byte 2"),
    "raw surrogate": (file_of(b'{"\xed\xa0\x80":1}'), "its header is not UTF-8 at byte 2"),
    "beyond U+10FFFF": (file_of(b'{"\xf4\x90\x80\x80":1}'), "its header is not UTF-8 at byte 2"),
    "lead byte F5": (file_of(b'{"\xf5\x80\x80\x80":1}'), "its header is not UTF-8 at byte 2"),
    "stray continuation": (file_of(b'{"a\x80":1}'), "its header is not UTF-8 at byte 3"),
    "cut character": (file_of(b'{"\xe2\x82"}'), "its header is not UTF-8 at byte 2"),
    "character cut by the end": (file_of(b'{"\xf0\x9f\x98'), "its header is not UTF-8 at byte 2"),
    "Latin-1": (file_of(b'{"\xe9":1}'), "its header is not UTF-8 at byte 2"),
    "UTF-8 after the end": (file_of(b'{"x\xff'), "its header is not UTF-8 at byte 3"),
    "lone high escape": (file_of('{"\\ud83d":1}'), "expected a string at byte 1"),
    "lone low escape": (file_of('{"\\ude00":1}'), "expected a string at byte 1"),
    "high and letter": (file_of('{"\\ud83d\\u0041":1}'), "expected a string at byte 1"),
    "high and high": (file_of('{"\\ud83d\\ud83d":1}'), "expected a string at byte 1"),
    "bad escape": (file_of('{"\\x41":1}'), "expected a string at byte 1"),
    "short escape": (file_of('{"\\u12'), "expected a string at byte 1"),
    "escape with sign": (file_of('{"\\u+041":1}'), "expected a string at byte 1"),
    "escape with space": (file_of('{"\\u 041":1}'), "expected a string at byte 1"),
    "escape at the end": (file_of('{"\\'), "expected a string at byte 1"),
    "open string": (file_of('{"abc'), "expected a string at byte 1"),
    "raw newline": (file_of('{"a\nb":1}'), "expected a string at byte 1"),
    "raw NUL": (file_of('{"a\0b":1}'), "expected a string at byte 1"),
    "metadata of numbers": (metadata('{"format":1}'), "expected a string at byte"),
    "metadata of null": (metadata('{"format":null}'), "expected a string at byte"),
    "null metadata": (metadata("null"), "expected '{' at byte"),
    "no metadata": (model(GOOD, data=ONE, meta=""), "metadata 'format' is missing, expected 'fastemo'"),
    "empty metadata": (metadata("{}"), "not a fastemo model: its metadata 'format' is missing"),
    "other format": (metadata('{"format":"pt"}'), "metadata 'format' is 'pt', expected 'fastemo'"),
    "no version": (metadata('{"format":"fastemo"}'), "'format_version' is missing, expected a whole number"),
    "hostile text": (metadata('{"format":"\\u001b[2J\\u202e\\u0000' + "x" * 99 + '"}'), "'?[2J??xxx"),
    "newer, with a new dtype": (
        model(entry(dtype="C64"), data=ONE, meta=META.replace('"1"', '"2"')),
        "newer model file: its format version is '2', this fastemo reads up to 1; upgrade fastemo",
    ),
} | {
    f"version {version!r}": (
        metadata(f'{{"format":"fastemo","format_version":"{version}"}}'),
        "newer model file: its format version is" if newer else "expected a whole number from 1 on",
    )
    for version, newer in [
        *[("", 0), ("0", 0), ("-1", 0), ("1.0", 0), (" 1", 0), ("1\\n", 0), ("01", 0), ("one", 0)],
        *[("\u0661", 0), ("1 2", 0)],
        *[("2", 1), ("10", 1), ("4294967297", 1), ("18446744073709551617", 1), ("9" * 5000, 1)],
    ]
}  # fmt: skip
