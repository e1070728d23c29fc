// What belongs to the process: threads, generators, devices, switches.
#include "abi.h"
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

using namespace tsi;

namespace {

bool is_on(bool value) { return value; }
template <class Option> bool is_on(Option option) { return static_cast<int>(option) == 0; }

at::Generator borrow_generator(c10::GeneratorImpl* handle) {
  return at::Generator(c10::intrusive_ptr<c10::GeneratorImpl>::reclaim_copy(handle));
}

int cuda_count() {
  if (!at::globalContext().hasCUDA()) return 0;
  return static_cast<int>(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).deviceCount());
}

}  // namespace

TSI_EXPORT int tsi_threads() { return at::get_num_threads(); }
TSI_EXPORT int tsi_interop_threads() { return at::get_num_interop_threads(); }

TSI_EXPORT int tsi_set_threads(int count) {
  return guarded(-1, [&] {
    at::set_num_threads(count);
    // OpenBLAS built on its own threads has a count of its own.
    if (auto* set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) set(count);
    return 0;
  });
}

TSI_EXPORT int tsi_set_interop_threads(int count) {
  return guarded(-1, [&] {
    at::set_num_interop_threads(count);
    return 0;
  });
}

TSI_EXPORT void* tsi_generator_new(uint64_t seed, int device_type, int device_index) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    auto type = static_cast<c10::DeviceType>(device_type);
    auto index = static_cast<c10::DeviceIndex>(device_index);
    auto generator = type == c10::DeviceType::CPU ? at::make_generator<at::CPUGeneratorImpl>(seed)
                                                  : at::globalContext().defaultGenerator(c10::Device(type, index)).clone();
    generator.set_current_seed(seed);
    return generator.unsafeReleaseGeneratorImpl();
  });
}

TSI_EXPORT void* tsi_generator_default() {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    at::Generator generator = at::globalContext().defaultGenerator(c10::Device(c10::DeviceType::CPU));
    return generator.unsafeReleaseGeneratorImpl();
  });
}

TSI_EXPORT void tsi_generator_free(c10::GeneratorImpl* handle) { c10::intrusive_ptr<c10::GeneratorImpl>::reclaim(handle); }

TSI_EXPORT int tsi_generator_set_seed(c10::GeneratorImpl* handle, uint64_t seed) {
  return guarded(-1, [&] {
    auto generator = borrow_generator(handle);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_current_seed(seed);
    return 0;
  });
}

TSI_EXPORT uint64_t tsi_generator_seed(c10::GeneratorImpl* handle) { return handle->current_seed(); }

// A new seed that is not predictable; the generator starts from it.
TSI_EXPORT uint64_t tsi_generator_reseed(c10::GeneratorImpl* handle) {
  auto generator = borrow_generator(handle);
  std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.seed();
}

TSI_EXPORT Handle tsi_generator_state(c10::GeneratorImpl* handle) {
  return guarded(Handle{nullptr}, [&] {
    auto generator = borrow_generator(handle);
    std::lock_guard<std::mutex> lock(generator.mutex());
    return give(generator.get_state());
  });
}

TSI_EXPORT int tsi_generator_set_state(c10::GeneratorImpl* handle, Handle state) {
  return guarded(-1, [&] {
    auto generator = borrow_generator(handle);
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(borrow(state));
    return 0;
  });
}

TSI_EXPORT int tsi_manual_seed(int64_t seed) {
  return guarded(-1, [&] {
    at::manual_seed(static_cast<uint64_t>(seed));
    return 0;
  });
}

TSI_EXPORT int tsi_cuda_manual_seed(int64_t seed) {
  return guarded(-1, [&] {
    for (int k = 0; k < cuda_count(); k++) {
      auto generator = at::globalContext().defaultGenerator(c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(k)));
      std::lock_guard<std::mutex> lock(generator.mutex());
      generator.set_current_seed(static_cast<uint64_t>(seed));
    }
    return 0;
  });
}

TSI_EXPORT int tsi_cuda_count() {
  return guarded(0, [&] { return cuda_count(); });
}

TSI_EXPORT int tsi_cudnn_available() {
  return guarded(0, [&] { return cuda_count() > 0 && at::detail::getCUDAHooks().hasCuDNN() ? 1 : 0; });
}

// Waits for the current stream of the device, the only one that is ever used here.
TSI_EXPORT int tsi_synchronize(int device_type, int device_index) {
  return guarded(-1, [&] {
    c10::impl::VirtualGuardImpl guard(static_cast<c10::DeviceType>(device_type));
    auto device = device_index < 0 ? guard.getDevice() : c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    guard.getStream(device).synchronize();
    return 0;
  });
}

// 0 TF32 in matmul, 1 TF32 in cuDNN, 2 float16 reductions, 3 flash attention, 4 plain attention
TSI_EXPORT int tsi_switch(int which) {
  return guarded(-1, [&] {
    auto& context = at::globalContext();
    switch (which) {
      case 0: return is_on(context.allowTF32CuBLAS()) ? 1 : 0;
      case 1: return is_on(context.allowTF32CuDNN()) ? 1 : 0;
      case 2: return is_on(context.allowFP16ReductionCuBLAS()) ? 1 : 0;
      case 3: return is_on(context.userEnabledFlashSDP()) ? 1 : 0;
      default: return is_on(context.userEnabledMathSDP()) ? 1 : 0;
    }
  });
}

TSI_EXPORT int tsi_set_switch(int which, int on) {
  return guarded(-1, [&] {
    auto& context = at::globalContext();
    switch (which) {
      case 0: context.setAllowTF32CuBLAS(on != 0); break;
      case 1: context.setAllowTF32CuDNN(on != 0); break;
      case 2: context.setAllowFP16ReductionCuBLAS(on != 0); break;
      case 3: context.setSDPUseFlash(on != 0); break;
      default: context.setSDPUseMath(on != 0); break;
    }
    return 0;
  });
}

TSI_EXPORT int tsi_promote(int one, int other) {
  return guarded(-1, [&] {
    return static_cast<int>(c10::promoteTypes(static_cast<c10::ScalarType>(one), static_cast<c10::ScalarType>(other)));
  });
}
