# The C ABI (fastemo.h) for Cython: `from fastemo cimport cengine`.
from libc.stdint cimport int32_t, int64_t, uint64_t

cdef extern from "fastemo.h" nogil:
    int FASTEMO_ABI_VERSION

    ctypedef struct fastemo_engine:
        pass

    ctypedef enum fastemo_status:
        FASTEMO_OK
        FASTEMO_ERROR_ARGUMENT
        FASTEMO_ERROR_MODEL
        FASTEMO_ERROR_MEMORY
        FASTEMO_ERROR_STAMPS
        FASTEMO_ERROR_ROOM
        FASTEMO_ERROR_SELFTEST

    ctypedef struct fastemo_chunk:
        size_t size
        const void* data
        int32_t is_float32
        int64_t n_samples
        int64_t channel_stride
        int64_t sample_stride
        const double* stamps

    ctypedef struct fastemo_layout:
        size_t size
        int64_t record_size
        int64_t n_outputs
        int64_t n_channels
        int64_t index
        int64_t time
        int64_t stamp
        int64_t outputs
        int64_t valence
        int64_t arousal
        int64_t dominance
        int64_t quality
        int64_t channel_quality
        int64_t class_index
        int64_t valid
        int64_t abstained

    ctypedef struct fastemo_latency:
        size_t size
        uint64_t count
        double p50_ns
        double p99_ns
        double p999_ns
        double max_ns

    ctypedef struct fastemo_counters:
        size_t size
        int64_t samples
        int64_t filled
        int64_t gaps
        int64_t nans
        int64_t dropped
        int64_t resets
        int64_t predictions

    int32_t fastemo_abi_version()
    int32_t fastemo_open_file(const char* path_utf8, fastemo_engine** engine, char* message, size_t room)
    int32_t fastemo_open_memory(const void* bytes, size_t n_bytes, fastemo_engine** engine, char* message, size_t room)
    void fastemo_close(fastemo_engine* engine)
    int32_t fastemo_n_channels(const fastemo_engine* engine)
    int32_t fastemo_n_outputs(const fastemo_engine* engine)
    int32_t fastemo_n_labels(const fastemo_engine* engine)
    double fastemo_sfreq(const fastemo_engine* engine)
    const char* fastemo_unit(const fastemo_engine* engine)
    const char* fastemo_ch_name(const fastemo_engine* engine, int32_t channel)
    const char* fastemo_label(const fastemo_engine* engine, int32_t label)
    int32_t fastemo_prediction_layout(const fastemo_engine* engine, fastemo_layout* layout)
    int64_t fastemo_max_predictions(const fastemo_engine* engine, int64_t n_samples)
    int64_t fastemo_push(fastemo_engine* engine, const fastemo_chunk* chunk, void* predictions, int64_t room)
    int64_t fastemo_flush(fastemo_engine* engine, void* predictions, int64_t room)
    void fastemo_reset(fastemo_engine* engine)
    int32_t fastemo_get_counters(const fastemo_engine* engine, fastemo_counters* counters)
    const char* fastemo_stage_name(const fastemo_engine* engine, int32_t stage)
    int32_t fastemo_stage_latency(const fastemo_engine* engine, int32_t stage, fastemo_latency* latency)
    const char* fastemo_last_error(const fastemo_engine* engine)
