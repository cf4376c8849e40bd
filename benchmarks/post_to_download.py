"""From POST to the finished bytes of a 12-megapixel photo's video, against the stages' own work in one process.

    python -m benchmarks.post_to_download [--rounds 5]

Needs a running cluster (`i2v up`). Both sides do the same work in turn, warm: 4 s of 832x480 at 24 frames/s.
"""

import argparse
import json
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path
from statistics import median

import cv2
import httpx
import numpy as np

from cluster import runtime, settings
from serve.catalogue import load as load_catalogue
from serve.engines import registry
from serve.engines.parameters import VideoParameters
from serve.engines.protocol import Engine
from serve.limits import image_limits
from serve.media.decode import decode, encode_clean, read_clean
from serve.media.frames import read_frames
from serve.media.probe import inspect
from serve.media.stills import SPRITES, spritesheet, thumbnail
from serve.media.video import encode_mp4
from serve.models.store import ModelStore
from serve.models.unsafe_content import UnsafeContentNetwork
from serve.weights import open_weights
from tests.photos import building, jpeg

SIZE, SECONDS, FPS = "832x480", 4, 24
WIDTH, HEIGHT = 4000, 3000


def photo() -> bytes:
    """A JPEG of 12 megapixels."""
    return jpeg(np.asarray(cv2.resize(building(), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8))


def through_the_cluster(client: httpx.Client, data: bytes) -> float:
    """Seconds from the POST to the last byte of the video."""
    started = time.perf_counter()
    fields = {"prompt": "orbit", "seconds": str(SECONDS), "fps": str(FPS), "size": SIZE}
    job = client.post("/v1/videos", data=fields, files={"input_reference": data}).raise_for_status().json()
    while (state := client.get(f"/v1/videos/{job['id']}").json())["status"] not in ("completed", "failed"):
        time.sleep(0.05)
    if state["status"] != "completed":
        raise SystemExit(f"the job failed: {state['error']['code']}")
    client.get(f"/v1/videos/{job['id']}/content").raise_for_status()
    return time.perf_counter() - started


def in_one_process(engine: Engine, screen: UnsafeContentNetwork, data: bytes) -> float:
    """Seconds that the stages take by themselves."""
    limits = image_limits(settings.load())
    started = time.perf_counter()
    inspect(data, limits)
    clean, _ = encode_clean(decode(data, limits, 2560))
    pixels = read_clean(clean)
    screen.score(pixels)
    parameters = VideoParameters(seconds=SECONDS, fps=FPS, size=SIZE)
    clip = engine.prepare(pixels, "orbit", parameters, lambda _done, _all: None, lambda: False)
    target = BytesIO()
    encode_mp4(clip.frames(), target, clip.width, clip.height, clip.fps, clip.frame_count)
    stills = list(read_frames(target.getvalue(), SPRITES))
    for frame in stills[:: len(stills) // 8]:
        screen.score(frame)
    thumbnail(stills[0])
    spritesheet(stills)
    return time.perf_counter() - started


def main() -> None:
    """Measure both in turn and print the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    i2v = Path(sys.executable).with_name("i2v")
    status = subprocess.run([i2v, "up", "--json"], capture_output=True, text=True, check=True)
    url = json.loads(status.stdout)["urls"]["api"]
    key = httpx.post(f"{url}/v1/accounts", json={}).raise_for_status().json()["api_key"]

    own = settings.load()
    store, model = ModelStore(runtime.paths(own).models), load_catalogue().models["default"]
    engine = registry.create(model.engine, open_weights(store, model.weights), "cpu", own.stages.generation_threads)
    screen = UnsafeContentNetwork(open_weights(store, ["unsafe_content"])["unsafe_content"])
    data = photo()
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client:
        pairs = [(through_the_cluster(client, data), in_one_process(engine, screen, data)) for _ in range(rounds + 1)]
    warm = pairs[1:]
    cluster_seconds, process_seconds = (median(side) for side in zip(*warm, strict=True))
    ratio = median(a / b for a, b in warm)
    print(f"POST to downloaded: {cluster_seconds:.2f} s; the stages alone: {process_seconds:.2f} s; ratio {ratio:.2f}")
    print(json.dumps({"benchmark": "post_to_download", "seconds": cluster_seconds, "ratio": ratio, "rounds": rounds}))


if __name__ == "__main__":
    main()
