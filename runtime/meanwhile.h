// Another value of a variable during a scope, however that ends.
#pragma once

#include <type_traits>
#include <utility>

namespace kine {

template <class T>
class Meanwhile {
  public:
    Meanwhile(T& variable, std::type_identity_t<T> value)
        : variable_(variable), before_(std::exchange(variable, value)) {}
    ~Meanwhile() { variable_ = before_; }
    Meanwhile(const Meanwhile&) = delete;
    Meanwhile& operator=(const Meanwhile&) = delete;

  private:
    T& variable_;
    T before_;
};

}  // namespace kine
