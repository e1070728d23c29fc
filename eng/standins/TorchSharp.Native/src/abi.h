// The C ABI between the managed stand-in and libtorch: one boxed call for every ATen operator, and the few things
// that are no operators. A tensor handle is a TensorImpl* that owns one reference; 0 is "no tensor".
#pragma once
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <cstdint>

#define TSI_EXPORT extern "C" __attribute__((visibility("default")))

namespace tsi {

enum Tag : int32_t {
  None = 0, Tensor = 1, Int = 2, Double = 3, Bool = 4, Ints = 5, Tensors = 6, Doubles = 7, Device = 8,
  Generator = 9, String = 10, Default = 11, Complex = 12, Bools = 13,
};

// One argument or result. `aux` is the length of a list, or the index of a device.
struct Val {
  int32_t tag;
  int32_t aux;
  union { int64_t i; double d; void* p; };
};

using Handle = c10::TensorImpl*;

inline at::Tensor borrow(Handle handle) {
  if (handle == nullptr) return at::Tensor();
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim_copy(handle));
}

inline Handle give(at::Tensor tensor) { return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr; }

inline std::vector<at::Tensor> borrow_all(Handle const* handles, int64_t count) {
  std::vector<at::Tensor> tensors;
  tensors.reserve(count);
  for (int64_t k = 0; k < count; k++) tensors.push_back(borrow(handles[k]));
  return tensors;
}

void set_error(const char* message);

// Runs `body`; an exception becomes the thread's last error and `failed`.
template <class Body, class Result> Result guarded(Result failed, Body&& body) noexcept {
  try { return body(); }
  catch (const c10::Error& error) { set_error(error.what_without_backtrace()); }
  catch (const std::exception& error) { set_error(error.what()); }
  catch (...) { set_error("unknown C++ exception"); }
  return failed;
}

}  // namespace tsi
