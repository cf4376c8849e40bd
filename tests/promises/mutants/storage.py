"""What is stored lies in clear, or is not what was reviewed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cluster.storage.keys import KeyStore
from cluster.storage.segments import OVERHEAD
from tests.promises.harness.mutation import mutant


class _Clear:
    """As long as a sealed segment, and not sealed."""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        return plaintext + bytes(OVERHEAD)


@mutant("P129", enforcement="cluster.storage.keys:KeyStore.seal")
def columns_are_not_sealed(_: object) -> Callable[..., bytes]:
    def seal(self: KeyStore, account_id: str, plaintext: bytes, context: str) -> bytes:
        return plaintext

    return seal


@mutant("P129", enforcement="cluster.storage.segments:seal_stream")
def objects_are_not_sealed(original: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
    def seal_stream(aead: object, wrapped: bytes, object_id: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        return original(_Clear(), wrapped, object_id, chunks)

    return seal_stream


@mutant("P56", enforcement="serve.models.store:ModelStore._check")
def any_weights_will_do(_: object) -> Callable[..., None]:
    return lambda path, spec: None


@mutant("P56", enforcement="cluster.runtime.environment:environment")
def ray_reports_its_use(original: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    def environment(settings: Any) -> dict[str, str]:
        return {name: value for name, value in original(settings).items() if name != "RAY_USAGE_STATS_ENABLED"}

    return environment
