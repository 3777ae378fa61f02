"""The programs that an edge bundle's README has for each runtime, taken out of it and run as a reader would.

Each gives how far the runtime is off the golden rows. The packages for Node and the browser, and OpenVINO, are made by
`make rivals`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from noria.config.environment import environment
from noria.testing import rivals
from noria.testing.browser import Browser
from noria.testing.static_site import StaticSite

_BLOCK = re.compile(r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?^```\w+\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)


def program(bundle: Path, runtime: str, graph: str) -> str:
    """The block of code under the title that names `runtime`, for one of the bundle's graphs."""
    found = {one["title"]: one["code"] for one in _BLOCK.finditer((bundle / "README.md").read_text())}
    (code,) = (code for title, code in found.items() if runtime in title)
    return code.replace('"model.ort"', f'"{graph}"')


def in_python(bundle: Path, graph: str) -> float:
    """ONNX Runtime for Python."""
    return _printed([sys.executable, "-c", program(bundle, "Python", graph)], bundle)


def in_openvino(bundle: Path) -> float:
    """OpenVINO, which takes the graph in core operators."""
    return _printed([str(rivals.python("openvino")), "-c", program(bundle, "OpenVINO", "")], bundle)


def in_node(bundle: Path, graph: str, desk: Path) -> float:
    """ONNX Runtime for Node; `desk` is a folder for the program."""
    script, installed = desk / "answer.mjs", desk / "node_modules"
    script.write_text(program(bundle, "Node", graph))
    if not installed.exists():
        installed.symlink_to(packages())
    return _printed(["node", str(script)], bundle)


def in_browser(bundle: Path, graph: str, desk: Path, browser: Browser) -> float:
    """ONNX Runtime in a web page, as WebAssembly; `desk` is a folder for the page."""
    site = desk / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text(program(bundle, "Browser", graph))
    for file in bundle.iterdir():
        (site / file.name).write_bytes(file.read_bytes())
    with StaticSite({"": site, "onnxruntime-web": packages() / "onnxruntime-web" / "dist"}) as serving:
        browser.go(serving.url)
        said = browser.wait(browser.text, "an answer")
        assert any(one.endswith(".wasm") for one in serving.asked), "it did not run in WebAssembly"
        assert f"/{graph}" in serving.asked
    return float(said)


def packages() -> Path:
    """The packages for Node. Raises FileNotFoundError saying how to make them."""
    path = rivals.folder().resolve() / "javascript" / "node_modules"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: make it with `make rivals`")
    return path


def _printed(command: list[str], bundle: Path) -> float:
    known = environment()
    quiet = {"PATH": known["PATH"], "HOME": known.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=bundle, env=quiet, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return float(done.stdout.split()[-1])
