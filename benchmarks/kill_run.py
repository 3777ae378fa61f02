"""`kill -9` of `noria run` at random moments, as often as told: the model must be that of an undisturbed run.

`python benchmarks/kill_run.py --kills 20` makes a small flights project in a temporary folder.
"""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from flights_project import FlightsProject, make_flights
from killing import kill_until_finished, once_each, the_version

AS_OF = "2013-02-20"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--within", type=float, default=6.0, help="seconds in which the kill comes")
    options.add_argument("--seed", type=int, default=2013)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = make_flights(Path(folder) / "undisturbed")
        killed = FlightsProject(Path(shutil.copytree(undisturbed.root, Path(folder) / "killed")))
        undisturbed.run(AS_OF)
        chance = random.Random(given.seed)
        struck = kill_until_finished(
            lambda: killed.start("run", "--as-of", AS_OF), chance, kills=given.kills, within=given.within
        )
        same, once = the_version(killed) == the_version(undisturbed), once_each(killed)
    print(f"{struck} of {given.kills} kills struck; same model: {same}; journal intact and everything once: {once}")
    sys.exit(0 if same and once else 1)


if __name__ == "__main__":
    main()
