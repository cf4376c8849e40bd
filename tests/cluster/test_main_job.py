"""The main job through the real ingress, Ray Serve, PostgreSQL and sealed storage, by the unmodified OpenAI SDK."""

from io import BytesIO
from typing import Any, cast

import av
import numpy as np
import openai
import pytest
from PIL import Image

from tests.cluster._waiting import until
from tests.cluster.conftest import Account, RunningCluster, new_account
from tests.photos import jpeg, person

PARAMETERS = {"fps": 24, "size": "512x512", "camera": "orbit", "seed": 7}


def create(account: Account, seconds: int = 1, **more: object) -> openai.types.Video:
    """Ask for a short video and wait for its end."""
    return account.openai.videos.create_and_poll(
        prompt="a slow walk around her",
        model="default",
        seconds=cast("Any", str(seconds)),
        input_reference=("photo.jpg", jpeg(person())),
        extra_body=PARAMETERS | more,
        timeout=240,
    )


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two pictures, in dB."""
    error = np.mean((first.astype(float) - second.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / error))


def test_the_sdk_creates_polls_lists_downloads_and_deletes(account: Account) -> None:
    video = create(account)
    assert video.status == "completed", video.error
    assert video.progress == 100
    assert str(video.size) == "512x512"

    content = account.openai.videos.download_content(video.id).read()
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(BytesIO(content), "r") as movie:
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
    assert len(frames) == PARAMETERS["fps"]
    assert psnr(frames[0], person()) >= 35

    still = Image.open(BytesIO(account.openai.videos.download_content(video.id, variant="thumbnail").read()))
    assert still.format == "WEBP"
    sheet = Image.open(BytesIO(account.openai.videos.download_content(video.id, variant="spritesheet").read()))
    assert sheet.format == "JPEG"

    assert [listed.id for listed in account.openai.videos.list()] == [video.id]
    assert account.openai.videos.delete(video.id).deleted
    with pytest.raises(openai.NotFoundError):
        account.openai.videos.retrieve(video.id)
    assert not list(account.openai.videos.list())


def test_a_range_is_a_part_of_the_whole(account: Account) -> None:
    video = create(account)
    path = f"/v1/videos/{video.id}/content"
    whole = account.http.get(path)
    part = account.http.get(path, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.headers["content-range"]) == (206, f"bytes 100-299/{len(whole.content)}")
    assert part.content == whole.content[100:300]


def test_accounts_do_not_see_each_other(cluster: RunningCluster, account: Account) -> None:
    video = create(account)
    with new_account(cluster) as stranger:
        sees_nothing_of(stranger, video.id)
    assert account.openai.videos.retrieve(video.id).status == "completed"


def sees_nothing_of(stranger: Account, video_id: str) -> None:
    """Nothing that a stranger asks of a video answers anything but 404."""
    for call in (
        lambda: stranger.openai.videos.retrieve(video_id),
        lambda: stranger.openai.videos.download_content(video_id),
        lambda: stranger.openai.videos.delete(video_id),
    ):
        with pytest.raises(openai.NotFoundError):
            call()
    assert stranger.http.post(f"/v1/videos/{video_id}/cancel").status_code == 404
    assert not list(stranger.openai.videos.list())


def test_credits_are_reserved_then_charged(account: Account) -> None:
    before = account.http.get("/v1/credits").json()
    video = create(account)
    after = account.http.get("/v1/credits").json()
    price = account.http.get(f"/v1/videos/{video.id}").json()["price"]
    assert price > 0
    assert (before["available"] - after["available"], after["reserved"]) == (price, 0)


def test_a_finished_video_says_what_is_kept_and_until_when(account: Account) -> None:
    shown = account.http.get(f"/v1/videos/{create(account).id}").json()
    assert {item["kind"] for item in shown["stored"]} == {"input", "video", "thumbnail", "spritesheet"}
    assert all(item["until"] and item["promise"].startswith("P") for item in shown["stored"])
    assert shown["disclosure"]["data"] == []


def test_what_is_not_to_be_stored_is_downloaded_once(cluster: RunningCluster, account: Account) -> None:
    video = create(account, store=False, expires_after={"anchor": "created_at", "seconds": 1800})
    assert video.expires_at
    assert video.completed_at
    assert video.expires_at - video.created_at == 1800
    content = account.openai.videos.download_content(video.id)
    assert content.read()[4:8] == b"ftyp"
    with pytest.raises(openai.APIStatusError) as gone:
        account.openai.videos.download_content(video.id)
    assert (gone.value.status_code, gone.value.code) == (410, "video_delivered")
    until(lambda: not any(video.id in key for key in cluster.objects.keys("")), 60)
    assert account.openai.videos.retrieve(video.id).status == "completed"
