// Runs a kernel's threads on the CPU, one after another: each a fiber, switched at barriers. What a kernel's source may say is cuda_shim.h's,
// which includes this where uint3, dim3, threadIdx and their kin are there.
#pragma once
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

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
