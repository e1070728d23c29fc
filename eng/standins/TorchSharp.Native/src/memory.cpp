// Memory of CPU tensors. malloc serves them badly: in its heap they leave holes that memalign can not use again (glibc
// bug 14581), and as mappings of their own each costs its page faults anew. Here what is freed is kept for later tensors,
// but never more is mapped than was in use at once at some time: the peak is that of the tensors themselves.
// TSI_ALLOCATOR=system in the environment leaves libtorch's own allocator in place.
#include "abi.h"
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>

namespace {

constexpr size_t large = size_t{64} << 10, page = 4096, huge = size_t{2} << 20, alignment = 64;

// Pages in pieces: a request takes the smallest free piece that holds it, what is freed merges with its free neighbours.
class Blocks {
 public:
  void* take(size_t wanted) {
    size_t size = (wanted + page - 1) / page * page;
    std::lock_guard<std::mutex> lock(mutex_);
    live_ += size;
    peak_ = std::max(peak_, live_);
    auto fit = free_.lower_bound({size, 0});
    if (fit != free_.end()) return cut(fit->second, size);
    while (cached_ > 0 && live_ + cached_ > peak_) unmap_oldest(live_ + cached_ - peak_);
    void* block = map(size);
    while (block == nullptr && cached_ > 0) {
      unmap_oldest(size);
      block = map(size);
    }
    if (block == nullptr) live_ -= size;
    else pieces_.emplace(reinterpret_cast<uintptr_t>(block), Piece{size, 0});
    return block;
  }

  // False when the block is not one of these.
  bool give_back(void* block) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = pieces_.find(reinterpret_cast<uintptr_t>(block));
    if (found == pieces_.end()) return false;
    live_ -= found->second.size;
    cached_ += found->second.size;
    found->second.since = ++clock_;
    auto next = std::next(found);
    if (next != pieces_.end() && next->second.since != 0 && found->first + found->second.size == next->first) {
      free_.erase({next->second.size, next->first});
      found->second.size += next->second.size;
      pieces_.erase(next);
    }
    if (found != pieces_.begin()) {
      auto before = std::prev(found);
      if (before->second.since != 0 && before->first + before->second.size == found->first) {
        free_.erase({before->second.size, before->first});
        before->second.size += found->second.size;
        before->second.since = found->second.since;
        pieces_.erase(found);
        found = before;
      }
    }
    free_.emplace(found->second.size, found->first);
    return true;
  }

 private:
  struct Piece { size_t size; uint64_t since; };  // since when it is free; 0 for a piece in use

  void* cut(uintptr_t start, size_t size) {
    auto piece = pieces_.find(start);
    free_.erase({piece->second.size, start});
    if (piece->second.size > size) {
      size_t rest = piece->second.size - size;
      pieces_.emplace(start + size, Piece{rest, piece->second.since});
      free_.emplace(rest, start + size);
    }
    piece->second = {size, 0};
    cached_ -= size;
    return reinterpret_cast<void*>(start);
  }

  static void* map(size_t size) {
    void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    if (size >= huge) madvise(block, size, MADV_HUGEPAGE);
    return block;
  }

  // Gives the end of the piece that was free for longest to the system, as much of it as is asked for.
  void unmap_oldest(size_t wanted) {
    auto oldest = free_.begin();
    uint64_t since = ~uint64_t{0};
    for (auto each = free_.begin(); each != free_.end(); ++each) {
      uint64_t age = pieces_[each->second].since;
      if (age < since) {
        since = age;
        oldest = each;
      }
    }
    auto [size, start] = *oldest;
    size_t part = std::min(size, (wanted + page - 1) / page * page);
    munmap(reinterpret_cast<void*>(start + size - part), part);
    cached_ -= part;
    free_.erase(oldest);
    if (part == size) {
      pieces_.erase(start);
    } else {
      pieces_[start].size = size - part;
      free_.emplace(size - part, start);
    }
  }

  std::mutex mutex_;
  std::map<uintptr_t, Piece> pieces_;
  std::set<std::pair<size_t, uintptr_t>> free_;
  size_t live_ = 0, peak_ = 0, cached_ = 0;
  uint64_t clock_ = 0;
};

Blocks& blocks() {
  static auto* all = new Blocks();  // outlives every tensor
  return *all;
}

void release(void* memory) {
  bool aligned = (reinterpret_cast<uintptr_t>(memory) & (page - 1)) == 0;
  if (memory != nullptr && !(aligned && blocks().give_back(memory))) free(memory);
}

void* obtain(size_t size) {
  if (size == 0) return nullptr;
  void* memory = nullptr;
  if (size >= large) memory = blocks().take(size);
  else if (posix_memalign(&memory, alignment, size) != 0) memory = nullptr;
  TORCH_CHECK(memory != nullptr, "can't allocate memory: you tried to allocate ", size, " bytes.");
  return memory;
}

// libtorch 1.13 declares allocate const, later ones do not; copy_data came in between. Whichever is virtual is overridden.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#pragma GCC diagnostic ignored "-Wsuggest-override"
struct CachingAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t size) const { return made(size); }
  c10::DataPtr allocate(size_t size) { return made(size); }
  c10::DeleterFnPtr raw_deleter() const { return &release; }
  void copy_data(void* to, const void* from, size_t size) const { memcpy(to, from, size); }

 private:
  static c10::DataPtr made(size_t size) {
    void* memory = obtain(size);
    return {memory, memory, &release, c10::Device(c10::DeviceType::CPU)};
  }
};
#pragma GCC diagnostic pop

__attribute__((constructor)) void install() {
  const char* choice = getenv("TSI_ALLOCATOR");
  if (choice != nullptr && std::string(choice) == "system") return;
  c10::SetCPUAllocator(new CachingAllocator(), 1);
}

}  // namespace
