"""A URL becomes addresses that were checked, or nothing; its name is asked for once."""

import asyncio
from ipaddress import ip_network

import pytest

from serve.egress.errors import EgressFailed
from serve.egress.pinning import Pinned, Rules, resolve
from tests.outside import PRIVATE, PUBLIC, Names, rules

NAME = "host.example"


def pin(checked: Rules, url: str, *, https_only: bool = False) -> Pinned:
    return asyncio.run(checked.pin(url, https_only=https_only))


def refusal(checked: Rules, url: str, *, https_only: bool = False) -> str:
    with pytest.raises(EgressFailed) as refused:
        pin(checked, url, https_only=https_only)
    return refused.value.code


@pytest.mark.parametrize(
    "url",
    [
        *("", "/", "//host", "host.example", "http://", "https:///path", "http://[::1", "http://\x00/"),
        *(
            "ftp://1.1.1.1/",
            "file:///etc/passwd",
            "gopher://1.1.1.1/",
            "javascript:alert(1)",
            "data:,x",
            "ws://1.1.1.1/",
        ),
        *("http://user@1.1.1.1/", "http://user:secret@1.1.1.1/", "https://127.0.0.1@1.1.1.1/"),
        *(
            "http://1.1.1.1:0/",
            "http://1.1.1.1:22/",
            "http://1.1.1.1:25/",
            "http://1.1.1.1:6667/",
            "http://1.1.1.1:65536/",
        ),
        "http://1.1.1.1/" + "x" * 2048,
    ],
)
def test_what_is_no_url_of_the_web_is_refused(url: str) -> None:
    assert refusal(Rules(), url) == "url_not_allowed"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "10.0.0.1", "192.168.0.1"),
        *(
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[64:ff9b::a9fe:a9fe]",
            "[fd00:ec2::254]",
        ),
        *("[fe80::1]", "localhost", "LOCALHOST", "127.0.0.1.", "①②⑦.0.0.1"),
    ],
)
def test_an_inside_host_is_refused_in_any_spelling(host: str) -> None:
    for scheme in ("http", "https"):
        assert refusal(Rules(), f"{scheme}://{host}/") in ("url_not_allowed", "url_unreachable")


def test_those_spellings_reach_the_check_and_not_only_the_resolver() -> None:
    for host in ("127.1", "2130706433", "0x7f000001", "[::ffff:7f00:1]", "localhost"):
        assert refusal(Rules(), f"http://{host}/") == "url_not_allowed"


def test_a_public_address_is_pinned_with_its_port() -> None:
    pinned = pin(Rules(), "https://1.1.1.1:8443/a?b=c#fragment")
    assert [str(address) for address in pinned.addresses] == ["1.1.1.1"]
    assert str(pinned.url) == "https://1.1.1.1:8443/a?b=c"


def test_one_inside_address_spoils_all(names: Names) -> None:
    names.stand_for(NAME, ["1.1.1.1", "10.0.0.1"])
    assert refusal(Rules((), names), f"https://{NAME}/") == "url_not_allowed"


def test_a_name_is_asked_for_once(names: Names) -> None:
    names.stand_for(NAME, ["1.1.1.1"], ["127.0.0.1"])
    pinned = pin(Rules((), names), f"https://{NAME}/")
    assert [str(address) for address in pinned.addresses] == ["1.1.1.1"]
    assert names.asked == [NAME]
    assert refusal(Rules((), names), f"https://{NAME}/") == "url_not_allowed"


def test_without_an_answer_nothing_goes_out(names: Names) -> None:
    assert refusal(Rules((), names), "https://nowhere.example/") == "url_unreachable"
    names.stand_for(NAME, [])
    assert refusal(Rules((), names), f"https://{NAME}/") == "url_unreachable"
    names.stand_for(NAME, ["no address"])
    assert refusal(Rules((), names), f"https://{NAME}/") == "url_unreachable"
    assert refusal(Rules(), f"https://{'a' * 300}.example/") == "url_unreachable"


def test_a_network_that_was_allowed_is_allowed_and_no_other(names: Names) -> None:
    pin(rules(names), f"http://{PUBLIC}/")
    assert refusal(rules(names), f"http://{PRIVATE}/") == "url_not_allowed"
    names.stand_for(NAME, [PUBLIC, PRIVATE])
    assert refusal(rules(names), f"http://{NAME}/") == "url_not_allowed"


def test_where_https_is_asked_for_plain_http_is_good_in_allowed_networks_only(names: Names) -> None:
    assert refusal(Rules(), "http://1.1.1.1/", https_only=True) == "url_not_allowed"
    pin(Rules(), "https://1.1.1.1/", https_only=True)
    pin(rules(names), f"http://{PUBLIC}/", https_only=True)
    names.stand_for(NAME, [PUBLIC, "1.1.1.1"])
    assert refusal(rules(names), f"http://{NAME}/", https_only=True) == "url_not_allowed"


def test_the_system_is_asked_in_the_end() -> None:
    addresses = asyncio.run(resolve("localhost", 80))
    assert addresses
    assert pin(Rules((ip_network("127.0.0.0/8"), ip_network("::1"))), "http://localhost:8080/").addresses
