// Counts the words of a text: runs of ASCII letters, folded to lower case, of which the first 64 letters count.
//
// A pair is a word and 1; combining adds. Output: the ten most frequent words, the totals, and a digest of all
// counts in the order of the words. The check sorts all words and counts runs of equal ones.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64, SHOWN = 10, TASK_BYTES = 8 << 10 };

static bool is_letter(unsigned char byte)
{
    return (unsigned)(byte | 32) - 'a' < 26;
}

static size_t after_word(const void *context, size_t end)
{
    const struct file *file = context;
    while (end < file->size && is_letter(file->data[end]))
        end++;
    return end;
}

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct file *file = context;
    const uint64_t one = 1;
    for (size_t i = first; i < end;) {
        char word[LONGEST];
        size_t length = 0;
        for (; i < end && is_letter(file->data[i]); i++)
            if (length < LONGEST)
                word[length++] = (char)(file->data[i] | 32);
        if (length)
            mr_emit(out, word, length, &one);
        while (i < end && !is_letter(file->data[i]))
            i++;
    }
}

static void add(void *total, const void *value)
{
    *(uint64_t *)total += *(const uint64_t *)value;
}

static int by_count_then_word(const void *left, const void *right)
{
    const struct mr_result *a = left, *b = right;
    uint64_t count_a = *(const uint64_t *)a->value, count_b = *(const uint64_t *)b->value;
    return count_a != count_b ? (count_a < count_b ? 1 : -1) : mr_by_bytes(a->key, b->key);
}

struct word {
    char letters[LONGEST];
};

static int compare_words(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct word));
}

static bool same_as_plain(struct file file, const struct mr_results *results)
{
    struct word *words = zeroed(file.size / 2 + 1, sizeof *words);
    size_t count = 0, length = 0, found = 0;
    for (size_t i = 0; i <= file.size; i++) {
        if (i < file.size && is_letter(file.data[i])) {
            if (length < LONGEST)
                words[count].letters[length] = (char)(file.data[i] | 32);
            length++;
        } else if (length) {
            count++;
            length = 0;
        }
    }
    qsort(words, count, sizeof *words, compare_words);
    bool same = true;
    for (size_t i = 0, next; same && i < count; i = next, found++) {
        for (next = i + 1; next < count && !compare_words(&words[i], &words[next]); next++)
            ;
        struct mr_result result = found < results->count ? results->list[found] : (struct mr_result){0};
        same = result.value && *(const uint64_t *)result.value == next - i &&
               result.key.size == strnlen(words[i].letters, LONGEST) &&
               !memcmp(result.key.data, words[i].letters, result.key.size);
    }
    free(words);
    return same && found == results->count;
}

int main(int argc, char **argv)
{
    struct options options = parse_options("word_count", argc, argv);
    struct file file = map_file(options.input);
    struct mr *mr = start(options);
    const struct mr_job job = {.context = &file, .units = file.size, .task_units = TASK_BYTES, .split = after_word,
                               .map = map, .value_bytes = sizeof(uint64_t), .combine = add};
    struct mr_results results = run(mr, &job);
    bool same = !options.check || same_as_plain(file, &results);

    uint64_t words = 0, sum = 0;
    for (size_t i = 0; i < results.count; i++) {
        uint64_t count = *(const uint64_t *)results.list[i].value;
        words += count;
        digest(&sum, count);
        for (size_t letter = 0; letter < results.list[i].key.size; letter++)
            digest(&sum, ((const unsigned char *)results.list[i].key.data)[letter]);
    }
    qsort(results.list, results.count, sizeof *results.list, by_count_then_word);
    for (size_t i = 0; i < results.count && i < SHOWN; i++)
        printf("%8llu %.*s\n", (unsigned long long)*(const uint64_t *)results.list[i].value,
               (int)results.list[i].key.size, (const char *)results.list[i].key.data);
    printf("%llu words, %zu distinct, digest %016llx\n", (unsigned long long)words, results.count,
           (unsigned long long)sum);
    if (options.check)
        checked(same);
    mr_free(&results);
    mr_stop(mr);
    return finish();
}
