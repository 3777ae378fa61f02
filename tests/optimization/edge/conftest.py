"""The edge: bundles of models of every kind, written once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

from edge_models import MODELS
from hangar import Hangar

from noria.optimization.edge.building import build
from noria.optimization.edge.bundle import write_bundle
from noria.testing.workspace import make_workspace


class Edge:
    """Models by name, packaged and bundled when they are first asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.ws = make_workspace(folder)
        self.packages = {}

    def package(self, name):
        if name not in self.packages:
            self.packages[name] = MODELS[name](Hangar(self.ws))
        return self.packages[name]

    def files(self, name):
        return build(self.ws, self.package(name), name, 3)

    def bundle(self, name):
        path = self.folder / "bundles" / name
        if not path.exists():
            write_bundle(self.files(name), path)
        return path


@pytest.fixture(scope="session")
def edge(tmp_path_factory):
    made = Edge(tmp_path_factory.mktemp("edge"))
    yield made
    made.ws.close()
