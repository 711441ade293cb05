// Counts the words of a text file and prints the most frequent ones.
//
//     word_count FILE [N]
//
// A word is a run of ASCII letters, folded to lower case; of a longer one the first 32 letters count.
// The file is mapped, not read, so every page of it travels through the machine's cache once; the table
// of words is what is used again and again. Output: N lines "count word" (default 10), most frequent
// first and equal counts in alphabetical order, then the totals. Exit status 0, or 1 with a message on
// stderr.

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LONGEST = 32 };

// The letters of a word, padded with zero bytes, so that two words are compared without a loop.
union key {
    char text[LONGEST];
    uint64_t part[LONGEST / 8];
};

struct word {
    union key key;
    uint64_t count;  // 0 marks a free slot.
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

static uint64_t difference(const union key *a, const union key *b)
{
    return (a->part[0] ^ b->part[0]) | (a->part[1] ^ b->part[1]) | (a->part[2] ^ b->part[2]) |
           (a->part[3] ^ b->part[3]);
}

static size_t home_slot(const union key *key)
{
    uint64_t mixed = key->part[0] * 0x9e3779b97f4a7c15u ^ key->part[1] * 0xc2b2ae3d27d4eb4fu ^
                     key->part[2] * 0x165667b19e3779f9u ^ key->part[3] * 0x27d4eb2f165667c5u;
    return (mixed ^ mixed >> 29) & (table_slots - 1);
}

// The slot that holds the key, or the free one where it belongs.
static struct word *find(const union key *key)
{
    size_t slot = home_slot(key);
    while (table[slot].count && difference(&table[slot].key, key))
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
        if (old[i].count)
            *find(&old[i].key) = old[i];
    free(old);
}

static void count_word(const union key *key)
{
    struct word *word = find(key);
    if (word->count++)
        return;
    word->key = *key;
    if (++distinct * 3 > table_slots * 2)
        grow();
}

static int by_count_then_text(const void *left, const void *right)
{
    const struct word *a = left, *b = right;
    if (a->count != b->count)
        return a->count < b->count ? 1 : -1;
    return memcmp(a->key.text, b->key.text, LONGEST);
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
    static unsigned char fold[256];  // Lower case for a letter, 0 for what stands between words.
    for (int letter = 'a'; letter <= 'z'; letter++)
        fold[letter] = fold[letter - 'a' + 'A'] = (unsigned char)letter;

    uint64_t words = 0;
    const unsigned char *end = text + size;
    while (text < end) {
        if (!fold[*text]) {
            text++;
            continue;
        }
        union key key = {{0}};
        char spill;  // Letters past the longest word go where nobody looks.
        const unsigned char *start = text;
        unsigned char letter;
        while ((letter = fold[*text])) {
            char *place = text - start < LONGEST ? &key.text[text - start] : &spill;
            *place = (char)letter;
            text++;
        }
        count_word(&key);
        words++;
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
        if (table[i].count)
            table[used++] = table[i];
    qsort(table, used, sizeof *table, by_count_then_text);
    for (size_t i = 0; i < used && i < shown; i++)
        printf("%8llu %.*s\n", (unsigned long long)table[i].count, LONGEST, table[i].key.text);
    printf("%llu words, %zu distinct, %zu bytes\n", (unsigned long long)words, used, size);
    return fflush(stdout) ? 1 : 0;
}
