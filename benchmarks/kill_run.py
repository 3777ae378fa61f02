"""`kill -9` of `noria run` at random moments, as often as told: the model must be that of an undisturbed run.

`python benchmarks/kill_run.py --kills 20` makes a small flights project in a temporary folder.
"""

import argparse
import random
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from flights_project import FlightsProject, make_flights
from killing import kill_until_finished, once_each, the_version

AS_OF = "2013-02-20"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--within", type=float, default=4.0, help="seconds in which the kill comes")
    options.add_argument("--seed", type=int, default=2013)
    given = options.parse_args()
    chance, struck, rounds, good = random.Random(given.seed), 0, 0, True
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = make_flights(Path(folder) / "undisturbed")
        fresh = Path(shutil.copytree(undisturbed.root, Path(folder) / "fresh"))
        undisturbed.run(AS_OF)
        while struck < given.kills:  # a run that is done cannot be killed any more: begin another
            rounds += 1
            killed = FlightsProject(Path(shutil.copytree(fresh, Path(folder) / f"killed-{rounds}")))
            start = partial(killed.start, "run", "--as-of", AS_OF)
            struck += kill_until_finished(start, chance, kills=given.kills - struck, within=given.within)
            good &= the_version(killed) == the_version(undisturbed) and once_each(killed)
    print(f"{struck} kills in {rounds} projects; same model, journal intact, everything once, in each: {good}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
