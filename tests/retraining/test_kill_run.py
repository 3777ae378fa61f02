"""`kill -9` of a turn at random moments: started again, it ends with the same model as an undisturbed one."""

import os
import random
import subprocess
import sys
from pathlib import Path

from flights_project import SRC
from killing import kill_until_finished, once_each, the_version

KILLS = 5
AS_OF = "2013-02-20"


def test_a_turn_that_is_killed_again_and_again_ends_with_the_same_model(flights, flights_that_ran) -> None:
    undisturbed = the_version(flights_that_ran)
    struck = kill_until_finished(
        lambda: flights.start("run", "--as-of", AS_OF), random.Random(2013), kills=KILLS, within=6.0
    )
    assert struck >= 2
    assert the_version(flights) == undisturbed
    assert once_each(flights)


def test_a_turn_that_dies_after_each_of_its_commits_ends_with_the_same_model(flights, flights_that_ran) -> None:
    script = Path(__file__).with_name("dying_turn.py")
    environment = {**os.environ, "PYTHONPATH": str(SRC)}
    command = [sys.executable, str(script), str(flights.root), AS_OF]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 10
    assert the_version(flights) == the_version(flights_that_ran)
    assert once_each(flights)
