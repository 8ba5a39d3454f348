"""The model file: what is written is read, and what is not quite a model file is refused, by both readers."""

import re
import struct

import numpy as np
import pytest
import safetensors.numpy
from hostile_model_files import GOOD, HOSTILE, META, entry, file_of, metadata, model
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

from fastemo import model_file
from fastemo.model_file import ModelError

DTYPES = ["float64", "float32", "int64", "uint8"]

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5).flatmap(
        lambda shape: st.integers(0, 2**32).map(lambda seed: random_bits(dtype, shape, seed))
    )
)
models = st.tuples(
    st.dictionaries(names.filter(lambda name: name != "__metadata__"), arrays, max_size=6),
    st.dictionaries(names.filter(lambda key: key not in ("format", "format_version")), names, max_size=4),
)


def random_bits(dtype, shape, seed):
    n = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(np.random.default_rng(seed).bytes(n), dtype).reshape(shape)


def example():
    tensors = {
        "00.sos.coef": np.arange(12.0).reshape(2, 6),
        "00.sos.in": np.array([0]),
        "01.net.weights": np.linspace(0, 1, 3, dtype="f4"),
        "quality.rail": np.array([np.inf]),
        "output.vad": np.full((3, 2), np.nan),
        "empty": np.zeros((0, 3)),
        "flags": np.array([1, 0, 255], "u1"),
    }
    return model_file.write(tensors, {"labels": "joy\nFröhlichkeit 😀", "sfreq": "500"})


@pytest.fixture(params=["python", "native"])
def read(request):
    return reader(request.param)


def reader(name):
    if name == "python":
        return model_file._read
    core = model_file._native()
    return core.read_model if core else pytest.skip("the compiled extension is not there")


def outcome(read, data):
    """What a reader says to a file: its content to the bit, or its refusal."""
    try:
        tensors, metadata = read(data)
    except ModelError as error:
        return str(error)
    return [(k, v.dtype, v.shape, v.tobytes()) for k, v in tensors.items()], list(metadata.items())


@settings(max_examples=60, derandomize=True)
@given(models)
def test_round_trip(content):
    tensors, metadata = content
    data = model_file.write(tensors, metadata)
    got, got_metadata = model_file.read(data)
    assert list(got) == sorted(tensors)
    for name, array in tensors.items():
        assert (got[name].dtype, got[name].shape) == (array.dtype, array.shape)
        assert got[name].tobytes() == array.tobytes()
    assert got_metadata == {"format": "fastemo", "format_version": "1", **metadata}
    assert outcome(model_file._read, data) == outcome(model_file.read, data)


@settings(max_examples=30, derandomize=True)
@given(models)
def test_safetensors_reads_what_is_written(content):
    tensors, metadata = content
    got = safetensors.numpy.load(model_file.write(tensors, metadata))
    assert set(got) == set(tensors)
    for name, array in tensors.items():
        assert (got[name].dtype, got[name].shape) == (array.dtype, array.shape)
        assert got[name].tobytes() == array.tobytes()


@settings(max_examples=30, derandomize=True)
@given(models)
def test_what_safetensors_writes_is_read(content):
    tensors, metadata = content
    metadata = {"format": "fastemo", "format_version": "1", **metadata}
    got, got_metadata = model_file.read(safetensors.numpy.save(tensors, metadata))
    assert got_metadata == metadata
    assert {k: v.tobytes() for k, v in got.items()} == {k: v.tobytes() for k, v in tensors.items()}


def test_safetensors_reads_the_metadata(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(model_file.write({}, {"labels": 'joy\n"Fröhlichkeit"\\ 😀\x01'}))
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {
            "format": "fastemo",
            "format_version": "1",
            "labels": 'joy\n"Fröhlichkeit"\\ 😀\x01',
        }


def test_writing_is_deterministic_and_aligned():
    a, b, c = np.arange(3, dtype="u1"), np.arange(2.0), np.arange(3, dtype="f4")
    data = model_file.write({"a": a, "b": b, "c": c}, {"x": "1", "y": "2"})
    assert data == model_file.write({"c": c, "b": b, "a": a}, {"y": "2", "x": "1"})
    (length,) = struct.unpack_from("<Q", data)
    assert length % 8 == 0
    assert data[8 + length :] == b.tobytes() + c.tobytes() + a.tobytes()


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i8"])
def test_any_byte_order_and_stride_is_written(dtype):
    x = np.arange(24).reshape(4, 6).astype(dtype)[::2, ::-1].T
    got = model_file.read(model_file.write({"x": x}, {}))[0]["x"]
    np.testing.assert_array_equal(got, x)
    assert got.dtype.isnative


@pytest.mark.parametrize(
    ("tensors", "metadata", "error", "match"),
    [
        ({"x": np.zeros(2, "i4")}, {}, TypeError, "tensor 'x' has dtype int32, expected float64"),
        ({"x": np.array(["a"])}, {}, TypeError, "expected float64, float32, int64 or uint8"),
        ({"x": [None]}, {}, TypeError, "dtype object"),
        ({"x": np.zeros((1,) * 9)}, {}, ValueError, "has 9 dimensions, at most 8"),
        ({"__metadata__": np.zeros(1)}, {}, ValueError, "choose another name"),
        ({3: np.zeros(1)}, {}, TypeError, "tensor name is 3, expected a str"),
        ({"\ud800": np.zeros(1)}, {}, ValueError, "lone surrogate"),
        ({}, {"sfreq": 500}, TypeError, "metadata 'sfreq' is 500, expected a str"),
        ({}, {"x": "\udfff"}, ValueError, "lone surrogate"),
        ({}, {"x": "y" * (1 << 24)}, ValueError, "use fewer tensors or less metadata"),
        ({}, {"format_version": "2"}, ModelError, "newer model file"),
    ],
)
def test_what_cannot_be_written(tensors, metadata, error, match):
    with pytest.raises(error, match=match):
        model_file.write(tensors, metadata)


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind(read, wrap):
    assert outcome(read, wrap(example())) == outcome(read, example())


def test_unaligned_bytes_and_arrays_of_its_own(read):
    buffer = bytearray(b"x" + example())
    tensors, _ = read(memoryview(buffer)[1:])
    buffer[:] = bytes(len(buffer))
    np.testing.assert_array_equal(tensors["00.sos.coef"], np.arange(12.0).reshape(2, 6))
    assert all(array.flags.writeable and array.flags.aligned for array in tensors.values())


def test_read_from_a_path(tmp_path):
    path = tmp_path / "Fröhlich.fastemo"
    path.write_bytes(example())
    assert outcome(model_file.read, path) == outcome(model_file.read, example())
    assert outcome(model_file.read, str(path)) == outcome(model_file.read, example())
    path.write_bytes(example()[:-1])
    with pytest.raises(ModelError, match=r"lich\.fastemo: truncated model file: its tensors need \d+ bytes"):
        model_file.read(path)


def test_an_oversized_file_is_not_even_read(tmp_path):
    path = tmp_path / "big.fastemo"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(ModelError, match="oversized model file: it has 1073741825 bytes, at most 1073741824"):
        model_file.read(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no model file .*none\.fastemo"):
        model_file.read(tmp_path / "none.fastemo")
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        model_file.read(tmp_path)


def test_lenient_forms_are_read(read):
    spaced = f' {GOOD} , "\\u00e9\\ud83d\\ude00\\n": {entry()[4:]} '.replace("[0,8]", "[ 8 ,\r\n\t16 ]", 1)
    tensors, _ = read(file_of("{" + spaced + "," + META + "} \n", struct.pack("<2d", 1, 2)))
    assert {name: array.tolist() for name, array in tensors.items()} == {"a": [2.0], "é😀\n": [1.0]}
    tensors, _ = read(model('"":{"data_offsets":[0,8],"shape":[],"dtype":"I64"}', data=bytes(8)))
    assert tensors[""].shape == ()
    assert read(metadata('{"format":"fast\\u0065mo","format_version":"1","\\u0000\\/":""}'))[1]["\0/"] == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_gets_one_clear_sentence(read, name):
    data, fragment = HOSTILE[name]
    with pytest.raises(ModelError) as error:
        read(data)
    text = str(error.value)
    assert fragment in text
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 250


def test_every_truncation_is_refused(read):
    data = example()
    for n in range(len(data)):
        with pytest.raises(ModelError, match="truncated model file"):
            read(data[:n])


def test_every_flipped_bit_of_the_data_is_read_and_of_the_header_answered(read):
    data = example()
    start = 8 + struct.unpack_from("<Q", data)[0]
    changed = bytearray(data)
    for i in range(len(data)):
        changed[i] ^= 1 << i % 8
        said = outcome(read, changed)
        assert isinstance(said, tuple) or i < start
        assert said != outcome(read, data)
        changed[i] ^= 1 << i % 8


TOKENS = [
    *[b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"-1", b"0", b"00", b"1.5", b"1e3", b"NaN"],
    *[b"9223372036854775807", b"9223372036854775808", b"[" * 5000, b'"__metadata__"', b'"a"', b'"\\ud800"'],
    *[
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        b'"dtype"',
        b'"shape"',
        b'"F16"',
        b'"F32"',
        b'"format"',
        b'"2"',
        b" ",
    ],
]


def mutated(rng, data):
    """A file that went wrong: bits, bytes, ends, or a header that is still a header of tokens."""
    (length,) = struct.unpack_from("<Q", data)
    header, body = data[8 : 8 + length], data[8 + length :]
    kind = rng.integers(8)
    if kind == 0:
        changed = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
        return bytes(changed)
    if kind == 1:
        return data[: rng.integers(len(data))]
    if kind == 2:
        return data + rng.bytes(rng.integers(1, 20))
    if kind == 3:
        return struct.pack("<Q", rng.integers(2 * len(data))) + data[8:]
    tokens = re.findall(rb'"[^"]*"|[0-9]+|.', header, re.DOTALL)
    for _ in range(rng.integers(1, 3)):
        i, j = rng.integers(len(tokens), size=2)
        match rng.integers(5):
            case 0:
                tokens[i] = TOKENS[rng.integers(len(TOKENS))]
            case 1:
                tokens.insert(i, TOKENS[rng.integers(len(TOKENS))])
            case 2:
                del tokens[i]
            case 3:
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case _:
                tokens[i:i] = tokens[min(i, j) : max(i, j)]
    return file_of(b"".join(tokens), body)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files(seed):
    """Both readers say the same, and what they take safetensors takes too."""
    rng, good = np.random.default_rng(seed), example()
    native = model_file._native()
    n_read = 0
    for _ in range(1500):
        data = mutated(rng, good)
        said = outcome(model_file._read, data)
        if native:
            assert outcome(native.read_model, data) == said, data
        if isinstance(said, tuple):
            n_read += 1
            theirs = safetensors.numpy.load(data)
            assert [(k, v.tobytes()) for k, v in sorted(theirs.items())] == [(k, b) for k, _, _, b in said[0]]
    assert 20 < n_read < 750


def test_readers_are_the_extension_and_its_stand_in(monkeypatch):
    class Core:
        @staticmethod
        def read_model(data):
            return "native", len(data)

    monkeypatch.setattr(model_file, "_native", lambda: Core)
    assert model_file.read(b"123") == ("native", 3)
    monkeypatch.setattr(model_file, "_native", lambda: None)
    assert outcome(model_file.read, example()) == outcome(model_file._read, example())


def test_native_refuses_what_has_no_bytes():
    read = reader("native")
    with pytest.raises(TypeError):
        read("text")
    with pytest.raises(BufferError):
        read(memoryview(example())[::2])
