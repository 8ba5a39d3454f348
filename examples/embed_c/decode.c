/* Decodes a stream of doubles, samples first, from standard input:  decode me.fastemo 25 < samples > records
 * Writes the prediction records as they are in memory; fastemo_prediction_layout says where their fields lie. */
#include <fastemo.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char* what, const char* why) {
    fprintf(stderr, "decode: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

int main(int argc, char** argv) {
    if (argc != 3) return fail("usage", "decode MODEL CHUNK < samples > records");
    char why[256];
    fastemo_engine* engine;
    if (fastemo_open_file(argv[1], &engine, why, sizeof why) != FASTEMO_OK) return fail(argv[1], why);

    const int64_t n_channels = fastemo_n_channels(engine), n = atoll(argv[2]);
    const int64_t room = fastemo_max_predictions(engine, n);
    fastemo_layout layout = {.size = sizeof layout};
    fastemo_prediction_layout(engine, &layout);
    double* samples = n > 0 && n < 1 << 24 ? malloc((size_t)(n * n_channels) * sizeof *samples) : NULL;
    char* records = room > 0 ? malloc((size_t)(room * layout.record_size)) : NULL;
    if (!samples || !records)
        return fail("CHUNK", "expected a number of samples from 1 on, as many as fit into memory");

    const size_t row = (size_t)n_channels * sizeof *samples;
    for (size_t rows; (rows = fread(samples, row, (size_t)n, stdin)) > 0;) {
        const fastemo_chunk chunk = {.size = sizeof chunk,
                                     .data = samples,
                                     .n_samples = (int64_t)rows,
                                     .channel_stride = sizeof *samples,
                                     .sample_stride = (int64_t)row};
        const int64_t count = fastemo_push(engine, &chunk, records, room);
        if (count < 0) return fail("push", fastemo_last_error(engine));
        fwrite(records, (size_t)layout.record_size, (size_t)count, stdout);
    }
    free(records);
    free(samples);
    fastemo_close(engine);
    return EXIT_SUCCESS;
}
