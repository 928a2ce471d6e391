// FP16 as its 16 bits, and FP32. Without cuda_fp16.h, so that a host's compiler can read the kernels too; no kernel is here.
#pragma once

static __device__ __forceinline__ float of_half(unsigned short bits) {
#ifdef __CUDACC__
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
#else
    return shim_float(bits);
#endif
}

// Rounded to even.
static __device__ __forceinline__ unsigned short to_half(float value) {
#ifdef __CUDACC__
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
#else
    return shim_half(value);
#endif
}
