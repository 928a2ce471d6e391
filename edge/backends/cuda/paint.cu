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

// The second and the fourth byte, as LOW has the first and the third.
static __device__ __forceinline__ unsigned high_bytes(unsigned word) { return __byte_perm(word, 0, 0x4341); }

// Two bytes, each times how much stays (`products`), by 255, rounded, and `paint` on top. That is 256 at most, and then 255.
static __device__ __forceinline__ unsigned laid_over(unsigned products, unsigned paint) {
    products += 0x00800080u;
    unsigned sum = high_bytes(products + high_bytes(products)) + paint;
    return sum - high_bytes(sum);
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

// Sixteen neighbouring pixels: three loads and three stores of 16 bytes, and the words of tint above and below them, by 16 bytes as well but for
// those of the neighbours. Where all of these are cold, bytes pass as they came.
template <int TIMES>
static __device__ __forceinline__ void paint_sixteen(
    Four *to, const Four *from, const unsigned *tint, int tint_width, int tint_height, int x, int y) {
    constexpr int WORDS = 16 / TIMES;
    Four pixels[3] = {from[0], from[1], from[2]};
    int down = eighths<TIMES>(y % TIMES), row = y / TIMES - (down < 0), word = x / TIMES;
    unsigned weight_below = down < 0 ? 8 + down : down, weight_above = 8 - weight_below;
    const unsigned *above = tint + (size_t)max(row, 0) * tint_width + word;
    const unsigned *below = tint + (size_t)min(row + 1, tint_height - 1) * tint_width + word;
    int left = word ? -1 : 0, right = word + WORDS < tint_width ? WORDS : WORDS - 1;
    unsigned high[WORDS + 2], low[WORDS + 2];
    high[0] = above[left], low[0] = below[left];
    high[WORDS + 1] = above[right], low[WORDS + 1] = below[right];
#pragma unroll
    for (int i = 0; i < WORDS; i += 4) {
        Four four = *reinterpret_cast<const Four *>(above + i), other = *reinterpret_cast<const Four *>(below + i);
#pragma unroll
        for (int j = 0; j < 4; ++j) high[1 + i + j] = four.words[j], low[1 + i + j] = other.words[j];
    }
    unsigned warm = 0;
    Column columns[WORDS + 2];
#pragma unroll
    for (int i = 0; i < WORDS + 2; ++i) {
        warm |= (high[i] ^ COLD) | (low[i] ^ COLD);
        columns[i] = {
            (high[i] & LOW) * weight_above, (low[i] & LOW) * weight_below, high_bytes(high[i]) * weight_above, high_bytes(low[i]) * weight_below};
    }
    if (warm) {
#pragma unroll
        for (int four = 0; four < 4; ++four) {
            unsigned paint[4], odd[4], stays[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                int pixel = 4 * four + i, across = eighths<TIMES>(pixel % TIMES), first = pixel / TIMES + 1 - (across < 0);
                unsigned weight_right = across < 0 ? 8 + across : across, weight_left = 8 - weight_right;
                Column l = columns[first], r = columns[first + 1];
                paint[i] = between(l.even_above, l.even_below, r.even_above, r.even_below, weight_left, weight_right);
                odd[i] = between(l.odd_above, l.odd_below, r.odd_above, r.odd_below, weight_left, weight_right);
                stays[i] = odd[i] >> 16;
            }
            // Twelve bytes, b g r b | g r b g | r b g r: blue and red of each pixel together, greens of two pixels together.
            unsigned &a = pixels[3 * four / 4].words[3 * four % 4];
            unsigned &b = pixels[(3 * four + 1) / 4].words[(3 * four + 1) % 4];
            unsigned &c = pixels[(3 * four + 2) / 4].words[(3 * four + 2) % 4];
            unsigned first = laid_over((a & LOW) * stays[0], paint[0]);
            unsigned second = laid_over((__byte_perm(a, b, 0x0503) & LOW) * stays[1], paint[1]);
            unsigned third = laid_over((__byte_perm(b, c, 0x0402) & LOW) * stays[2], paint[2]);
            unsigned fourth = laid_over(high_bytes(c) * stays[3], paint[3]);
            unsigned greens01 = laid_over(
                __byte_perm(a, 0, 0x4441) * stays[0] + __byte_perm(b, 0, 0x4044) * stays[1], __byte_perm(odd[0], odd[1], 0x5410));
            unsigned greens23 = laid_over(
                __byte_perm(b, 0, 0x4443) * stays[2] + __byte_perm(c, 0, 0x4244) * stays[3], __byte_perm(odd[2], odd[3], 0x5410));
            a = __byte_perm(__byte_perm(first, greens01, 0x0240), second, 0x4210);
            b = __byte_perm(__byte_perm(greens01, second, 0x0062), __byte_perm(third, greens23, 0x0040), 0x5410);
            c = __byte_perm(__byte_perm(third, fourth, 0x6042), greens23, 0x3610);
        }
    }
    to[0] = pixels[0], to[1] = pixels[1], to[2] = pixels[2];
}

// `to` is `from` (height, width, 3) under a tint whose words are 4 x 4, 2 x 2 or 1 x 1 pixels; `width` a multiple of 16, rows without gaps.
// Blocks of 128 threads, one a sixteen pixels.
//
//   read     3 bytes a pixel and 4 / times^2 of tint; written: 3 bytes a pixel
//   1920x1080: 13 MB. The floor is 4.5 us at 2.9 TB/s, 86 us at 150 GB/s. About 40 integer operations a warm pixel, 1 a cold one.
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
        to[at] = (unsigned char)laid_over(from[at] * bytes[3], bytes[channel]);
    }
}
