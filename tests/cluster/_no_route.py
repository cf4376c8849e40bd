"""One installation inside a network namespace of its own: loopback, and no route to anywhere.

    python -m tests.cluster._no_route     # with the installation's variables in the environment

Starts it, takes a photo that is uploaded to its video and fetches that, asks for one by link to a host outside, which
nothing reaches, then gives that host an address and asks again: all that has changed is the route. The only resolver of
the namespace writes down who asks for a name, and is asked itself at the end; on the address of the clouds' metadata
somebody listens who does the same. Prints what was seen as JSON.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.cluster._resolver import Resolver, ask, resolver
from tests.outside import outside
from tests.photos import jpeg, person
from tests.promises._offline import leave_the_network

OUTSIDE, CLOUD = "203.0.113.5", "169.254.169.254"
NAMED, CONTROL = "photos.example", "control.example"
I2V = Path(sys.executable).with_name("i2v")
_SET_ADDRESS, _SET_FLAGS = 0x8916, 0x8914
_UP = 0x1
_PATIENCE = 240


def give_address(interface: str, address: str) -> None:
    """Give an interface of this namespace an IPv4 address."""
    _control(_SET_ADDRESS, interface, struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address)))


def bring_up(interface: str) -> None:
    """Switch an interface of this namespace on."""
    _control(_SET_FLAGS, interface, struct.pack("H14x", _UP))


def _control(request: int, interface: str, value: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, request, struct.pack("16s16s8x", interface.encode(), value))


def i2v(*arguments: str) -> Any:
    """Run a command of this installation; its answer."""
    done = subprocess.run([I2V, *arguments, "--json"], capture_output=True, text=True, check=False, timeout=_PATIENCE)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def client_of(url: str) -> httpx.Client:
    """Somebody new."""
    key = httpx.post(f"{url}/v1/accounts", json={}, timeout=30).raise_for_status().json()["api_key"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def finished(client: httpx.Client, created: httpx.Response) -> dict[str, Any]:
    """How a new video ends."""
    video, deadline = created.raise_for_status().json(), time.monotonic() + _PATIENCE
    while video["status"] in {"queued", "in_progress"} and time.monotonic() < deadline:
        time.sleep(0.5)
        video = client.get(f"/v1/videos/{video['id']}").raise_for_status().json()
    return dict(video)


def by_default(client: httpx.Client, photo: bytes) -> dict[str, Any]:
    """The whole default path: a photo that is uploaded, its video, the download."""
    video = finished(client, client.post("/v1/videos", data={"seconds": "1"}, files={"input_reference": photo}))
    content = client.get(f"/v1/videos/{video['id']}/content").raise_for_status().content
    return {"upload": video["status"], "downloaded": content[4:8].decode(), "ready": i2v("status")["ready"]}


def by_link(client: httpx.Client, host: str, port: int) -> httpx.Response:
    """Ask for a video of a photo elsewhere."""
    body = {"seconds": "1", "input_reference": {"image_url": f"http://{host}:{port}/a.jpg"}}
    return client.post("/v1/videos", json=body)


def refused(response: httpx.Response) -> dict[str, Any]:
    """What is said instead."""
    return {"status": response.status_code, "code": response.json()["error"]["code"]}


def use(url: str, names: Resolver) -> dict[str, Any]:
    """What happens with an upload, and with a link before and after there is a way to its host."""
    photo = jpeg(person())
    with client_of(url) as client:
        seen = by_default(client, photo) | {"names_by_default": names.names()}
        with outside("127.0.0.1") as reserved:
            port = reserved.port
        seen["link"] = refused(by_link(client, OUTSIDE, port))
        seen["link_by_name"] = refused(by_link(client, NAMED, port))
        give_address("lo:1", OUTSIDE)
        with outside(OUTSIDE, port=port) as host:
            host.gives("/a.jpg", photo)
            seen["link_with_a_route"] = finished(client, by_link(client, OUTSIDE, port))["status"]
            seen["asked"] = len(host.seen)
    return seen


def main() -> None:
    """Leave the network, then start, use and end the installation."""
    leave_the_network()
    bring_up("lo")
    give_address("lo:2", CLOUD)
    with resolver() as names, outside(CLOUD, port=80) as cloud:
        try:
            seen = use(i2v("up")["urls"]["api"], names)
        finally:
            subprocess.run([I2V, "down"], capture_output=True, check=False, timeout=_PATIENCE)
        seen |= {"names": names.names(), "asked_of_the_cloud": len(cloud.seen)}
        ask(CONTROL)
        ask(CONTROL, RES_OPTIONS="use-vc")
        seen["control"] = sorted({protocol for protocol, name in names.asked if name == CONTROL})
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
