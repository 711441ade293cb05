/* getrandom and AT_RANDOM. */
#include "check.h"
#include <sys/auxv.h>
#include <sys/random.h>

int main(void) {
    unsigned char a[1000], b[1000];
    memset(a, 0, sizeof a);
    SHOW(getrandom(a, sizeof a, 0));
    SHOW(getrandom(b, sizeof b, GRND_NONBLOCK));
    CHECK(memcmp(a, b, sizeof a) != 0);
    int counts[256] = {0}, most = 0;
    for (int i = 0; i < 1000; i++) counts[a[i]]++;
    for (int i = 0; i < 256; i++)
        if (counts[i] > most) most = counts[i];
    CHECK(most < 25);
    SHOW(getrandom(a, 0, 0));
    SHOW(getrandom(a, 1, 0x80));
    SHOW(getrandom(a, 16, GRND_RANDOM));
    const unsigned char *at_random = (unsigned char *)getauxval(AT_RANDOM);
    CHECK(at_random && !all_are(at_random, 16, 0));
    SHOW(getentropy(a, 256));
    SHOW(getentropy(a, 257));
    DONE();
}
