"""A fingerprint changes with everything that can change a result, and with nothing else."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from noria.training import distributions as homes
from noria.training.fingerprint import Fingerprint, fingerprint

HELPERS = """
RATE = 0.5

def scale(x):
    return finish(x) * RATE

def finish(x):
    return x + 1

def unused(x):
    return x - 1

class Base:
    depth = 3
    def fit(self, x):
        return x * self.depth

class Tree(Base):
    def __init__(self, leaves=4):
        self.leaves = leaves

def doubled(function):
    def wrapper(*args):
        return function(*args) * 2
    return wrapper
"""
MODULES = ("study", "helpers", "kit", "kit.tools")

Load = Callable[..., Fingerprint]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write a project of two modules, import it afresh, and take the fingerprint of `study.train`."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "kit").mkdir()

    def loaded(study: str, helpers: str = HELPERS, tools: str = "def polish(x):\n    return x\n") -> Fingerprint:
        (tmp_path / "study.py").write_text(study)
        (tmp_path / "helpers.py").write_text(helpers)
        (tmp_path / "kit" / "__init__.py").write_text("")
        (tmp_path / "kit" / "tools.py").write_text(tools)
        for name in MODULES:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return fingerprint(importlib.import_module("study").train)

    yield loaded  # type: ignore[misc]
    for name in MODULES:
        sys.modules.pop(name, None)


CALLS_A_HELPER = "import helpers\ndef train(X, y):\n    return helpers.scale(X)\n"
IMPORTS_INSIDE = "def train(X, y):\n    from helpers import scale\n    return scale(X)\n"
IMPORTS_A_MODULE_INSIDE = "def train(X, y):\n    import helpers as h\n    return h.scale(X)\n"
USES_A_CLASS = "from helpers import Tree\ndef train(X, y):\n    return Tree().fit(X)\n"
DECORATED = "from helpers import doubled\n@doubled\ndef train(X, y):\n    return X\n"
PASSES_THE_MODULE = "import helpers\ndef train(X, y):\n    return getattr(helpers, 'scale')(X)\n"

CHANGED_HELPERS = {
    "two calls away": (CALLS_A_HELPER, "x + 1", "x + 2"),
    "a constant of the helper's module": (CALLS_A_HELPER, "RATE = 0.5", "RATE = 0.7"),
    "through an import inside the function": (IMPORTS_INSIDE, "x + 1", "x + 2"),
    "through a module imported inside the function": (IMPORTS_A_MODULE_INSIDE, "x + 1", "x + 2"),
    "a class attribute of a base class": (USES_A_CLASS, "depth = 3", "depth = 4"),
    "a method of a base class": (USES_A_CLASS, "x * self.depth", "x + self.depth"),
    "a default of a constructor": (USES_A_CLASS, "leaves=4", "leaves=5"),
    "the base class": (USES_A_CLASS, "class Tree(Base)", "class Tree(Base, dict)"),
    "the body of a decorator": (DECORATED, "* 2", "* 3"),
    "by name from a module": (PASSES_THE_MODULE, "x + 1", "x + 2"),
}


@pytest.mark.parametrize("case", CHANGED_HELPERS)
def test_a_change_in_what_is_called_is_seen(load: Load, case: str) -> None:
    study, before, after = CHANGED_HELPERS[case]
    first, second = load(study), load(study, HELPERS.replace(before, after))
    assert first.digest != second.digest
    assert first.warnings == second.warnings == ()


CHANGED = {
    "its own body": (
        """
def train(X, y):
    return X
""",
        "return X",
        "return y",
    ),
    "two names swapped": (
        """
A = 1
B = 2
def train(X, y):
    return A - B
""",
        "A - B",
        "B - A",
    ),
    "a global": (
        """
N = [1, {'a': 2}]
def train(X, y):
    return N
""",
        "2}",
        "3}",
    ),
    "the type of a global": (
        """
N = 1
def train(X, y):
    return N
""",
        "N = 1",
        "N = True",
    ),
    "a default": (
        """
def train(X, y, n=3):
    return n
""",
        "n=3",
        "n=4",
    ),
    "a keyword default": (
        """
def train(X, y, *, n=3):
    return n
""",
        "n=3",
        "n=4",
    ),
    "an attribute of the function": (
        """
def train(X, y):
    return train.n
train.n = 3
""",
        "n = 3",
        "n = 4",
    ),
    "a constant inside a lambda inside": (
        """
def train(X, y):
    return (lambda q: q + 7)(X)
""",
        "7",
        "8",
    ),
    "one of two lambdas on a line": (
        """
A = lambda x: x + 1; B = lambda x: x + 2
def train(X, y):
    return A(X), B(y)
""",
        "+ 1",
        "+ 5",
    ),
    "lambdas in a table": (
        """
T = {'a': lambda x: 1, 'b': lambda x: 2}
def train(X, y):
    return T[X]()
""",
        "x: 1",
        "x: 3",
    ),
    "a closed-over value": (
        """
def make(n):
    def f(X, y):
        return X * n
    return f
train = make(3)
""",
        "make(3)",
        "make(4)",
    ),
    "a partial": (
        """
from functools import partial
def f(X, n):
    return n
g = partial(f, n=3)
def train(X, y):
    return g(X)
""",
        "n=3",
        "n=4",
    ),
    "a function behind a cache": (
        """
import functools
@functools.lru_cache
def f(x):
    return x + 1
def train(X, y):
    return f(X)
""",
        "+ 1",
        "+ 2",
    ),
    "a wrapper that looks like its function": (
        """
import functools
def d(g):
    @functools.wraps(g)
    def w(*a):
        return g(*a) * 2
    return w
@d
def train(X, y):
    return X
""",
        "* 2",
        "* 3",
    ),
    "the state of an object": (
        """
class A:
    def __init__(self, n): self.n = n
    def f(self, X, y): return self.n
train = A(3).f
""",
        "A(3)",
        "A(4)",
    ),
    "a callable object": (
        """
class A:
    n = 3
    def __call__(self, X, y): return self.n
train = A()
""",
        "n = 3",
        "n = 4",
    ),
    "a property": (
        """
class A:
    @property
    def n(self): return 3
def train(X, y):
    return A().n
""",
        "return 3",
        "return 4",
    ),
    "a static method": (
        """
class A:
    @staticmethod
    def n(): return 3
def train(X, y):
    return A.n()
""",
        "return 3",
        "return 4",
    ),
    "a default of a data class": (
        """
from dataclasses import dataclass
@dataclass
class A:
    n: int = 3
def train(X, y):
    return A()
""",
        "= 3",
        "= 4",
    ),
    "a data class's default factory": (
        """
from dataclasses import dataclass, field
@dataclass
class A:
    n: list = field(default_factory=lambda: [3])
def train(X, y):
    return A()
""",
        "[3]",
        "[4]",
    ),
    "a default of a pydantic model": (
        """
from pydantic import BaseModel
class A(BaseModel):
    n: int = 3
def train(X, y):
    return A()
""",
        "= 3",
        "= 4",
    ),
    "a member of an enum": (
        """
from enum import Enum
class E(Enum):
    A = 3
def train(X, y):
    return E.A
""",
        "= 3",
        "= 4",
    ),
    "one overload": (
        """
import functools
@functools.singledispatch
def f(x): return 1
@f.register
def _(x: int): return 2
def train(X, y):
    return f(X)
""",
        "return 2",
        "return 3",
    ),
    "a pattern": (
        """
import re
P = re.compile('a+')
def train(X, y):
    return P
""",
        "a+",
        "b+",
    ),
    "a duration": (
        """
from noria import hours
LAG = hours(3)
def train(X, y):
    return LAG
""",
        "hours(3)",
        "hours(4)",
    ),
    "one cell of a long array": (
        """
import numpy as np
W = np.zeros(5000)
W[2500] = 1
def train(X, y):
    return W
""",
        "= 1",
        "= 2",
    ),
    "one cell of a frame": (
        """
import pandas as pd
W = pd.DataFrame({'a': range(5000)})
W.loc[2500, 'a'] = 1
def train(X, y):
    return W
""",
        "= 1",
        "= 2",
    ),
    "what an estimator has learnt": (
        """
from sklearn.preprocessing import StandardScaler
S = StandardScaler().fit([[1.0], [2.0]])
def train(X, y):
    return S.transform(X)
""",
        "[1.0]",
        "[1.5]",
    ),
    "code made by exec": (
        """
exec('def f(x):\\n    return (lambda z: z + 1)(x)')
def train(X, y):
    return f(X)
""",
        "z + 1",
        "z + 2",
    ),
    "what a try covers": (
        """
def train(X, y):
    try:
        X()
        y()
    except ValueError:
        pass
""",
        "    try:\n        X()\n",
        "    X()\n    try:\n",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_change_that_matters_is_seen(load: Load, case: str) -> None:
    study, before, after = CHANGED[case]
    assert before in study
    first, second = load(study), load(study.replace(before, after))
    assert first.digest != second.digest
    assert first.warnings == second.warnings == ()


SAME = {
    "a comment": (CALLS_A_HELPER, "return x + 1", "return x + 1", "def finish(x):", "# why\ndef finish(x):  # here"),
    "a docstring": (CALLS_A_HELPER, "", "", "def finish(x):", 'def finish(x):\n    """What it does."""'),
    "an unused function": (CALLS_A_HELPER, "", "", "return x - 1", "return x - 2"),
    "moved further down": (CALLS_A_HELPER, "", "", "RATE = 0.5", "\n\n\nRATE = 0.5"),
    "an annotation": (CALLS_A_HELPER, "", "", "def finish(x):", "def finish(x: float) -> float:"),
}


@pytest.mark.parametrize("case", SAME)
def test_a_change_that_does_not_matter_is_not_seen(load: Load, case: str) -> None:
    study, _, _, before, after = SAME[case]
    assert before in HELPERS
    assert load(study) == load(study, HELPERS.replace(before, after))


def test_a_helper_under_another_name_is_the_same_helper(load: Load) -> None:
    plain = load("from helpers import scale\ndef train(X, y):\n    return scale(X)\n")
    alias = load("from helpers import scale as grow\ndef train(X, y):\n    return grow(X)\n")
    assert plain == alias


def test_a_module_inside_a_package_is_followed(load: Load) -> None:
    study = "import kit.tools\ndef train(X, y):\n    return kit.tools.polish(X)\n"
    assert load(study).digest != load(study, tools="def polish(x):\n    return -x\n").digest


def test_the_parts_tell_which_helper_changed(load: Load) -> None:
    before, after = load(CALLS_A_HELPER), load(CALLS_A_HELPER, HELPERS.replace("x + 1", "x + 2"))
    assert [name for name in before.parts if before.parts[name] != after.parts[name]] == ["helpers.finish"]
    assert set(before.parts) == {"study.train", "helpers.scale", "helpers.finish", "helpers.RATE"}


def test_a_file_edited_after_its_import_does_not_mislead(load: Load, tmp_path: Path) -> None:
    before = load(CALLS_A_HELPER)
    (tmp_path / "helpers.py").write_text("\n" * 50 + HELPERS.replace("x + 1", "x + 99"))
    assert fingerprint(sys.modules["study"].train) == before


def test_another_version_of_a_package_is_a_change(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    study = "from sklearn.linear_model import Ridge\ndef train(X, y):\n    return Ridge().fit(X, y)\n"
    before = load(study)
    assert set(before.packages) == {"python", "scikit-learn"}
    monkeypatch.setattr("noria.training.fingerprint.distributions", lambda top: _bumped(top))
    assert load(study).digest != before.digest


def _bumped(top: str) -> tuple[tuple[str, str], ...] | None:
    return (("scikit-learn", "99.0"),) if top == "sklearn" else homes.distributions(top)


def test_a_project_file_called_like_the_standard_library_is_project_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "colorsys.py").write_text("def hue(x):\n    return x\n")
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    homes.distributions.cache_clear()
    try:
        assert homes.distributions("colorsys") is None
    finally:
        homes.distributions.cache_clear()


def test_what_cannot_be_covered_is_a_warning_with_its_place(load: Load) -> None:
    seen = {
        "import threading\nL = threading.Lock()\ndef train(X, y):\n    return L\n": "study.L holds a lock",
        "import pandas as pd\ndef train(X, y):\n    return pd.read_csv('a.csv')\n": "study.train uses read_csv",
        "def train(X, y):\n    return open('a').read()\n": "study.train uses open",
        "import os\ndef train(X, y):\n    return os.environ['A']\n": "study.train uses environ",
        "def train(X, y):\n    return nowhere(X)\n": "study.train uses nowhere, which is not defined",
        "def train(X, y):\n    import not_there\n": "study.train imports not_there, which is not installed",
    }
    for study, warning in seen.items():
        assert any(one.startswith(warning) for one in load(study).warnings), (study, load(study).warnings)


def test_hostile_values_end_in_a_digest_or_a_warning(load: Load) -> None:
    deep = "D = []\nfor _ in range(100000):\n    D = [D]\ndef train(X, y):\n    return D\n"
    assert "nested too deeply" in load(deep).warnings[0]
    cycle = "C = {}\nC['self'] = C\ndef train(X, y):\n    return C, train\n"
    assert load(cycle) == load(cycle)
    rude = "class R:\n    def __reduce_ex__(self, _): raise RuntimeError\nV = R()\ndef train(X, y):\n    return V\n"
    assert "whose content is not covered" in load(rude).warnings[0]
    big = f"B = {list(range(50_000))}\ndef train(X, y):\n    return B\n"
    assert load(big).digest != load(big.replace("49999]", "0]")).digest
    assert fingerprint(len) == fingerprint(len)


def test_the_same_in_every_process_whatever_the_order_of_sets(load: Load, tmp_path: Path) -> None:
    study = "K = {'a', 'b', 'c', 'd'}\ndef train(X, y):\n    return X in {'p', 'q', 'r', 's'} or X in K\n"
    here = load(study).digest
    told = "from noria.training.fingerprint import fingerprint; import study; print(fingerprint(study.train).digest)"
    paths = f"{tmp_path}:{Path(__file__).parents[2] / 'src'}"
    for seed in ("1", "2"):
        environment = {"PYTHONPATH": paths, "PYTHONHASHSEED": seed}
        ran = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == here


def test_it_is_quick(load: Load) -> None:
    study = "from sklearn.pipeline import make_pipeline\ndef train(X, y):\n    return make_pipeline(X)\n"
    load(study)
    began = time.process_time()
    fingerprint(sys.modules["study"].train)
    assert time.process_time() - began < 0.1
