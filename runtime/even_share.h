// Who of many stays where there is room for a part of them only: all are asked alike, so those who stay lie evenly
// between those who do not.
#pragma once

#include <cstdint>

namespace kine {

class EvenShare {
  public:
    /// `share` of all bytes (0 to 1) may stay.
    explicit EvenShare(double share) : share_(share) {}

    /// Whether the next one stays.
    bool takes(int64_t bytes) {
        asked_ += bytes;
        const bool stays = static_cast<double>(staying_ + bytes) <= share_ * static_cast<double>(asked_);
        staying_ += stays ? bytes : 0;
        return stays;
    }
    int64_t asked() const { return asked_; }               ///< bytes so far
    int64_t leaving() const { return asked_ - staying_; }  ///< of them

  private:
    double share_;
    int64_t asked_ = 0;
    int64_t staying_ = 0;
};

}  // namespace kine
