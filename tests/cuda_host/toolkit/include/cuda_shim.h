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
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>
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

namespace host {
enum Order { FORWARD, REVERSE, SHUFFLED };
enum Waits { NO, WARP, BLOCK, DONE };
using Call = void (*)(void **);
/// A CUDA thread. Its stack is kept for the thread of the same number in the next block: it is entered once, then goes round in `enter`.
struct Fiber { jmp_buf at; std::vector<char> stack; uint3 index; bool entered = false; Waits waits = NO; int line = 0; uint64_t said = 0; };

inline std::vector<Fiber> fibers;
inline std::vector<unsigned> turns;
inline Fiber *now = nullptr;
inline jmp_buf scheduler;
inline sigjmp_buf rescue;
inline Call call;
inline void **arguments;
inline std::string fault;
inline bool undefined = false;
inline std::mt19937 dice;

inline void blame(const std::string &what) { if (fault.empty()) fault = what; }
inline std::string place() {
    const uint3 b = blockIdx, t = threadIdx;
    char text[120];
    snprintf(text, sizeof text, "block (%u, %u, %u), thread (%u, %u, %u)", b.x, b.y, b.z, t.x, t.y, t.z);
    return text;
}

inline void wait(Waits what, int line) {
    if (!now) { blame("a barrier in a kernel that was built without"); return; }
    now->waits = what; now->line = line;
    if (!_setjmp(now->at)) _longjmp(scheduler, 1);
}
inline void enter() { for (;;) { call(arguments); wait(DONE, 0); } }

inline void resume(Fiber &fiber) {
    now = &fiber; threadIdx = fiber.index; fiber.waits = NO;
    if (_setjmp(scheduler)) return;
    if (fiber.entered) _longjmp(fiber.at, 1);
    fiber.entered = true; fiber.stack.resize(64 << 10);
    ucontext_t fresh, here;
    getcontext(&fresh);
    fresh.uc_stack.ss_sp = fiber.stack.data(); fresh.uc_stack.ss_size = fiber.stack.size(); fresh.uc_link = nullptr;
    makecontext(&fresh, enter, 0);
    swapcontext(&here, &fresh);  // never comes back by itself: the fiber jumps to `scheduler`
}

/// Whether fibers [from, to) all wait for `what` in one place; a fault if some of them cannot any more.
inline bool together(size_t from, size_t to, Waits what) {
    int line = 0; bool all = true, done = false;
    for (size_t i = from; i < to; ++i) {
        if (fibers[i].waits == DONE) { done = true; continue; }
        if (fibers[i].waits != what) { all = false; continue; }
        if (line && line != fibers[i].line) blame("threads wait at different barriers, in lines " + std::to_string(line) + " and " + std::to_string(fibers[i].line));
        line = fibers[i].line;
    }
    if (line && done && all) blame("a thread left before the barrier in line " + std::to_string(line));
    return line && all && fault.empty();
}
inline void release(size_t from, size_t to) { for (size_t i = from; i < to; ++i) if (fibers[i].waits != DONE) fibers[i].waits = NO; }

inline void run_block(size_t threads, Order order) {
    for (size_t i = 0; i < threads; ++i) fibers[i].waits = NO;
    for (bool progress = true; progress && fault.empty();) {
        progress = false;
        if (order == SHUFFLED) std::shuffle(turns.begin(), turns.end(), dice);
        for (unsigned i : turns) if (fibers[i].waits == NO) { resume(fibers[i]); progress = true; }
        for (size_t warp = 0; warp < threads; warp += warpSize) {
            const size_t end = min(warp + warpSize, threads);
            if (together(warp, end, WARP)) { release(warp, end); progress = true; }
        }
        if (!progress && together(0, threads, BLOCK)) { release(0, threads); progress = true; }
    }
    for (size_t i = 0; i < threads; ++i) if (fibers[i].waits != DONE) blame("threads wait for each other at barriers of two kinds");
}

/// Where this library's thread-local memory lies, and how much it is: nothing but __shared__ is in it.
inline std::pair<void *, size_t> shared_memory() {
    std::pair<void *, size_t> found{nullptr, 0};
    dl_iterate_phdr([](dl_phdr_info *library, size_t, void *found) {
        const auto self = reinterpret_cast<ElfW(Addr)>(&shared_memory);
        bool mine = false; size_t bytes = 0;
        for (const ElfW(Phdr) *part = library->dlpi_phdr; part < library->dlpi_phdr + library->dlpi_phnum; ++part) {
            if (part->p_type == PT_LOAD && self - library->dlpi_addr - part->p_vaddr < part->p_memsz) mine = true;
            if (part->p_type == PT_TLS) bytes = part->p_memsz;
        }
        if (mine && library->dlpi_tls_data) *static_cast<std::pair<void *, size_t> *>(found) = {library->dlpi_tls_data, bytes};
        return int(mine);
    }, &found);
    return found;
}

inline void on_signal(int number, siginfo_t *, void *) { siglongjmp(rescue, number); }

/// Run a kernel; an empty text, or what was wrong. `barriers`: it has some, so each thread needs a stack of its own.
inline std::string launch(Call kernel, dim3 grid, dim3 block, void **values, bool barriers, Order order) {
    static std::mutex one;
    std::lock_guard hold(one);
    const size_t threads = size_t{block.x} * block.y * block.z, blocks = size_t{grid.x} * grid.y * grid.z;
    call = kernel; arguments = values; gridDim = grid; blockDim = block; fault.clear(); now = nullptr; dice.seed(7);
    auto index = [](size_t i, dim3 of) { return uint3{unsigned(i % of.x), unsigned(i / of.x % of.y), unsigned(i / of.x / of.y)}; };
    turns.resize(threads); std::iota(turns.begin(), turns.end(), 0u);
    if (order == REVERSE) std::reverse(turns.begin(), turns.end());
    if (barriers) { if (fibers.size() < threads) fibers.resize(threads); for (size_t i = 0; i < threads; ++i) fibers[i].index = index(i, block); }
    std::vector<unsigned> places(blocks); std::iota(places.begin(), places.end(), 0u);
    if (order == REVERSE) std::reverse(places.begin(), places.end());
    if (order == SHUFFLED) std::shuffle(places.begin(), places.end(), dice);

    const auto [shared, shared_bytes] = shared_memory();
    static char spare[64 << 10];  // a kernel that runs out of its stack has none left for the handler
    stack_t mine{spare, 0, sizeof spare}, theirs;
    struct sigaction act{}, segv, bus, fpe;
    act.sa_sigaction = on_signal; act.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaltstack(&mine, &theirs);
    sigaction(SIGSEGV, &act, &segv); sigaction(SIGBUS, &act, &bus); sigaction(SIGFPE, &act, &fpe);
    if (int number = sigsetjmp(rescue, 1)) {
        blame((number == SIGFPE ? "a division by zero by " : "memory outside of the arrays was touched by ") + place());
    } else {
        for (size_t i = 0; i < blocks && fault.empty(); ++i) {
            blockIdx = index(places[i], grid);
            if (shared) memset(shared, 0xFF, shared_bytes);
            if (barriers) { run_block(threads, order); continue; }
            if (order == SHUFFLED) std::shuffle(turns.begin(), turns.end(), dice);
            for (unsigned t : turns) { threadIdx = index(t, block); kernel(values); }
        }
    }
    sigaction(SIGSEGV, &segv, nullptr); sigaction(SIGBUS, &bus, nullptr); sigaction(SIGFPE, &fpe, nullptr);
    sigaltstack(&theirs, nullptr);
    if (!fault.empty()) fibers.clear();  // they wait where nobody will come again
    return fault;
}

/// Every thread of the warp says `value`, then hears what lane `from` said.
inline uint64_t exchange(uint64_t value, int from, int line) {
    Fiber *me = now;
    if (!me) { blame("a warp's exchange in a kernel that was built without"); return value; }
    const size_t mine = me - fibers.data(), warp = mine / warpSize * warpSize;
    me->said = value;
    wait(WARP, line);
    const uint64_t heard = fibers[warp + (from < 0 || from >= warpSize ? mine - warp : size_t(from))].said;
    wait(WARP, line);
    return heard;
}
inline int lane() { return now ? int((now - fibers.data()) % warpSize) : 0; }
template <class T> T shuffle(T value, int from, int line) {
    uint64_t raw = 0; memcpy(&raw, &value, sizeof value);
    raw = exchange(raw, from, line);
    memcpy(&value, &raw, sizeof value);
    return value;
}
inline unsigned ballot(bool yes, int line) {
    const size_t warp = now ? (now - fibers.data()) / warpSize * warpSize : 0, end = min(warp + warpSize, size_t{blockDim.x} * blockDim.y * blockDim.z);
    if (!now) { blame("a warp's vote in a kernel that was built without"); return 0; }
    now->said = yes;
    wait(WARP, line);
    unsigned votes = 0;
    for (size_t i = warp; i < end; ++i) votes |= unsigned(fibers[i].said != 0) << (i - warp);
    wait(WARP, line);
    return votes;
}

template <class T> T update(T *p, T value) { T old = *p; *p = value; return old; }

template <auto F> struct Unpack;
template <class... A, void (*F)(A...)> struct Unpack<F> {
    template <size_t... I> static void go(void **v, std::index_sequence<I...>) { F(*static_cast<A *>(v[I])...); }
    static void call(void **v) { go(v, std::index_sequence_for<A...>{}); }
    /// Size and alignment of each argument.
    static const unsigned *sizes(int *count) {
        static const std::vector<unsigned> all = [] { std::vector<unsigned> v; (..., (v.push_back(sizeof(A)), v.push_back(alignof(A)))); return v; }();
        *count = sizeof...(A);
        return all.data();
    }
};
}  // namespace host

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
