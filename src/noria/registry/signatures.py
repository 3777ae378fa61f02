"""Signatures of versions: a detached Ed25519 signature over the manifest of a version's files.

Whoever has a private key signs; the server knows public keys that somebody chose to trust, each with its owner.
A signature is judged by hashing the files as they lie here now: a changed byte, a missing file, a withdrawn key
all show. Nothing that could not be judged counts as valid: it is "not run", with the reason.
Source: RFC 8032 (Ed25519); the manifest of digests follows the OpenSSF model signing layout in spirit.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from noria.core.clock import Micros
from noria.core.digest import digest_bytes, short
from noria.core.errors import BadInput, Corrupt, NoriaError, NotFound, Unavailable
from noria.core.rules import Outcome, Verdict
from noria.registry import manifest, reading
from noria.registry.changes import changing, tell
from noria.registry.model import Version
from noria.registry.names import Number, check_model_name, check_number, check_text
from noria.registry.tables import signatures, signing_keys
from noria.workspace.workspace import Workspace

_RULE = "signature valid"
_KEY_BYTES = 32


class BadKey(BadInput):
    """Bytes that are no Ed25519 key."""

    code = "N5051"


@dataclass(frozen=True)
class Trusted:
    """A public key that this server trusts, or trusted until it was withdrawn."""

    key: str
    owner: str
    added: Micros
    withdrawn: Micros | None = None


@dataclass(frozen=True)
class Signature:
    """One signature of a version, judged now. `owner` is empty for a key that nobody trusts."""

    key: str
    owner: str
    signed: Micros
    outcome: Outcome
    note: str


def make_key() -> tuple[bytes, bytes]:
    """A new pair: the private key as PEM (unencrypted: keep it where only its owner reads), the raw public key."""
    ed25519, serialization = _library()
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, private.public_key().public_bytes_raw()


def trust(ws: Workspace, public: bytes, owner: str) -> Trusted:
    """Trust a raw public key of 32 bytes from now on, also one that was withdrawn. Raises BadKey."""
    if len(public) != _KEY_BYTES:
        raise BadKey(f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(public)}")
    check_text("owner", owner, 256)
    key, now = digest_bytes(public), ws.clock.now()
    with changing(ws) as connection:
        shown = base64.b64encode(public).decode()
        row = {"key": key, "public": shown, "owner": owner, "added": now, "withdrawn": None}
        ws.database.upsert(connection, signing_keys, [row], ["key"])
        tell(ws, connection, "KeyTrusted", "", {"key": key, "owner": owner})
    return Trusted(key, owner, now)


def withdraw(ws: Workspace, key: str) -> None:
    """Trust a key no more; what it signed is valid no more. Raises NotFound."""
    with changing(ws) as connection:
        chosen = signing_keys.c.key == key
        if not connection.execute(sa.update(signing_keys).where(chosen).values(withdrawn=ws.clock.now())).rowcount:
            raise NotFound("signing key", key)
        tell(ws, connection, "KeyWithdrawn", "", {"key": key})


def trusted_keys(ws: Workspace) -> list[Trusted]:
    """Every key that is or was trusted."""
    with ws.database.reading() as connection:
        rows = connection.execute(sa.select(signing_keys).order_by(signing_keys.c.added, signing_keys.c.key)).all()
    return [Trusted(row.key, row.owner, row.added, row.withdrawn) for row in rows]


def sign(ws: Workspace, model: str, number: Number, private: bytes) -> Signature:
    """Sign a version's files as they are with a private key in PEM. Raises BadKey, NoManifest, VersionMissing."""
    check_model_name(model)
    secret = _private(private)
    public = secret.public_key().public_bytes_raw()
    with changing(ws) as connection:
        version = reading.get_version(connection, model, check_number(number))
        text = manifest.take(ws, connection, version).text()
        row = {
            "model": model, "number": version.number, "key": digest_bytes(public), "manifest": text,
            "signature": base64.b64encode(public + secret.sign(text.encode())).decode(), "signed": ws.clock.now(),
        }  # fmt: skip
        ws.database.upsert(connection, signatures, [row], ["model", "number", "key"])
        facts = {"version": version.number, "key": row["key"], "manifest": digest_bytes(text.encode())}
        tell(ws, connection, "VersionSigned", model, facts)
        (made,) = [one for one in _judged(ws, connection, version) if one.key == row["key"]]
    return made


def verify(ws: Workspace, model: str, number: Number) -> list[Signature]:
    """Every signature of a version, judged against its files as they lie here now. Raises VersionMissing."""
    check_model_name(model)
    with ws.database.reading() as connection:
        return _judged(ws, connection, reading.get_version(connection, model, check_number(number)))


def judge(ws: Workspace, connection: sa.Connection, version: Version) -> Verdict:
    """Whether a version has a valid signature by a trusted key: a policy's verdict.

    A signature that does not fit the files fails it, whatever other signatures say.
    """
    try:
        found = _judged(ws, connection, version)
    except Unavailable as error:
        return _verdict(Outcome.NOT_RUN, error.message)
    if not found:
        return _verdict(Outcome.NOT_RUN, "nobody signed it")
    wrong = [one for one in found if one.outcome is Outcome.FAILED]
    good = [one for one in found if one.outcome is Outcome.PASSED]
    if wrong:
        return _verdict(Outcome.FAILED, "; ".join(one.note for one in wrong))
    if good:
        return _verdict(Outcome.PASSED, f"signed by {', '.join(one.owner for one in good)}")
    return _verdict(Outcome.NOT_RUN, "; ".join(one.note for one in found))


def _judged(ws: Workspace, connection: sa.Connection, version: Version) -> list[Signature]:
    query = sa.select(signatures, signing_keys.c.owner, signing_keys.c.withdrawn).outerjoin(
        signing_keys, signing_keys.c.key == signatures.c.key
    )
    chosen = (signatures.c.model == version.model, signatures.c.number == version.number)
    rows = connection.execute(query.where(*chosen).order_by(signatures.c.signed, signatures.c.key)).all()
    if not rows:
        return []
    try:
        text = manifest.take(ws, connection, version).text()
    except NoriaError as error:
        outcome = Outcome.FAILED if isinstance(error, Corrupt | NotFound) else Outcome.NOT_RUN
        return [Signature(row.key, row.owner or "", row.signed, outcome, error.message) for row in rows]
    return [Signature(row.key, row.owner or "", row.signed, *_outcome(row, text)) for row in rows]


def _outcome(row: sa.Row[Any], text: str) -> tuple[Outcome, str]:
    if not _fits(row.key, row.signature, row.manifest):
        return Outcome.FAILED, f"the signature by key {short(row.key)} is not that key's"
    if row.manifest != text:
        return Outcome.FAILED, f"the files are not those that key {short(row.key)} signed"
    if row.owner is None:
        return Outcome.NOT_RUN, f"nobody here trusts key {short(row.key)}"
    if row.withdrawn is not None:
        return Outcome.NOT_RUN, f"key {short(row.key)} of {row.owner} was withdrawn"
    return Outcome.PASSED, f"signed by {row.owner}"


def _fits(key: str, signature: str, text: str) -> bool:
    """Whether stored bytes (the raw public key and the signature after it) are a key's signature of a text."""
    ed25519, _ = _library()
    try:
        raw = base64.b64decode(signature, validate=True)
        public, signed = raw[:_KEY_BYTES], raw[_KEY_BYTES:]
        if digest_bytes(public) != key:
            return False
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signed, text.encode())
    except (ValueError, binascii.Error, _invalid()):
        return False
    return True


def _private(pem: bytes) -> Any:
    ed25519, serialization = _library()
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise BadKey("this is no private key in PEM without a password") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise BadKey("this is a private key of another kind than Ed25519")
    return key


def _library() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise Unavailable("signatures need a library", hint="pip install cryptography") from error
    return ed25519, serialization


def _invalid() -> type[Exception]:
    from cryptography.exceptions import InvalidSignature

    return InvalidSignature


def _verdict(outcome: Outcome, note: str) -> Verdict:
    return Verdict(_RULE, outcome, None, None, note)
