// Memory that notices who leaves it: for the stand-in driver and for kernels that tests call directly. No CUDA here.
//
//   | no access | 0xA5 ... | the bytes asked for | up to 15 of 0xA5 | no access |
//
// A step behind the end or before the first page is a SIGSEGV, a write into the 0xA5 is seen afterwards. Fresh bytes are 0xFF: what nobody
// wrote is no number in float32, and -1 as an integer. Addresses are aligned to 16 bytes, as vectors of four need (CUDA's own: to 256).
#pragma once
#include <sys/mman.h>
#include <cstddef>
#include <cstring>

namespace guard {
constexpr size_t PAGE = 4096, ALIGN = 16, WIDE = 16 << 20;  // so wide that an index into the next picture is noticed too
inline size_t up(size_t n, size_t to) { return (n + to - 1) / to * to; }
inline char *page_of(const void *p) { return reinterpret_cast<char *>(reinterpret_cast<size_t>(p) / PAGE * PAGE); }

inline void *take(size_t n) {
    const size_t inner = up(up(n, ALIGN), PAGE);
    void *all = mmap(nullptr, inner + 2 * WIDE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (all == MAP_FAILED) return nullptr;
    char *first = static_cast<char *>(all) + WIDE;
    mprotect(first, inner, PROT_READ | PROT_WRITE);
    char *p = first + inner - up(n, ALIGN);
    memset(first, 0xA5, inner);
    memset(p, 0xFF, n);
    return p;
}

inline bool intact(const void *memory, size_t n) {
    const char *p = static_cast<const char *>(memory);
    for (const char *c = page_of(p); c < p; ++c) if (*c != static_cast<char>(0xA5)) return false;
    for (const char *c = p + n; c < p + up(n, ALIGN); ++c) if (*c != static_cast<char>(0xA5)) return false;
    return true;
}

inline void give(void *p, size_t n) { munmap(page_of(p) - WIDE, up(up(n, ALIGN), PAGE) + 2 * WIDE); }
}  // namespace guard
