"""The shape of the house, measured: small files, short functions, small classes, a small shop window.

Exceptions are listed by name below and may only shrink.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import noria

SOURCE = Path(noria.__file__).parent
FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations/versions" not in path.as_posix())

LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}
LARGE_CLASSES: dict[str, int] = {}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def definitions(path: Path) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{name_of(path)}:{node.name}", node


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    docstring = ast.get_docstring(node, clean=False)
    taken = len(docstring.splitlines()) if docstring else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - taken


def percentile90(numbers: list[int]) -> int:
    return sorted(numbers)[int(len(numbers) * 0.9)]


def functions() -> dict[str, int]:
    found = {}
    for path in FILES:
        for name, node in definitions(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[name] = max(lines(node), found.get(name, 0))
    return found


def test_files_are_short() -> None:
    sizes = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert percentile90(list(sizes.values())) <= 350
    assert {name: size for name, size in sizes.items() if size > LONG_FILES.get(name, 700)} == {}


def test_functions_are_short() -> None:
    sizes = functions()
    assert percentile90(list(sizes.values())) <= 25
    assert {name: size for name, size in sizes.items() if size > LONG_FUNCTIONS.get(name, 80)} == {}


def test_no_class_does_everything() -> None:
    large = {}
    for path in FILES:
        for name, node in definitions(path):
            if isinstance(node, ast.ClassDef):
                methods = sum(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in node.body)
                if methods > LARGE_CLASSES.get(name, 25):
                    large[name] = methods
    assert large == {}


def test_the_shop_window_is_small_and_true() -> None:
    assert len(noria.__all__) <= 40
    assert [name for name in noria.__all__ if getattr(noria, name, None) is None] == []
    assert noria.__all__ == sorted(noria.__all__)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_public_thing_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{name_of(path)} does not say what it is"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name_of(path)}: {node.name} does not say what it is"
