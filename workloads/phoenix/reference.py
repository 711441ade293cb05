"""What the programs of this directory print, computed in plain Python from the description of their input.

    python reference.py PROGRAM INPUT

It shares nothing with the programs, so that a mistake of theirs does not hide itself. Meant for small inputs.
"""

from __future__ import annotations

import re
import struct
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

MASK = (1 << 64) - 1


def digest(numbers: Iterable[int], total: int = 0) -> int:
    """One number for many; their order matters."""
    for number in numbers:
        mixed = ((total ^ number & MASK) * 0x9E3779B97F4A7C15) & MASK
        total = mixed ^ mixed >> 31
    return total


def quotient(numerator: int, denominator: int) -> int:
    """Division as C does it: the fraction is cut off."""
    size = abs(numerator) // abs(denominator)
    return size if (numerator < 0) == (denominator < 0) else -size


def ratio(name: str, numerator: int, denominator: int) -> str:
    """A quotient with six places, cut off."""
    if not denominator:
        return f"{name} = undefined"
    sign = "-" if numerator and (numerator < 0) != (denominator < 0) else ""
    whole, rest = divmod(abs(numerator), abs(denominator))
    return f"{name} = {sign}{whole}.{rest * 10**6 // abs(denominator):06}"


def word_count(data: bytes) -> list[str]:
    """Words, the most frequent first."""
    counts = Counter(word.lower()[:64].decode() for word in re.findall(rb"[A-Za-z]+", data))
    total = digest(number for word in sorted(counts) for number in (counts[word], *word.encode()))
    frequent = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:10]
    lines = [f"{count:8} {word}" for word, count in frequent]
    return [*lines, f"{counts.total()} words, {len(counts)} distinct, digest {total:016x}"]


def histogram(data: bytes) -> list[str]:
    """Intensities of a bitmap."""
    offset = int.from_bytes(data[10:14], "little")
    width, height = struct.unpack_from("<ii", data, 18)
    row_bytes = (3 * width + 3) // 4 * 4
    rows = [data[at : at + 3 * width] for at in range(offset, offset + height * row_bytes, row_bytes)]
    channels = [Counter(b"".join(row[channel::3] for row in rows)) for channel in range(3)]
    lines = [f"{width} x {height} pixels"]
    for name, counts in zip(("blue", "green", "red"), channels, strict=True):
        most = min(counts, key=lambda level: (-counts[level], level))
        mean = ratio("mean", sum(level * count for level, count in counts.items()), counts.total())
        lines.append(f"{name}: most frequent {most} ({counts[most]}), {mean}")
    total = digest(counts[level] for counts in channels for level in range(256))
    return [*lines, f"{sum(map(len, channels))} intensities, digest {total:016x}"]


def linear_regression(data: bytes) -> list[str]:
    """Sums and the line."""
    x, y = data[: len(data) // 2 * 2 : 2], data[1::2]
    n = len(x)
    xx, yy, xy = sum(a * a for a in x), sum(b * b for b in y), sum(a * b for a, b in zip(x, y, strict=True))
    values = {"x": sum(x), "y": sum(y), "xx": xx, "yy": yy, "xy": xy}
    spread = n * xx - sum(x) ** 2
    return [
        *(f"sum {name} = {value}" for name, value in values.items()),
        f"{n} points",
        ratio("slope", n * xy - sum(x) * sum(y), spread),
        ratio("intercept", sum(y) * xx - sum(x) * xy, spread),
    ]


def string_match(data: bytes) -> list[str]:
    """Places of the wanted words."""
    head, _, body = data.partition(b"\n\n")
    wanted = set(head.split(b"\n"))
    places: defaultdict[bytes, list[int]] = defaultdict(list)
    at = 0
    for line in body.split(b"\n"):
        if line in wanted:
            places[line].append(at)
        at += len(line) + 1
    lines = [
        f"{word.decode()}: {len(found)} times, first at {found[0]}, last at {found[-1]}, digest {digest(found):016x}"
        for word, found in sorted(places.items())
    ]
    return [*lines, f"{len(places)} of {len(wanted)} words found in {len(body)} bytes"]


def matrix_multiply(data: bytes) -> list[str]:
    """The product, as its definition says."""
    size = int.from_bytes(data[:4], "little")
    values = struct.unpack_from(f"<{2 * size * size}h", data, 4)
    left = [values[row * size : (row + 1) * size] for row in range(size)]
    columns = [values[size * size + column :: size] for column in range(size)]
    product = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in left]
    trace = sum(product[i][i] for i in range(size))
    corners = f"corners {product[0][0]} and {product[-1][-1]}"
    return [f"{size} rows, trace {trace}, {corners}, digest {digest(map(digest, product)):016x}"]


def kmeans(data: bytes) -> list[str]:
    """Clusters."""
    count, dimensions, clusters, rounds_max = struct.unpack_from("<4I", data)
    values = struct.unpack_from(f"<{count * dimensions}h", data, 16)
    points = [values[i * dimensions : (i + 1) * dimensions] for i in range(count)]
    means, before = [list(point) for point in points[:clusters]], None
    rounds = 0
    groups: list[list[Sequence[int]]] = []
    while rounds < rounds_max and means != before:
        before, rounds = [list(mean) for mean in means], rounds + 1
        groups = [[] for _ in means]
        for point in points:
            distances = [sum((a - b) ** 2 for a, b in zip(point, mean, strict=True)) for mean in means]
            groups[distances.index(min(distances))].append(point)
        for number, group in enumerate(groups):
            if group:
                means[number] = [quotient(sum(axis), len(group)) for axis in zip(*group, strict=True)]
    lines = [f"{i}: {len(group)} points around {' '.join(map(str, means[i]))}" for i, group in enumerate(groups)]
    return [*lines, f"{count} points, {rounds} rounds"]


def pca(data: bytes) -> list[str]:
    """Means, covariances and the direction of the greatest variance."""
    variables, n = struct.unpack_from("<2I", data)
    values = struct.unpack_from(f"<{variables * n}h", data, 8)
    rows = [values[i * n : (i + 1) * n] for i in range(variables)]
    sums = [sum(row) for row in rows]
    matrix = [
        [n * sum(a * b for a, b in zip(one, other, strict=True)) - sum(one) * sum(other) for other in rows]
        for one in rows
    ]
    direction = [1 << 20] * variables
    for _ in range(50):
        product = [sum(a * b for a, b in zip(row, direction, strict=True)) for row in matrix]
        largest = max(map(abs, product))
        if largest:
            direction = [quotient(value << 20, largest) for value in product]
    variances = [matrix[i][i] for i in range(variables)]
    total = digest([*sums, *(entry for row in matrix for entry in row), *direction])
    return [
        *(ratio(name, of(sums), n) for name, of in (("least mean", min), ("greatest mean", max))),
        *(ratio(name, of(variances), n * n) for name, of in (("least variance", min), ("greatest variance", max))),
        *(ratio("direction", part, 1 << 20) for part in direction[:4]),
        f"{variables} variables, {n} samples, digest {total:016x}",
    ]


PROGRAMS: dict[str, Callable[[bytes], list[str]]] = {
    each.__name__: each
    for each in (word_count, histogram, linear_regression, string_match, matrix_multiply, kmeans, pca)
}


def expected(program: str, data: bytes) -> str:
    """The standard output of a program, without --check."""
    return "".join(f"{line}\n" for line in PROGRAMS[program](data))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PROGRAMS:
        raise SystemExit(f"usage: reference.py {'|'.join(PROGRAMS)} INPUT")
    sys.stdout.write(expected(sys.argv[1], Path(sys.argv[2]).read_bytes()))
