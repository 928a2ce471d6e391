// A YOLO head's output becomes the few boxes that are worth a look. Which of them overlap is decided on the host (edge.detect).
//
// Every kept box is one record of 32 bytes; record 0 of the list is the header, whose first word counts them (the host zeroes it before).
// Their order is the scheduler's: the host sorts by image and row, and then has exactly the rows that edge.detect reads from the same output.
#include "half.cuh"

struct __align__(16) Found {  // as edge/backends/cuda/detector.py reads it
    float x1, y1, x2, y2;     // pixels of the network's input
    float score;
    int class_id;
    int row;    // anchor, or row of an end-to-end head
    int image;  // of the batch
};

static __device__ __forceinline__ float number(float value) { return value; }
static __device__ __forceinline__ float number(unsigned short half) { return of_half(half); }

// `wanted` has a bit a class; null for all.
static __device__ __forceinline__ bool is_wanted(const unsigned *wanted, int class_id, int classes) {
    return !wanted || (class_id >= 0 && class_id < classes && (wanted[class_id >> 5] >> (class_id & 31) & 1u));
}

static __device__ __forceinline__ void keep(Found *list, int capacity, const Found &found) {
    int at = atomicAdd(reinterpret_cast<int *>(list), 1);
    if (at < capacity) list[1 + at] = found;  // what does not fit is still counted, so that the host can say so
}

#define ANCHORS 32  // of a block: each warp reads 32 neighbouring anchors of one class, a full line
#define SHARES 8    // warps of a block: each looks through every eighth class, so that enough loads are under way

// Raw head: (batch, 4 + classes, anchors); centre, size, then a score a class. An anchor belongs to its best class, the first one of equals.
//
//   read     (4 + classes) x anchors numbers, once; written: 32 bytes a kept box
//   84 x 8400: 2.8 MB FP32 (1.4 MB FP16). The floor is 1 us (0.5 us) at 2.9 TB/s, 19 us (9 us) at 150 GB/s.
template <class T>
static __device__ __forceinline__ void head_raw(
    Found *list, const T *output, int classes, int anchors, float conf, const unsigned *wanted, int capacity) {
    __shared__ float scores[SHARES][ANCHORS];
    __shared__ int ids[SHARES][ANCHORS];
    int lane = threadIdx.x, share = threadIdx.y, anchor = blockIdx.x * ANCHORS + lane;
    const T *image = output + (size_t)blockIdx.y * (4 + classes) * anchors;
    float best = -1.0f;
    int id = -1;  // a score that is no number stays the best, and is below any `conf`: its anchor is none
    if (anchor < anchors) {
#pragma unroll 10
        for (int c = share; c < classes; c += SHARES) {
            float score = number(image[(size_t)(4 + c) * anchors + anchor]);
            if (score > best || score != score) { best = score; id = c; }
        }
    }
    scores[share][lane] = best;
    ids[share][lane] = id;
    __syncthreads();
    if (share != 0 || anchor >= anchors) return;
    for (int s = 1; s < SHARES; ++s) {
        float score = scores[s][lane];
        int other = ids[s][lane];
        if (score > best || (score == best && other < id) || score != score) { best = score; id = other; }
    }
    if (!(best >= conf) || !is_wanted(wanted, id, classes)) return;
    float x = number(image[anchor]), y = number(image[anchors + anchor]);
    float w = number(image[2 * (size_t)anchors + anchor]) * 0.5f, h = number(image[3 * (size_t)anchors + anchor]) * 0.5f;
    keep(list, capacity, {x - w, y - h, x + w, y + h, best, id, anchor, (int)blockIdx.y});
}

// Blocks of 32 x 8 threads; (anchors / 32 rounded up) x batch of them.
extern "C" __global__ void __launch_bounds__(256) head_raw_f32(
    Found *list, const float *output, int classes, int anchors, float conf, const unsigned *wanted, int capacity) {
    head_raw(list, output, classes, anchors, conf, wanted, capacity);
}

extern "C" __global__ void __launch_bounds__(256) head_raw_f16(
    Found *list, const unsigned short *output, int classes, int anchors, float conf, const unsigned *wanted, int capacity) {
    head_raw(list, output, classes, anchors, conf, wanted, capacity);
}

// End-to-end head: (batch, rows, 6); corners, score, class; overlaps were resolved in the network. 300 rows are 7 KB: a launch costs more.
template <class T>
static __device__ __forceinline__ void head_end(
    Found *list, const T *output, int classes, int rows, float conf, const unsigned *wanted, int capacity) {
    int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    const T *it = output + ((size_t)blockIdx.y * rows + row) * 6;
    float score = number(it[4]);
    if (!(score >= conf)) return;
    int id = (int)number(it[5]);
    if (!is_wanted(wanted, id, classes)) return;
    keep(list, capacity, {number(it[0]), number(it[1]), number(it[2]), number(it[3]), score, id, row, (int)blockIdx.y});
}

// Blocks of 128 threads; (rows / 128 rounded up) x batch of them.
extern "C" __global__ void __launch_bounds__(128) head_end_f32(
    Found *list, const float *output, int classes, int rows, float conf, const unsigned *wanted, int capacity) {
    head_end(list, output, classes, rows, conf, wanted, capacity);
}

extern "C" __global__ void __launch_bounds__(128) head_end_f16(
    Found *list, const unsigned short *output, int classes, int rows, float conf, const unsigned *wanted, int capacity) {
    head_end(list, output, classes, rows, conf, wanted, capacity);
}
