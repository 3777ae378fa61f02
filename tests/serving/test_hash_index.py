from hypothesis import given, settings
from hypothesis import strategies as st

from noria.serving.hash_index import HashIndex


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1 << 40)), max_size=80), st.integers(1, 7))
@settings(deadline=None)
def test_it_answers_as_a_dictionary_does_however_little_it_keeps_recent(
    pairs: list[tuple[int, int]], most: int
) -> None:
    index, oracle = HashIndex(recent=most), {}
    for small, position in pairs:
        hashed = small * 0x5851F42D4C957F2D % (1 << 64)
        index.add(hashed, position)
        oracle[hashed] = position
    assert {key: index.position(key) for key in oracle} == oracle
    assert index.position(1) == oracle.get(1)
    assert (1 << 64) - 1 not in index


def test_arrays_are_remembered_too() -> None:
    index = HashIndex()
    index.add_many([(5, 0), ((1 << 64) - 1, 1), (2, 2)])
    assert [index.position(key) for key in (5, (1 << 64) - 1, 2, 3)] == [0, 1, 2, None]
