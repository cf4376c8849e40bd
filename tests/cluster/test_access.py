"""Access on the real cluster: who is thrown out is out within two seconds, even in the middle of a download."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text

from cluster import runtime
from cluster.storage.keys import KeyStore
from cluster.storage.sealed import SealedStore
from tests.cluster.conftest import Account, RunningCluster
from tests.cluster.test_main_job import create

SIZE = 48_000_000
ON_ITS_WAY = 3_000_000
"""What may lie in the buffers between a replica and a client, beyond anybody's reach; decision 14 says why."""


def enlarge(cluster: RunningCluster, account: Account, video_id: str) -> None:
    """Put a large object in the place of a finished video: no buffer on the way holds it."""
    query = text("SELECT id, object_key FROM media WHERE job_id = :job AND kind = 'video' AND state = 'live'")
    media_id, key = cluster.database.run(lambda connection: connection.execute(query, {"job": video_id}).one())
    store = SealedStore(cluster.objects, KeyStore(runtime.paths(cluster.settings).keys))
    large = f"{key}-large"
    size = store.put(large, account.id, media_id, (bytes(1_000_000) for _ in range(SIZE // 10**6)))

    def point(connection: Connection) -> None:
        statement = text("UPDATE media SET object_key = :key, size = :size WHERE id = :id")
        connection.execute(statement, {"key": large, "size": size, "id": media_id})

    cluster.database.run(point)
    cluster.objects.delete(key)


@contextmanager
def stalled_download(cluster: RunningCluster, key: str, video_id: str) -> Iterator[socket.socket]:
    """A download of which only the first bytes are taken."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    connection.settimeout(30)
    with connection:
        connection.connect(("127.0.0.1", cluster.settings.http.port))
        head = f"GET /v1/videos/{video_id}/content HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(8192).startswith(b"HTTP/1.1 200")
        yield connection


def drained(connection: socket.socket, most: int) -> int:
    """How many bytes still come, until ``most`` or until the other side ends."""
    taken = 0
    try:
        while taken < most and (chunk := connection.recv(1 << 20)):
            taken += len(chunk)
    except ConnectionError:
        pass
    return taken


def test_a_stalled_download_goes_on_for_whoever_may_have_it(cluster: RunningCluster, account: Account) -> None:
    video = create(account)
    enlarge(cluster, account, video.id)
    with stalled_download(cluster, account.key, video.id) as untouched:
        time.sleep(3)
        assert drained(untouched, SIZE - 100_000) >= SIZE - 100_000
    assert account.openai.videos.delete(video.id).deleted


def test_whoever_is_thrown_out_gets_no_further_byte_after_two_seconds(
    cluster: RunningCluster, account: Account
) -> None:
    video = create(account)
    enlarge(cluster, account, video.id)
    with stalled_download(cluster, account.key, video.id) as cut, account.login() as inside:
        time.sleep(1)
        assert inside.post("/v1/access-history/revoke-others").json()["revoked_keys"] == 1
        time.sleep(2)
        assert drained(cut, SIZE) < ON_ITS_WAY
        assert account.http.get("/v1/me").status_code == 401
        assert inside.delete(f"/v1/videos/{video.id}").status_code == 200


def test_what_is_erased_is_sent_no_further(cluster: RunningCluster, account: Account) -> None:
    video = create(account)
    enlarge(cluster, account, video.id)
    with stalled_download(cluster, account.key, video.id) as cut:
        assert account.openai.videos.delete(video.id).deleted
        time.sleep(2)
        assert drained(cut, SIZE) < ON_ITS_WAY
