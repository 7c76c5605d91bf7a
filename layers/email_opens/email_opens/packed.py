"""Many records with short keys, in little more memory than their bytes. Pure.

Each record is in the bucket that the hash of its key selects; a bucket is one `bytes` object. The
number of buckets doubles as records are added, so that buckets stay short: a search may read a
whole bucket, and an addition copies one and frees the old copy, which leaves only a small hole in
the memory.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

KEY_BYTES = 8
BUCKET_RECORDS = 128
"""The most records of a bucket, on average."""


class Packed:
    """Records of the same number of bytes, each of which begins with its key."""

    def __init__(self, record_bytes: int) -> None:
        self._record_bytes = record_bytes
        self._size = 0
        self._buckets = [b""]
        """Their number is a power of two."""

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        for bucket in self._buckets:
            yield from self._records(bucket)

    @property
    def buckets(self) -> int:
        return len(self._buckets)

    def add(self, packed: bytes) -> None:
        """Add records; of those with the same key, the first one added is found."""
        self._size += len(packed) // self._record_bytes
        while self._size > BUCKET_RECORDS * len(self._buckets):
            self._double()
        buckets, last = self._buckets, len(self._buckets) - 1
        for record in self._records(packed):
            buckets[hash(record[:KEY_BYTES]) & last] += record

    def find(self, key: bytes) -> bytes | None:
        """Return the record with a key; None: there is none."""
        bucket = self._buckets[hash(key) & (len(self._buckets) - 1)]
        start = bucket.find(key)
        while start >= 0 and start % self._record_bytes:  # Found across records, or behind a key.
            start = bucket.find(key, start + 1)
        return bucket[start : start + self._record_bytes] if start >= 0 else None

    def _double(self) -> None:
        """Split each bucket in two, one after another, so that nothing is in memory twice."""
        count = len(self._buckets)
        self._buckets += [b""] * count
        for number in range(count):
            kept = moved = b""
            for record in self._records(self._buckets[number]):
                if hash(record[:KEY_BYTES]) & count:
                    moved += record
                else:
                    kept += record
            self._buckets[number], self._buckets[number + count] = kept, moved

    def _records(self, packed: bytes) -> Iterator[bytes]:
        size = self._record_bytes
        return (packed[start : start + size] for start in range(0, len(packed), size))


class PackedSet(AbstractSet[bytes]):
    """A set of keys that takes a tenth of the memory of a `set`, and several times its CPU time."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys = Packed(KEY_BYTES)
        self.update(keys)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._keys.find(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def update(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            if key not in self:
                self._keys.add(key)


SMALL = 4_096
"""The most keys in a `set`: half a megabyte."""


def union(held: set[bytes] | PackedSet, keys: Iterable[bytes], most: int) -> set[bytes] | PackedSet:
    """Add at most `most` keys to a set, and return it; it is packed once it could be large."""
    if isinstance(held, set) and len(held) + most > SMALL:
        held = PackedSet(held)
    held.update(keys)
    return held
