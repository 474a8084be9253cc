"""Calling out: hostile addresses are not called, hostile peers are cut off."""

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workspace import addresses, calling
from workspace.calling import Answer, NoAnswer, NotCalled

INSIDE = """
http://127.0.0.1/ http://127.1/ http://127.0.1/ http://2130706433/ http://0x7f000001/ http://0x7f.0.0.1/ http://0177.0.0.1/
http://017700000001/ http://0/ http://0.0.0.0/ http://localhost/ http://LOCALHOST/ http://localhost./ http://127.0.0.1./
http://①②⑦.⓪.⓪.①/ http://１２７.0.0.1/ http://[::1]/ http://[::]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/
http://[::127.0.0.1]/ http://[64:ff9b::7f00:1]/ http://[64:ff9b:1::1]/ http://[2002:7f00:1::]/ http://[2001::1]/
http://[2001:db8::1]/ http://[fec0::1]/ http://[fe80::1]/ http://[fc00::1]/ http://[fd00::1]/ http://[ff02::1]/
http://[3fff::1]/ http://[5f00::1]/ http://[100::1]/ http://10.0.0.1/ http://172.16.0.1/ http://172.31.255.255/
http://192.168.1.1/ http://169.254.169.254/latest/meta-data/ http://169.254.170.2/ http://100.64.0.1/ http://100.100.100.200/
http://192.0.0.8/ http://192.0.0.192/ http://192.0.2.1/ http://192.88.99.1/ http://198.18.0.1/ http://198.51.100.1/
http://203.0.113.1/ http://224.0.0.1/ http://239.255.255.250/ http://240.0.0.1/ http://255.255.255.255/
http://user@127.0.0.1/ http://example.com@127.0.0.1/ http://user:pass@8.8.8.8/ http://8.8.8.8:22/ http://8.8.8.8:25/
http://8.8.8.8:99999/ ftp://8.8.8.8/ file:///etc/passwd gopher://8.8.8.8/ javascript:alert(1) //8.8.8.8/ http:// http:///x
https://127.0.0.1/ https://[::1]:8443/ http://8.8.8.8\\@127.0.0.1/ http://134744072/ http://0x08080808/ data:text/plain,x
"""
HOSTILE = [*INSIDE.split(), "http://8.8.8.8 /", "http://8.8.8.8\n/", "http://8.8.8.8\x00/", "", "http://" + "a" * 3000]


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_inside_or_in_disguise_is_not_called(url: str) -> None:
    with pytest.raises(NotCalled) as refused:
        calling.check(url)
    assert str(refused.value).endswith(".")


def test_there_are_at_least_sixty_of_them() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://1.1.1.1:8443/x?y=1", "http://[2606:4700:4700::1111]/"])
def test_a_public_address_may_be_called(url: str) -> None:
    assert calling.check(url).address


def test_a_name_that_also_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = [addresses.ip_address("8.8.8.8"), addresses.ip_address("127.0.0.1")]
    monkeypatch.setattr(addresses, "resolve", lambda host, port: inside)
    with pytest.raises(NotCalled):
        calling.check("http://rebinding.example/")


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(
    monkeypatch: pytest.MonkeyPatch, peer: "Peer"
) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [addresses.ip_address("127.0.0.1" if len(asked) == 1 else "10.9.9.9")]

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(addresses, "is_public", lambda address: True)
    answer = call(peer(plain(b"hello")).replace("127.0.0.1", "hooks.example"))
    assert (answer.body, asked) == ("hello", ["hooks.example"])
    assert b"Host: hooks.example" in peer.heard[0]


Peer = Any


@pytest.fixture
def peer(settings: Any) -> Iterator[Any]:
    """Give a function that starts a server speaking raw bytes and returns its URL; `heard` is what came."""
    servers: list[socket.socket] = []
    stop = threading.Event()

    def start(speak: Callable[[socket.socket, threading.Event], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                start.heard.append(line.recv(65536))  # type: ignore[attr-defined]
                with contextlib.suppress(OSError), line:
                    speak(line, stop)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    start.heard = []  # type: ignore[attr-defined]
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    yield start
    stop.set()
    for server in servers:
        server.close()


def plain(body: bytes, status: str = "200 OK", head: str = "") -> Callable[[socket.socket, threading.Event], None]:
    def speak(line: socket.socket, stop: threading.Event) -> None:
        line.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)

    return speak


def call(url: str, deadline: float = 1.0) -> Answer:
    return calling.call("POST", url, headers={}, body=b"{}", deadline=deadline)


def test_a_kept_answer_is_cut_to_four_kilobytes(peer: Peer) -> None:
    answer = call(peer(plain(b"x" * 60_000)), deadline=5)
    assert (answer.status, len(answer.body)) == (200, 4096)


def test_a_redirect_is_an_answer_and_is_not_followed(peer: Peer) -> None:
    url = peer(plain(b"", "302 Found", "Location: http://169.254.169.254/\r\n"))
    assert call(url, deadline=5).status == 302
    assert len(peer.heard) == 1


def test_a_gzip_bomb_is_neither_read_nor_inflated_whole(peer: Peer) -> None:
    bomb = gzip.compress(b"\0" * 40_000_000)
    answer = call(peer(plain(bomb, head="Content-Encoding: gzip\r\n")), deadline=5)
    assert len(answer.body) <= 4096


def drip_body(line: socket.socket, stop: threading.Event) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stop.wait(0.05):
        line.sendall(b"x")


def drip_head(line: socket.socket, stop: threading.Event) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not stop.wait(0.05):
        line.sendall(b"x")


def silent(line: socket.socket, stop: threading.Event) -> None:
    stop.wait(30)


@pytest.mark.parametrize("speak", [drip_body, drip_head, silent])
def test_a_peer_that_dribbles_is_cut_off_at_the_deadline(peer: Peer, speak: Any) -> None:
    before = time.monotonic()
    with pytest.raises(NoAnswer) as failed:
        call(peer(speak), deadline=0.5)
    assert failed.value.sent
    assert time.monotonic() - before < 20  # without the cut it never ends


def endless(line: socket.socket, stop: threading.Event) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not stop.is_set():
        line.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def garbage(line: socket.socket, stop: threading.Event) -> None:
    line.sendall(bytes(range(256)) * 20)


def hang_up(line: socket.socket, stop: threading.Event) -> None:
    line.close()


def test_an_endless_answer_is_read_to_the_cap_and_no_further(peer: Peer) -> None:
    with contextlib.suppress(NoAnswer):
        assert len(call(peer(endless), deadline=5).body) <= 4096


@pytest.mark.parametrize("speak", [garbage, hang_up])
def test_nonsense_is_no_answer(peer: Peer, speak: Any) -> None:
    with pytest.raises(NoAnswer):
        call(peer(speak), deadline=5)


def test_nobody_there_is_told_apart_from_no_answer(peer: Peer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NoAnswer) as failed:
        call(f"http://127.0.0.1:{port}/")
    assert not failed.value.sent
