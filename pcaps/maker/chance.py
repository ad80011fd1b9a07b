"""Seeded draws that give the same values on every machine.

Every habit owns a Chance named by a label, so changing one habit leaves the others' packets alone.
Only random(), getrandbits() and our own arithmetic are used: Python promises that those two keep
their sequences between versions, and promises it of nothing else in `random`.
"""

import hashlib
import math
import random


class Chance:
    def __init__(self, *label):
        seed = hashlib.sha256("/".join(str(part) for part in label).encode()).digest()
        self._source = random.Random(int.from_bytes(seed, "big"))

    def uniform(self, low=0.0, high=1.0):
        return low + (high - low) * self._source.random()

    def below(self, count):
        return int(self._source.random() * count)

    def between(self, low, high):
        """A whole number, both ends included."""
        return low + self.below(high - low + 1)

    def happens(self, probability):
        return self._source.random() < probability

    def pick(self, items):
        return items[self.below(len(items))]

    def shuffled(self, items):
        items = list(items)
        for last in range(len(items) - 1, 0, -1):
            other = self.below(last + 1)
            items[last], items[other] = items[other], items[last]
        return items

    def weighted(self, items, weights):
        """`weights`: whole numbers."""
        mark = self.below(sum(weights))
        for item, weight in zip(items, weights):
            mark -= weight
            if mark < 0:
                return item
        raise ValueError("no weight")

    def some(self, items, count):
        return self.shuffled(items)[:count]

    def normal(self, mean=0.0, deviation=1.0):
        """Twelve uniforms: near enough to a normal, and free of the C library's rounding."""
        total = -6.0
        for _ in range(12):  # not sum(): since Python 3.12 it rounds floats otherwise
            total += self._source.random()
        return mean + deviation * total

    def size(self, median, sigma, low, high):
        """Log-normal bytes, drawn again when out of bounds (clamping would pile up at a bound)."""
        for _ in range(1000):
            value = int(median * math.exp(sigma * self.normal()))
            if low <= value <= high:
                return value
        raise ValueError("no size within bounds")

    def count(self, mean):
        """Poisson."""
        limit, product, result = math.exp(-mean), self._source.random(), 0
        while product > limit:
            product *= self._source.random()
            result += 1
        return result

    def noise(self, size):
        return self._source.getrandbits(8 * size).to_bytes(size, "little") if size else b""
