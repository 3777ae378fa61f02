import pytest

from noria.serving.lineup import Board, position
from noria.serving.model import NotReady, UnknownModel


def test_keys_spread_evenly_and_each_stays_where_it_is() -> None:
    places = [position(f"UA{number}", "salt") for number in range(10_000)]
    assert places == [position(f"UA{number}", "salt") for number in range(10_000)]
    tenths = [sum(low / 10 <= place < (low + 1) / 10 for place in places) for low in range(10)]
    assert all(900 < count < 1100 for count in tenths)


def test_another_salt_is_another_draw() -> None:
    both = sum(position(f"k{n}", "a") < 0.1 and position(f"k{n}", "b") < 0.1 for n in range(10_000))
    assert 60 < both < 145  # 1 % of ten thousand, as independent draws have it


def test_a_board_knows_what_it_lacks() -> None:
    board = Board(waiting={"lateness": "none is in production"})
    with pytest.raises(NotReady, match="none is in production"):
        board.lineup("lateness")
    with pytest.raises(UnknownModel, match="did you mean 'lateness'"):
        board.lineup("latness")
