"""The policy differs from place to place, the map tells nothing, and anything may be used for anything."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ConfigDict

from cluster.privacy.policy import Policy
from cluster.storage.keys import KeyStore
from serve.egress.delivery import Event
from serve.ingress.accounts import NewAccount
from tests.promises.harness.mutation import mutant

_SAID_FOR_THE_CHECK = """
  - id: told
    title: Told
    paragraphs: ["{scanning}"]
"""
Finding = Callable[..., Iterator[str]]


@mutant("P2", enforcement="cluster.privacy.purposes:checked")
def anything_is_a_purpose(_: object) -> Callable[[str], str]:
    return lambda purpose: purpose


@mutant("P4", "P21", enforcement="serve.ingress.accounts:NewAccount")
def a_sign_up_takes_anything(original: type[NewAccount]) -> type[NewAccount]:
    class Open(original):  # type: ignore[misc,valid-type]  # the original is known at run time only
        model_config = ConfigDict(extra="allow")

    return Open


@mutant("P4", enforcement="cluster.privacy.data_map_check:_coverage")
def undeclared_places_are_overlooked(_: Finding) -> Finding:
    return lambda data_map, inventory: iter(())


@mutant("P21", enforcement="cluster.privacy.data_map_check:_protected")
def protected_characteristics_are_overlooked(_: Finding) -> Finding:
    return lambda inventory: iter(())


@mutant("P5", "P6", enforcement="cluster.privacy.data_map_check:_identity")
def names_may_serve_anything(_: Finding) -> Finding:
    return lambda data_map: iter(())


@mutant("P5", enforcement="cluster.records.accounts:_sealed")
def names_lie_in_clear(_: object) -> Callable[..., bytes | None]:
    def sealed(keys: KeyStore, account_id: str, name: str, value: str | None) -> bytes | None:
        return value.encode() if value else None

    return sealed


@mutant("P5", enforcement="cluster.telemetry:log")
def logs_take_anything(_: object) -> Callable[..., None]:
    def log(event: str, **fields: Any) -> None:
        sys.stderr.write(json.dumps({"event": event} | fields) + "\n")

    return log


@mutant("P6", enforcement="serve.egress.delivery:Event.body")
def events_name_somebody(original: Callable[[Event], bytes]) -> Callable[[Event], bytes]:
    return lambda event: json.dumps(json.loads(original(event)) | {"email": "somebody@quux.example"}).encode()


@mutant("P146", enforcement="cluster.privacy.policy:build")
def the_policy_is_silent_on_scanning(original: Callable[..., Policy]) -> Callable[..., Policy]:
    def build(source: str, *arguments: Any) -> Policy:
        made = original(source + _SAID_FOR_THE_CHECK, *arguments)
        return made.model_copy(update={"scanning": "", "sections": made.sections[:-1]})

    return build


@mutant("P147", enforcement="serve.ingress.policy_page:render")
def the_page_is_of_another_policy(original: Callable[[Policy], str]) -> Callable[[Policy], str]:
    return lambda shown: original(shown.model_copy(update={"hash": hashlib.sha256(b"another").hexdigest()}))


@mutant("P147", enforcement="cluster.privacy.policy:digest")
def the_hash_is_of_the_title_alone(_: object) -> Callable[[Policy], str]:
    return lambda made: hashlib.sha256(made.title.encode()).hexdigest()
