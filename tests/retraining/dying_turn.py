"""Takes one turn in processes that die right after a commit, so that in the end one died at every commit.

`python dying_turn.py PROJECT AS_OF` prints how many processes died before one of them finished the turn.
"""

import os
import sys
from itertools import count
from pathlib import Path

from noria.cli.opening import open_project
from noria.core.clock import ManualClock, parse_moment
from noria.retraining.turn import take_turn

KILLED = 9


def main(root: Path, as_of: int) -> int:
    open_project(root, ManualClock(as_of))[1].close()  # imports everything once; what follows is forked
    for attempt in count():
        child = os.fork()
        if child == 0:
            turn(root, as_of, dies_after=2 + attempt % 7)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == 0:
            return attempt
        assert code == KILLED, code
    raise AssertionError


def turn(root: Path, as_of: int, *, dies_after: int) -> None:
    loaded, ws = open_project(root, ManualClock(as_of))
    commits = count(1)

    def committed() -> None:
        if next(commits) == dies_after:
            os._exit(KILLED)

    real = ws.database.engine.dialect.do_commit

    def do_commit(connection: object) -> None:
        real(connection)
        committed()

    ws.database.engine.dialect.do_commit = do_commit
    take_turn(ws, loaded.plan.models[0], loaded.functions, as_of=as_of)


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), parse_moment(sys.argv[2])))
