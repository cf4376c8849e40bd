"""Signatures of requests to Amazon (Signature Version 4), computed by Amazon's own code at the time of our clock.

botocore is used for nothing else: it connects to nothing, and what it signed goes by our wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import percent_encode, percent_encode_sequence

from cluster import clock

__all__ = ["Signed", "Signer", "escaped"]

_SIGNERS: Final = {"bedrock": SigV4Auth, "s3": S3SigV4Auth}


@dataclass(frozen=True, slots=True)
class Signed:
    """Where a request goes, and the headers that prove whose it is. Of its body they hold a digest."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


class Signer:
    """Signs with one access key, for one region."""

    def __init__(self, access_key: str, secret_key: str, region: str) -> None:
        """Connect to nothing."""
        self._credentials, self._region = Credentials(access_key, secret_key), region

    def sign(
        self,
        service: Literal["bedrock", "s3"],
        method: str,
        url: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Signed:
        """Sign a request; ``url`` is without a query, and its path is encoded already (`escaped`)."""
        url += f"?{percent_encode_sequence(query)}" if query else ""
        timestamp = clock.now().strftime("%Y%m%dT%H%M%SZ")
        headers = {"x-amz-date": timestamp, "x-amz-content-sha256": sha256(body).hexdigest()}
        if body:
            headers["content-type"] = "application/json"
        request = AWSRequest(method, url, headers, body)
        request.context["timestamp"] = timestamp
        signer = _SIGNERS[service](self._credentials, service, self._region)
        signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        names = signer.signed_headers(signer.headers_to_sign(request))
        credential = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}"
        return Signed(url, headers | {"authorization": f"{credential}, SignedHeaders={names}, Signature={signature}"})


def escaped(segment: str) -> str:
    """One segment of a path, as Amazon writes it."""
    encoded: str = percent_encode(segment, safe="-._~")
    return encoded
