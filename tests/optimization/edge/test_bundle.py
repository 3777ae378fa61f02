"""A bundle is what was written, or it is refused with the reason: bytes, names, links, zips, graphs that point away."""

import json
import os
import pickle
import resource
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest
from onnx import TensorProto, helper

from noria.core.digest import digest_bytes
from noria.core.errors import BadInput, NotFound, StorageFull, Unavailable
from noria.optimization.edge.bundle import PlaceTaken, open_bundle, write_bundle
from noria.optimization.edge.external import PointsOutside, refuse_external
from noria.optimization.edge.manifest import DamagedEdge
from noria.optimization.edge.operations import check, export

NAME = "perceptron"


@pytest.fixture
def files(edge):
    return edge.files(NAME)


@pytest.fixture
def bundle(files, tmp_path):
    write_bundle(files, tmp_path / "bundle", packed=tmp_path / "bundle.zip")
    return tmp_path / "bundle"


def rewritten(bundle, change):
    """The manifest, changed by whoever can also compute digests."""
    about = json.loads((bundle / "manifest.json").read_text())
    change(about)
    (bundle / "manifest.json").write_text(json.dumps(about))


def replaced(bundle, name, content):
    """A file and what the manifest says of it."""
    (bundle / name).write_bytes(content)
    said = {"bytes": len(content), "sha256": digest_bytes(content)}
    rewritten(bundle, lambda about: about["files"].update({name: said}))


def names_in(folder):
    return sorted(one.name for one in folder.iterdir())


def refused(path, words, kind=DamagedEdge, **more):
    with pytest.raises(kind) as caught:
        check(path, **more)
    assert words in str(caught.value), caught.value
    assert caught.value.hint


def test_what_was_written_is_what_is_read_as_a_folder_and_as_a_zip(edge, files, bundle):
    folder, packed = open_bundle(bundle), open_bundle(bundle.with_name("bundle.zip"))
    assert folder == packed
    assert {**folder.files, "manifest.json": files["manifest.json"]} == files
    assert folder.digest == digest_bytes(files["manifest.json"])
    again = edge.files(NAME)
    assert {name for name in files if files[name] != again[name]} <= {"model.ort", "manifest.json"}
    assert names_in(bundle.parent) == ["bundle", "bundle.zip"]


def test_it_is_checked_by_answering(bundle):
    checked = check(bundle)
    assert checked.rows == 64
    assert set(checked.off) == {"model.onnx", "model.ort", "model.int8.onnx", "model.plain.onnx"}
    assert max(off for name, off in checked.off.items() if name != "model.int8.onnx") <= 1e-6
    assert check(bundle.with_name("bundle.zip"), digest=checked.digest) == checked
    refused(bundle, "was asked for", digest="0" * 64)


@pytest.mark.parametrize("place", [0, 100, -1])
@pytest.mark.parametrize("name", ["model.onnx", "model.ort", "golden.parquet", "README.md"])
def test_one_changed_byte(bundle, name, place):
    content = bytearray((bundle / name).read_bytes())
    content[place] ^= 1
    (bundle / name).write_bytes(content)
    refused(bundle, f"{name} was changed")


def test_files_that_are_missing_longer_shorter_or_too_many(bundle):
    (bundle / "extra.bin").write_bytes(b"")
    refused(bundle, "extra.bin is not in its manifest")
    (bundle / "extra.bin").unlink()
    (bundle / "sub").mkdir()
    refused(bundle, "sub is no plain file")
    (bundle / "sub").rmdir()
    os.mkfifo(bundle / "pipe")
    refused(bundle, "pipe is no plain file")
    (bundle / "pipe").unlink()
    whole = (bundle / "model.ort").read_bytes()
    (bundle / "model.ort").write_bytes(whole[:-1])
    refused(bundle, "model.ort has")
    (bundle / "model.ort").write_bytes(whole + b"0")
    refused(bundle, "model.ort has more than")
    (bundle / "model.ort").unlink()
    refused(bundle, "model.ort is missing")
    (bundle / "manifest.json").unlink()
    refused(bundle, "it has no manifest.json")


def test_links_are_refused_even_when_what_they_lead_to_is_right(bundle, tmp_path):
    elsewhere = tmp_path / "elsewhere.onnx"
    (bundle / "model.onnx").rename(elsewhere)
    (bundle / "model.onnx").symlink_to(elsewhere)
    refused(bundle, "model.onnx is a symbolic link")
    (bundle / "model.onnx").unlink()
    os.link(elsewhere, bundle / "model.onnx")
    refused(bundle, "model.onnx is a hard link")
    (bundle / "model.onnx").unlink()
    (bundle / "model.onnx").symlink_to("/nowhere")
    refused(bundle, "model.onnx is a symbolic link")
    (bundle / "model.onnx").unlink()
    shutil.copy(elsewhere, bundle / "model.onnx")
    assert check(bundle)
    (tmp_path / "linked").symlink_to(bundle)
    refused(tmp_path / "linked", "no folder", BadInput)
    with pytest.raises(NotFound):
        check(tmp_path / "nothing")


def test_a_manifest_that_is_none(bundle):
    whole = (bundle / "manifest.json").read_text()
    for text, words in (
        ("", "cannot be read"),
        (whole[:-10], "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        (whole.replace("noria-edge/1", "noria-edge/2"), "this Noria reads noria-edge/1"),
        (whole.replace('"README.md"', '"../README.md"'), "no name of a file"),
        (whole.replace('"README.md"', '"manifest.json"'), "no name of a file"),
        (whole.replace('"version": 3', '"version": "three"'), "cannot be read"),
        (whole.replace('"version": 3', '"version": 3, "and": 1'), "cannot be read"),
    ):
        assert text != whole
        (bundle / "manifest.json").write_text(text)
        refused(bundle, words)
    (bundle / "manifest.json").write_bytes(b"\xff\xfe")
    refused(bundle, "cannot be read")
    (bundle / "manifest.json").write_text(whole)
    rewritten(bundle, lambda about: about["files"]["model.ort"].update(bytes=1 << 60))
    refused(bundle, "no length and no SHA-256")
    rewritten(bundle, lambda about: about["files"].pop("model.ort"))
    refused(bundle, "which is none of its files")


def outside(location):
    """A graph whose weight lies in another file."""
    weight = TensorProto(name="weight", data_type=TensorProto.FLOAT, dims=[1])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=location)
    return weight


def graph_of(weights=(), nodes=()):
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    same = helper.make_node("Identity", ["x"], ["y"])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    return helper.make_graph([same, *nodes], "graph", [value], [answer], list(weights))


def saved(graph):
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize("location", ["/etc/passwd", "../../secret", "weights.bin", ""])
def test_a_graph_that_points_at_another_file_is_refused_by_whoever_wrote_the_checksums(bundle, location):
    replaced(bundle, "model.onnx", saved(graph_of([outside(location)])))
    refused(bundle, f"another file, {location!r}", PointsOutside)


def test_it_may_hide_in_an_attribute_or_in_a_branch():
    constant = helper.make_node("Constant", [], ["c"], value=outside("a"))
    branch = graph_of([outside("b")])
    condition = helper.make_node("If", ["x"], ["z"], then_branch=branch, else_branch=graph_of())
    for nodes, place in (([constant], "a"), ([condition], "b")):
        with pytest.raises(PointsOutside) as caught:
            refuse_external("model.onnx", saved(graph_of(nodes=nodes)))
        assert caught.value.place == place
    with pytest.raises(BadInput):
        refuse_external("model.onnx", b"this is no graph at all")
    refuse_external("model.onnx", saved(graph_of()))


def test_a_package_with_such_a_graph_is_not_exported(edge, tmp_path):
    blob = edge.ws.blobs.put(saved(graph_of([outside("/etc/passwd")])))
    package = replace(edge.package(NAME), model=blob)
    with pytest.raises(PointsOutside):
        export(edge.ws, package, NAME, 3, tmp_path / "bundle")
    assert names_in(tmp_path) == []


def test_graphs_that_are_whole_and_answer_otherwise(edge, bundle):
    replaced(bundle, "model.plain.onnx", edge.files("line-regression")["model.plain.onnx"])
    refused(bundle, "model.plain.onnx")
    replaced(bundle, "model.plain.onnx", (bundle / "model.onnx").read_bytes())
    replaced(bundle, "model.ort", b"nothing that a runtime can open")
    refused(bundle, "model.ort cannot be run")
    replaced(bundle, "golden.parquet", b"PAR1")
    refused(bundle, "golden.parquet cannot be read")


def test_zips_that_lie(files, tmp_path):
    def zipped(change):
        path = tmp_path / "lying.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
            change(packed)
        return path

    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert check(zipped(lambda packed: None))
    refused(zipped(lambda packed: packed.writestr("../up", b"x")), "../up is not in its manifest")
    refused(zipped(lambda packed: packed.writestr("sub/", b"")), "no plain file")
    refused(zipped(lambda packed: packed.writestr(link, "/etc/passwd")), "no plain file")
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped(lambda packed: packed.writestr("model.onnx", b"other"))
    refused(twice, "two members of one name")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content if name != "model.ort" else bytes(200_000_000))
    refused(bomb, "model.ort has more than")
    whole = zipped(lambda packed: None).read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 5):
        (tmp_path / "cut.zip").write_bytes(whole[:cut])
        refused(tmp_path / "cut.zip", "no whole zip")
    for place in range(40, len(whole), 997):
        (tmp_path / "flipped.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(DamagedEdge):  # a byte that holds nothing may well be another
            assert open_bundle(tmp_path / "flipped.zip").files.items() <= files.items()


def test_what_lies_there_already_is_not_touched(edge, files, tmp_path):
    for make in (lambda path: path.mkdir(), lambda path: path.write_text("mine"), lambda path: path.symlink_to("/no")):
        place = tmp_path / "taken"
        make(place)
        before = os.lstat(place)
        with pytest.raises(PlaceTaken):
            export(edge.ws, edge.package(NAME), NAME, 3, place)
        with pytest.raises(PlaceTaken):
            write_bundle(files, tmp_path / "new", packed=place)
        assert os.lstat(place) == before
        assert names_in(tmp_path) == ["taken"]
        place.rmdir() if place.is_dir() else place.unlink()
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        write_bundle(files, tmp_path / "file" / "bundle")


def test_of_many_writers_one_wins(files, tmp_path):
    def write(_):
        try:
            write_bundle(files, tmp_path / "bundle")
        except PlaceTaken:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1
    assert check(tmp_path / "bundle")
    assert names_in(tmp_path) == ["bundle"]


@contextmanager
def full_disk(size):
    """No file may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("size", [0, 100, 5_000, 20_000])
def test_a_full_disk_leaves_nothing(edge, files, tmp_path, size):
    with full_disk(size), pytest.raises(StorageFull):
        write_bundle(files, tmp_path / "bundle", packed=tmp_path / "bundle.zip")
    with (
        full_disk(size),
        pytest.raises((StorageFull, Unavailable)) as caught,
    ):
        export(edge.ws, edge.package(NAME), NAME, 3, tmp_path / "bundle")
    assert caught.value.hint
    assert names_in(tmp_path) == []
    write_bundle(files, tmp_path / "bundle")
    assert check(tmp_path / "bundle")


KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from noria.optimization.edge import bundle
files, place, step = pickle.load(sys.stdin.buffer)
real, calls = os.fsync, []
def dying(handle):
    calls.append(handle)
    if len(calls) == step:
        os.kill(os.getpid(), signal.SIGKILL)
    real(handle)
bundle.os.fsync = dying
bundle.write_bundle(files, Path(place))
"""


@pytest.mark.parametrize("step", [1, 4, 9, 10])
def test_a_writer_that_is_killed_leaves_no_half_bundle(files, tmp_path, step):
    given = pickle.dumps((files, str(tmp_path / "bundle"), step))
    done = subprocess.run([sys.executable, "-c", KILLED], input=given, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "bundle").exists()
    write_bundle(files, tmp_path / "bundle")
    assert check(tmp_path / "bundle")
