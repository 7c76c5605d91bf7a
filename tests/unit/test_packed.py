"""Packed records and sets behave as dictionaries and sets."""

import tracemalloc
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from email_opens.packed import BUCKET_RECORDS, KEY_BYTES, SMALL, Packed, PackedSet, union

MANY = 40 * BUCKET_RECORDS


def key(number: int) -> bytes:
    return number.to_bytes(KEY_BYTES)


def keys(count: int) -> list[bytes]:
    return [key(number) for number in range(count)]


def test_of_records_with_the_same_key_the_first_one_added_is_found() -> None:
    packed = Packed(KEY_BYTES + 1)
    packed.add(key(1) + b"a" + key(2) + b"b")
    packed.add(key(1) + b"c")
    assert packed.find(key(1)) == key(1) + b"a"
    assert packed.find(key(3)) is None


def test_every_record_is_found_however_many_there_are() -> None:
    packed = Packed(2 * KEY_BYTES)
    for number in range(MANY):
        packed.add(key(number) + key(number + 1))
    assert len(packed) == MANY
    assert [packed.find(key(n)) for n in range(MANY)] == [key(n) + key(n + 1) for n in range(MANY)]
    assert packed.find(key(MANY)) is None  # It is the value of another.


# Bytes of which few differ also occur across the border of two keys.
@given(st.lists(st.lists(st.sampled_from([0, 1]), min_size=KEY_BYTES, max_size=KEY_BYTES)))
def test_a_packed_set_is_a_set(chosen: list[list[int]]) -> None:
    found = {bytes(numbers) for numbers in chosen}
    packed = PackedSet(bytes(numbers) for numbers in chosen)
    assert set(packed) == found
    assert len(packed) == len(found)
    assert {each for each in map(key, range(4)) if each in packed} == found & set(
        map(key, range(4))
    )


def test_a_union_is_a_set_while_it_is_small() -> None:
    held = union(set(), keys(SMALL), SMALL)
    assert isinstance(held, set)
    more = union(held, [key(SMALL)], 1)
    assert isinstance(more, PackedSet)
    assert set(more) == set(keys(SMALL + 1))


def test_a_packed_set_takes_a_fraction_of_the_memory_of_a_set() -> None:
    def peak(collect: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            held = collect()
            return tracemalloc.get_traced_memory()[1] if held else 0
        finally:
            tracemalloc.stop()

    assert peak(lambda: PackedSet(map(key, range(MANY)))) * 4 < peak(
        lambda: set(map(key, range(MANY)))
    )
