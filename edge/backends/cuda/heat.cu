// The live heat's buffer and its blur, a value a cell. How heat becomes colour is in paint.cu; the ledger is not here.
//
// The buffer holds whole microseconds, each multiplied by the weight of its moment (see heat.py): integers add up to the same sum in any
// order, so that a picture is the same every time, and a frame's presence is not lost in a month's as it would be in FP32.
//
// 1280x720 with cells of 8 px: 14,400 cells, 115 KB as integers, 58 KB blurred; 4 times a second. A launch costs more than these bytes.

// Presence into its cells: 12 bytes read a point, 8 written. Blocks of 128 threads, one a point.
extern "C" __global__ void __launch_bounds__(128) warm(unsigned long long *grid, const int *cell, const unsigned long long *us, int points) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < points) atomicAdd(&grid[cell[i]], us[i]);
}

// All cells by a factor: once in ten half-lives. 16 bytes a cell. Blocks of 128 threads, one a cell.
extern "C" __global__ void __launch_bounds__(128) cool(unsigned long long *grid, double factor, int cells) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < cells) grid[i] = (unsigned long long)rint((double)grid[i] * factor);
}

#define TILE 32   // a block blurs 32 x 32 cells
#define ROWS 8    // with 32 x 8 threads; each makes 4 cells of a column, one below another
#define REACH 32  // taps a round at most: the window of a round is 64 rows, 8 KB
#define STEP 8    // taps at a time

static __device__ __forceinline__ float seconds(float value, float) { return value; }
static __device__ __forceinline__ float seconds(unsigned long long us, float scale) { return (float)us * scale; }

// A grid (rows, columns) under a Gaussian down its columns, turned on its side: `out` is (columns, rows). Done twice it is the whole blur, the
// right way up. Of any radius: taps come in rounds. Borders reflect with the last cell repeated (dcba|abcd|dcba), over and over for grids that
// are narrower than the Gaussian.
//
//   read     (1 + 2 radius / 32) values a cell, by whole lines; written: 4 bytes a cell, by whole lines: the tile is turned in shared memory
//   16 bytes a cell of both passes together, and 4 more for the integers. At 1920x1080 cells: 41 MB, 14 us at 2.9 TB/s, 277 us at 150 GB/s.
//
// Lanes run along a row of the window (no bank twice); going down a tap, three of the four values are kept in registers: one read of shared
// memory and one of the weight for four multiplications.
template <class T>
static __device__ __forceinline__ void blur(float *out, const T *in, float scale, int rows, int columns, const float *weights, int radius) {
    __shared__ float window[TILE + REACH][TILE];
    __shared__ __align__(16) float weight[REACH];
    __shared__ float turned[TILE][TILE + 1];  // the odd width keeps both its sides free of bank conflicts
    int lane = threadIdx.x, first = threadIdx.y * 4;
    int left = blockIdx.x * TILE, top = blockIdx.y * TILE;
    int column = min(left + lane, columns - 1), period = 2 * rows;
    float sums[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (int tap = 0; tap <= 2 * radius; tap += REACH) {
        int count = min(REACH, (2 * radius + 1 - tap + STEP - 1) / STEP * STEP);  // the last ones may weigh nothing
#pragma unroll 4
        for (int i = threadIdx.y; i < TILE + count; i += ROWS) {
            int row = top + tap - radius + i;
            if (row < 0 || row >= rows) {
                row = (row % period + period) % period;
                if (row >= rows) row = period - 1 - row;
            }
            window[i][lane] = seconds(in[(size_t)row * columns + column], scale);
        }
        if (threadIdx.y == 0) weight[lane] = tap + lane <= 2 * radius ? weights[tap + lane] : 0.0f;
        __syncthreads();
        float a = window[first][lane], b = window[first + 1][lane], c = window[first + 2][lane];
        for (int k = 0; k < count; k += STEP) {
#pragma unroll
            for (int i = 0; i < STEP; ++i) {
                float d = window[first + 3 + k + i][lane], w = weight[k + i];
                sums[0] = fmaf(w, a, sums[0]);
                sums[1] = fmaf(w, b, sums[1]);
                sums[2] = fmaf(w, c, sums[2]);
                sums[3] = fmaf(w, d, sums[3]);
                a = b, b = c, c = d;
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) turned[lane][first + i] = sums[i];
    __syncthreads();
    for (int i = threadIdx.y; i < TILE; i += ROWS)
        if (left + i < columns && top + lane < rows) out[(size_t)(left + i) * rows + top + lane] = turned[i][lane];
}

// The first pass, from the buffer: `scale` makes its integers presence-seconds. Blocks of 32 x 8 threads, one a 32 x 32 cells, both passes.
extern "C" __global__ void __launch_bounds__(256) blur_grid(
    float *out, const unsigned long long *grid, float scale, int rows, int columns, const float *weights, int radius) {
    blur(out, grid, scale, rows, columns, weights, radius);
}

// The second pass, over what the first one turned: its `rows` are the grid's columns.
extern "C" __global__ void __launch_bounds__(256) blur_turned(
    float *out, const float *in, int rows, int columns, const float *weights, int radius) {
    blur(out, in, 1.0f, rows, columns, weights, radius);
}
