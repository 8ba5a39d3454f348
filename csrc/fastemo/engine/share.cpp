#include "share.hpp"

namespace fastemo {

namespace {

struct Shared {
    std::mutex busy;
    std::unique_ptr<Pool> pool;
};

// Never destroyed: its threads may outlive the statics of other files. A forked child that finds it busy for ever, because
// its parent was using it, makes do with pools of its own.
Shared& shared() {
    static Shared& pool = *new Shared;
    return pool;
}

}  // namespace

PoolLoan::PoolLoan(int threads) {
    Shared& all = shared();
    if (!all.busy.try_lock()) {
        own_ = std::make_unique<Pool>(threads);
        pool_ = own_.get();
        return;
    }
    try {
        if (!all.pool || all.pool->threads() != threads) all.pool = std::make_unique<Pool>(threads);
    } catch (...) {
        all.busy.unlock();
        throw;
    }
    pool_ = all.pool.get();
}

PoolLoan::~PoolLoan() {
    if (!own_) shared().busy.unlock();
}

}  // namespace fastemo
