"""The model file: tensors and text in the safetensors format, written and read with care.

Reading is done by the C++ reader, or by the short one below where there is no extension; both follow the
same rules and refuse in the same words. Nothing in a file is ever executed.
"""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastemo._program import FORMAT_VERSION

__all__ = ["ModelError", "check_version", "read", "write"]

MAX_HEADER = 1 << 24
MAX_FILE = 1 << 30
MAX_RANK = 8
_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code) for name, code in {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "u1"}.items()
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_JSON = json.JSONDecoder()
_SPACE = re.compile("[ \t\n\r]+")
_DIGITS = re.compile("[0-9]+")


class ModelError(ValueError):
    """A model file that is damaged, truncated, oversized, hostile, newer or no model at all."""


def write(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """Model file of some tensors and metadata.

    The same content gives the same bytes, whatever its order. Wide elements come first, so that every
    tensor is aligned.

    Parameters
    ----------
    tensors : mapping of str to ndarray of float64, float32, int64 or uint8
        Any byte order, strides and up to eight dimensions.
    metadata : mapping of str to str
        ``format`` and ``format_version`` are added.

    Returns
    -------
    bytes
        In the safetensors format [1]_.

    Raises
    ------
    TypeError, ValueError
        For a dtype, name or text that the format cannot hold.

    References
    ----------
    .. [1] https://huggingface.co/docs/safetensors

    Examples
    --------
    >>> import numpy as np
    >>> from fastemo import model_file
    >>> data = model_file.write({"bias": np.zeros(3)}, {"unit": "uV"})
    >>> tensors, metadata = model_file.read(data)
    >>> tensors["bias"], metadata["unit"]
    (array([0., 0., 0.]), 'uV')
    """
    metadata = {"format": "fastemo", "format_version": str(FORMAT_VERSION), **metadata}
    for key, text in metadata.items():
        _check_text(key, "metadata key")
        _check_text(text, f"metadata {key!r}")
    check_version(metadata)
    arrays = {}
    for name, value in tensors.items():
        _check_text(name, "tensor name")
        array = np.asarray(value)
        if name == "__metadata__":
            raise ValueError("a tensor cannot be named '__metadata__'; choose another name")
        if array.dtype.newbyteorder("<") not in _NAMES:
            raise TypeError(
                f"tensor {name!r} has dtype {array.dtype}, expected float64, float32, int64 or uint8: "
                "convert it"
            )
        if array.ndim > MAX_RANK:
            raise ValueError(f"tensor {name!r} has {array.ndim} dimensions, at most {MAX_RANK} are allowed")
        arrays[name] = array.astype(array.dtype.newbyteorder("<"), copy=False)

    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    at = 0
    for name in order:
        array = arrays[name]
        offsets = [at, at := at + array.nbytes]
        header[name] = {"dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": offsets}
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    if len(head) > MAX_HEADER or 8 + len(head) + at > MAX_FILE:
        raise ValueError(
            f"the model needs a header of {len(head)} and data of {at} bytes, a file holds at most "
            f"{MAX_HEADER} and {MAX_FILE}; use fewer tensors or less metadata"
        )
    return b"".join([struct.pack("<Q", len(head)), head, *(arrays[name].tobytes() for name in order)])


def read(
    source: bytes | bytearray | memoryview | str | os.PathLike[str],
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata of a model file, both in the order of their names.

    Parameters
    ----------
    source : bytes-like, or path
        The file or where it is.

    Returns
    -------
    tensors : dict of str to ndarray
        Copies, of dtype float64, float32, int64 or uint8; their values may be any bits.
    metadata : dict of str to str

    Raises
    ------
    ModelError
        If anything about the file is not as it should be.
    OSError
        If it cannot be opened.

    Examples
    --------
    >>> from fastemo import model_file
    >>> tensors, metadata = model_file.read(model_file.write({}, {"unit": "uV"}))
    >>> metadata
    {'format': 'fastemo', 'format_version': '1', 'unit': 'uV'}
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _parse(source)
    path = Path(source)
    try:
        _check_file_size(path.stat().st_size)
        if not path.is_file() and not path.is_dir():
            raise ModelError("it is no regular file")
        return _parse(path.read_bytes())
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no model file {path}") from None


def check_version(metadata: Mapping[str, str]) -> None:
    """Raise `ModelError` unless the metadata are those of a model that this fastemo can read.

    Examples
    --------
    >>> from fastemo import model_file
    >>> model_file.check_version({"format": "fastemo", "format_version": "1"})
    """

    def value(key: str) -> str:
        return _shown(metadata[key]) if key in metadata else "missing"

    if metadata.get("format") != "fastemo":
        raise ModelError(
            f"not a fastemo model: its metadata 'format' is {value('format')}, expected 'fastemo'"
        )
    version = metadata.get("format_version", "")
    if not re.fullmatch("[1-9][0-9]*", version):
        raise _damaged(
            f"its metadata 'format_version' is {value('format_version')}, expected a whole number from 1 on"
        )
    if len(version) > 9 or int(version) > FORMAT_VERSION:
        raise ModelError(
            f"newer model file: its format version is {_shown(version)}, this fastemo reads up to "
            f"{FORMAT_VERSION}; upgrade fastemo"
        )


def _native() -> Any:
    """The extension, or None where there is none."""
    try:
        from fastemo._backend import core
    except ImportError:
        return None
    return core


def _parse(data: bytes | bytearray | memoryview) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    return core.read_model(data) if (core := _native()) else _read(data)


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{what} is {text!r}, expected a str")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} {text!r} holds a lone surrogate, which UTF-8 cannot") from None


def _check_file_size(n: int) -> None:
    if n > MAX_FILE:
        raise ModelError(f"oversized model file: it has {n} bytes, at most {MAX_FILE} are allowed")


def _damaged(what: str) -> ModelError:
    return ModelError(f"damaged model file, or none at all: {what}; copy or save it again")


def _truncated(what: str) -> ModelError:
    return ModelError(f"truncated model file: {what}; copy or save it again")


def _shown(text: str) -> str:
    """Text from the file as a message may show it: short, one line, printable."""
    shown = re.sub("[^ -~]", "?", text[:40])
    return f"'{shown}...'" if len(text) > 40 else f"'{shown}'"


def _read(data: bytes | bytearray | memoryview) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """What the C++ reader does, by the same rules (csrc/fastemo/engine/model_file.cpp)."""
    data = memoryview(data).cast("B")
    _check_file_size(len(data))
    if len(data) < 8:
        raise _truncated(f"it has {len(data)} bytes, at least 10 are needed")
    (length,) = struct.unpack_from("<Q", data)
    rest = len(data) - 8
    if length > MAX_HEADER:
        raise _damaged(f"its header claims {length} bytes, at most {MAX_HEADER} are allowed")
    if length > rest:
        raise _truncated(f"its header needs {length} bytes, {rest} are there")
    header = data[8 : 8 + length].tobytes()
    if not header.startswith(b"{"):
        raise _damaged("its header does not begin with '{'")
    try:
        text = header.decode()
    except UnicodeDecodeError as error:
        raise _damaged(f"its header is not UTF-8 at byte {error.start}") from None

    entries, metadata = _Header(text).parse()
    check_version(metadata)
    for name, entry in entries.items():
        _check_entry(name, **entry)
    _check_layout({name: entry["data_offsets"] for name, entry in entries.items()}, rest - length)

    tensors = {}
    for name, entry in entries.items():
        dtype, (begin, end) = _DTYPES[entry["dtype"]], entry["data_offsets"]
        array = np.frombuffer(data[8 + length + begin : 8 + length + end], dtype).reshape(entry["shape"])
        tensors[name] = array.astype(dtype.newbyteorder("="))
    return tensors, metadata


def _check_entry(name: str, dtype: str, shape: list[int], data_offsets: list[int]) -> None:
    if dtype not in _DTYPES:
        raise _damaged(f"tensor {_shown(name)} has dtype {_shown(dtype)}, expected F64, F32, I64 or U8")
    n_bytes = _DTYPES[dtype].itemsize
    for extent in shape:
        # A zero does not excuse the other extents: NumPy cannot hold such an array either.
        n_bytes *= max(extent, 1)
        if n_bytes >= 2**63:
            raise _damaged(f"the shape of tensor {_shown(name)} needs 2^63 bytes or more")
    n_bytes = 0 if 0 in shape else n_bytes
    begin, end = data_offsets
    if end - begin != n_bytes:
        raise _damaged(f"tensor {_shown(name)} needs {n_bytes} bytes, its data_offsets are {begin} to {end}")


def _check_layout(offsets: dict[str, list[int]], n: int) -> None:
    """Laid in order the tensors must cover the n bytes of data: no overlap, no hole, no rest."""
    at = 0
    for name, (begin, end) in sorted(offsets.items(), key=lambda item: item[1]):
        if begin != at:
            raise _damaged(f"tensor {_shown(name)} begins at byte {begin} of the data, expected {at}")
        at = end
    if at > n:
        raise _truncated(f"its tensors need {at} bytes, {n} are there")
    if at < n:
        raise _damaged(f"{n - at} bytes follow its last tensor")


class _Header:
    """Parser of the one form that the header's JSON has; `json` itself only sees single strings.

    (`json` would take duplicate keys, lone surrogates, NaN and numbers of any kind.)
    """

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def parse(self) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        entries: dict[str, dict[str, Any]] = {}
        metadata: dict[str, str] | None = None
        for name in self.members():
            if name in entries or (name == "__metadata__" and metadata is not None):
                raise _damaged(f"{_shown(name)} is there twice")
            if name == "__metadata__":
                metadata = self.metadata()
            else:
                entries[name] = self.entry(name)
        if self.skip() != len(self.text):
            raise self.expected("the end")
        return dict(sorted(entries.items())), dict(sorted((metadata or {}).items()))

    def metadata(self) -> dict[str, str]:
        out: dict[str, str] = {}
        for key in self.members():
            if key in out:
                raise _damaged(f"metadata {_shown(key)} is there twice")
            out[key] = self.string()
        return out

    def entry(self, name: str) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key in self.members():
            if key not in ("dtype", "shape", "data_offsets"):
                raise _damaged(f"tensor {_shown(name)} has an unknown entry {_shown(key)}")
            if key in out:
                raise _damaged(f"tensor {_shown(name)} has {_shown(key)} twice")
            out[key] = self.string() if key == "dtype" else self.integers(name)
        if len(out) != 3:
            raise _damaged(f"tensor {_shown(name)} lacks its dtype, shape or data_offsets")
        if len(out["data_offsets"]) != 2:
            raise _damaged(f"tensor {_shown(name)} has no pair of data_offsets")
        return out

    def members(self) -> Iterator[str]:
        """The keys of an object; the caller reads each value before it asks for the next key."""
        self.expect("{")
        if self.accept("}"):
            return
        while True:
            key = self.string()
            self.expect(":")
            yield key
            if not self.accept(","):
                break
        self.expect("}")

    def integers(self, name: str) -> list[int]:
        out: list[int] = []
        self.expect("[")
        if self.accept("]"):
            return out
        while True:
            if len(out) == MAX_RANK:
                raise _damaged(f"tensor {_shown(name)} has more than {MAX_RANK} dimensions")
            out.append(self.integer())
            if not self.accept(","):
                break
        self.expect("]")
        return out

    def integer(self) -> int:
        match = _DIGITS.match(self.text, self.skip())
        digits = match.group() if match else ""
        if not digits or (digits[0] == "0" and digits != "0"):
            raise self.expected("a whole number")
        if len(digits) > 19 or int(digits) >= 2**63:
            raise self.expected("a number below 2^63")
        self.at += len(digits)
        return int(digits)

    def string(self) -> str:
        start = self.skip()
        try:
            if not self.text.startswith('"', start):
                raise ValueError
            value, self.at = _JSON.raw_decode(self.text, start)
            value.encode()
        except ValueError:
            self.at = start
            raise self.expected("a string") from None
        return value

    def skip(self) -> int:
        if match := _SPACE.match(self.text, self.at):
            self.at = match.end()
        return self.at

    def accept(self, char: str) -> bool:
        there = self.text.startswith(char, self.skip())
        self.at += there
        return there

    def expect(self, char: str) -> None:
        if not self.accept(char):
            raise self.expected(f"'{char}'")

    def expected(self, what: str) -> ModelError:
        byte = len(self.text[: self.skip()].encode())
        return _damaged(f"expected {what} at byte {byte} of its header")
