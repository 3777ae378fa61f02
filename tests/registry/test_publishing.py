"""MLflow's clients find the files of a version that Noria packaged, and how to open them."""

import sqlalchemy as sa

from noria.registry import model_versions
from noria.tracking.tables import artifacts


def tree(ws, root):
    below = artifacts.c.path.like(f"{root}/%")
    with ws.database.reading() as connection:
        rows = connection.execute(sa.select(artifacts).where(below)).all()
    return {row.path.removeprefix(f"{root}/"): (row.folder, row.digest, row.size) for row in rows}


def test_every_file_has_a_name_and_no_byte_is_copied(hall):
    blobs = {digest: hall.ws.blobs.get(digest) for digest in hall.ws.blobs.digests()}
    version = hall.register_real()
    root = model_versions.download_uri(hall.ws, "lateness", 1).removeprefix("mlflow-artifacts:/")
    assert root == f"registry/{version.package}"
    files = tree(hall.ws, root)
    assert set(files) == {"MLmodel", "package.json", "model.onnx", "golden.parquet", "profile.json"}
    assert files["model.onnx"][1] == version.model_digest
    assert files["package.json"][1] == version.package
    for folder, digest, size in files.values():
        assert (folder, size) == (root, len(hall.ws.blobs.get(digest)))
    assert b"loader_module: mlflow.onnx" in hall.ws.blobs.get(files["MLmodel"][1])
    assert len(set(hall.ws.blobs.digests())) == len(blobs) + 5


def test_the_same_package_under_another_name_has_the_same_place(hall):
    first, second = hall.register_real(), hall.register_real(model="fares")
    assert first.storage == second.storage


def test_what_is_not_here_gets_no_name(hall):
    hall.register()
    assert tree(hall.ws, f"registry/{'p' * 64}") == {}
