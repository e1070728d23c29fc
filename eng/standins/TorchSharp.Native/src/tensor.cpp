// What a tensor is made of: shape, type, device, memory, gradient. Nothing here dispatches an operator.
#include "abi.h"
#include <ATen/ops/from_blob.h>

using namespace tsi;

TSI_EXPORT void tsi_release(Handle handle) {
  if (handle != nullptr) c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(handle);
}

TSI_EXPORT Handle tsi_share(Handle handle) { return give(borrow(handle)); }

TSI_EXPORT int64_t tsi_dim(Handle handle) {
  return guarded(int64_t{-1}, [&] { return handle->dim(); });
}

// Writes sizes and then strides (where there is memory) into `out`, each `dim` long.
TSI_EXPORT int tsi_shape(Handle handle, int64_t* sizes, int64_t* strides) {
  return guarded(-1, [&] {
    auto shape = handle->sizes();
    for (size_t k = 0; sizes != nullptr && k < shape.size(); k++) sizes[k] = shape[k];
    if (strides != nullptr) {
      auto steps = handle->strides();
      for (size_t k = 0; k < steps.size(); k++) strides[k] = steps[k];
    }
    return 0;
  });
}

TSI_EXPORT int64_t tsi_numel(Handle handle) {
  return guarded(int64_t{-1}, [&] { return handle->numel(); });
}

TSI_EXPORT int tsi_dtype(Handle handle) { return static_cast<int>(c10::typeMetaToScalarType(handle->dtype())); }

TSI_EXPORT int64_t tsi_element_size(Handle handle) { return static_cast<int64_t>(handle->dtype().itemsize()); }

// The type of the device, and above bit 32 its index (-1 for none).
TSI_EXPORT int64_t tsi_device(Handle handle) {
  return guarded(int64_t{-1}, [&] {
    auto device = handle->device();
    return static_cast<int64_t>(static_cast<uint32_t>(device.type())) | (static_cast<int64_t>(device.index()) << 32);
  });
}

// 1 sparse, 2 contiguous, 4 leaf, 8 requires gradient, 16 retains its gradient, 32 inference tensor, 64 view
TSI_EXPORT int tsi_flags(Handle handle) {
  return guarded(-1, [&] {
    auto tensor = borrow(handle);
    bool sparse = tensor.is_sparse();
    return (sparse ? 1 : 0) | (!sparse && tensor.is_contiguous() ? 2 : 0) | (tensor.is_leaf() ? 4 : 0) | (tensor.requires_grad() ? 8 : 0) |
           (tensor.retains_grad() ? 16 : 0) | (tensor.is_inference() ? 32 : 0) | (tensor.is_view() ? 64 : 0);
  });
}

TSI_EXPORT int tsi_requires_grad(Handle handle) {
  return guarded(-1, [&] { return borrow(handle).requires_grad() ? 1 : 0; });
}

TSI_EXPORT int tsi_set_requires_grad(Handle handle, int on) {
  return guarded(-1, [&] {
    borrow(handle).set_requires_grad(on != 0);
    return 0;
  });
}

TSI_EXPORT int64_t tsi_storage_offset(Handle handle) {
  return guarded(int64_t{-1}, [&] { return handle->storage_offset(); });
}

TSI_EXPORT void* tsi_data(Handle handle) {
  return guarded(static_cast<void*>(nullptr), [&] {
    return borrow(handle).data_ptr();
  });
}

TSI_EXPORT Handle tsi_grad(Handle handle) {
  return guarded(Handle{nullptr}, [&] { return give(borrow(handle).grad()); });
}

TSI_EXPORT int tsi_set_grad(Handle handle, Handle grad) {
  return guarded(-1, [&] {
    borrow(handle).mutable_grad() = borrow(grad);
    return 0;
  });
}

// A tensor over the caller's memory, which `done(context)` gives back when the last user of it is gone.
TSI_EXPORT Handle tsi_from_blob(void* memory, const int64_t* sizes, int dim, int dtype, void (*done)(void*), void* context) {
  return guarded(Handle{nullptr}, [&] {
    auto options = at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype));
    return give(at::from_blob(memory, at::IntArrayRef(sizes, dim), [done, context](void*) { done(context); }, options));
  });
}
