// Frames become a network's input. Only pixels are moved here: what the network says of them is read in head.cu.
//
// Each thread makes one pixel of the tensor, padding included, in one pass. Neighbouring threads write neighbouring words of each of the
// three planes (full 128-byte lines in FP32), and read taps of one row, so that a line that is fetched is used by the whole warp.
//
//   read     3 bytes a pixel of the rows that are touched: all of them when enlarging, 2 of `k` when shrinking k times
//   written  3 x 4 bytes (FP32) or 3 x 2 bytes (FP16) a pixel of the tensor
//   1920x1080 -> 640x640: 4.1 MB read, 4.9 MB (2.5 MB) written. The floor is 3.1 us (2.3 us) at 2.9 TB/s, 60 us (44 us) at 150 GB/s.
//
// The arithmetic is that of OpenCV's INTER_LINEAR on bytes: weights of 11 bits, the same shifts, the same rounding. What differs are positions
// whose weight lies between two steps: one level of 255 there, at most.
#include "half.cuh"

struct Picture {                  // as edge/backends/cuda/letterbox.py packs it
    const unsigned char *pixels;  // BGR
    int pitch;                    // bytes from row to row
    int width, height;
    int left, top;                // where it lies in the tensor
    int inner_width, inner_height;
    float step_x, step_y;         // pixels of the picture for one of the tensor
};

struct Tap {  // between which two pixels of a row (or column) a position lies, and the weight of the second, 0..2048
    int first, second, weight;
};

static __device__ __forceinline__ Tap tap(int at, float step, int count) {
    float place = fmaf((float)at + 0.5f, step, -0.5f);
    int first = (int)floorf(place);
    float part = place - (float)first;
    if (first < 0) { first = 0; part = 0.0f; }
    if (first >= count - 1) { first = count - 1; part = 0.0f; }
    return {first, min(first + 1, count - 1), (int)rintf(part * 2048.0f)};
}

static __device__ __forceinline__ int between(const unsigned char *upper, const unsigned char *lower, Tap x, Tap y, int channel) {
    int above = upper[3 * x.first + channel] * (2048 - x.weight) + upper[3 * x.second + channel] * x.weight;
    int below = lower[3 * x.first + channel] * (2048 - x.weight) + lower[3 * x.second + channel] * x.weight;
    return (((2048 - y.weight) * (above >> 4) >> 16) + (y.weight * (below >> 4) >> 16) + 2) >> 2;
}

static __device__ __forceinline__ float stored(float value, float) { return value; }

static __device__ __forceinline__ unsigned short stored(float value, unsigned short) { return to_half(value); }

template <class T>
static __device__ __forceinline__ void letterbox(T *tensor, const Picture *pictures, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    Picture picture = pictures[blockIdx.z];
    int blue = 114, green = 114, red = 114;  // what YOLO models were trained to see around a picture
    int column = x - picture.left, row = y - picture.top;
    if (column >= 0 && column < picture.inner_width && row >= 0 && row < picture.inner_height) {
        Tap across = tap(column, picture.step_x, picture.width);
        Tap down = tap(row, picture.step_y, picture.height);
        const unsigned char *upper = picture.pixels + (size_t)down.first * picture.pitch;
        const unsigned char *lower = picture.pixels + (size_t)down.second * picture.pitch;
        blue = between(upper, lower, across, down, 0);
        green = between(upper, lower, across, down, 1);
        red = between(upper, lower, across, down, 2);
    }
    size_t plane = (size_t)width * height, at = 3 * plane * blockIdx.z + (size_t)y * width + x;
    const float unit = 1.0f / 255.0f;
    tensor[at] = stored((float)red * unit, T());
    tensor[at + plane] = stored((float)green * unit, T());
    tensor[at + 2 * plane] = stored((float)blue * unit, T());
}

// `tensor` (batch, 3, height, width) RGB in 0..1 of `pictures` (batch,); blocks of 32 x 8 threads, a layer of them a picture.
extern "C" __global__ void __launch_bounds__(256) letterbox_f32(float *tensor, const Picture *pictures, int width, int height) {
    letterbox(tensor, pictures, width, height);
}

extern "C" __global__ void __launch_bounds__(256) letterbox_f16(unsigned short *tensor, const Picture *pictures, int width, int height) {
    letterbox(tensor, pictures, width, height);
}
