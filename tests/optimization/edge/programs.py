"""The programs that a bundle's README has for each runtime, taken out of it and run as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

from noria.testing import rivals
from noria.testing.static_site import StaticSite

_BLOCK = re.compile(r"^## (?P<title>[^\n]+)\n(?:(?!^## ).)*?^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.S | re.M)
QUIET = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONDONTWRITEBYTECODE": "1"}


def program(bundle, runtime, graph):
    """The block of code under the title that begins with `runtime`, for one of the bundle's graphs."""
    found = {one["title"]: one["code"] for one in _BLOCK.finditer((bundle / "README.md").read_text())}
    (code,) = (code for title, code in found.items() if runtime in title)
    return code.replace('"model.ort"', f'"{graph}"')


def in_python(bundle, graph):
    return _printed([sys.executable, "-c", program(bundle, "ONNX Runtime", graph)], bundle)


def in_openvino(bundle):
    return _printed([rivals.python("openvino"), "-c", program(bundle, "OpenVINO", "model.plain.onnx")], bundle)


def in_node(bundle, graph, desk: Path):
    script = desk / "answer.mjs"
    script.write_text(program(bundle, "Node", graph))
    if not (desk / "node_modules").exists():
        (desk / "node_modules").symlink_to(packages())
    return _printed(["node", script], bundle)


def in_browser(bundle, graph, desk: Path, browser):
    site = desk / "site"
    site.mkdir(exist_ok=True)
    (site / "index.html").write_text(program(bundle, "Browser", graph))
    for file in bundle.iterdir():
        (site / file.name).write_bytes(file.read_bytes())
    with StaticSite({"": site, "onnxruntime-web": packages() / "onnxruntime-web" / "dist"}) as serving:
        browser.go(serving.url)
        said = browser.wait(browser.text, "an answer")
        assert any(one.endswith(".wasm") for one in serving.asked), "it ran in WebAssembly"
        assert f"/{graph}" in serving.asked
    return float(said)


def packages() -> Path:
    path = rivals.folder() / "javascript" / "node_modules"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: make it with `make rivals`")
    return path


def _printed(command, bundle):
    done = subprocess.run(command, cwd=bundle, env=QUIET, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return float(done.stdout.split()[-1])
