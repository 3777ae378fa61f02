"""A model in one file, to be carried to another server: versions, aliases, lineage, evaluations, history, bytes.

The file is a tar with three kinds of members and no others:

    manifest.json     what else is inside: the size and SHA-256 of each member, by name
    registry.json     the model as this page describes it
    blobs/<sha256>    the bytes of a version's file, named by their digest

It proves that nothing was damaged on the way, not who made it: for that, sign the versions, whose signatures
come along. Policies, webhooks and trusted keys belong to a server and stay there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from noria.core.digest import canonical, digest
from noria.core.errors import Conflict, Corrupt

KIND = "noria/bundle/1"
MANIFEST, REGISTRY, BLOBS = "manifest.json", "registry.json", "blobs/"
LARGEST_DOCUMENT = 256 << 20
"""Bytes of `manifest.json` or `registry.json`; more is refused before it is read."""
Moment = Annotated[int, msgspec.Meta(ge=-(2**60), le=2**60)]
"""Momenteconds since the epoch that every database can hold."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class DamagedBundle(Corrupt):
    """A file that is no bundle, or no whole one; nothing of it was taken in."""

    code = "N5070"
    status = 400

    def __init__(self, why: str) -> None:
        super().__init__(f"the bundle cannot be used: {why}", hint="export it again; nothing of it was taken in")


class BundleConflict(Conflict):
    """A version that is here already under the same number with other content. `numbers` says which."""

    code = "N5071"

    def __init__(self, model: str, numbers: list[int]) -> None:
        listed = ", ".join(map(str, numbers))
        super().__init__(
            f"{model} has version {listed} here already, with other content than in the bundle",
            hint="nothing was taken in; rename one of the two models, or import where the model is not",
        )
        self.model, self.numbers = model, numbers


@dataclass(frozen=True)
class Member:
    """A member of the file: how long it is and what it must hash to."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """`manifest.json`."""

    kind: str
    files: dict[str, Member]


@dataclass(frozen=True)
class BundledSignature:
    """A signature as the table keeps it."""

    key: str
    manifest: str
    signature: str
    signed: Moment


@dataclass(frozen=True)
class BundledVersion:
    """A version with all that is known of it. `value` is what Noria knows of one that it packaged, as JSON text.

    `files` are the blobs of its files by name, None where they lie elsewhere. A deleted version has only its number.
    """

    number: int
    stage: str
    created: Moment
    updated: Moment
    source: str = ""
    storage: str = ""
    run: str | None = None
    run_link: str | None = None
    description: str | None = None
    actor: str = ""
    status: str = "READY"
    status_message: str | None = None
    logged_model: str | None = None
    identity: str | None = None
    value: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] | None = None
    signatures: list[BundledSignature] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """What two versions share that are the same: their files, their source, and what Noria knows of them."""
        return digest([self.stage == "deleted", self.files, self.source, self.value])


@dataclass(frozen=True)
class BundledFact:
    """An entry of the journal that the model's life holds: `origin` is its hash where it was first written."""

    at: Moment
    kind: str
    actor: str
    data: dict[str, Any]
    origin: str


@dataclass(frozen=True)
class Bundle:
    """`registry.json`."""

    kind: str
    model: str
    created: Moment
    updated: Moment
    description: str | None
    tags: dict[str, str]
    aliases: dict[str, int]
    versions: list[BundledVersion]
    history: list[BundledFact]
    snapshots: dict[str, str] = field(default_factory=dict)
    """The descriptions of the data snapshots that versions were made from, as JSON text, by their digests."""

    def encode(self) -> bytes:
        """The document's bytes."""
        return canonical(self).encode()


def read_contents(data: bytes) -> Contents:
    """Read `manifest.json`. Raises DamagedBundle for another format, or a name that no member may have."""
    try:
        contents = msgspec.json.decode(data, type=Contents)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedBundle(f"{MANIFEST} cannot be read: {error}") from error
    if contents.kind != KIND:
        raise DamagedBundle(f"it is of the kind {contents.kind[:40]!r}, and this release reads {KIND!r}")
    if bad := [name for name in contents.files if not allowed(name) or name == MANIFEST]:
        raise DamagedBundle(f"it lists a member {bad[0][:80]!r}, which no bundle has")
    wrong = [name for name, one in contents.files.items() if name.startswith(BLOBS) and one.sha256 != name[6:]]
    if wrong or REGISTRY not in contents.files:
        raise DamagedBundle(f"{MANIFEST} contradicts itself about {wrong[0] if wrong else REGISTRY}")
    return contents


def read_registry(data: bytes) -> Bundle:
    """Read `registry.json`. Raises DamagedBundle."""
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedBundle(f"{REGISTRY} cannot be read: {error}") from error
    if bundle.kind != KIND:
        raise DamagedBundle(f"{REGISTRY} is of the kind {bundle.kind[:40]!r}")
    return bundle


def allowed(name: str) -> bool:
    """Whether a member may have this name: one of three kinds, so none leads out of anywhere."""
    return name in (MANIFEST, REGISTRY) or (name.startswith(BLOBS) and is_digest(name.removeprefix(BLOBS)))


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in lower-case hexadecimal."""
    return _DIGEST.fullmatch(text) is not None
