# cython: language_level=3
"""Decoding in Cython: the loop over chunks never needs the GIL."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cython cimport floating
from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc

from fastemo cimport cengine


def decode(const unsigned char[::1] model, const floating[:, ::1] samples, int64_t chunk):
    """The prediction records of samples (n_samples, n_channels), float32 or float64, pushed in chunks, as bytes."""
    cdef cengine.fastemo_engine* engine
    cdef char why[256]
    if cengine.fastemo_open_memory(&model[0], model.shape[0], &engine, why, sizeof(why)) != cengine.FASTEMO_OK:
        raise ValueError(why.decode())

    cdef cengine.fastemo_layout layout
    layout.size = sizeof(layout)
    cengine.fastemo_prediction_layout(engine, &layout)
    if samples.shape[1] != layout.n_channels or chunk < 1:
        cengine.fastemo_close(engine)
        raise ValueError(f"expected {layout.n_channels} channels and chunks of at least one sample")

    cdef cengine.fastemo_chunk part
    part.size, part.is_float32, part.stamps = sizeof(part), sizeof(floating) == 4, NULL
    part.channel_stride, part.sample_stride = sizeof(floating), sizeof(floating) * samples.shape[1]
    cdef int64_t room = cengine.fastemo_max_predictions(engine, chunk)
    cdef int64_t at = 0, count = 0, written = 0, n = samples.shape[0]
    cdef char* records = NULL
    cdef char* more
    with nogil:
        while at < n:
            more = <char*>realloc(records, <size_t>((written + room) * layout.record_size))
            if more == NULL:
                break
            records = more
            part.data = &samples[at, 0]
            part.n_samples = min(chunk, n - at)
            count = cengine.fastemo_push(engine, &part, records + written * layout.record_size, room)
            if count < 0:
                break
            written += count
            at += part.n_samples
    result = PyBytes_FromStringAndSize(records, written * layout.record_size)
    error = cengine.fastemo_last_error(engine).decode()
    free(records)
    cengine.fastemo_close(engine)
    if count < 0:
        raise ValueError(error)
    if at < n:
        raise MemoryError("no room for the predictions")
    return result
