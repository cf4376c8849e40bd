"""Nobody says where data go, or they go where nobody said."""

import socket
from collections.abc import Callable
from typing import Any

from cluster.privacy.purposes import share_purpose
from serve.catalogue import Disclosure, Model
from serve.ingress.models import ModelShown
from serve.ingress.video_object import Video
from tests.promises.harness.mutation import mutant

NOTHING_SAID = Disclosure(recipient="", country="", data=(), purpose="", sentence="")


@mutant("P69", enforcement="serve.ingress.models:_shown")
def models_do_not_say(original: Callable[..., ModelShown]) -> Callable[..., ModelShown]:
    return lambda name, model: original(name, model).model_copy(update={"disclosure": NOTHING_SAID})


@mutant("P69", enforcement="serve.ingress.video_object:render")
def jobs_do_not_say(original: Callable[..., Video]) -> Callable[..., Video]:
    return lambda *arguments: original(*arguments).model_copy(update={"disclosure": NOTHING_SAID})


@mutant("P55", "P107", enforcement="serve.catalogue:Model.purposes")
def every_model_shares(original: Callable[[Model], tuple[str, ...]]) -> Callable[[Model], tuple[str, ...]]:
    return lambda model: (*original(model), share_purpose("elsewhere"))


@mutant("P55", enforcement="serve.engines.parallax.engine:ParallaxEngine.prepare")
def the_engine_calls_home(original: Callable[..., Any]) -> Callable[..., Any]:
    def prepare(*arguments: Any, **named: Any) -> Any:
        with socket.create_connection(("192.0.2.1", 443), timeout=1):
            return original(*arguments, **named)

    return prepare
