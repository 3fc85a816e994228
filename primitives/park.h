// A coroutine that suspends and leaves its handle to whoever is to resume it.
#pragma once

#include <coroutine>

#include "models/resumable/coroutine.h"

namespace bench {

using Handle = std::coroutine_handle<>;

/// `const Park park{parked}; co_await park;`: the coroutine goes on inside the call of `parked.resume()`.
struct Park {
  Handle& parked;
  bool await_ready() const noexcept { return false; }
  void await_suspend(Handle handle) const noexcept { parked = handle; }
  void await_resume() const noexcept {}
};

}  // namespace bench
