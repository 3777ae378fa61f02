"""What of a prediction is written down: all of it, unless a model's rules say otherwise.

A sample is drawn by the hash of the prediction's id, so one that is asked again is in it again or again is not. A
redacted column is not written at all. A hashed one is written as `NAME#`, by a key that stays in the workspace:
equal values stay equal there, and no table of hashes made elsewhere tells them (RFC 2104's reason for a key).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from noria.serving.log_columns import hash_id
from noria.serving.model import LogRules, PredictionRecord

_SECRET_BYTES = 32
_ALL = 1 << 64


def kept(rules: LogRules, prediction_id: str) -> bool:
    """Whether a prediction is in the sample."""
    return rules.sample >= 1 or hash_id(prediction_id) < rules.sample * _ALL


def written(rules: LogRules, record: PredictionRecord, secret: bytes) -> PredictionRecord:
    """The record as it is written."""
    if not rules.redact and not rules.hashed:
        return record
    key = record.key
    if rules.key in rules.redact or rules.key in rules.hashed:
        key = keyed_hash(key, secret)
    request = _columns(rules, record.request, secret)
    features = _columns(rules, record.features, secret)
    return msgspec.structs.replace(record, key=key, request=request, features=features)


def _columns(rules: LogRules, values: Mapping[str, Any], secret: bytes) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        if name in rules.hashed:
            found[f"{name}#"] = None if value is None else keyed_hash(value, secret)
        elif name not in rules.redact:
            found[name] = value
    return found


def keyed_hash(value: Any, secret: bytes) -> str:
    """128 bits of BLAKE2b of a value's JSON, under a secret, in hexadecimal."""
    return blake2b(json.dumps(value).encode(), digest_size=16, key=secret).hexdigest()


def log_secret(folder: Path) -> bytes:
    """The secret of a workspace's log, made when it is first needed; readable by its owner alone."""
    path = folder / "log.secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{secrets.token_hex(6)}.tmp"
        fresh.touch(mode=0o600)
        fresh.write_bytes(secrets.token_bytes(_SECRET_BYTES))
        try:
            path.hardlink_to(fresh)  # whoever is first; the other takes that one
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
