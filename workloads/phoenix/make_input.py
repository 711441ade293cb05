"""Makes the input of a program of this directory.

    python make_input.py PROGRAM FILE [--size small|medium] [--seed N]

The same program, size and seed give the same bytes on every host.
"""

from __future__ import annotations

import argparse
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple


class Sizes(NamedTuple):
    """What --size means for a program: whatever its maker takes."""

    small: tuple[int, ...]
    medium: tuple[int, ...]


def below(random: Random, limit: int) -> int:
    """A number from 0 to limit - 1, drawn in a way that no version of Python will change."""
    return random.getrandbits(48) * limit >> 48


def vocabulary(random: Random, count: int) -> list[str]:
    """Made-up words, all different, the first ones short."""
    syllables = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < count:
        length = 1 + below(random, 2 + len(words) // 200)
        words["".join(syllables[below(random, len(syllables))] for _ in range(length))] = None
    return list(words)


def skewed(random: Random, limit: int) -> int:
    """A number below the limit; small ones are much more likely."""
    return below(random, 1 + below(random, 1 + below(random, limit)))


def word_count(random: Random, size: int, distinct: int) -> bytes:
    """A text with words that are frequent and words that are rare, capitals, punctuation and a few very long words."""
    words = vocabulary(random, distinct)
    text: list[str] = []
    length = 0
    while length < size:
        word = words[skewed(random, distinct)]
        kind = below(random, 100)
        if kind < 10:
            word = word.capitalize()
        elif kind == 10:
            word = word.upper() * (1 + below(random, 40))
        end = (" ", " ", " ", " ", ", ", ". ", "\n", "'s ", " 42 ", "-")[below(random, 10)]
        text.append(word + end)
        length += len(word) + len(end)
    return "".join(text).encode()[:size]


def histogram(random: Random, width: int, height: int) -> bytes:
    """A bitmap: three gradients with noise."""
    rows = []
    for y in range(height):
        noise = random.getrandbits(16 * width).to_bytes(2 * width, "little")
        row = bytearray()
        for x in range(width):
            blue = (x * 255 // width + noise[2 * x] % 32) & 255
            green = (y * 255 // height + noise[2 * x + 1] % 64) & 255
            row += bytes((blue, green, (blue * green >> 8) ^ (noise[2 * x] & 7)))
        rows.append(bytes(row) + bytes(-len(row) % 4))
    pixels = b"".join(rows)
    header = struct.pack("<2sIHHI", b"BM", 54 + len(pixels), 0, 0, 54)
    return header + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + pixels


def linear_regression(random: Random, points: int) -> bytes:
    """Points around a line."""
    data = bytearray()
    for _ in range(points):
        x = random.getrandbits(8)
        data += bytes((x, min(255, x * 5 // 8 + 20 + (random.getrandbits(10) >> 5))))
    return bytes(data)


def string_match(random: Random, lines: int, distinct: int) -> bytes:
    """Wanted words, of which two do not occur, and lines of one word each."""
    words = vocabulary(random, distinct)
    wanted = [words[3], "absent", words[distinct // 2], words[distinct - 1], words[0], "not here either"]
    return "\n".join([*wanted, "", *(words[skewed(random, distinct)] for _ in range(lines))]).encode() + b"\n"


def matrix_multiply(random: Random, rows: int) -> bytes:
    """Two square matrices."""
    return struct.pack("<I", rows) + random.getrandbits(32 * rows * rows).to_bytes(4 * rows * rows, "little")


def kmeans(random: Random, points: int, dimensions: int, clusters: int, rounds: int) -> bytes:
    """Points in clouds, with some in between."""
    centres = [[below(random, 20_000) - 10_000 for _ in range(dimensions)] for _ in range(clusters)]
    coordinates = []
    for _ in range(points):
        centre = centres[below(random, clusters)]
        spread = 4_000 if below(random, 10) else 20_000
        coordinates += [value + below(random, spread) - spread // 2 for value in centre]
    return struct.pack(f"<4I{len(coordinates)}h", points, dimensions, clusters, rounds, *coordinates)


def pca(random: Random, variables: int, samples: int) -> bytes:
    """Variables that follow two common causes, each to its own degree."""
    causes = [[below(random, 8_000) - 4_000 for _ in range(samples)] for _ in range(2)]
    values = []
    for _ in range(variables):
        first, second, offset = below(random, 200) - 100, below(random, 100) - 50, below(random, 2_000) - 1_000
        for one, two in zip(*causes, strict=True):
            values.append((one * first + two * second) // 50 + offset + below(random, 500))
    return struct.pack(f"<2I{len(values)}h", variables, samples, *values)


MAKERS: dict[str, tuple[Callable[..., bytes], Sizes]] = {
    "word_count": (word_count, Sizes((60_000, 800), (4_000_000, 20_000))),
    "histogram": (histogram, Sizes((149, 90), (1_023, 768))),
    "linear_regression": (linear_regression, Sizes((40_000,), (2_000_000,))),
    "string_match": (string_match, Sizes((4_000, 500), (120_000, 5_000))),
    "matrix_multiply": (matrix_multiply, Sizes((45,), (384,))),
    "kmeans": (kmeans, Sizes((600, 3, 5, 20), (20_000, 4, 12, 20))),
    "pca": (pca, Sizes((20, 150), (120, 2_000))),
}


def make(program: str, size: str = "small", seed: int = 0) -> bytes:
    """The input of a program, of `size` "small" or "medium"."""
    maker, sizes = MAKERS[program]
    return maker(Random(f"{program} {seed}"), *getattr(sizes, size))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Makes the input of a MapReduce program.")
    parser.add_argument("program", choices=MAKERS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", choices=Sizes._fields, default="small")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.file.write_bytes(make(arguments.program, arguments.size, arguments.seed))


if __name__ == "__main__":
    main()
