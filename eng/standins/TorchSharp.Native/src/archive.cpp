// One tensor in one file, in libtorch's own archive format.
#include "abi.h"
#include <torch/serialize.h>

using namespace tsi;

TSI_EXPORT int tsi_save(Handle handle, const char* path) {
  return guarded(-1, [&] {
    torch::save(borrow(handle), std::string(path));
    return 0;
  });
}

TSI_EXPORT Handle tsi_load(const char* path) {
  return guarded(Handle{nullptr}, [&] {
    at::Tensor tensor;
    torch::load(tensor, std::string(path));
    return give(std::move(tensor));
  });
}
