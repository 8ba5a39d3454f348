/* fastemo: run a trained emotion decoder from C (or anything that calls C).
 *
 * Unstable until version 0.1.0. Everything is thread-compatible: one engine belongs to one thread at a time. After
 * fastemo_open nothing allocates, locks or throws. Every function that can fail returns a negative fastemo_status, and
 * fastemo_last_error(engine) says why in one sentence.
 */
#ifndef FASTEMO_H
#define FASTEMO_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(FASTEMO_BUILD)
#define FASTEMO_API __declspec(dllexport)
#else
#define FASTEMO_API __declspec(dllimport)
#endif
#elif defined(FASTEMO_BUILD)
#define FASTEMO_API __attribute__((visibility("default")))
#else
#define FASTEMO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define FASTEMO_ABI_VERSION 1

typedef struct fastemo_engine fastemo_engine;

typedef enum fastemo_status {
    FASTEMO_OK = 0,
    FASTEMO_ERROR_ARGUMENT = -1, /* a pointer, size or stride makes no sense */
    FASTEMO_ERROR_MODEL = -2,    /* the model file cannot be used */
    FASTEMO_ERROR_MEMORY = -3,
    FASTEMO_ERROR_STAMPS = -4, /* a stamp is not finite, not later than the one before, or given for some chunks only */
    FASTEMO_ERROR_ROOM = -5,   /* too little room for the predictions of this chunk */
    FASTEMO_ERROR_SELFTEST = -6 /* the model does not give here what it gave where it was written */
} fastemo_status;

/* Samples where they are: strides in bytes. Set `size` to sizeof(fastemo_chunk). */
typedef struct fastemo_chunk {
    size_t size;
    const void* data;
    int32_t is_float32; /* 0: double, 1: float */
    int64_t n_samples;
    int64_t channel_stride, sample_stride;
    const double* stamps; /* one per sample, in seconds, or NULL */
} fastemo_chunk;

/* Byte offsets of the fields of one prediction record. Set `size` to sizeof(fastemo_layout). */
typedef struct fastemo_layout {
    size_t size;
    int64_t record_size;
    int64_t n_outputs, n_channels;
    int64_t index;                       /* int64: number of the newest sample in the window */
    int64_t time, stamp;                 /* double: seconds it is about; stamp of the newest sample */
    int64_t outputs;                     /* double[n_outputs]: probabilities, intensities or features */
    int64_t valence, arousal, dominance; /* double, NaN where the labels define none */
    int64_t quality;                     /* double in [0, 1] */
    int64_t channel_quality;             /* double[n_channels] */
    int64_t class_index;                 /* int32, -1: none */
    int64_t valid, abstained;            /* uint8 */
} fastemo_layout;

/* Set `size` to sizeof(fastemo_latency). */
typedef struct fastemo_latency {
    size_t size;
    uint64_t count;
    double p50_ns, p99_ns, p999_ns, max_ns;
} fastemo_latency;

/* Set `size` to sizeof(fastemo_counters). */
typedef struct fastemo_counters {
    size_t size;
    int64_t samples, filled, gaps, nans, dropped, resets, predictions;
} fastemo_counters;

FASTEMO_API int32_t fastemo_abi_version(void);

/* Opens a model. On failure *engine is NULL, and `message` (or NULL) receives at most `room` bytes of the reason,
 * terminated. */
FASTEMO_API int32_t fastemo_open_file(const char* path_utf8, fastemo_engine** engine, char* message, size_t room);
FASTEMO_API int32_t fastemo_open_memory(const void* bytes, size_t n_bytes, fastemo_engine** engine, char* message,
                                        size_t room);
FASTEMO_API void fastemo_close(fastemo_engine* engine);

FASTEMO_API int32_t fastemo_n_channels(const fastemo_engine* engine);
FASTEMO_API int32_t fastemo_n_outputs(const fastemo_engine* engine);
FASTEMO_API int32_t fastemo_n_labels(const fastemo_engine* engine);
FASTEMO_API double fastemo_sfreq(const fastemo_engine* engine);
/* NULL where the number is out of range. The strings live as long as the engine. */
FASTEMO_API const char* fastemo_unit(const fastemo_engine* engine);
FASTEMO_API const char* fastemo_ch_name(const fastemo_engine* engine, int32_t channel);
FASTEMO_API const char* fastemo_label(const fastemo_engine* engine, int32_t label);
FASTEMO_API int32_t fastemo_prediction_layout(const fastemo_engine* engine, fastemo_layout* layout);

/* Room, in predictions, that is always enough for a chunk of n samples. */
FASTEMO_API int64_t fastemo_max_predictions(const fastemo_engine* engine, int64_t n_samples);

/* Takes a chunk and writes the predictions that fall due: their number, or a negative status with nothing changed.
 * `predictions` must be aligned to 8 bytes. */
FASTEMO_API int64_t fastemo_push(fastemo_engine* engine, const fastemo_chunk* chunk, void* predictions, int64_t room);

/* At the end of a stream: takes what `gap_policy="interpolate"` still withholds, with its gaps held, and writes the
 * predictions that fall due; fastemo_max_predictions(engine, 0) is room enough. The stream may go on afterwards. */
FASTEMO_API int64_t fastemo_flush(fastemo_engine* engine, void* predictions, int64_t room);

FASTEMO_API void fastemo_reset(fastemo_engine* engine);
FASTEMO_API int32_t fastemo_get_counters(const fastemo_engine* engine, fastemo_counters* counters);
/* Stages of the engine by number from 0, the last being the whole push; the name, or NULL past the end. */
FASTEMO_API const char* fastemo_stage_name(const fastemo_engine* engine, int32_t stage);
FASTEMO_API int32_t fastemo_stage_latency(const fastemo_engine* engine, int32_t stage, fastemo_latency* latency);

/* The reason of the last failure of this engine, or an empty string. */
FASTEMO_API const char* fastemo_last_error(const fastemo_engine* engine);

#ifdef __cplusplus
}
#endif

#endif
