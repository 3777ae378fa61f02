"""What can only go wrong with Redis: servers that die, forget, fill up or refuse, and two writers."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from noria.core.errors import BadInput, Conflict, NoriaError, StorageFull, Unavailable
from noria.stores.online_redis import RedisOnlineStore
from noria.testing.redis_server import RedisServer

NAMES = [b"%d" % number for number in range(3000)]


@pytest.fixture
def server():
    with RedisServer() as server:
        yield server


def test_a_server_that_comes_back_is_used_again(server):
    store = RedisOnlineStore(server.url)
    store.put_many({b"a": b"1"})
    server.stop()
    with pytest.raises(Unavailable, match="does not answer") as told:
        store.get_many([b"a"])
    assert "is it running" in told.value.hint
    with pytest.raises(Unavailable, match=f"redis://127.0.0.1:{server.port}/0"):
        store.put_many({b"a": b"2"})
    server.start()
    assert store.get_many([b"a"]) == [b"1"]
    store.put_many({b"a": b"2"})
    assert store.get_many([b"a"]) == [b"2"]


def test_killed_in_the_middle_of_writes_each_is_there_whole_or_not_at_all(server):
    """One thread writes 3,000 values at a time without a pause, another pulls the plug eight times."""
    store = RedisOnlineStore(server.url)
    store.put_many(dict.fromkeys(NAMES, b"0"))
    written, refused, done = [0], [], threading.Event()

    def write():
        number = 0
        while not done.is_set():
            number += 1
            try:
                store.put_many(dict.fromkeys(NAMES, b"%d" % number))
                written.append(number)
            except Unavailable as error:
                refused.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    for round_ in range(8):
        reached = len(written)
        while len(written) < reached + 3:
            done.wait(0.005)
        (server.kill if round_ % 2 else server.stop)()
        server.start()
    done.set()
    writer.join()
    values = set(store.get_many(NAMES))
    assert len(values) == 1, "half a write is seen"
    assert int(values.pop()) >= written[-1], "an acknowledged write was lost"


def test_a_server_that_forgot_or_came_back_older_is_told_and_not_written_over(server):
    store = RedisOnlineStore(server.url)
    store.put_many({b"a": b"1", b"b": b"1"})
    older = {key: server.client().dump(key) for key in server.client().scan_iter()}
    store.put_many({b"a": b"2"})
    with server.client() as client:
        client.flushall()
        with pytest.raises(Conflict, match="has lost writes"):
            store.put_many({b"a": b"3"})
        assert client.keys() == []
        for key, value in older.items():
            client.restore(key, 0, value)
    with pytest.raises(Conflict, match="has lost writes"):
        store.put_many({b"a": b"3"})
    again = RedisOnlineStore(server.url)
    again.put_many({b"a": b"4"})
    assert again.get_many([b"a", b"b"]) == [b"4", b"1"]


def test_the_newest_writer_fences_the_older_one_off(redis_server):
    url = f"{redis_server.url}?prefix=fenced:"
    first, second, reader = (RedisOnlineStore(url) for _ in range(3))
    first.put_many({b"a": b"first"})
    assert second.get_many([b"a"]) == [b"first"], "to read is not to write"
    second.put_many({b"a": b"second"})
    with pytest.raises(Conflict, match="another process writes") as told:
        first.put_many({b"a": b"late", b"b": b"late"})
    assert "one writer" in told.value.hint
    with pytest.raises(Conflict, match="another process writes"):
        first.clear(b"")
    assert reader.get_many([b"a", b"b"]) == [b"second", None]


def test_two_writers_at_once_never_mix_their_writes(redis_server):
    url = f"{redis_server.url}?prefix=raced:"
    told: list[NoriaError] = []

    def write(value):
        store = RedisOnlineStore(url)
        try:
            for _ in range(60):
                store.put_many(dict.fromkeys(NAMES[:50], value))
        except NoriaError as error:
            told.append(error)

    writers = [threading.Thread(target=write, args=(value,)) for value in (b"x", b"y", b"z")]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert len(told) < 3
    assert all(isinstance(error, Conflict) for error in told)
    assert len(set(RedisOnlineStore(url).get_many(NAMES[:50]))) == 1


def test_prefixes_and_names_keep_stores_apart(redis_server):
    stores = [
        RedisOnlineStore(f"{redis_server.url}?prefix={prefix}", name)
        for prefix, name in (("one:", "features"), ("two:", "features"), ("two:", "other"))
    ]
    for number, store in enumerate(stores):
        store.put_many({b"a": b"%d" % number})
    stores[1].clear(b"")
    assert [store.get_many([b"a"]) for store in stores] == [[b"0"], [None], [b"2"]]


def test_letters_that_redis_reads_as_patterns_are_letters(redis_server):
    store = RedisOnlineStore(f"{redis_server.url}?prefix=*[a]?:")
    keys = [b"*a", b"?a", b"[ab]", b"\\a", b"aa", b"^", b"\xff*", b""]
    store.put_many(dict.fromkeys(keys, b""))
    for prefix in (b"*", b"?", b"[a", b"\\", b"\xff", b"^"):
        assert list(store.keys(prefix)) == sorted(key for key in keys if key.startswith(prefix))


def test_a_full_server_writes_nothing(server):
    store = RedisOnlineStore(server.url)
    store.put_many({b"kept": b"1"})
    with server.client() as client:
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 200_000)
    with pytest.raises(StorageFull, match="takes no more"):
        for number in range(100):
            store.put_many({b"kept": b"2", b"%d" % number: b"x" * 50_000, b"last": b"%d" % number})
    written = [key for key in store.keys(b"") if key.isdigit()]
    assert store.get_many([b"last"]) == [b"%d" % (len(written) - 1)]
    with server.client() as client:
        client.config_set("maxmemory", 0)
    store.put_many({b"kept": b"3"})
    assert store.get_many([b"kept"]) == [b"3"]


def test_a_server_that_throws_keys_away_is_refused(server):
    with server.client() as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(BadInput, match="features would vanish"):
        RedisOnlineStore(server.url)


def test_a_key_of_somebody_else_is_left_alone(redis_server):
    with redis_server.client() as client:
        client.set("taken:{features}", "a string")
    with pytest.raises(BadInput, match="somebody else's"):
        RedisOnlineStore(f"{redis_server.url}?prefix=taken:")


def test_user_and_password_come_with_the_url_and_are_never_shown(server):
    with server.client() as client:
        client.acl_setuser("ada", enabled=True, passwords=["+s3cret/"], commands=["+@all"], keys=["*"])
        client.acl_setuser("eve", enabled=True, passwords=["+s3cret/"], commands=["+info", "+ping"], keys=["*"])
        client.acl_setuser("default", enabled=False)
    place = f"127.0.0.1:{server.port}/0"
    store = RedisOnlineStore(f"redis://ada:s3cret%2F@{place}")
    store.put_many({b"a": b"1"})
    assert store.get_many([b"a"]) == [b"1"]
    for who in ("ada:wr0ng@", "eve:s3cret%2F@", ""):
        with pytest.raises(Unavailable, match="does not let us in") as told:
            RedisOnlineStore(f"redis://{who}{place}")
        assert not {"s3cret", "wr0ng"} & set(str(told.value).replace("@", " ").split())
        assert place in str(told.value)


def test_a_replica_says_that_it_takes_no_writes(server):
    store = RedisOnlineStore(server.url)
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)
    with pytest.raises(Unavailable, match="takes no writes"):
        store.put_many({b"a": b"1"})


def test_it_speaks_tls(tmp_path):
    certificate(tmp_path)
    with RedisServer() as server:
        files = [f"--tls-{kind}-file" for kind in ("cert", "key", "ca-cert")]
        server.stop()
        secure = server.port
        server.start(
            "--port", "0", "--tls-port", str(secure), "--tls-auth-clients", "no",
            files[0], str(tmp_path / "cert.pem"), files[1], str(tmp_path / "key.pem"),
            files[2], str(tmp_path / "cert.pem"), wait=False,
        )  # fmt: skip
        place = f"rediss://127.0.0.1:{secure}/0"
        store = RedisOnlineStore(f"{place}?ssl_ca_certs={tmp_path / 'cert.pem'}")
        store.put_many({b"a": b"1"})
        assert store.get_many([b"a"]) == [b"1"]
        with pytest.raises(Unavailable, match=r"(?i)certificate"):
            RedisOnlineStore(place)


@pytest.mark.parametrize("url", ["http://host", "redis", "redis://host:port/0", "redis://127.0.0.1/0?colour=red"])
def test_a_url_that_is_none_is_told(url):
    with pytest.raises(BadInput):
        RedisOnlineStore(url)


def test_nobody_at_the_address_is_told():
    with pytest.raises(Unavailable, match="does not answer"):
        RedisOnlineStore("redis://127.0.0.1:1/0")


WRITER = """
import itertools, sys
from noria.stores.online_redis import RedisOnlineStore
store = RedisOnlineStore(sys.argv[1])
for number in itertools.count():
    store.put_many({b"%d" % name: b"%d" % number for name in range(3000)})
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_whole_writes(redis_server):
    url = f"{redis_server.url}?prefix=killed:"
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(5):
                acknowledged = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
        values = set(RedisOnlineStore(url).get_many(NAMES))
        assert len(values) == 1
        assert int(values.pop()) >= acknowledged


def certificate(folder):
    """A certificate of one's own for 127.0.0.1."""
    from ipaddress import ip_address

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    assert ssl.create_default_context(cafile=str(folder / "cert.pem"))
