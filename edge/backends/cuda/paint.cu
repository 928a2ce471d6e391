// Heat becomes colour, and lies over a picture. Grids and their blur are heat.cu's; boxes, lines and letters are drawn on the host.
//
// A tint is what a heat layer does to a picture, for each `times` x `times` pixels one word: blue, green, red, already multiplied by how much they
// cover, and in the high byte how much of the picture stays. It is made a few times a second, and laid over every frame, enlarged on the way.
// Bytes and roundings are those of the CPU's painter.

#define COLD 0xff000000u  // nothing on top, all of the picture stays
#define LOW 0x00ff00ffu   // two bytes of a word, each with eight bits of room above it: they are worked on together

static __device__ __forceinline__ float corner(const float *seconds, int row, int column, int rows, int columns, float top) {
    row = min(max(row, 0), rows - 1);
    column = min(max(column, 0), columns - 1);
    return fminf(fmaxf(seconds[(size_t)row * columns + column] / top, 0.0f), 1.0f);
}

// `tint` (height, width) of presence-seconds (rows, columns), taken at the middles of its words: cell = step * word + shift, on either axis.
// `colours` has 256 words, blue in the lowest byte. Blocks of 32 x 8 threads, one a word.
//
//   read     16 bytes of seconds a word, which neighbours share: 4 bytes a cell from memory; written: 4 bytes a word, 0.25 a pixel
//   1920x1080, 4 times a second: 0.6 MB, 0.2 us at 2.9 TB/s, 4 us at 150 GB/s: a launch costs more.
extern "C" __global__ void __launch_bounds__(256) tint_of(
    unsigned *tint, int width, int height, const float *seconds, int rows, int columns,
    float step_x, float shift_x, float step_y, float shift_y, float top, float opacity, const unsigned *colours) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    // Rounded where OpenCV 5's warpAffine rounds: the last bit decides between two colours, or between some heat and none.
    float across = fmaf(step_x, (float)x, shift_x), down = __fadd_rn(__fmul_rn(step_y, (float)y), shift_y);
    int column = (int)floorf(across), row = (int)floorf(down);
    across -= (float)column, down -= (float)row;
    float above = corner(seconds, row, column, rows, columns, top), below = corner(seconds, row + 1, column, rows, columns, top);
    above = fmaf(across, corner(seconds, row, column + 1, rows, columns, top) - above, above);
    below = fmaf(across, corner(seconds, row + 1, column + 1, rows, columns, top) - below, below);
    float level = fmaf(down, below - above, above);
    int index = min((int)rintf(level * 255.0f), 255);
    unsigned word = COLD;
    if (index >= 2) {  // little presence is seen too, none is not: opacity rises quickly, then levels off
        int cover = (int)rintf(fminf(sqrtf(level) * 1.35f, 1.0f) * opacity * 255.0f);
        unsigned colour = colours[index];
        word = (unsigned)(255 - cover) << 24;
        for (int shift = 0; shift < 24; shift += 8)
            word |= (unsigned)rintf((float)((int)(colour >> shift & 255u) * cover) * (1.0f / 255.0f)) << shift;
    }
    tint[(size_t)y * width + x] = word;
}

// Two bytes times `stays` / 255, rounded, and `paint` on top, not over 255.
static __device__ __forceinline__ unsigned blended(unsigned two, unsigned stays, unsigned paint) {
    unsigned product = two * stays + 0x00800080u;
    unsigned sum = ((product + (product >> 8 & LOW)) >> 8 & LOW) + paint;
    return (sum | (sum >> 8 & 0x00010001u) * 255u) & LOW;
}

struct __align__(16) Four {
    unsigned words[4];
};

// The halves of a column's two words of tint, each weighted by how near its row is, in eighths: blue and red, green and what stays.
struct Column {
    unsigned even_above, even_below, odd_above, odd_below;
};

// Two bytes of a pixel between two columns, by their weights in eighths. OpenCV drops digits of each row before it adds and rounds; so does this.
static __device__ __forceinline__ unsigned between(
    unsigned left_above, unsigned left_below, unsigned right_above, unsigned right_below, unsigned weight_left, unsigned weight_right) {
    unsigned above = left_above * weight_left + right_above * weight_right, below = left_below * weight_left + right_below * weight_right;
    return ((above & 0xfff0fff0u) + (below & 0xfff0fff0u) + 0x00200020u) >> 6 & LOW;
}

// Where the middle of pixel `phase` of `TIMES` lies between the middles of two words, in eighths: below 0 it is the word before and this one.
template <int TIMES>
static __device__ __forceinline__ int eighths(int phase) { return (8 * phase + 4) / TIMES - 4; }

// Sixteen neighbouring pixels: three loads and three stores of 16 bytes, and one word of tint a column and row of it, of which neighbours share
// lines. Where all of those are cold, bytes pass as they came.
template <int TIMES>
static __device__ __forceinline__ void paint_sixteen(Four *to, const Four *from, const unsigned *tint, int tint_width, int tint_height, int x, int y) {
    constexpr int COLUMNS = 16 / TIMES + 2;
    Four pixels[3] = {from[0], from[1], from[2]};
    int down = eighths<TIMES>(y % TIMES), row = y / TIMES - (down < 0);
    unsigned weight_below = down < 0 ? 8 + down : down, weight_above = 8 - weight_below;
    const unsigned *above = tint + (size_t)max(row, 0) * tint_width, *below = tint + (size_t)min(row + 1, tint_height - 1) * tint_width;
    Column columns[COLUMNS];
    unsigned warm = 0;
#pragma unroll
    for (int i = 0; i < COLUMNS; ++i) {
        int column = min(max(x / TIMES - 1 + i, 0), tint_width - 1);
        unsigned high = above[column], low = below[column];
        warm |= (high ^ COLD) | (low ^ COLD);
        columns[i] = {(high & LOW) * weight_above, (low & LOW) * weight_below, (high >> 8 & LOW) * weight_above, (low >> 8 & LOW) * weight_below};
    }
    if (warm) {
#pragma unroll
        for (int four = 0; four < 4; ++four) {
            unsigned paint[4], green[4], stays[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                int pixel = 4 * four + i, across = eighths<TIMES>(pixel % TIMES), left = pixel / TIMES + 1 - (across < 0);
                unsigned weight_right = across < 0 ? 8 + across : across, weight_left = 8 - weight_right;
                Column l = columns[left], r = columns[left + 1];
                paint[i] = between(l.even_above, l.even_below, r.even_above, r.even_below, weight_left, weight_right);
                unsigned odd = between(l.odd_above, l.odd_below, r.odd_above, r.odd_below, weight_left, weight_right);
                green[i] = odd & 255u;
                stays[i] = odd >> 16;
            }
            // Twelve bytes b g r b | g r b g | r b g r of four pixels.
            unsigned &a = pixels[3 * four / 4].words[3 * four % 4];
            unsigned &b = pixels[(3 * four + 1) / 4].words[(3 * four + 1) % 4];
            unsigned &c = pixels[(3 * four + 2) / 4].words[(3 * four + 2) % 4];
            unsigned blue_red0 = blended(a & LOW, stays[0], paint[0]);
            unsigned green0 = blended(a >> 8 & 255u, stays[0], green[0]);
            unsigned blue_red1 = blended(a >> 24 | (b << 8 & 0xff0000u), stays[1], paint[1]);
            unsigned green1 = blended(b & 255u, stays[1], green[1]);
            unsigned blue_red2 = blended((b >> 16 & 255u) | (c << 16 & 0xff0000u), stays[2], paint[2]);
            unsigned green2 = blended(b >> 24, stays[2], green[2]);
            unsigned blue_red3 = blended(c >> 8 & LOW, stays[3], paint[3]);
            unsigned green3 = blended(c >> 16 & 255u, stays[3], green[3]);
            a = blue_red0 | green0 << 8 | blue_red1 << 24;
            b = green1 | (blue_red1 >> 8 & 0xff00u) | (blue_red2 & 255u) << 16 | green2 << 24;
            c = blue_red2 >> 16 | blue_red3 << 8 | green3 << 16;
        }
    }
    to[0] = pixels[0], to[1] = pixels[1], to[2] = pixels[2];
}

// `to` is `from` (height, width, 3) under a tint whose words are 4 x 4, 2 x 2 or 1 x 1 pixels; `width` a multiple of 16, rows without gaps.
// Blocks of 128 threads, one a sixteen pixels.
//
//   read     3 bytes a pixel and 4 / times^2 of tint; written: 3 bytes a pixel
//   1920x1080: 13 MB. The floor is 4.5 us at 2.9 TB/s, 86 us at 150 GB/s. About 50 integer operations a warm pixel, 1 a cold one.
extern "C" __global__ void __launch_bounds__(128) paint_wide(
    unsigned char *to, const unsigned char *from, int width, int height, const unsigned *tint, int tint_width, int tint_height, int times) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, across = width / 16;
    int x = i % across * 16, y = i / across;
    if (y >= height) return;
    Four *here = reinterpret_cast<Four *>(to) + 3 * (size_t)i;
    const Four *there = reinterpret_cast<const Four *>(from) + 3 * (size_t)i;
    if (times == 4) paint_sixteen<4>(here, there, tint, tint_width, tint_height, x, y);
    else if (times == 2) paint_sixteen<2>(here, there, tint, tint_width, tint_height, x, y);
    else paint_sixteen<1>(here, there, tint, tint_width, tint_height, x, y);
}

// The same for any width and any `times` up to 8: a thread a pixel, byte by byte. Blocks of 128 threads.
extern "C" __global__ void __launch_bounds__(128) paint_any(
    unsigned char *to, const unsigned char *from, int width, int height, const unsigned *tint, int tint_width, int tint_height, int times) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    int x = i % width, y = i / width;
    if (y >= height) return;
    // The middle of a pixel lies so many 1 / (2 times) of a word behind the middle of its own word; weights as OpenCV's, of 11 bits.
    int across = 2 * (x % times) + 1 - times, down = 2 * (y % times) + 1 - times;
    int column = x / times - (across < 0), row = y / times - (down < 0);
    float unit = 2048.0f / (float)(2 * times);
    int right = (int)rintf((float)(across < 0 ? 2 * times + across : across) * unit);
    int lower = (int)rintf((float)(down < 0 ? 2 * times + down : down) * unit);
    const unsigned *above = tint + (size_t)max(row, 0) * tint_width, *below = tint + (size_t)min(row + 1, tint_height - 1) * tint_width;
    int first = max(column, 0), second = min(column + 1, tint_width - 1);
    unsigned bytes[4];
    for (int channel = 0; channel < 4; ++channel) {
        int shift = 8 * channel;
        int high = (int)(above[first] >> shift & 255u) * (2048 - right) + (int)(above[second] >> shift & 255u) * right;
        int low = (int)(below[first] >> shift & 255u) * (2048 - right) + (int)(below[second] >> shift & 255u) * right;
        bytes[channel] = (unsigned)((((2048 - lower) * (high >> 4) >> 16) + (lower * (low >> 4) >> 16) + 2) >> 2);
    }
    for (int channel = 0; channel < 3; ++channel) {
        size_t at = 3 * (size_t)i + channel;
        to[at] = (unsigned char)blended(from[at], bytes[3], bytes[channel]);
    }
}
