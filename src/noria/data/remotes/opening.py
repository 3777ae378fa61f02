"""A remote's files: S3, Google Cloud Storage and Azure by obstore, a shared folder by plain files.

`s3://bucket/path?endpoint=http://127.0.0.1:9000&region=eu-north-1` also names MinIO, or lakeFS's gateway. Credentials
are those that obstore finds in the environment (AWS_ACCESS_KEY_ID and so on), never a part of the address.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from noria.core.errors import StorageFull
from noria.data.remotes.model import BadRemote, RemoteAway
from noria.data.versions.disk import told
from noria.stores.disk import NO_ROOM

if TYPE_CHECKING:
    from obstore.store import ObjectStore as Store

KINDS = ("s3", "gs", "az", "file")
_OPTIONS = {"endpoint": "endpoint", "region": "region", "account": "account_name"}
_RETRIES = 6
_SECRETS = ("key", "secret", "token", "password")
_SCRATCH = "noria-lock"


class Remote:
    """Files by their paths below an address. Every call raises RemoteAway when the remote does not answer."""

    def __init__(self, store: Store, shown: str, folder: Path | None = None) -> None:
        self._store, self.shown, self._folder = store, shown, folder

    def __str__(self) -> str:
        return self.shown

    def get(self, path: str) -> bytes | None:
        """A file's bytes, or None."""
        import obstore

        with self._told():
            try:
                return bytes(obstore.get(self._store, path).bytes())
            except FileNotFoundError:
                return None

    def stream(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces; none for one that is not there."""
        import obstore

        with self._told():
            try:
                yield from map(bytes, obstore.get(self._store, path).stream(min_chunk_size=4 << 20))
            except FileNotFoundError:
                return

    def ranges(self, path: str, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Pieces of a file by (offset, length); neighbours are fetched together. Nothing when it does not have them."""
        import obstore
        from obstore.exceptions import GenericError

        with self._told():
            starts, lengths = [one for one, _ in wanted], [one for _, one in wanted]
            try:
                return [bytes(one) for one in obstore.get_ranges(self._store, path, starts=starts, lengths=lengths)]
            except FileNotFoundError:
                return []
            except GenericError:
                if (self.size(path) or 0) < max(start + length for start, length in wanted):
                    return []  # it ends before the range does, which each kind of remote tells otherwise
                raise

    def put(self, path: str, data: bytes | Path) -> None:
        """Write a file, whole; a large one in parts."""
        import obstore

        with self._told():
            obstore.put(self._store, path, data)

    def size(self, path: str) -> int | None:
        """A file's bytes, or None."""
        import obstore

        with self._told():
            try:
                return int(obstore.head(self._store, path)["size"])
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> list[str]:
        """The paths that begin with the folder `prefix`, sorted. Raises BadRemote when the bucket is not there."""
        import obstore

        with self._told():
            return sorted(one["path"] for some in obstore.list(self._store, prefix=prefix) for one in some)

    def versioned(self, path: str) -> tuple[bytes, str] | None:
        """A file's bytes with the tag of this state of it, or None."""
        import obstore

        with self._told():
            try:
                found = obstore.get(self._store, path)
                return bytes(found.bytes()), found.meta["e_tag"] or ""
            except FileNotFoundError:
                return None

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        """Write a file only if it still has the `tag` (None: only if it is not there); False when it has not."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._told(), self._alone():
            if self._folder is not None:
                here = self.versioned(path)
                if (here[1] if here else None) != tag:
                    return False
                obstore.put(self._store, path, data)
                return True
            try:
                obstore.put(self._store, path, data, mode="create" if tag is None else {"e_tag": tag})
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A folder has no conditional writes: one process at a time looks and writes there."""
        if self._folder is None:
            yield
            return
        file = os.open(self._folder / _SCRATCH, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    @contextmanager
    def _told(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StorageFull(f"no room left in {self}", hint="free room and run it again") from error
            raise self._away(error) from error
        except BaseError as error:
            if "NoSuchBucket" in str(error):
                raise BadRemote(f"there is no bucket at {self}", hint="make it, or mend the address") from error
            raise self._away(error) from error

    def _away(self, error: Exception) -> RemoteAway:
        hint = "check the address, the network and the credentials (AWS_ACCESS_KEY_ID ...), and run it again"
        return RemoteAway(f"{self} does not do what it was asked: {_first_line(error)}", hint=hint)


def open_remote(address: str) -> Remote:
    """The remote at an address, such as `s3://bucket/path`. Raises BadRemote."""
    parts = urlsplit(address)
    if parts.scheme not in KINDS:
        raise BadRemote(f"{address!r} names no remote", hint=", ".join(f"{kind}://..." for kind in KINDS))
    options = _options(parts.query)
    try:
        import obstore.store
    except ImportError as error:
        raise BadRemote("remotes need obstore", hint="pip install 'noria[objects]'") from error
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return Remote(obstore.store.LocalStore(folder), address, folder)
    if not parts.netloc:
        raise BadRemote(f"{address!r} names no bucket", hint=f"{parts.scheme}://bucket/path")
    plain = f"{parts.scheme}://{parts.netloc}{parts.path}"
    insecure = options.get("endpoint", "").startswith("http://")
    clients = {"timeout": timedelta(minutes=2), "connect_timeout": timedelta(seconds=10), "allow_http": insecure}
    patience = {"max_retries": _RETRIES, "retry_timeout": timedelta(minutes=1)}
    named = {_OPTIONS[name]: value for name, value in options.items()}
    make: Any = obstore.store.from_url  # its overloads want to know the kind of store
    try:
        return Remote(make(plain, retry_config=patience, client_options=clients, **named), plain)
    except Exception as error:  # whatever obstore says of an address that it cannot use
        raise BadRemote(f"{plain} cannot be used: {_first_line(error)}") from error


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query))
    for name in options:
        if any(one in name.lower() for one in _SECRETS):
            raise BadRemote(f"{name} does not belong into an address", hint="put credentials into the environment")
        if name not in _OPTIONS:
            raise BadRemote(f"a remote has no option {name!r}; there are {', '.join(_OPTIONS)}")
    return options


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
