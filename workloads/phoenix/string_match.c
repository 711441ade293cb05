// Finds the lines of a file whose code is that of a wanted word, without comparing texts.
//
// The input begins with the wanted words, one a line, up to an empty line; behind that are the lines to search. The
// code of a text is a number that is costly on purpose: many rounds over all its bytes. A pair is a wanted word and
// the place of a line; all places are kept, and come to `reduce` in the order of the file. Output: for each word that
// was found how often, where first and last, and a digest of all places. The check walks through the lines once and
// compares texts.

#include "common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 8, WANTED_MAX = 64, TASK_BYTES = 4 << 10 };

struct text {
    const char *at;
    size_t length;
};

struct search {
    struct file file;
    size_t begin;  // Of the lines to search.
    size_t wanted_count;
    struct text wanted[WANTED_MAX];
    uint64_t codes[WANTED_MAX];
};

struct places {
    uint64_t count, first, last, digest;
};

static uint64_t code_of(struct text text)
{
    uint64_t code = text.length;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < text.length; i++) {
            code = (code ^ (unsigned char)text.at[i]) * 0xc2b2ae3d27d4eb4fu;
            code = code << 23 | code >> 41;
        }
    return code;
}

// The line that begins at a place; its end is not part of it.
static struct text line_at(const struct file *file, size_t place)
{
    const unsigned char *begin = file->data + place;
    const unsigned char *end = memchr(begin, '\n', file->size - place);
    return (struct text){(const char *)begin, end ? (size_t)(end - begin) : file->size - place};
}

static size_t after_line(const void *context, size_t end)
{
    const struct search *search = context;
    size_t place = search->begin + end - 1;
    place += line_at(&search->file, place).length + 1;
    return (place > search->file.size ? search->file.size : place) - search->begin;
}

static void map(void *context, size_t first, size_t end, struct mr_emitter *out)
{
    const struct search *search = context;
    for (size_t at = first; at < end;) {
        struct text line = line_at(&search->file, search->begin + at);
        uint64_t code = code_of(line), place = at;
        for (size_t i = 0; i < search->wanted_count; i++)
            if (search->codes[i] == code)
                mr_emit(out, line.at, line.length, &place);
        at += line.length + 1;
    }
}

static void note(struct places *places, uint64_t place)
{
    if (!places->count++)
        places->first = place;
    places->last = place;
    digest(&places->digest, place);
}

static void reduce(void *context, struct mr_key key, struct mr_values *values, void *result)
{
    (void)context;
    (void)key;
    struct places places = {0};
    for (const uint64_t *place; (place = mr_next(values));)
        note(&places, *place);
    memcpy(result, &places, sizeof places);
}

static bool same_text(struct text a, struct text b)
{
    return a.length == b.length && !memcmp(a.at, b.at, a.length);
}

static struct search read_search(struct file file)
{
    struct search search = {.file = file};
    for (;;) {
        if (search.begin >= file.size)
            fail("the input has no empty line behind the wanted words");
        struct text line = line_at(&file, search.begin);
        search.begin += line.length + 1;
        if (!line.length)
            break;
        bool known = false;
        for (size_t i = 0; i < search.wanted_count; i++)
            known |= same_text(search.wanted[i], line);
        if (known)
            continue;
        if (search.wanted_count == WANTED_MAX)
            fail("more than %d words are wanted", WANTED_MAX);
        search.wanted[search.wanted_count] = line;
        search.codes[search.wanted_count++] = code_of(line);
    }
    return search;
}

static bool same_as_plain(const struct search *search, const struct mr_results *results)
{
    struct places plain[WANTED_MAX] = {{0}};
    size_t found = 0;
    for (size_t at = search->begin; at < search->file.size;) {
        struct text line = line_at(&search->file, at);
        for (size_t i = 0; i < search->wanted_count; i++)
            if (same_text(search->wanted[i], line))
                note(&plain[i], at - search->begin);
        at += line.length + 1;
    }
    for (size_t i = 0; i < search->wanted_count; i++) {
        if (!plain[i].count)
            continue;
        found++;
        bool same = false;
        for (size_t k = 0; k < results->count; k++)
            same |= same_text(search->wanted[i], (struct text){results->list[k].key.data, results->list[k].key.size}) &&
                    !memcmp(results->list[k].value, &plain[i], sizeof plain[i]);
        if (!same)
            return false;
    }
    return found == results->count;
}

int main(int argc, char **argv)
{
    struct options options = parse_options("string_match", argc, argv);
    struct search search = read_search(map_file(options.input));
    struct mr *mr = start(options);
    size_t bytes = search.file.size > search.begin ? search.file.size - search.begin : 0;
    const struct mr_job job = {.context = &search, .units = bytes, .task_units = TASK_BYTES, .split = after_line,
                               .map = map, .value_bytes = sizeof(uint64_t), .reduce = reduce,
                               .result_bytes = sizeof(struct places)};
    struct mr_results results = run(mr, &job);
    for (size_t i = 0; i < results.count; i++) {
        const struct places *places = results.list[i].value;
        printf("%.*s: %llu times, first at %llu, last at %llu, digest %016llx\n", (int)results.list[i].key.size,
               (const char *)results.list[i].key.data, (unsigned long long)places->count,
               (unsigned long long)places->first, (unsigned long long)places->last,
               (unsigned long long)places->digest);
    }
    printf("%zu of %zu words found in %zu bytes\n", results.count, search.wanted_count, bytes);
    if (options.check)
        checked(same_as_plain(&search, &results));
    mr_free(&results);
    mr_stop(mr);
    return finish();
}
