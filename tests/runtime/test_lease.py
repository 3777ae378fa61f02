"""Who holds a run, and whether he lives."""

import os
import subprocess
import sys

import pytest

from noria.runtime.lease import Owner, is_gone, machine, process_start


def owner(pid: int, started: int | None, where: str | None = None) -> str:
    return str(Owner(where or machine(), pid, started or 0, "token"))


def test_this_process_lives() -> None:
    assert not is_gone(owner(os.getpid(), process_start(os.getpid())))


def test_a_process_that_took_the_same_number_is_another() -> None:
    assert is_gone(owner(os.getpid(), (process_start(os.getpid()) or 0) - 1))


def test_a_killed_process_is_gone_even_before_anybody_has_collected_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    written = owner(process.pid, process_start(process.pid))
    assert not is_gone(written)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the table of processes
    assert is_gone(written)
    process.communicate()
    assert is_gone(written)


@pytest.mark.parametrize("where", ["other-boot/pid:[1]", "laptop/-"])
def test_nothing_is_known_of_a_process_of_another_machine(where: str) -> None:
    assert not is_gone(owner(1 << 30, 1, where))


def test_nobody_is_gone() -> None:
    assert is_gone(None)
