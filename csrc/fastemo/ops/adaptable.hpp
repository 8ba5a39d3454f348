// What an op has learnt can be replaced between two pushes; what it remembers of the stream stays.
#pragma once

#include "op.hpp"

namespace fastemo {

class Adaptable {
public:
    virtual ~Adaptable() = default;
    // Whether the other is of the same kind and sizes, so that the two can exchange what they have learnt.
    virtual bool fits(const Op& other) const noexcept = 0;
    virtual void exchange(Op& other) noexcept = 0;
};

}  // namespace fastemo
