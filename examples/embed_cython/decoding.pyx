# cython: language_level=3
"""Decoding in Cython: the loop over chunks never needs the GIL."""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from fastemo cimport cengine


def decode(bytes model, const double[:, ::1] samples, int64_t chunk):
    """The prediction records of samples (n_samples, n_channels), pushed in chunks, as bytes."""
    cdef cengine.fastemo_engine* engine
    cdef char why[256]
    if cengine.fastemo_open_memory(PyBytes_AsString(model), len(model), &engine, why, sizeof(why)) != 0:
        raise ValueError(why.decode())
    cdef cengine.fastemo_layout layout
    layout.size = sizeof(layout)
    cengine.fastemo_prediction_layout(engine, &layout)
    if samples.shape[1] != layout.n_channels or chunk < 1:
        cengine.fastemo_close(engine)
        raise ValueError(f"expected {layout.n_channels} channels and chunks of at least one sample")
    cdef int64_t room = cengine.fastemo_max_predictions(engine, samples.shape[0])
    cdef char* records = <char*>malloc(<size_t>(room * layout.record_size) + 1)
    cdef cengine.fastemo_chunk part
    cdef int64_t at = 0, count = 0, written = 0, n = samples.shape[0]
    part.size, part.is_float32, part.stamps = sizeof(part), 0, NULL
    part.channel_stride, part.sample_stride = sizeof(double), sizeof(double) * samples.shape[1]
    with nogil:
        while at < n and count >= 0:
            part.data = &samples[at, 0]
            part.n_samples = min(chunk, n - at)
            count = cengine.fastemo_push(engine, &part, records + written * layout.record_size, room - written)
            written += max(count, 0)
            at += part.n_samples
    result = PyBytes_FromStringAndSize(records, written * layout.record_size)
    error = cengine.fastemo_last_error(engine).decode()
    free(records)
    cengine.fastemo_close(engine)
    if count < 0:
        raise ValueError(error)
    return result
