// The table of a CPU target for FIR filters on a stream (see target.cpp), on its own so that they compile side by side.
#include "stream_kernels.hpp"

#include "../kernels/wavelet_stream.hpp"

namespace fastemo::FASTEMO_NS {

extern const StreamKernels stream_table;
const StreamKernels stream_table = {
    polyphase_block, fir_tail,      fir_tail_scratch,  take_off_level, put_on_level,
    fir_past,        fir_part_sums, fir_parts_scratch, add_power,      root_rows,
};

}  // namespace fastemo::FASTEMO_NS
