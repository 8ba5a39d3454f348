// The second table of a CPU target (see target.cpp), on its own so that the two compile side by side.
#include "signal_kernels.hpp"

#include "../kernels/filtfilt.hpp"
#include "../kernels/hilbert.hpp"
#include "../kernels/hilbert_alone.hpp"
#include "../kernels/overlap_save.hpp"
#include "../kernels/polyphase.hpp"
#include "../kernels/segments.hpp"
#include "../kernels/trend.hpp"

namespace fastemo::FASTEMO_NS {

extern const SignalKernels signal_table;
const SignalKernels signal_table = {
    sosfilt_lanes,        lfilter_lanes,         sosfiltfilt_lanes, filtfilt_lanes,
    filtfilt_scratch,     polyphase_lanes,       polyphase_scratch, overlap_save_lanes,
    overlap_save_scratch, subtract_trend,        hilbert_lanes,     hilbert_scratch,
    hilbert_alone,        hilbert_alone_scratch, segment_power,     segment_bins,
    segment_scratch,      add_cross_power,       add_lanes,         write_real,
    write_complex,
};

}  // namespace fastemo::FASTEMO_NS
