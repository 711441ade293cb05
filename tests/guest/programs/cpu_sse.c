/* builds: static
 * flags: -msse4.2 -mpopcnt
 * Vector instructions up to x86-64-v2, which is what the processor is. */
#include "check.h"
#include <nmmintrin.h>

static void show(const char *what, __m128i v) {
    unsigned char bytes[16];
    _mm_storeu_si128((__m128i *)bytes, v);
    printf("%-10s", what);
    for (int i = 0; i < 16; i++) printf("%02x", bytes[i]);
    printf("\n");
}

int main(void) {
    unsigned char data[64];
    fill(data, 64, 40);
    for (int i = 0; i < 64; i++) data[i] = (unsigned char)(data[i] * 73 + i);
    volatile int shift = 3;
    __m128i a = _mm_loadu_si128((__m128i *)data), b = _mm_loadu_si128((__m128i *)(data + 17));
    show("paddb", _mm_add_epi8(a, b));
    show("paddusw", _mm_adds_epu16(a, b));
    show("psubsw", _mm_subs_epi16(a, b));
    show("pmullw", _mm_mullo_epi16(a, b));
    show("pmuludq", _mm_mul_epu32(a, b));
    show("pmaddwd", _mm_madd_epi16(a, b));
    show("psadbw", _mm_sad_epu8(a, b));
    show("pcmpgtb", _mm_cmpgt_epi8(a, b));
    show("pslld", _mm_slli_epi32(a, shift));
    show("psraw", _mm_srai_epi16(a, shift));
    show("pslldq", _mm_slli_si128(a, 5));
    show("pshufd", _mm_shuffle_epi32(a, 0x1b));
    show("punpck", _mm_unpackhi_epi16(a, b));
    show("packus", _mm_packus_epi16(a, b));
    show("pshufb", _mm_shuffle_epi8(a, b));
    show("palignr", _mm_alignr_epi8(a, b, 7));
    show("pabsw", _mm_abs_epi16(a));
    show("phaddw", _mm_hadd_epi16(a, b));
    show("psignb", _mm_sign_epi8(a, b));
    show("pmulhrsw", _mm_mulhrs_epi16(a, b));
    show("pmulld", _mm_mullo_epi32(a, b));
    show("pminud", _mm_min_epu32(a, b));
    show("pblendvb", _mm_blendv_epi8(a, b, _mm_cmpgt_epi8(a, b)));
    show("pmovsxbw", _mm_cvtepi8_epi16(a));
    show("pcmpgtq", _mm_cmpgt_epi64(a, b));
    show("phminpos", _mm_minpos_epu16(a));
    show("mpsadbw", _mm_mpsadbw_epu8(a, b, 5));
    printf("pmovmskb %x ptest %d\n", _mm_movemask_epi8(a), _mm_testz_si128(a, b));
    printf("pcmpistri %d\n", _mm_cmpistri(_mm_loadu_si128((__m128i *)"aeiou\0__________"), _mm_loadu_si128((__m128i *)"strings of bytes"), _SIDD_CMP_EQUAL_ANY));
    printf("crc32 %08x %016llx\n", _mm_crc32_u32(0, 0x12345678), (unsigned long long)_mm_crc32_u64(1, 0x123456789abcdef0));
    printf("popcnt %d\n", _mm_popcnt_u32(0xf0f01234));
    __m128 x = _mm_set_ps(1.5F, -2.25F, 1e10F, 0.1F), y = _mm_set_ps(3, 7, 0.5F, -0.1F);
    show("addps", _mm_castps_si128(_mm_add_ps(x, y)));
    show("divps", _mm_castps_si128(_mm_div_ps(x, y)));
    show("sqrtps", _mm_castps_si128(_mm_sqrt_ps(y)));
    show("cmpltps", _mm_castps_si128(_mm_cmplt_ps(x, y)));
    show("haddps", _mm_castps_si128(_mm_hadd_ps(x, y)));
    show("dpps", _mm_castps_si128(_mm_dp_ps(x, y, 0xf1)));
    show("roundps", _mm_castps_si128(_mm_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)));
    show("cvtps2dq", _mm_cvtps_epi32(x));
    show("cvttpd2dq", _mm_cvttpd_epi32(_mm_cvtps_pd(y)));
    show("minpd", _mm_castpd_si128(_mm_min_pd(_mm_set_pd(1, -0.0), _mm_set_pd(2, 0.0))));
    DONE();
}
