"""What `noria models` can do to a model: approve and reject, set policies, sign, export and import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from noria.cli.opening import HERE, Folder, Json, open_stores
from noria.cli.output import say_json

if TYPE_CHECKING:
    from noria.registry.model import Version
    from noria.workspace.workspace import Workspace

Named = Annotated[str, typer.Argument(help="MODEL@NUMBER, MODEL@ALIAS or models:/...", metavar="VERSION")]
Reason = Annotated[str, typer.Option(help="Why; it is journaled.")]


def approve(version: Named, reason: Reason, project: Folder = HERE, json: Json = False) -> None:
    """Approve of a version, for policies that need approvals."""
    _speak("approve", version, reason, project, as_json=json)


def reject(version: Named, reason: Reason, project: Folder = HERE, json: Json = False) -> None:
    """Reject a version; a policy that needs approvals refuses it until you approve."""
    _speak("reject", version, reason, project, as_json=json)


def policy(
    alias: Annotated[str, typer.Argument(help="The alias, such as production.")],
    project: Folder = HERE,
    model: Annotated[str, typer.Option(help="The model it holds for; without one, every model.")] = "",
    gate: Annotated[bool, typer.Option(help="Needs: gate passed.")] = False,
    signed: Annotated[bool, typer.Option(help="Needs: signature valid.")] = False,
    approvals: Annotated[int, typer.Option(help="Needs: so many approvals.", min=0)] = 0,
    author: Annotated[bool, typer.Option(help="The author's own approval counts too.")] = False,
    json: Json = False,
) -> None:
    """Say what an alias needs before it may move to a version; nothing chosen takes the policy away."""
    from noria.registry import policies

    needs: list[Any] = [policies.GatePassed()] if gate else []
    needs += [policies.Signed()] if signed else []
    needs += [policies.Approvals(approvals, not_author=not author)] if approvals else []
    made = policies.declare(open_stores(project), policies.Policy(alias, tuple(needs), model or None))
    told = [one.rule for one in made.needs]
    if json:
        say_json({"alias": alias, "model": made.model, "needs": told})
    else:
        print(f"{alias} of {made.model or 'every model'} needs: {', '.join(told) or 'nothing'}.")


def key(
    private: Annotated[Path, typer.Argument(help="The new file for the private key.")],
    project: Folder = HERE,
    owner: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    json: Json = False,
) -> None:
    """Make a key to sign with, and trust it here. Keep the file where only its owner can read it."""
    import os

    from noria.registry import signatures

    ws = open_stores(project)
    pem, public = signatures.make_key()
    with open(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(pem)
    made = signatures.trust(ws, public, owner or ws.actor)
    if json:
        say_json(made)
    else:
        print(f"Key {made.key[:12]} of {made.owner} is trusted here; its private half is in {private}.")


def sign(
    version: Named,
    key: Annotated[Path, typer.Option(help="The private key, in PEM.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Sign a version's files."""
    from noria.registry import signatures

    ws = open_stores(project)
    named = _resolve(ws, version)
    made = signatures.sign(ws, named.model, named.number, key.read_bytes())
    if json:
        say_json(made)
    else:
        print(f"{named.model} version {named.number}: {made.outcome.value} ({made.note}).")


def export(
    name: Annotated[str, typer.Argument(help="The model.")],
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    project: Folder = HERE,
    json: Json = False,
) -> None:
    """Write a model into one file: versions, aliases, tags, lineage, evaluations, history, bytes."""
    from noria.registry.bundle_export import export_bundle

    bundle = export_bundle(open_stores(project), name, path)
    if json:
        say_json({"model": name, "file": str(path), "versions": [one.number for one in bundle.versions]})
    else:
        print(f"{name}: {len(bundle.versions)} versions and {len(bundle.history)} facts are in {path}.")


def take(
    path: Annotated[Path, typer.Argument(help="The file that `noria models export` wrote.")],
    project: Folder = HERE,
    force: Annotated[bool, typer.Option(help="Set aliases whatever policies say; needs a reason.")] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Take in a model from one file; taking it in again changes nothing."""
    from noria.registry.bundle_import import import_bundle

    found = import_bundle(open_stores(project), path, force=force, reason=reason)
    if json:
        say_json(found)
        return
    print(f"{found.model}: {len(found.versions)} versions are new, {len(found.already)} were here already.")
    for alias in found.aliases:
        print(f"  alias {alias} is set")
    for alias, why in found.held_back.items():
        print(f"  alias {alias} is not set: {why}")


VERBS: dict[str, Callable[..., Any]] = {
    "approve": approve, "reject": reject, "policy": policy, "key": key, "sign": sign, "export": export, "import": take,
}  # fmt: skip


def _speak(verb: str, version: str, reason: str, project: Path, *, as_json: bool) -> None:
    from noria.registry import approvals

    ws = open_stores(project)
    named = _resolve(ws, version)
    say = approvals.approve if verb == "approve" else approvals.reject
    voices = say(ws, named.model, named.number, reason)
    if as_json:
        say_json(voices)
        return
    for one in voices:
        print(f"{one.actor} {'approves of' if one.approves else 'rejects'} version {named.number}: {one.reason}")


def _resolve(ws: Workspace, text: str) -> Version:
    from noria.registry.resolving import resolve

    return resolve(ws, text)
