// Lets g++ compile a .cu file, and runs its kernels on the CPU: every CUDA thread one after another, in an order that the test chooses.
// A driver is not here (driver.cpp is one).
//
// What it knows: grids and blocks of three dimensions, static __shared__, __syncthreads, __syncwarp, warp shuffles and votes over whole warps,
// atomics, the usual intrinsics. Not: dynamic shared memory, textures, printf, cooperative groups.
// What it notices: barriers that not all threads of a block (or warp) reach, or reach in different places; memory outside of the arrays;
// undefined behaviour, indices beyond a __shared__ array among it. Results that depend on the order of threads, and __shared__ that nobody
// wrote (it is 0xFF at each block's start) show in what comes out.
// A kernel of which some threads return before a barrier is refused here although CUDA allows it since Volta: too easy to get wrong.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include "guard.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __constant__ static
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// The thread-local variables of a library lie together, so that they can be spoilt before each block.
#define __shared__ static thread_local

struct uint3 { unsigned x, y, z; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
#define VECTOR(T, N) \
    struct alignas(2 * sizeof(T)) N##2 { T x, y; }; struct N##3 { T x, y, z; }; struct alignas(4 * sizeof(T)) N##4 { T x, y, z, w; }; \
    inline N##2 make_##N##2(T x, T y) { return {x, y}; } inline N##3 make_##N##3(T x, T y, T z) { return {x, y, z}; } \
    inline N##4 make_##N##4(T x, T y, T z, T w) { return {x, y, z, w}; }
using uchar_t = unsigned char; using ushort_t = unsigned short; using uint_t = unsigned;
VECTOR(float, float) VECTOR(int, int) VECTOR(short, short) VECTOR(signed char, char)
struct alignas(2) uchar2 { uchar_t x, y; }; struct uchar3 { uchar_t x, y, z; }; struct alignas(4) uchar4 { uchar_t x, y, z, w; };
struct alignas(4) ushort2 { ushort_t x, y; }; struct alignas(8) ushort4 { ushort_t x, y, z, w; };
struct alignas(8) uint2 { uint_t x, y; }; struct alignas(16) uint4 { uint_t x, y, z, w; };
inline uchar3 make_uchar3(uchar_t x, uchar_t y, uchar_t z) { return {x, y, z}; }
inline uchar4 make_uchar4(uchar_t x, uchar_t y, uchar_t z, uchar_t w) { return {x, y, z, w}; }
inline uint2 make_uint2(uint_t x, uint_t y) { return {x, y}; }
inline uint4 make_uint4(uint_t x, uint_t y, uint_t z, uint_t w) { return {x, y, z, w}; }

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

using std::max; using std::min;
inline int min(int a, unsigned b) { return static_cast<unsigned>(a) < b ? a : static_cast<int>(b); }
inline unsigned min(unsigned a, int b) { return min(b, a); }
inline float __expf(float x) { return std::exp(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.f / a; }
inline float __saturatef(float x) { return x > 0.f ? (x < 1.f ? x : 1.f) : 0.f; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline int __float2int_rn(float x) { return static_cast<int>(std::nearbyint(x)); }
inline int __float2int_rd(float x) { return static_cast<int>(std::floor(x)); }
inline unsigned __float2uint_rn(float x) { return static_cast<unsigned>(std::nearbyint(x)); }
inline int __float_as_int(float x) { int i; memcpy(&i, &x, 4); return i; }
inline float __int_as_float(int i) { float x; memcpy(&x, &i, 4); return x; }
inline unsigned __float_as_uint(float x) { return static_cast<unsigned>(__float_as_int(x)); }
inline float __uint_as_float(unsigned i) { return __int_as_float(static_cast<int>(i)); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __clz(int x) { return x ? __builtin_clz(static_cast<unsigned>(x)) : 32; }
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
    const uint64_t both = uint64_t{y} << 32 | x; unsigned made = 0;
    for (int i = 0; i < 4; ++i) made |= unsigned(both >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
    return made; }
template <class T> T __ldg(const T *p) { return *p; }
// Half precision as its bits, which kernels convert by instructions of the GPU's own.
#ifdef __aarch64__
using half_t = __fp16;
#else
using half_t = _Float16;
#endif
inline unsigned short shim_half(float x) { const half_t h = static_cast<half_t>(x); unsigned short bits; memcpy(&bits, &h, 2); return bits; }
inline float shim_float(unsigned short bits) { half_t h; memcpy(&h, &bits, 2); return static_cast<float>(h); }

#include "threads.h"

#define __syncthreads() host::wait(host::BLOCK, __LINE__)
#define __syncwarp(...) host::wait(host::WARP, __LINE__)
#define __shfl_sync(mask, value, from) host::shuffle(value, (from) % warpSize, __LINE__)
#define __shfl_down_sync(mask, value, by) host::shuffle(value, host::lane() + int(by), __LINE__)
#define __shfl_up_sync(mask, value, by) host::shuffle(value, host::lane() - int(by), __LINE__)
#define __shfl_xor_sync(mask, value, by) host::shuffle(value, host::lane() ^ int(by), __LINE__)
#define __ballot_sync(mask, yes) host::ballot(yes, __LINE__)
#define __any_sync(mask, yes) (host::ballot(yes, __LINE__) != 0)
inline void __threadfence() {}
inline void __threadfence_block() {}
// Threads run one after another, so a plain change is an atomic one.
template <class T> T atomicAdd(T *p, std::type_identity_t<T> v) { return host::update(p, T(*p + v)); }
template <class T> T atomicMax(T *p, std::type_identity_t<T> v) { return host::update(p, max(*p, v)); }
template <class T> T atomicMin(T *p, std::type_identity_t<T> v) { return host::update(p, min(*p, v)); }
template <class T> T atomicExch(T *p, std::type_identity_t<T> v) { return host::update(p, v); }
template <class T> T atomicCAS(T *p, std::type_identity_t<T> old, std::type_identity_t<T> v) { return host::update(p, *p == old ? v : *p); }

// libubsan calls the first when it has found something, and the second tells what.
extern "C" void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file, unsigned *line, unsigned *column, char **address);
extern "C" inline __attribute__((used, visibility("default"))) void __ubsan_on_report() {
    const char *kind = "", *message = "", *file = ""; unsigned line = 0, column = 0; char *address = nullptr;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    host::undefined = true;
    host::blame(std::string(message) + " in line " + std::to_string(line) + " of " + file + ", by " + host::place());
}

// What tests and the stand-in driver find in the library, a kernel. libubsan tells of a place in the source once: a kernel with such a fault keeps it.
#define HOST_KERNEL(name, barriers) \
    extern "C" const char *launch_##name(const unsigned *grid, const unsigned *block, void **arguments, int order) { \
        static std::string said, always; \
        if (!always.empty()) return always.c_str(); \
        host::undefined = false; \
        said = host::launch(&host::Unpack<&name>::call, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, arguments, barriers, host::Order(order)); \
        if (host::undefined) always = said; \
        return said.c_str(); } \
    extern "C" const unsigned *sizes_##name(int *count) { return host::Unpack<&name>::sizes(count); }
#define HOST_MEMORY \
    extern "C" void *guard_take(size_t n) { return guard::take(n); } \
    extern "C" void guard_give(void *p, size_t n) { guard::give(p, n); } \
    extern "C" int guard_intact(const void *p, size_t n) { return guard::intact(p, n); }
