// Kernels for testing what runs kernels: right ones, and for each promise of cuda_shim.h one that breaks it.
#define THREADS 256

extern "C" __global__ void add(float *to, const float *a, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] += a[i];
}

extern "C" __global__ void sum(float *out, const float *a, int n) {
    __shared__ float part[THREADS];
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    part[threadIdx.x] = i < n ? a[i] : 0.f;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) atomicAdd(out, part[0]);
}

// Of each warp: the sum of its threads' numbers, and how many of them three divides.
extern "C" __global__ void warps(int *sums, int *thirds) {
    int value = threadIdx.x;
    for (int half = 16; half > 0; half /= 2) value += __shfl_down_sync(0xffffffffu, value, half);
    const unsigned votes = __ballot_sync(0xffffffffu, threadIdx.x % 3 == 0);
    if (threadIdx.x % 32 == 0) { sums[threadIdx.x / 32] = value; thirds[threadIdx.x / 32] = __popc(votes); }
}

extern "C" __global__ void beyond(float *to, int n) { to[n] = 1.f; }
extern "C" __global__ void far_away(float *to, int n) { to[n + 100000] = 1.f; }
extern "C" __global__ void reads_beyond(float *to, const float *a, int n) { to[0] = a[n + 3]; }
extern "C" __global__ void shared_beyond(float *to, int n) {
    __shared__ float part[8];
    part[n] = 1.f;
    __syncthreads();
    to[0] = part[0];
}
template <class T> __device__ T unwritten() {
    __shared__ T part[8];
    return part[3];
}
extern "C" __global__ void shares_nothing(float *to) { to[0] = unwritten<float>(); }
extern "C" __global__ void leaves_early(float *to, int n) {
    if (threadIdx.x >= n) return;
    __syncthreads();
    to[threadIdx.x] = 1.f;
}
extern "C" __global__ void parts_ways(float *to, int n) {
    if (threadIdx.x < n) {
        __syncthreads();
    } else {
        __syncthreads();
    }
    to[threadIdx.x] = 1.f;
}
extern "C" __global__ void races(int *to, int n) {
    __shared__ int part[THREADS];
    part[threadIdx.x] = threadIdx.x;
    to[threadIdx.x] = part[(threadIdx.x + 1) % n];
}
extern "C" __global__ void divides(int *to, int n) { to[0] = 7 / n; }
