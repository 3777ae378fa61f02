"""`kill -9` of random processes under a replay, as often as told: nothing acknowledged is lost or doubled.

`python benchmarks/kill_replay.py --kills 20` makes a small flights project in a temporary folder, replays its
last days undisturbed and again with kills, and compares the two logs.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from flights_project import FlightsProject, make_flights
from killing import kill_during_replay, logged


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--within", type=float, default=4.0, help="seconds in which the next kill comes")
    options.add_argument("--seed", type=int, default=2013)
    given = options.parse_args()
    history = ["--requests", "6000"]
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = make_flights(Path(folder) / "undisturbed")
        undisturbed.run("2013-02-20")
        project = FlightsProject(Path(shutil.copytree(undisturbed.root, Path(folder) / "killed")))
        undisturbed.noria("replay", *history)
        killed = kill_during_replay(project, history, random.Random(given.seed), kills=given.kills, within=given.within)
        before, after = logged(undisturbed), logged(project)
        result = json.loads((project.root / "replay.json").read_text())
        verdict = {
            "journal intact": project.noria("journal", "--verify")["intact"],
            "no error": result["errors"] == 0,
            "offline = online": result["equality"]["mismatches"] == 0,
            "nothing doubled": after.doubled == 0,
            "every prediction there": set(after.predictions) == set(before.predictions),
            "every label there": set(after.labels) == set(before.labels),
        }
    print(f"{len(killed)} killed: {dict(Counter(killed))}; {len(after.predictions):,} predictions; {verdict}")
    sys.exit(0 if all(verdict.values()) else 1)


if __name__ == "__main__":
    main()
