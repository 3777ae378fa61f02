"""A signature is valid while a trusted key's owner signed exactly the bytes that lie here; everything else shows."""

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from noria.core.digest import digest_bytes
from noria.core.errors import NotFound
from noria.core.rules import Outcome
from noria.registry import manifest, model_versions, registered_models, signatures
from noria.registry.tables import signatures as rows
from noria.tracking.tables import artifacts


@pytest.fixture
def signed(hall):
    hall.register_real()
    pem, public = signatures.make_key()
    hall.key = signatures.trust(hall.ws, public, "ada").key
    signatures.sign(hall.ws, "lateness", 1, pem)
    return hall


def judged(hall, model="lateness"):
    (one,) = signatures.verify(hall.ws, model, 1)
    return one.outcome.value, one.note


def test_signed_by_somebody_trusted(signed):
    assert judged(signed) == ("passed", "signed by ada")
    ((_, fact),) = signed.facts("VersionSigned")
    assert fact["key"] == signed.key


def test_what_is_signed_can_be_checked_without_noria(signed):
    with signed.ws.database.reading() as connection:
        row = connection.execute(sa.select(rows)).one()
    import base64

    raw = base64.b64decode(row.signature)
    ed25519.Ed25519PublicKey.from_public_bytes(raw[:32]).verify(raw[32:], row.manifest.encode())
    assert digest_bytes(raw[:32]) == signed.key


def test_a_changed_byte_of_a_file_fails_it(signed):
    version = model_versions.get_version(signed.ws, "lateness", 1)
    file = signed.ws.blobs.path(version.model_digest)
    file.write_bytes(b"another graph of the same name")
    assert judged(signed) == ("failed", f"the files are not those that key {signed.key[:12]} signed")


def test_a_file_that_is_gone_fails_it(signed):
    version = model_versions.get_version(signed.ws, "lateness", 1)
    signed.ws.blobs.path(version.profile).unlink()
    outcome, note = judged(signed)
    assert outcome == "failed"
    assert "there is no blob" in note


@pytest.mark.parametrize("column", ["signature", "manifest", "key"])
def test_a_forged_row_fails_it(signed, column):
    with signed.ws.database.transaction() as connection:
        before = connection.execute(sa.select(rows.c[column])).scalar_one()
        other = "y" if before.startswith("x") else "x"
        forged = {"signature": other + before[1:], "manifest": before.replace("kind", "kynd"), "key": "0" * 64}
        connection.execute(sa.update(rows).values({column: forged[column]}))
    assert judged(signed)[0] == "failed"


def test_a_withdrawn_key_and_a_strangers_key_are_no_pass(signed):
    signatures.withdraw(signed.ws, signed.key)
    outcome, note = judged(signed)
    assert (outcome, "withdrawn" in note) == ("not run", True)
    with signed.ws.database.reading() as connection:
        version = model_versions.get_version(signed.ws, "lateness", 1)
        assert signatures.judge(signed.ws, connection, version).outcome is Outcome.NOT_RUN
    with pytest.raises(NotFound):
        signatures.withdraw(signed.ws, "0" * 64)
    hall = signed
    hall.register_real("stranger", model="other")
    signatures.sign(hall.ws, "other", 1, signatures.make_key()[0])
    assert judged(hall, "other")[1].startswith("nobody here trusts key")


def test_one_bad_signature_spoils_a_good_one(signed):
    pem, _ = signatures.make_key()
    signatures.sign(signed.ws, "lateness", 1, pem)
    version = model_versions.get_version(signed.ws, "lateness", 1)
    with signed.ws.database.transaction() as connection:
        assert signatures.judge(signed.ws, connection, version).passed  # a stranger's beside a trusted one
        connection.execute(sa.update(rows).where(rows.c.key != signed.key).values(manifest="{}"))
        assert signatures.judge(signed.ws, connection, version).outcome is Outcome.FAILED


def test_the_files_that_a_client_uploaded_can_be_signed_too(hall):
    registered_models.create_model(hall.ws, "iris")
    blob = hall.ws.blobs.put(b"a model")
    with hall.ws.database.transaction() as connection:
        for path, digest in (("1/r/artifacts/model/MLmodel", blob), ("1/r/artifacts/model", None), ("1/r/x", blob)):
            row = {"path": path, "folder": path.rpartition("/")[0], "digest": digest, "size": 7, "created": 0}
            connection.execute(sa.insert(artifacts).values(**row))
    model_versions.create_version(hall.ws, "iris", "mlflow-artifacts:/1/r/artifacts/model")
    pem, public = signatures.make_key()
    signatures.trust(hall.ws, public, "ada")
    assert signatures.sign(hall.ws, "iris", 1, pem).outcome is Outcome.PASSED
    with hall.ws.database.transaction() as connection:
        connection.execute(sa.update(artifacts).values(digest=hall.ws.blobs.put(b"another")))
    assert judged(hall, "iris")[0] == "failed"


@pytest.mark.parametrize("source", ["s3://bucket/model", "runs:/r1/model", "mlflow-artifacts:/empty/place"])
def test_files_that_lie_elsewhere_cannot_be_signed(hall, source):
    registered_models.create_model(hall.ws, "iris")
    model_versions.create_version(hall.ws, "iris", source)
    with pytest.raises(manifest.NoManifest):
        signatures.sign(hall.ws, "iris", 1, signatures.make_key()[0])
    assert signatures.verify(hall.ws, "iris", 1) == []


def _pem(key, password=None):
    kind = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kind)


@pytest.mark.parametrize(
    "pem",
    [
        b"", b"no key", _pem(ec.generate_private_key(ec.SECP256R1())),
        _pem(ed25519.Ed25519PrivateKey.generate(), b"secret"),
    ],
    ids=["empty", "text", "another kind", "with a password"],
)  # fmt: skip
def test_what_is_no_key_signs_nothing(hall, pem):
    hall.register_real()
    with pytest.raises(signatures.BadKey):
        signatures.sign(hall.ws, "lateness", 1, pem)
    with pytest.raises(signatures.BadKey):
        signatures.trust(hall.ws, b"short", "ada")
