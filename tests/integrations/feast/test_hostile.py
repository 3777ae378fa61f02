"""Registries that nobody would write: torn, mutated, with names that are no names. No Feast takes part."""

import ast
import tomllib
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from noria.core.errors import NotFound
from noria.integrations.feast import registry
from noria.integrations.feast.messages import message
from noria.integrations.feast.model import Aggregation, DataSource, Field, Projection, Repository, Service, View
from noria.integrations.feast.registry import BrokenRegistry, NoRegistry
from noria.integrations.feast.spelling import ANNOTATIONS
from noria.integrations.feast.translate import translate
from noria.integrations.feast.writing import files
from noria.integrations.wire import put

TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        "noria",
        "class",
        "latest",
        "datetime",
        "a b",
        "__dummy_id",
        '"""',
        "\\",
        "x\ny",
        "ü",
        "9",
        "",
        "int",
        "project",
        "match",
    ]
)
TYPES = st.sampled_from([*ANNOTATIONS, "MAP", "", "TYPE_99"])
FIELDS = st.lists(st.builds(Field, TEXTS, TYPES), max_size=4, unique_by=lambda one: one.name).map(tuple)
SOURCES = st.builds(
    DataSource,
    name=TEXTS,
    kind=st.sampled_from(["BATCH_FILE", "BATCH_BIGQUERY", "CUSTOM_SOURCE", "PUSH_SOURCE"]),
    place=TEXTS | st.sampled_from(["s3://b/x", "data/it's.parquet", "data"]),
    timestamp=st.sampled_from(["ts", "", "datetime", "a b"]),
    created=st.sampled_from(["", "created", "a"]),
    mapping=st.dictionaries(TEXTS, TEXTS, max_size=2),
    format=st.sampled_from(["", "Delta"]),
    is_query=st.booleans(),
)
AGGREGATIONS = st.builds(
    Aggregation, TEXTS, st.sampled_from(["sum", "count", "mean", "unheard"]), st.sampled_from([0, 1, 3_600_000_000]),
    st.just(0), TEXTS,
)  # fmt: skip
VIEWS = st.builds(
    View,
    name=TEXTS,
    entities=st.just(("e",)),
    keys=FIELDS,
    features=FIELDS,
    ttl=st.sampled_from([0, 1, 86_400_000_000]),
    source=st.none() | SOURCES,
    stream=st.none() | SOURCES,
    kind=st.sampled_from(["plain", "stream", "derived"]),
    aggregations=st.lists(AGGREGATIONS, max_size=2).map(tuple),
    description=TEXTS,
    tags=st.dictionaries(TEXTS, TEXTS, max_size=1),
    disabled=st.booleans(),
)
PHASES = (Phase.explicit, Phase.generate)
"""Without shrinking: a repository is small as it is."""
REPOSITORIES = st.builds(
    Repository,
    project=TEXTS,
    entities=st.just(()),
    views=st.lists(VIEWS, max_size=4, unique_by=lambda one: one.name).map(tuple),
    services=st.lists(
        st.builds(Service, TEXTS, st.lists(st.builds(Projection, TEXTS, st.just(())), max_size=2).map(tuple), TEXTS),
        max_size=2,
    ).map(tuple),
    others=st.just((("saved dataset", "x"),)),
)


@given(REPOSITORIES)
@settings(max_examples=150, deadline=None, report_multiple_bugs=False, phases=PHASES)
def test_whatever_a_registry_says_a_module_and_a_toml_file_come_of_it(found: Repository) -> None:
    draft = translate(found, Path("/nowhere"))
    written = files(draft, Path("/out"))

    module = ast.parse(written[f"{draft.name}.py"])
    classes = [node.name for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    assert len(classes) == len(set(classes)) == len(draft.sources) + len(draft.views)
    tables = tomllib.loads(written[f"{draft.name}.toml"]).get("source", {})
    assert set(tables) == {one.name for one in draft.sources}
    for node in (node for node in module.body if isinstance(node, ast.ClassDef)):
        names = [n.target.id for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        names += [
            n.targets[0].id for n in node.body if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name)
        ]
        assert len(names) == len(set(names)), f"{node.name} says a name twice"
    kept = {view.name for view in draft.views}
    left = [view for view in found.views if not any(view.name in note.what for note in draft.notes)]
    assert len(left) <= len(kept), "a view is written or told about"


@given(data=st.data())
@settings(max_examples=150, deadline=None, report_multiple_bugs=False, phases=PHASES)
def test_a_mutated_registry_is_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = bytearray(small_registry())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    root = tmp_path_factory.mktemp("mutated")
    (root / "feature_store.yaml").write_text("registry: registry.db\n")
    (root / "registry.db").write_bytes(bytes(whole))
    try:
        found = registry.read(registry.locate(root))
    except BrokenRegistry:
        return
    draft = translate(found, root)
    ast.parse(files(draft, root)[f"{draft.name}.py"])


def small_registry() -> bytes:
    """One file view, as Feast writes it."""
    source = put(1, 1) + put(3, "ts") + put(20, "trips") + put(11, put(2, "data/trips.parquet"))
    feature, key = put(1, "rate") + put(2, 6), put(1, "driver") + put(2, 4)
    spec = put(1, "hourly") + put(2, "taxis") + put(3, "driver") + put(4, feature) + put(12, key)
    return put(6, put(1, spec + put(6, put(1, 3600)) + put(7, source)))


def test_the_smallest_registry_is_read(tmp_path: Path) -> None:
    (tmp_path / "feature_store.yaml").write_text("registry: registry.db\n")
    (tmp_path / "registry.db").write_bytes(small_registry())

    found = registry.read(registry.locate(tmp_path))

    assert found.project == "taxis", "the one project that the registry has"
    (view,) = found.views
    assert (view.name, view.ttl, view.features) == ("hourly", 3_600_000_000, (Field("rate", "FLOAT"),))
    assert message(small_registry()).keys() == {6}


@pytest.mark.parametrize(
    "text", ["registry: [", "- a\n- b\n", "", "\x00", "registry: {registry_type: remote, path: x}"]
)
def test_a_configuration_that_is_none_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "feature_store.yaml").write_text(text)
    with pytest.raises((BrokenRegistry, NoRegistry)):
        registry.read(registry.locate(tmp_path))


def test_a_folder_that_is_no_repository_says_which_file_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"name the folder that feature_store\.yaml lies in"):
        registry.locate(tmp_path)


def test_a_directory_or_a_dangling_link_is_no_registry(tmp_path: Path) -> None:
    (tmp_path / "feature_store.yaml").write_text("registry: registry.db\n")
    (tmp_path / "registry.db").mkdir()
    with pytest.raises(NoRegistry):
        registry.read(registry.locate(tmp_path))
    (tmp_path / "registry.db").rmdir()
    (tmp_path / "registry.db").symlink_to(tmp_path / "gone")
    with pytest.raises(NoRegistry):
        registry.read(registry.locate(tmp_path))


def test_a_password_in_the_configuration_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "feature_store.yaml").write_text(
        "registry: {registry_type: sql, path: 'postgresql://me:secret@127.0.0.1:1/x'}\n"
    )
    with pytest.raises(BrokenRegistry) as caught:
        registry.read(registry.locate(tmp_path))
    assert "secret" not in str(caught.value)
