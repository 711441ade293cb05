// Counts the words of a text file and prints the most frequent ones.
//
//     word_count FILE [N]
//
// A word is a run of ASCII letters, whatever their case; of a longer one the last 25 letters count. The
// file is mapped, not read, so every page of it travels through the machine's cache once; the table of
// words is what is used again and again. Output: N lines "count word" (default 10), most frequent first
// and equal counts in alphabetical order, then the totals. Exit status 0, or 1 with a message on stderr.

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LETTER_BITS = 5, LONGEST = 125 / LETTER_BITS };

// The letters of a word, 1 for 'a' to 26 for 'z', five bits each, the last one lowest.
typedef unsigned __int128 packed;

struct word {
    packed letters;  // 0 marks a free slot.
    uint64_t count;
};

static struct word *table;
static size_t table_slots = 1 << 12;  // A power of two, at most two thirds full.
static size_t distinct;

static void die(const char *what)
{
    fprintf(stderr, "word_count: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct word *allocate(size_t slots)
{
    struct word *words = calloc(slots, sizeof *words);
    if (!words)
        die("no room for the table of words");
    return words;
}

// The slot that holds the word, or the free one where it belongs.
static struct word *find(packed letters)
{
    uint64_t mixed = ((uint64_t)letters ^ (uint64_t)(letters >> 64) * 0xc2b2ae3d27d4eb4fu) * 0x9e3779b97f4a7c15u;
    size_t slot = (mixed ^ mixed >> 32) & (table_slots - 1);
    while (table[slot].letters && table[slot].letters != letters)
        slot = (slot + 1) & (table_slots - 1);
    return &table[slot];
}

static void grow(void)
{
    struct word *old = table;
    size_t slots = table_slots;
    table_slots *= 2;
    table = allocate(table_slots);
    for (size_t i = 0; i < slots; i++)
        if (old[i].letters)
            *find(old[i].letters) = old[i];
    free(old);
}

static void count_word(packed letters)
{
    struct word *word = find(letters);
    word->letters = letters;
    if (word->count++ == 0 && ++distinct * 3 > table_slots * 2)
        grow();
}

// The first letter on top, so that the order of numbers is the order of the alphabet.
static packed first_letter_on_top(packed letters)
{
    while (letters >> (LETTER_BITS * (LONGEST - 1)) == 0)
        letters <<= LETTER_BITS;
    return letters;
}

static int by_count_then_text(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    packed first = first_letter_on_top(a->letters), second = first_letter_on_top(b->letters);
    return (first > second) - (first < second);
}

static void print_word(const struct word *word)
{
    char text[LONGEST + 1] = {0};
    packed rest = first_letter_on_top(word->letters);
    for (int i = LONGEST - 1; i >= 0; i--, rest >>= LETTER_BITS)
        if (rest & 31)
            text[i] = (char)('a' - 1 + (int)(rest & 31));
    printf("%8llu %s\n", (unsigned long long)word->count, text);
}

// Maps a file with at least one zero byte behind it, which ends the last word without a bounds check.
static const unsigned char *map_text(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        die(path);
    *size = (size_t)status.st_size;
    size_t room = (*size / PAGE + 1) * PAGE;
    unsigned char *text = mmap(NULL, room, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED)
        die("no room for the text");
    if (*size && mmap(text, *size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED)
        die(path);
    close(fd);
    return text;
}

static uint64_t count_text(const unsigned char *text, size_t size)
{
    static unsigned char letter_of[256];  // 0 for what stands between words.
    for (int i = 0; i < 26; i++)
        letter_of['a' + i] = letter_of['A' + i] = (unsigned char)(i + 1);

    const packed keep = ((packed)1 << (LETTER_BITS * LONGEST)) - 1;
    uint64_t words = 0;
    const unsigned char *end = text + size;
    while (text < end) {
        packed letters = 0;
        unsigned char letter;
        while ((letter = letter_of[*text++]))
            letters = letters << LETTER_BITS | letter;
        if (letters) {
            count_word(letters & keep);
            words++;
        }
    }
    return words;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: word_count FILE [N]\n");
        return 1;
    }
    size_t shown = argc == 3 ? strtoul(argv[2], NULL, 10) : 10;
    size_t size;
    const unsigned char *text = map_text(argv[1], &size);
    table = allocate(table_slots);
    uint64_t words = count_text(text, size);

    size_t used = 0;
    for (size_t i = 0; i < table_slots; i++)
        if (table[i].letters)
            table[used++] = table[i];
    qsort(table, used, sizeof *table, by_count_then_text);
    for (size_t i = 0; i < used && i < shown; i++)
        print_word(&table[i]);
    printf("%llu words, %zu distinct, %zu bytes\n", (unsigned long long)words, used, size);
    return fflush(stdout) ? 1 : 0;
}
