"""A webhook reaches nobody who is not public: neither by its URL, nor by where the name leads when it is delivered."""

import ipaddress
import socket

import pytest

from noria.registry import addresses
from noria.registry.addresses import Allowed, BadUrl, check_url, is_public
from noria.registry.posting import post
from noria.testing.receiver import receiving


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "64:ff9b::a00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_not_public(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        (None, "type"), (7, "type"), (b"https://x", "type"), ("", "empty"), (" \n", "empty"), ("https://a b", "syntax"),
        ("https://[::1", "syntax"), ("https://x:99999", "syntax"), ("https://x\r\nHost: y", "syntax"),
        ("http://8.8.8.8", "scheme"), ("file:///etc/passwd", "scheme"), ("gopher://8.8.8.8", "scheme"),
        ("//8.8.8.8", "scheme"), ("https://", "host"), ("https:///path", "host"), ("https://127.0.0.1", "private"),
        ("https://localhost/x", "private"), ("https://[::1]/", "private"), ("https://127.1/", "private"),
        ("https://2130706433/", "private"), ("https://0x7f.1/", "private"), ("https://user@10.0.0.1/", "private"),
        ("https://[::ffff:10.0.0.1]/", "private"), ("https://nowhere.invalid/", "name"),
        ("https://x/" + "y" * 500, "length"),
    ],
)  # fmt: skip
def test_a_url_that_no_webhook_may_have(url, rule):
    with pytest.raises(BadUrl) as caught:
        check_url(url)
    assert caught.value.rule == rule


def test_one_that_it_may_have():
    assert check_url("https://8.8.8.8:8443/hook?x=1") == "https://8.8.8.8:8443/hook?x=1"
    assert check_url("http://127.0.0.1/x", Allowed(("http",), private=True))


def test_a_name_that_leads_elsewhere_when_it_is_delivered_is_not_followed(monkeypatch):
    """The name is public when it is looked up, and this machine's when it is connected to."""
    asked = []
    real = socket.getaddrinfo

    def rebinding(host, port, *rest, **more):
        if host != "rebind.test":
            return real(host, port, *rest, **more)
        asked.append(host)
        return real("8.8.8.8" if len(asked) == 1 else "127.0.0.1", port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with receiving() as receiver:
        port = receiver.port
        with pytest.raises(BadUrl, match=r"led to 127\.0\.0\.1") as caught:
            post(f"http://rebind.test:{port}/", b"secret", {}, allowed=Allowed(("http",)), seconds=5)
        assert (caught.value.rule, receiver.got, len(asked)) == ("private", [], 2)


def test_a_redirect_is_not_followed():
    with receiving() as target, receiving() as receiver:
        receiver.answers, receiver.headers = [307], {"Location": target.url}
        reply = post(receiver.url, b"x", {}, allowed=Allowed(("http",), private=True), seconds=5)
        assert (reply.status, reply.received, target.got) == (307, False, [])
    assert Allowed(("https",), private=False) == addresses.PUBLIC
