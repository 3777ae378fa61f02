from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import graph_airline
import tiny_airline
from caller import Caller

from noria.serving.data_plane import DataPlane
from noria.serving.graphs.model import GraphSpec
from noria.serving.model import ServedModel


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("graphs")
    ws = tiny_airline.workspace(root)
    graph_airline.add_models(ws)
    ws.close()
    return root


@pytest.fixture
def open_graphs(registered: Path, tmp_path: Path) -> Iterator[Callable[..., Caller]]:
    """Opens a data plane with graphs."""
    root = tmp_path / "graphs"
    shutil.copytree(registered, root)
    ws = tiny_airline.workspace(root)
    planes: list[DataPlane] = []

    def open_one(*graphs: GraphSpec, models: Mapping[str, ServedModel] = graph_airline.MODELS, **options) -> Caller:
        planes.append(DataPlane(ws, models, graph_airline.FUNCTIONS, graphs=graphs, **options))
        planes[-1].refresh()
        return Caller(planes[-1])

    yield open_one
    for plane in planes:
        plane.close()
    ws.close()
