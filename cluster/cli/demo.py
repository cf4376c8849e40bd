"""`i2v demo`: one video from one photo, through the real interface, and what was stored of it."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from cluster.cli.client import ApiClient
from cluster.cli.console import AsJson, Exit, Problem, answer, console, settings_of_this_process
from cluster.cli.lifecycle import bring_up
from cluster.runtime import control
from cluster.settings import Settings, configs_folder

__all__ = ["demo"]

_FRAMES_SHOWN: Final = 12


def demo(
    photo: Annotated[Path | None, typer.Argument(help="A photo of yours; without one, a portrait by NASA.")] = None,
    prompt: Annotated[str, typer.Option(help="What should be seen.")] = "a slow orbit",
    camera: Annotated[str | None, typer.Option(help="A camera move, instead of one chosen by the prompt.")] = None,
    seconds: Annotated[float, typer.Option(min=1, max=20, help="Length of the video.")] = 4,
    out: Annotated[Path, typer.Option(help="Folder for demo.mp4 and demo.png.")] = Path("out"),
    model: Annotated[str, typer.Option(help="Which model; a third party's only with --agree.")] = "default",
    agree: Annotated[bool, typer.Option("--agree", help="Agree to the notice of a third party's model.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the cluster running where the demo started it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a video from a photo and show what was stored of it. Starts the cluster if need be, and ends it again."""
    settings = settings_of_this_process()
    source = photo or configs_folder() / "demo" / "astronaut.jpg"
    if not source.is_file():
        raise Problem(f"There is no file {source}.", Exit.USAGE)
    fields = {"model": model, "prompt": prompt, "seconds": f"{seconds:g}"} | ({"camera": camera} if camera else {})
    launched = bring_up(settings)
    try:
        facts = _make(settings, source, fields, out, agree=agree)
    finally:
        if launched and not keep:
            control.shut_down(settings)
    answer(facts, as_json, lambda to: _show(to, facts))
    if launched and not keep:
        console.print("\nThe cluster was ended again. 'i2v up' starts it and leaves it running.", style="dim")


def _make(settings: Settings, source: Path, fields: dict[str, str], out: Path, *, agree: bool) -> dict[str, Any]:
    made = ApiClient(settings).json("POST", "/v1/accounts", json={})
    client = ApiClient(settings, made["api_key"])
    listed = client.json("GET", "/v1/models")["data"]
    chosen = next((model for model in listed if model["id"] == fields["model"]), None)
    if chosen is None:
        raise Problem(f"There is no model {fields['model']}. 'i2v models' lists them.", Exit.USAGE)
    disclosure = chosen["disclosure"]
    console.print(f"[bold]{fields['model']}[/bold]: {disclosure['sentence']}")
    fields |= _agreed(settings, client, made["api_key"], chosen["purposes"], agree=agree)
    files = {"input_reference": (source.name, source.read_bytes(), "application/octet-stream")}
    video = client.json("POST", "/v1/videos", data=fields, files=files)
    video = _wait(client, video, settings.http.poll_after_ms / 1000)
    content = client.call("GET", f"/v1/videos/{video['id']}/content").content
    return {
        "account_id": made["account_id"],
        "api_key": made["api_key"],
        "disclosure": disclosure,
        "files": _write(content, out),
        "video": video,
    }


def _agreed(settings: Settings, client: ApiClient, key: str, purposes: list[str], *, agree: bool) -> dict[str, str]:
    """Answer the notices of sharing, if there are any: with a yes that was given on the command line, or not at all."""
    notices = [one for one in client.json("GET", "/v1/notices")["data"] if one["purpose"] in purposes]
    shares = [one for one in notices if one["purpose"].startswith("share:")]
    for notice in shares:
        console.print(f"\n[bold]{notice['title']}[/bold]\n{notice['text']}\n")
        if not agree:
            raise Problem("Nothing was sent. With --agree you agree to this notice, and that those in the photo do.")
        session = ApiClient(settings).json("POST", "/v1/sessions", json={"api_key": key})["token"]
        body = {"purpose": notice["purpose"], "notice_version": notice["version"], "granted": True}
        ApiClient(settings, session).json("POST", "/v1/consents", json=body)
    return {"people_agree": "true"} if shares else {}


def _wait(client: ApiClient, video: dict[str, Any], pause: float) -> dict[str, Any]:
    with Progress(console=console) as progress:
        task = progress.add_task("making the video", total=100)
        while video["status"] in ("queued", "in_progress"):
            progress.update(task, completed=video["progress"], description=video.get("stage") or video["status"])
            time.sleep(pause)
            video = client.json("GET", f"/v1/videos/{video['id']}")
        progress.update(task, completed=video["progress"], description=video["status"])
    if video["status"] != "completed":
        raise Problem(video["error"]["message"] if video["error"] else f"The video was {video['status']}.")
    return video


def _write(content: bytes, out: Path) -> dict[str, str]:
    from serve.media.frames import read_frames
    from serve.media.stills import contact_sheet

    out.mkdir(parents=True, exist_ok=True)
    movie, sheet = out / "demo.mp4", out / "demo.png"
    movie.write_bytes(content)
    sheet.write_bytes(contact_sheet(list(read_frames(content, _FRAMES_SHOWN))))
    return {"video": str(movie), "contact_sheet": str(sheet)}


def _show(out: Console, facts: dict[str, Any]) -> None:
    video = facts["video"]
    out.print(f"\n[green]{facts['files']['video']}[/green]: {video['size']}, {video['seconds']} s")
    out.print(f"[green]{facts['files']['contact_sheet']}[/green]: twelve of its frames\n")
    table = Table("stored", "for", "where", "promise", "until", title="What is kept of it", title_justify="left")
    for each in video["stored"]:
        table.add_row(each["kind"], each["purpose"], each["where"], each["promise"], _until(each["until"]))
    out.print(table)


def _until(until: int | str) -> str:
    return until if isinstance(until, str) else datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M UTC")
