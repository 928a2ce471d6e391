// A libcuda.so.1 for tests, under unmodified pycuda: device memory is host memory with guards, a "cubin" is a library that toolkit/bin/nvcc made.
// How kernels run is cuda_shim.h's.
//
// Work that is given to a stream waits in it, and is done as late as can be (or at once, as the test chooses): when somebody waits for it. So a
// result that is read too early, a buffer that is used again too early, an order that nobody asked for, show as wrong results.
// It notices copies past an allocation's end, arguments of another size than the kernel's, kernels that are not there, calls from a thread
// without the context, memory and handles that were given back before, or twice; a kernel's fault stays, as on a GPU: every later call fails too.
// It counts all calls and all that is held, and fails the n-th call of any function, as the test wishes.
#include <dlfcn.h>
#include <unistd.h>
#include <sys/mman.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>
#include "guard.h"

// As in CUDA's headers, which need not be here.
using CUresult = int; using CUdevice = int; using CUdeviceptr = unsigned long long;
struct Context; struct Stream; struct Event; struct Module; struct Function;
using CUcontext = Context *; using CUstream = Stream *; using CUevent = Event *; using CUmodule = Module *; using CUfunction = Function *;
enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
       INVALID_CONTEXT = 201, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, LAUNCH_FAILED = 719, NOT_SUPPORTED = 801 };
static const std::map<int, const char *> SAID = {
    {INVALID_VALUE, "invalid argument"}, {OUT_OF_MEMORY, "out of memory"}, {NOT_INITIALIZED, "initialization error"},
    {35, "CUDA driver version is insufficient for CUDA runtime version"}, {NO_DEVICE, "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "invalid device ordinal"}, {INVALID_IMAGE, "device kernel image is invalid"}, {INVALID_CONTEXT, "invalid device context"},
    {209, "no kernel image is available for execution on the device"}, {222, "the provided PTX was compiled with an unsupported toolchain."},
    {INVALID_HANDLE, "invalid resource handle"}, {NOT_FOUND, "named symbol not found"}, {NOT_READY, "device not ready"},
    {ILLEGAL_ADDRESS, "an illegal memory access was encountered"}, {701, "too many resources requested for launch"},
    {LAUNCH_FAILED, "unspecified launch failure"}, {NOT_SUPPORTED, "operation not supported"}, {999, "unknown error"}};

struct Context { bool primary; };
struct Block { size_t bytes; bool host; };
using Work = std::function<CUresult()>;
struct Stream { std::deque<Work> work; };
struct Mark { Stream *stream; bool done; std::chrono::steady_clock::time_point when; };
struct Event { std::shared_ptr<Mark> mark; };
struct Module { void *library; };
struct Function {
    Module *module; std::string name;
    const char *(*launch)(const unsigned *, const unsigned *, void **, int); const unsigned *(*sizes)(int *);
};

static std::recursive_mutex gate;
static bool started;
static int order, late, integrated = 1, driver_version = 13000, devices = 1;
static size_t limit_bytes = size_t{8} << 30;
static CUresult broken;                       // what a kernel's fault left: the context is of no use any more
static std::string faults;                    // what went wrong, for people
static std::map<std::string, long> calls;
struct Wish { long nth; CUresult error; bool stays; };
static std::map<std::string, Wish> wishes;
static std::map<CUdeviceptr, Block> memory;
static std::deque<std::pair<void *, size_t>> given_back;  // kept out of reach for a while, so that late use is noticed
static std::set<void *> contexts, streams, events, modules;
static long reclaimed;                        // what only the context's end gave back
static thread_local std::vector<CUcontext> current;

static CUresult blame(CUresult error, const std::string &what) { faults += what + "\n"; fprintf(stderr, "stand-in driver: %s\n", what.c_str()); return error; }

// Each function begins with one of these: counted, failed on wish, refused before cuInit, without a context, after a fault.
static CUresult called(const char *name) {
    const long n = ++calls[name];
    const auto wish = wishes.find(name);
    if (wish == wishes.end() || n != wish->second.nth) return OK;
    if (wish->second.stays) broken = wish->second.error;
    return wish->second.error;
}
#define ANYTIME std::lock_guard hold(gate); if (CUresult e = called(__func__)) return e;
#define STARTED ANYTIME if (!started) return NOT_INITIALIZED;
#define INSIDE STARTED if (current.empty()) return blame(INVALID_CONTEXT, std::string(__func__) + " on a thread without a context");
#define WORKING INSIDE if (broken) return broken;
#define KNOWN(set, handle) if (!set.count(handle)) return blame(INVALID_HANDLE, std::string(__func__) + " of something that is not there (any more)");

static std::map<CUdeviceptr, Block>::iterator around(CUdeviceptr p, size_t n) {
    auto i = memory.upper_bound(p);
    if (i == memory.begin()) return memory.end();
    --i;
    return p + n <= i->first + i->second.bytes ? i : memory.end();
}
#define WITHIN(p, n) if (around(CUdeviceptr(p), n) == memory.end()) return blame(INVALID_VALUE, std::string(__func__) + " reaches past an allocation, or into none");

static CUresult run(Work &work) {
    if (broken) return broken;
    const CUresult error = work();
    if (error) broken = error;
    return error;
}
static CUresult drain(Stream *stream, const Mark *until = nullptr) {
    while (!stream->work.empty() && !(until && until->done)) {
        Work first = std::move(stream->work.front());
        stream->work.pop_front();
        if (CUresult e = run(first)) { stream->work.clear(); return e; }
    }
    return OK;
}
static CUresult drain_all() { for (void *s : streams) if (CUresult e = drain(static_cast<Stream *>(s))) return e; return broken; }
static CUresult reach(const std::shared_ptr<Mark> &mark) {
    if (!mark || mark->done || !streams.count(mark->stream)) return broken;
    return drain(mark->stream, mark.get());
}
/// Give `work` to a stream. The stream 0 waits for all others, and others for it.
static CUresult enqueue(Stream *stream, Work work) {
    if (!stream) { if (CUresult e = drain_all()) return e; return run(work); }
    if (!streams.count(stream)) return blame(INVALID_HANDLE, "work for a stream that is not there (any more)");
    stream->work.push_back(std::move(work));
    return late ? OK : drain(stream);
}

static CUresult fill(CUdeviceptr d, int v, size_t n, Stream *stream) {
    return enqueue(stream, [=] { if (around(d, n) == memory.end()) return blame(ILLEGAL_ADDRESS, "memory was given back before it was filled");
        memset(reinterpret_cast<void *>(d), v, n);
        return int(OK); }); }

static CUresult take(void **p, size_t n, bool host) {
    if (!n) return INVALID_VALUE;
    size_t held = 0;
    for (auto &[_, block] : memory) held += block.bytes;
    if (held + n > limit_bytes) return OUT_OF_MEMORY;
    if (!(*p = guard::take(n))) return OUT_OF_MEMORY;
    memory[CUdeviceptr(*p)] = {n, host};
    return OK;
}
static CUresult give(CUdeviceptr p, bool host, const char *name) {
    const auto i = memory.find(p);
    if (i == memory.end() || i->second.host != host) return blame(INVALID_VALUE, std::string(name) + " of memory that is not there (any more)");
    void *address = reinterpret_cast<void *>(p); const size_t n = i->second.bytes;
    if (!guard::intact(address, n)) blame(OK, std::string(name) + ": something wrote beside this memory");
    memory.erase(i);
    if (host) memset(address, 0xA5, n);  // still to be read, as nonsense: a failing test shows what its arrays hold
    mprotect(guard::page_of(address), guard::up(guard::up(n, guard::ALIGN), guard::PAGE), host ? PROT_READ : PROT_NONE);
    given_back.emplace_back(address, n);
    if (given_back.size() > 64) { guard::give(given_back.front().first, given_back.front().second); given_back.pop_front(); }
    return OK;
}

extern "C" {
// What tests say to it, by ctypes.
void standin_fail(const char *name, long nth, int error, int stays) { wishes[name] = {nth, error, stays != 0}; }
void standin_set(int kernel_order, int as_late_as_can_be, int is_integrated, int version, int count, size_t bytes) {
    order = kernel_order; late = as_late_as_can_be; integrated = is_integrated; driver_version = version; devices = count; limit_bytes = bytes; }
void standin_begin() {
    wishes.clear(); calls.clear(); faults.clear(); broken = OK; reclaimed = 0; started = false;
    while (!memory.empty()) give(memory.begin()->first, memory.begin()->second.host, "standin_begin");
    streams.clear(); events.clear(); modules.clear(); contexts.clear(); faults.clear(); current.clear(); }
/// Lines of "name number": of each function its calls, and what is held under names with a small first letter.
const char *standin_report() {
    static std::string text;
    size_t device = 0, host = 0;
    for (auto &[_, block] : memory) (block.host ? host : device)++;
    text.clear();
    for (auto &[name, n] : calls) text += name + " " + std::to_string(n) + "\n";
    for (auto [name, n] : std::initializer_list<std::pair<const char *, size_t>>{{"memory", device}, {"pinned", host}, {"streams", streams.size()},
             {"events", events.size()}, {"modules", modules.size()}, {"contexts", contexts.size()}, {"reclaimed", size_t(reclaimed)}})
        text += std::string(name) + " " + std::to_string(n) + "\n";
    return text.c_str(); }
const char *standin_faults() { return faults.c_str(); }

CUresult cuGetErrorString(CUresult e, const char **s) { const auto i = SAID.find(e); *s = i == SAID.end() ? "an error that has no text here" : i->second; return OK; }
CUresult cuInit(unsigned) { ANYTIME if (!devices) return NO_DEVICE; started = true; return OK; }
CUresult cuDriverGetVersion(int *v) { ANYTIME *v = driver_version; return OK; }
CUresult cuDeviceGetCount(int *n) { STARTED *n = devices; return OK; }
CUresult cuDeviceGet(CUdevice *d, int i) { STARTED if (i < 0 || i >= devices) return INVALID_DEVICE; *d = i; return OK; }
CUresult cuDeviceGetName(char *s, int n, CUdevice) { STARTED snprintf(s, n, "stand-in GPU"); return OK; }
CUresult cuDeviceTotalMem_v2(size_t *b, CUdevice) { STARTED *b = limit_bytes; return OK; }
CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice) { STARTED *major = 8; *minor = 7; return OK; }
CUresult cuDeviceGetAttribute(int *v, int attribute, CUdevice) {
    STARTED
    const std::map<int, int> known = {{1, 1024}, {10, 32}, {16, 8}, {18, integrated}, {19, 1}, {41, 1}, {75, 8}, {76, 7}};
    const auto i = known.find(attribute); *v = i == known.end() ? 0 : i->second; return OK; }

static CUresult new_context(CUcontext *c, bool primary) { *c = new Context{primary}; contexts.insert(*c); return OK; }
static CUresult end_context(CUcontext c) {
    KNOWN(contexts, c)
    if (!broken) drain_all();
    reclaimed += memory.size() + streams.size() + events.size() + modules.size();
    while (!memory.empty()) give(memory.begin()->first, memory.begin()->second.host, "the context's end");
    streams.clear(); events.clear(); modules.clear();
    contexts.erase(c);
    std::erase(current, c);
    delete c;
    broken = OK;
    return OK; }
CUresult cuCtxCreate_v4(CUcontext *c, void *, unsigned, CUdevice) { STARTED new_context(c, false); current.push_back(*c); return OK; }
CUresult cuCtxCreate_v2(CUcontext *c, unsigned, CUdevice) { STARTED new_context(c, false); current.push_back(*c); return OK; }
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice) { STARTED return new_context(c, true); }
CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) { STARTED for (void *c : contexts) if (static_cast<Context *>(c)->primary) return end_context(static_cast<Context *>(c)); return INVALID_CONTEXT; }
CUresult cuCtxDestroy_v2(CUcontext c) { STARTED return end_context(c); }
CUresult cuCtxDetach(CUcontext c) { STARTED return end_context(c); }
CUresult cuCtxPushCurrent_v2(CUcontext c) { STARTED KNOWN(contexts, c) current.push_back(c); return OK; }
CUresult cuCtxPopCurrent_v2(CUcontext *c) { INSIDE if (c) *c = current.back(); current.pop_back(); return OK; }
CUresult cuCtxGetCurrent(CUcontext *c) { STARTED *c = current.empty() ? nullptr : current.back(); return OK; }
CUresult cuCtxSynchronize() { WORKING return drain_all(); }

CUresult cuMemGetInfo_v2(size_t *free, size_t *total) { WORKING size_t held = 0; for (auto &[_, b] : memory) held += b.bytes; *total = limit_bytes; *free = limit_bytes - held; return OK; }
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) { WORKING void *q; CUresult e = take(&q, n, false); if (!e) *p = CUdeviceptr(q); return e; }
CUresult cuMemFree_v2(CUdeviceptr p) { WORKING if (CUresult e = drain_all()) return e; return give(p, false, __func__); }
CUresult cuMemHostAlloc(void **p, size_t n, unsigned) { WORKING return take(p, n, true); }
CUresult cuMemFreeHost(void *p) { WORKING return give(CUdeviceptr(p), true, __func__); }
CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *d, void *p, unsigned) { WORKING WITHIN(p, 1) *d = CUdeviceptr(p); return OK; }
CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *n, CUdeviceptr p) { WORKING const auto i = around(p, 1); if (i == memory.end()) return NOT_FOUND; *base = i->first; *n = i->second.bytes; return OK; }

// A copy looks again when it is done: what was there when it was given may be gone.
static CUresult copied(void *to, const void *from, size_t n, CUdeviceptr a, CUdeviceptr b) {
    for (CUdeviceptr p : {a, b}) if (p && around(p, n) == memory.end()) return blame(ILLEGAL_ADDRESS, "a copy from or to memory that was given back before it was done");
    memmove(to, from, n); return OK; }
static CUresult copy(void *to, const void *from, size_t n, Stream *stream) {
    const CUdeviceptr a = around(CUdeviceptr(to), n) == memory.end() ? 0 : CUdeviceptr(to), b = around(CUdeviceptr(from), n) == memory.end() ? 0 : CUdeviceptr(from);
    if (!b) {  // pageable memory is read now, whenever it arrives
        auto bytes = std::make_shared<std::string>(static_cast<const char *>(from), n);
        return enqueue(stream, [=] { return copied(to, bytes->data(), n, a, 0); });
    }
    const CUresult e = enqueue(stream, [=] { return copied(to, from, n, a, b); });
    return e || a || !stream ? e : drain(stream);  // and pageable memory is written before the call comes back
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr d, const void *s, size_t n) { WORKING WITHIN(d, n) return copy((void *)d, s, n, nullptr); }
CUresult cuMemcpyDtoH_v2(void *d, CUdeviceptr s, size_t n) { WORKING WITHIN(s, n) return copy(d, (void *)s, n, nullptr); }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr d, const void *s, size_t n, CUstream q) { WORKING WITHIN(d, n) return copy((void *)d, s, n, q); }
CUresult cuMemcpyDtoHAsync_v2(void *d, CUdeviceptr s, size_t n, CUstream q) { WORKING WITHIN(s, n) return copy(d, (void *)s, n, q); }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream q) { WORKING WITHIN(d, n) WITHIN(s, n) return copy((void *)d, (void *)s, n, q); }
CUresult cuMemsetD8_v2(CUdeviceptr d, unsigned char v, size_t n) { WORKING WITHIN(d, n) return fill(d, v, n, nullptr); }
CUresult cuMemsetD8Async(CUdeviceptr d, unsigned char v, size_t n, CUstream q) { WORKING WITHIN(d, n) return fill(d, v, n, q); }

CUresult cuStreamCreate(CUstream *s, unsigned) { WORKING *s = new Stream; streams.insert(*s); return OK; }
CUresult cuStreamDestroy_v2(CUstream s) { INSIDE KNOWN(streams, s) if (!broken) drain(s); streams.erase(s); return broken; }  // its address is nobody's again
CUresult cuStreamSynchronize(CUstream s) { WORKING if (!s) return drain_all(); KNOWN(streams, s) return drain(s); }
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned) { WORKING KNOWN(events, e) auto mark = e->mark; return mark ? enqueue(s, [=] { return reach(mark); }) : OK; }
CUresult cuLaunchHostFunc(CUstream s, void (*function)(void *), void *data) { WORKING return enqueue(s, [=] { function(data); return int(OK); }); }
CUresult cuEventCreate(CUevent *e, unsigned) { WORKING *e = new Event; events.insert(*e); return OK; }
CUresult cuEventDestroy_v2(CUevent e) { INSIDE KNOWN(events, e) events.erase(e); return broken; }
CUresult cuEventRecord(CUevent e, CUstream s) {
    WORKING KNOWN(events, e)
    auto mark = e->mark = std::make_shared<Mark>(Mark{s, false, {}});
    return enqueue(s, [=] { mark->done = true; mark->when = std::chrono::steady_clock::now(); return int(OK); }); }
CUresult cuEventSynchronize(CUevent e) { WORKING KNOWN(events, e) return reach(e->mark); }
CUresult cuEventElapsedTime_v2(float *ms, CUevent a, CUevent b) {
    WORKING KNOWN(events, a) KNOWN(events, b)
    if (!a->mark || !b->mark) return INVALID_HANDLE;
    if (!a->mark->done || !b->mark->done) return NOT_READY;
    *ms = std::chrono::duration<float, std::milli>(b->mark->when - a->mark->when).count(); return OK; }
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) { return cuEventElapsedTime_v2(ms, a, b); }

static CUresult load(CUmodule *m, const void *image) {
    // A library in the bytes of the "cubin" ends where its table of sections ends.
    struct Elf { unsigned char magic[4]; char skip[36]; uint64_t sections; char more[10]; uint16_t size, count; };
    Elf head; memcpy(&head, image, sizeof head);
    if (memcmp(head.magic, "\177ELF", 4)) return INVALID_IMAGE;
    char path[] = "/tmp/cubin-XXXXXX";  // a name of its own: dlopen takes a name that it knows for the same library
    const int file = mkstemp(path);
    const size_t n = head.sections + size_t{head.size} * head.count;
    if (file < 0 || write(file, image, n) != ssize_t(n)) return INVALID_IMAGE;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    close(file);
    unlink(path);
    if (!library) return blame(INVALID_IMAGE, dlerror());
    *m = new Module{library}; modules.insert(*m); return OK; }
CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned count, void *options, void **values) {
    WORKING
    for (unsigned i = 0; i < count; ++i) {  // the compiler's logs: nothing is said, and callers read as far as they are told
        int option = static_cast<const int *>(options)[i];
        if (option == 3 || option == 5) *static_cast<char *>(values[i]) = 0;  // CU_JIT_{INFO,ERROR}_LOG_BUFFER
        if (option == 4 || option == 6) values[i] = nullptr;                  // ... and how many bytes are in it
    }
    return load(m, image); }
CUresult cuModuleLoadData(CUmodule *m, const void *image) { WORKING return load(m, image); }
CUresult cuModuleUnload(CUmodule m) { INSIDE KNOWN(modules, m) modules.erase(m); return broken; }  // left loaded: work of it may still be told about
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
    WORKING KNOWN(modules, m)
    Function found{m, name, nullptr, nullptr};
    found.launch = reinterpret_cast<decltype(found.launch)>(dlsym(m->library, ("launch_" + found.name).c_str()));
    found.sizes = reinterpret_cast<decltype(found.sizes)>(dlsym(m->library, ("sizes_" + found.name).c_str()));
    if (!found.launch || !found.sizes) return blame(NOT_FOUND, "there is no kernel " + found.name);
    *f = new Function(std::move(found)); return OK; }
CUresult cuFuncGetAttribute(int *v, int attribute, CUfunction) { WORKING *v = attribute == 0 ? 1024 : 0; return OK; }
CUresult cuFuncSetBlockShape(CUfunction, int, int, int) { WORKING return OK; }
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream, void **params, void **extra) {
    WORKING KNOWN(modules, f->module)
    if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || !bx || !by || !bz || bz > 64 || size_t{bx} * by * bz > 1024) return blame(INVALID_VALUE, f->name + ": a grid or block that no GPU takes");
    if (shared) return blame(NOT_SUPPORTED, f->name + ": dynamic shared memory is not known here");
    int count; const unsigned *sizes = f->sizes(&count);
    size_t bytes = 0; std::vector<size_t> at;
    for (int i = 0; i < count; ++i) { bytes = guard::up(bytes, sizes[2 * i + 1]); at.push_back(bytes); bytes += sizes[2 * i]; }
    std::string packed(bytes, '\0');
    if (params) { for (int i = 0; i < count; ++i) memcpy(&packed[at[i]], params[i], sizes[2 * i]); }
    else {
        const void *from = nullptr; size_t n = 0;
        for (void **e = extra; e && *e; e += 2) { if (*e == (void *)1) from = e[1]; if (*e == (void *)2) n = *static_cast<size_t *>(e[1]); }
        if (n != bytes) return blame(INVALID_VALUE, f->name + " takes " + std::to_string(bytes) + " bytes of arguments, here are " + std::to_string(n));
        if (n) memcpy(packed.data(), from, n);
    }
    return enqueue(stream, [=, packed = std::move(packed)]() mutable {
        std::vector<void *> arguments;
        for (size_t offset : at) arguments.push_back(&packed[offset]);
        const unsigned grid[] = {gx, gy, gz}, block[] = {bx, by, bz};
        const std::string said = f->launch(grid, block, arguments.data(), order);
        if (!said.empty()) return blame(said.find("outside") == said.npos ? LAUNCH_FAILED : ILLEGAL_ADDRESS, "kernel " + f->name + ": " + said);
        for (auto &[p, b] : memory) if (!guard::intact((void *)p, b.bytes)) return blame(ILLEGAL_ADDRESS, "kernel " + f->name + " wrote beside an allocation");
        return int(OK); }); }
}
