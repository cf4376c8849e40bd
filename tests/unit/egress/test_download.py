"""What lies behind a URL is read within bounds, and no host can lead, hold or flood the reader."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from serve.egress.client import Client, Timeouts
from serve.egress.download import Download, download
from serve.egress.errors import EgressFailed
from serve.egress.pinning import Rules
from tests.outside import PRIVATE, PUBLIC, Exchange, Names, Outside, outside, rules

NAME = "host.example"
MOST = 200_000
PHOTO = b"a photo" * 1000
BRIEF = Timeouts(0.5, 0.5, 1.0)
PATIENT = Timeouts(5, 5, 10)


def read(names: Names, url: str, timeouts: Timeouts = PATIENT) -> bytes:
    return asyncio.run(download(Client(timeouts), rules(names), Download(url, MOST)))


def failure(names: Names, url: str, timeouts: Timeouts = PATIENT) -> str:
    with pytest.raises(EgressFailed) as failed:
        read(names, url, timeouts)
    return failed.value.code


@pytest.fixture
def inside() -> Iterator[Outside]:
    """A host that must not be reached; it would give what is asked for."""
    with outside(PRIVATE) as opened:
        opened.gives("/a", PHOTO)
        yield opened
        assert opened.seen == []


def test_a_photo_is_read(names: Names, host: Outside) -> None:
    names.stand_for(NAME, [PUBLIC])
    host.gives("/a.jpg?size=1", PHOTO)
    assert read(names, host.url("/a.jpg?size=1#there", NAME)) == PHOTO
    (seen,) = host.seen
    assert seen.headers == {
        "host": f"{NAME}:{host.port}",
        "user-agent": "ImageToVideos",
        "accept": "image/*",
        "accept-encoding": "identity",
        "connection": "close",
    }


def test_as_much_as_is_allowed_is_read_and_no_byte_more(names: Names, host: Outside) -> None:
    host.gives("/most", b"x" * MOST)
    assert len(read(names, host.url("/most"))) == MOST
    host.gives("/more", b"x" * (MOST + 1))
    assert failure(names, host.url("/more")) == "url_too_large"


def test_an_inside_host_is_not_even_connected_to(names: Names, inside: Outside) -> None:
    assert failure(names, inside.url("/a")) == "url_not_allowed"
    names.stand_for(NAME, [PRIVATE])
    assert failure(names, inside.url("/a", NAME)) == "url_not_allowed"


def test_a_name_that_changes_its_mind_is_held_to_its_first_answer(names: Names, host: Outside) -> None:
    with outside(PRIVATE) as inside:
        names.stand_for(NAME, [PUBLIC], [PRIVATE])
        host.gives("/a", PHOTO)
        assert read(names, host.url("/a", NAME)) == PHOTO
        assert names.asked == [NAME]
        assert inside.seen == []


def test_a_redirect_is_followed_and_checked_anew(names: Names, host: Outside, inside: Outside) -> None:
    names.stand_for(NAME, [PUBLIC])
    host.gives("/a", PHOTO)
    host.leads("/relative", "/a", set_cookie="tracked=1")
    host.leads("/named", host.url("/a", NAME), 308)
    for path in ("/relative", "/named"):
        assert read(names, host.url(path)) == PHOTO
    assert names.asked == [PUBLIC, PUBLIC, PUBLIC, NAME]
    assert not any("cookie" in seen.headers or "referer" in seen.headers for seen in host.seen)
    for path, target in (
        ("/inside", inside.url("/a")),
        ("/metadata", "http://169.254.169.254/latest/"),
        ("/user", "http://u@h/"),
    ):
        host.leads(path, target)
        assert failure(names, host.url(path)) == "url_not_allowed"
    for target in ("ftp://host/", "file:///etc/passwd", "http://[::1]/"):
        host.leads("/strange", target)
        assert failure(names, host.url("/strange")) == "url_not_allowed"


def test_a_name_that_turns_inside_between_redirects_is_refused(names: Names, host: Outside, inside: Outside) -> None:
    names.stand_for(NAME, [PUBLIC], [PRIVATE])
    host.leads("/one", host.url("/two", NAME))
    assert failure(names, host.url("/one", NAME)) == "url_not_allowed"
    assert [seen.path for seen in host.seen] == ["/one"]


def test_three_redirects_are_followed_and_no_fourth(names: Names, host: Outside) -> None:
    host.gives("/0", PHOTO)
    for number in range(1, 5):
        host.leads(f"/{number}", f"/{number - 1}")
    assert read(names, host.url("/3")) == PHOTO
    assert failure(names, host.url("/4")) == "url_too_many_redirects"
    host.leads("/loop", "/loop")
    host.seen.clear()
    assert failure(names, host.url("/loop")) == "url_too_many_redirects"
    assert len(host.seen) == 4


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "url_not_found"), (410, "url_not_found"), (401, "url_bad_answer"), (204, "url_bad_answer")]
    + [(status, "url_bad_answer") for status in (206, 304, 400, 403, 429, 500, 503)],
)
def test_anything_but_200_is_no_photo(names: Names, host: Outside, status: int, code: str) -> None:
    host.gives("/a", b"", status)
    assert failure(names, host.url("/a")) == code


def test_a_redirect_without_a_target_is_a_bad_answer(names: Names, host: Outside) -> None:
    host.gives("/a", b"", 302)
    assert failure(names, host.url("/a")) == "url_bad_answer"


def test_ten_gigabytes_are_refused_before_the_first(names: Names, host: Outside) -> None:
    host.never_ends("/declared", b"x" * 1000, 0.01, content_length=str(10 << 30))
    assert failure(names, host.url("/declared")) == "url_too_large"
    host.never_ends("/endless", b"x" * 50_000)
    assert failure(names, host.url("/endless")) == "url_too_large"
    assert host.cut_off.wait(5)


def test_a_host_that_never_ends_is_cut_off(names: Names, host: Outside) -> None:
    host.never_ends("/drip", b"x", 0.05)
    assert failure(names, host.url("/drip"), BRIEF) == "url_too_slow"
    assert host.cut_off.wait(5)


def test_a_host_that_drips_its_head_or_says_nothing_is_cut_off(names: Names, host: Outside) -> None:
    host.answers["/head"] = lambda exchange: exchange.pour(b"x-more: x\r\n", host.ended, 0.05)

    def silent(_: Exchange) -> None:
        host.ended.wait(20)

    host.answers["/silent"] = silent
    for path in ("/head", "/silent"):
        assert failure(names, host.url(path), BRIEF) in ("url_too_slow", "url_unreachable")


def test_a_head_without_end_is_refused(names: Names, host: Outside) -> None:
    host.answers["/head"] = lambda exchange: exchange.pour(b"x-more: " + b"x" * 1000 + b"\r\n", host.ended, 0)
    assert failure(names, host.url("/head")) == "url_unreachable"


def test_a_slow_name_server_is_not_waited_for() -> None:
    class Slow(Names):
        async def __call__(self, *_: object) -> list[str]:
            await asyncio.sleep(30)
            return [PUBLIC]

    assert failure(Slow(), f"http://{NAME}/a", BRIEF) == "url_too_slow"


def test_what_breaks_off_is_not_taken_for_a_photo(names: Names, host: Outside) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("content-length", str(len(PHOTO)))
        exchange.end_headers()
        exchange.wfile.write(PHOTO[:100])

    def garbage(exchange: Exchange) -> None:
        exchange.wfile.write(b"no http at all\r\n\r\n")

    host.answers["/cut"] = cut
    host.answers["/garbage"] = garbage
    host.answers["/mute"] = lambda _: None
    for path in ("/cut", "/garbage", "/mute"):
        assert failure(names, host.url(path)) == "url_unreachable"


def test_nobody_listens(names: Names) -> None:
    with socket.create_server((PUBLIC, 0)) as taken:
        port = taken.getsockname()[1]
    assert failure(names, f"http://{PUBLIC}:{port}/") == "url_unreachable"
    assert failure(names, f"https://{PUBLIC}:{port}/") == "url_unreachable"


def test_the_next_address_is_tried_while_no_connection_stands(names: Names, host: Outside) -> None:
    names.stand_for(NAME, ["127.0.0.10", PUBLIC])
    host.gives("/a", PHOTO)
    wider = Rules((ip_network("127.0.0.0/8"),), names)
    assert asyncio.run(download(Client(PATIENT), wider, Download(host.url("/a", NAME), MOST))) == PHOTO


def test_the_environment_has_no_say(names: Names, host: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    with outside(PRIVATE) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        host.gives("/a", PHOTO)
        assert read(names, host.url("/a")) == PHOTO
        assert proxy.seen == []


def test_compressed_bytes_are_passed_on_as_they_are(names: Names, host: Outside) -> None:
    host.gives("/bomb", b"\x1f\x8b not opened", content_encoding="gzip")
    assert read(names, host.url("/bomb")) == b"\x1f\x8b not opened"


def test_downloads_do_not_wait_for_each_other(names: Names, host: Outside) -> None:
    together = threading.Barrier(4, timeout=10)

    def answer(exchange: Exchange) -> None:
        together.wait()
        exchange.say(200, PHOTO)

    host.answers["/a"] = answer

    async def four() -> list[bytes]:
        client, wanted = Client(PATIENT), Download(host.url("/a"), MOST)
        return await asyncio.gather(*(download(client, rules(names), wanted) for _ in range(4)))

    assert asyncio.run(four()) == [PHOTO] * 4
