"""Random definitions over random streams, every engine against the oracle: `python benchmarks/prove_windows.py`.

    --worlds 2000   how many definitions x streams; world N has the seed N
    --first 0       the first seed
    --online        the online store answers too
    --most 40       the most rows of a world

Every world is one view (one to five features of any kind; windows with hops, offsets, conditions, lifetimes; one or
two keys; joins) and one stream (late, out of order, twice, taken back, tied with windows and questions, before
1970, null keys). Three plans, with hindsight and without, and the plan that the costs choose answer every question;
whole numbers, texts and lists must be equal to the oracle's, doubles to 1e-9.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import process_time

from noria.features.model import Knowledge
from noria.features.offline.costs import Plan
from noria.testing.feature_answers import differences, expected, offline, online
from noria.testing.feature_worlds import World, world

PLANS: tuple[Plan | None, ...] = ("range", "window", "tiles", None)
KNOWLEDGE: tuple[Knowledge, ...] = ("as_known", "as_of_event")


def prove(first: int, worlds: int, *, most: int = 40, with_online: bool = False) -> Counter[str]:
    """Count worlds, answers, values by kind and what differs; print what differs."""
    found: Counter[str] = Counter()
    for seed in range(first, first + worlds):
        made = world(Random(seed), most_rows=most)
        found["worlds"] += 1
        found.update(f"kind {feature.kind}" for feature in made.view.features)
        for name, wrong in engines(made, with_online=with_online):
            found["engines"] += 1
            found["values"] += len(made.questions) * len(made.view.features)
            found["differ"] += len(wrong)
            for one in wrong[:3]:
                print(f"seed {seed}, {name}: {one}")
    return found


def engines(made: World, *, with_online: bool) -> Iterator[tuple[str, list[str]]]:
    """Each engine's name, and where it differs from the oracle."""
    for knowledge in KNOWLEDGE:
        wanted = expected(made, knowledge)
        for plan in PLANS:
            yield f"{plan or 'cheapest'} {knowledge}", differences(wanted, offline(made, plan, knowledge))
    if with_online:
        with tempfile.TemporaryDirectory() as folder:
            yield "online", differences(expected(made), online(made, Path(folder)))


def main() -> int:
    """Prove, print, and say by the exit status whether all were equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--most", type=int, default=40)
    parser.add_argument("--online", action="store_true")
    said = parser.parse_args()
    started = process_time()
    found = prove(said.first, said.worlds, most=said.most, with_online=said.online)
    kinds = ", ".join(f"{name.removeprefix('kind ')} {count}" for name, count in sorted(found.items()) if " " in name)
    print(
        f"{found['worlds']} definitions x streams, {found['engines']} answers, {found['values']} values: "
        f"{found['differ']} differ; {process_time() - started:.0f} s of CPU\n{kinds}"
    )
    return 1 if found["differ"] else 0


if __name__ == "__main__":
    sys.exit(main())
