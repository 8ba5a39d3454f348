// The door of the engine: stamps, gaps and missing values, before any op sees a sample (docs/program.md, "Input").
//
// Missing samples are rows of NaN, so gaps and NaN are one mechanism: rows are accepted one after the other, held or
// withheld until they can be interpolated, and released into blocks. Rows without a fault take a path that only
// transposes and tests them.
#pragma once

#include <cstdint>

#include "../base/buffer.hpp"
#include "pool.hpp"
#include "program.hpp"

namespace fastemo {

enum class PushError { none, stamps_not_finite, stamps_backward, stamps_changed, out_too_small };

struct Counters {
    std::int64_t samples = 0, filled = 0, gaps = 0, nans = 0, dropped = 0, resets = 0, predictions = 0;
};

// Follows the line that stamps lie on.
struct StampLine {
    double dt = 0;        // sample period, refined as stamps come
    double expected = 0;  // where the line is
    double previous = 0;  // the last accepted stamp itself
    bool started = false;

    // False, and nothing changed, where `stamp` does not rise; else how many samples are missing before it.
    bool step(double stamp, double tolerance, index& missing) noexcept;
};

// Rows that wait until the values missing in them can be drawn on a line to the next value of their channel.
class Withheld {
public:
    Withheld(index stride, index n_channels, index capacity);

    struct Row {
        double* values;
        unsigned char* missing;
        double stamp;
        std::int64_t number;
    };
    index size() const { return size_; }
    // `last` and `seen` are the channels' last values and whether there is one, where nothing is withheld.
    void accept(const double* values, double stamp, std::int64_t number, const double* last,
                const unsigned char* seen) noexcept;
    bool ready() const noexcept;  // the oldest row has nothing left to wait for
    Row pop() noexcept;           // the oldest row; what it still waits for is held

private:
    index place(index i) const { return (first_ + i) % capacity_; }
    double* values(index i) const { return values_.data() + place(i) * stride_; }
    unsigned char* missing(index i) const { return missing_.data() + place(i) * stride_; }

    const index stride_, n_channels_, capacity_;
    index first_ = 0, size_ = 0;
    Buffer<double> values_, stamps_;
    Buffer<unsigned char> missing_;
    Buffer<std::int64_t> numbers_;
    Buffer<double> last_;           // last known value per channel
    Buffer<unsigned char> seen_;    // there is one
    Buffer<std::int64_t> waiting_;  // newest rows of the queue in which the channel is missing
};

class Input {
public:
    Input(const Header& header, const Slot& rows, index max_rows);

    struct Check {
        PushError error;
        index at;    // the sample to blame
        index rows;  // upper bound of the rows that come of the chunk
    };
    // Changes nothing.
    Check check(index n, const double* stamps) const noexcept;

    struct Block {
        index n = 0;                // rows written to the slot
        bool reset_before = false;  // every op starts anew before these rows
        bool substituted = false;   // marks() is filled in
        bool last = false;          // the chunk is used up
    };
    void begin(const Samples& chunk, index n, const double* stamps) noexcept;
    // Instead of a chunk: what is withheld, held.
    void begin_flush() noexcept;
    index n_withheld() const { return withheld_.size(); }
    Block next(Pool& pool) noexcept;
    // As new.
    void reset() noexcept;

    // Of row i of the block: 1 where a value was filled in, [row][stride]; its number and stamp in the stream.
    const double* marks() const { return marks_.data(); }
    std::int64_t number(index i) const { return numbers_[i]; }
    double stamp(index i) const { return stamps_[i]; }
    Counters& counters() { return counters_; }
    const Counters& counters() const { return counters_; }

private:
    bool accept_clean(Pool& pool, Block& block) noexcept;
    void accept(double stamp, bool measured, Block& block) noexcept;
    void release(const double* values, const unsigned char* missing, double stamp, std::int64_t number,
                 Block& block) noexcept;
    void restart() noexcept;
    double stamp_of(index i) const noexcept;

    const Header& header_;
    const Slot& rows_;
    const index max_rows_, n_channels_;

    Samples chunk_{};
    const double* given_ = nullptr;  // stamps of the chunk
    index n_ = 0, at_ = 0;
    index careful_ = 0;     // samples of the chunk that are known to need the careful path
    bool stepped_ = false;  // sample at_ has moved the line already
    index missing_ = 0, missing_total_ = 0;
    double gap_from_ = 0;

    StampLine line_;
    int stamped_ = -1;  // not known yet, no, yes
    std::int64_t next_number_ = 0;
    bool fresh_ = true;       // nothing accepted since the last reset
    bool resetting_ = false;  // release what is withheld, then restart
    bool flushing_ = false;   // release what is withheld
    index marked_ = 0;        // channels that are missing or still marked
    index all_missing_ = 0;   // rows in a row in which every channel is missing
    Withheld withheld_;
    Buffer<double> row_, last_, marks_, stamps_;
    Buffer<unsigned char> missing_now_, seen_;
    Buffer<std::int64_t> run_, tail_, numbers_;  // missing values in a row; samples still to be marked after them
    Counters counters_;
};

}  // namespace fastemo
