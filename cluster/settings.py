"""One frozen object that holds every setting of the cluster.

Sources, the later winning: ``configs/base.yaml``, ``configs/<profile>.yaml``, the environment. A variable is
``I2V_`` and the path of the key in capitals: ``database.url`` is ``I2V_DATABASE_URL``. Unknown keys and unknown
``I2V_`` variables are refused. ``python -m cluster.settings`` prints every key with its meaning and value.
"""

import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

__all__ = ["Settings", "SettingsError", "configs_folder", "load", "refused_in_production"]

PREFIX = "I2V_"
PROFILE_VARIABLE = "I2V_PROFILE"
CONFIGS_VARIABLE = "I2V_CONFIGS"


class SettingsError(Exception):
    """The settings are wrong; the message names each key and what is wrong with it, never its value."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _unpacked(value: object) -> object:
    """A block that a variable holds as JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError:
        raise ValueError("Give the whole block as one JSON object") from None


Folder = Annotated[Path, BeforeValidator(_expanded)]
File = Folder
Block = Annotated[dict[str, Any], BeforeValidator(_unpacked)]


class Data(_Group):
    """Where this host keeps what it must not lose."""

    folder: Folder = Field(
        description="Root of everything kept on this host; short, mode 0700, never inside the repository."
    )


class Database(_Group):
    """PostgreSQL."""

    url: str | None = Field(
        description="postgresql://… of a server you run; empty: the embedded server is started in the data folder."
    )
    pool_size: int = Field(ge=1, le=32, description="Connections that one ingress or director process may hold.")
    stage_pool_size: int = Field(ge=1, le=2, description="Connections that one stage replica may hold.")


class Objects(_Group):
    """The store of sealed objects."""

    url: str | None = Field(description="s3://bucket/prefix or file:///folder; empty: a folder in the data folder.")
    s3_endpoint: str | None = Field(description="Endpoint of an S3-compatible server; empty: the provider's own.")
    s3_region: str | None = Field(description="Region name sent to the S3 server.")


class Http(_Group):
    """The public HTTP interface."""

    host: str = Field(description="Address that the public interface listens on.")
    port: int = Field(ge=1, le=65535, description="Port of the public interface.")
    max_body_bytes: int = Field(gt=0, description="Largest request body accepted, in bytes.")
    max_prompt_characters: int = Field(gt=0, description="Longest prompt accepted, in characters.")
    poll_after_ms: int = Field(
        gt=0, description="What clients are told to wait between two polls of a video, in milliseconds."
    )
    max_requests_per_minute: int = Field(
        ge=1, description="Requests that the edge takes from one address (IPv6: one network of 64 bits) in a minute."
    )
    max_connections_per_address: int = Field(
        ge=1, description="Connections on which the edge serves one address (IPv6: one network of 64 bits) at once."
    )
    min_upload_bytes_per_second: int = Field(
        ge=1, description="Slowest pace of a request's body, once it took half a minute; slower ones are ended."
    )


class Tls(_Group):
    """The public interface over TLS, which the edge terminates."""

    host: str = Field(description="Address that the edge listens on for TLS; 0.0.0.0: all of IPv4; '::': all.")
    port: int = Field(ge=1, le=65535, description="Port of the public interface over TLS.")
    certificate: File | None = Field(
        description="PEM file of a certificate with its chain and its key; empty: self-signed, in the data folder."
    )


class Images(_Group):
    """What is accepted as a photo."""

    max_pixels: int = Field(
        gt=0,
        description="Largest width x height accepted, in pixels; refused from the header, before decoding.",
    )
    min_side: int = Field(gt=0, description="Smallest side accepted, in pixels.")
    max_aspect: float = Field(gt=1, description="Largest ratio of the longer side to the shorter.")


class Ray(_Group):
    """The Ray cluster that `i2v up` starts."""

    node_address: str = Field(
        description="Address by which the nodes of the cluster know this host; 127.0.0.2: a cluster of one host."
    )
    gpus: int | None = Field(ge=0, description="GPUs that this host declares; empty: those that Ray finds.")
    outbound: bool = Field(
        description="Whether the head offers the resource `outbound`; other nodes do by `i2v join --outbound`."
    )
    gcs_port: int = Field(ge=1, le=65535, description="Port of the head's control store.")
    dashboard_port: int = Field(ge=1, le=65535, description="Port of the dashboard and of job submission.")
    internal_ports: int = Field(
        ge=1024,
        le=64535,
        description="First of 1,000 ports that Ray, Serve and HAProxy use among themselves.",
    )
    object_store_bytes: int = Field(
        ge=78_643_200,
        description="Size of the shared-memory store; the service itself puts only references there.",
    )
    haproxy: bool = Field(description="Whether Serve's proxy is HAProxy instead of the Python one.")
    application: str = Field(description="What is deployed, as `module:function` that returns a Serve application.")


class Metrics(_Group):
    """Figures for operators."""

    port: int = Field(
        ge=1, le=65535, description="Port of the figures for Prometheus; it listens on the loopback and nowhere else."
    )


class Jobs(_Group):
    """How accepted work is driven to its end."""

    lease_seconds: float = Field(gt=1, description="A stage whose heartbeat is older than this has lost its job.")
    heartbeat_seconds: float = Field(gt=0, description="Time between two heartbeats of a running stage.")
    poll_seconds: float = Field(gt=0, description="How often the director looks for due work when nothing wakes it.")
    max_attempts: int = Field(ge=1, description="Attempts before a job that keeps losing its worker is failed.")
    stage_seconds: float = Field(
        gt=0, description="Longest time one attempt at a stage may take; a replica is waited for as long."
    )
    step_seconds: float = Field(gt=0, description="Longest time from one step of a stage to the next.")
    slow_step_seconds: float = Field(
        gt=0, description="The same for a step that already takes many times as long as is usual on its replica."
    )
    outage_seconds: float = Field(ge=0, description="How long a stage waits for a store or database that refuses.")
    max_queued_per_account: int = Field(ge=1, description="Jobs that one account may have waiting or running.")
    max_queued: int = Field(ge=1, description="Jobs of all accounts together from which on no more are accepted.")
    low_patience_seconds: float = Field(
        gt=0, description="How long a job of low priority gives way to normal ones; then it is one of them."
    )


class Admission(_Group):
    """How much is let in: of one account everywhere, and by one process of everybody, half of it of one account."""

    creates_per_minute: int = Field(ge=1, description="Requests with a body that one account may make in a minute.")
    reads_per_minute: int = Field(ge=1, description="The same for requests without one.")
    streams_per_minute: int = Field(ge=1, description="The same for downloads and event streams.")
    streams_per_account: int = Field(
        ge=1, description="Downloads, event streams and answers waited for that one account may have open at once."
    )
    files_per_account: int = Field(ge=0, description="Files that one account may keep at once.")
    batches_per_account: int = Field(ge=0, description="Batches that one account may have in progress at once.")
    creates_at_once: int = Field(ge=1, description="Requests with a body that one process handles at once.")
    reads_at_once: int = Field(ge=1, description="The same for requests without one.")
    streams_at_once: int = Field(ge=1, description="The same for downloads, event streams and answers waited for.")


class Stages(_Group):
    """How stages are done. How many jobs each handles at once follows from the replicas that `deployments` gives it."""

    publish_slots: int = Field(ge=1, description="Videos published at once; the director does it itself.")
    generation_pace: float = Field(
        gt=0, description="Seconds that a megapixel of video is expected to take, until the first of a model was made."
    )
    generation_threads: int = Field(ge=0, description="CPU threads of a generation replica; 0: one for each core.")
    generation_memory_bytes: int | None = Field(
        gt=0, description="What a generation replica may hold of the host's memory, in bytes; empty: no bound."
    )
    generation_device: Literal["auto", "cpu", "cuda"] = Field(
        description="Where engines run; auto: each replica takes a GPU if the cluster has any, else the CPU."
    )


class Deployments(_Group):
    """Options of each deployment in the words of Ray Serve's own schema; `serve.deployments` holds them against it."""

    ingress: Block = Field(
        description="What answers HTTP. Streams and slow downloads are ongoing, so the bound is far above the load."
    )
    director: Block = Field(description="What hands out jobs: a fixed number of replicas, of which any may be lost.")
    ingestion: Block = Field(
        description="What prepares photos, and videos of third parties; half of its ongoing requests are for each."
    )
    screening: Block = Field(
        description="What screens pictures and videos; half of its ongoing requests are for each of the two."
    )
    video_generation: Block = Field(
        description="What makes videos, one at a time; it may be scaled by the seconds of work that wait for it."
    )
    outbound: Block = Field(description="The only way out; a call lasts as long as the outside takes.")


class Screening(_Group):
    """When a picture is refused."""

    unsafe_threshold: float = Field(
        gt=0, lt=1, description="Unsafe-content score from which a picture or a frame is refused."
    )
    sampled_frames: int = Field(ge=3, description="Frames of a generated video that are screened.")


class Accounts(_Group):
    """Accounts, sessions and guests."""

    password_memory_kib: int = Field(ge=8192, description="Memory that one password check takes, in KiB (Argon2id).")
    password_passes: int = Field(ge=1, description="Passes of one password check over that memory.")
    session_hours: int = Field(ge=1, description="How long a session lasts.")
    fresh_minutes: int = Field(ge=1, description="How long after a login consent may be answered.")
    guest_hours: int = Field(ge=1, le=72, description="How long a guest may stay.")
    failed_logins: int = Field(ge=1, description="Wrong logins for one e-mail from one address before it has to wait.")
    failed_logins_per_address: int = Field(ge=1, description="The same for all e-mails tried from one address.")
    failed_login_minutes: int = Field(ge=1, description="Time in which they are counted, and how long the wait is.")
    sign_ups_per_address: int = Field(ge=1, description="Accounts that may be opened from one address in a day.")


class Credits(_Group):
    """Credits."""

    sign_up_grant: int = Field(ge=0, description="Credits that a new account starts with.")
    guest_grant: int = Field(ge=0, description="Credits that a guest starts with.")


class Outbound(_Group):
    """The only way out: photos by link, webhooks, and third parties."""

    allowed_networks: str | None = Field(
        description="Networks that are not public and may be reached nevertheless, as CIDRs with commas between;"
        " refused in production."
    )
    connect_seconds: float = Field(gt=0, description="Longest time until a connection to an outside host stands.")
    read_seconds: float = Field(gt=0, description="Longest silence of an outside host.")
    fetch_seconds: float = Field(gt=0, description="Longest time that a photo may take to come from its URL.")
    webhook_seconds: float = Field(gt=0, description="Longest time that one attempt at a webhook may take.")
    webhook_attempts: int = Field(ge=1, le=12, description="Attempts before an event is given up.")
    delivery_log_days: int = Field(ge=2, le=90, description="How long the log of deliveries is kept.")
    max_endpoints_per_account: int = Field(ge=1, description="Webhook endpoints that one account may have.")
    max_fetches_per_account: int = Field(ge=1, description="Photos by link that one account may wait for at once.")
    poll_seconds: float = Field(gt=0, description="How often due webhooks and submissions are looked for.")
    recipient_seconds: float = Field(gt=0, description="Longest time that one call to a third party may take.")
    task_minutes: float = Field(gt=0, description="How long a third party may take for a video.")
    submission_attempts: int = Field(
        ge=1, description="How often a video is submitted while the third party says that it has no room."
    )
    max_result_bytes: int = Field(ge=1 << 20, description="Largest video that is taken from a third party.")

    @field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: str | None) -> str | None:
        try:
            _networks(value)
        except ValueError:
            raise ValueError("Give networks as CIDRs with commas between, such as 10.1.0.0/16,fd00::/8") from None
        return value

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`allowed_networks`, read."""
        return _networks(self.allowed_networks)


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",")) if text else ()


class Recipients(_Group):
    """Third parties. Who they are stands in `configs/recipients.yaml`; nothing goes to one that is not named here."""

    in_use: Block = Field(
        description="By recipient: region, options, contract, assessment, mechanism; see cluster/privacy/agreements.py."
    )


class Retention(_Group):
    """How long things live."""

    transient_days: int = Field(
        ge=0,
        le=30,
        description="Longest life of an artefact that is kept for a stated reason after its task.",
    )
    backup_days: int = Field(ge=0, le=35, description="How much longer a backup lives than what it is a backup of.")
    idempotency_hours: int = Field(ge=1, description="How long an Idempotency-Key is remembered.")
    batch_days: int = Field(ge=0, description="How long a batch that has ended can be looked at.")
    min_life_minutes: int = Field(ge=1, description="Shortest time to live that a video can be given.")
    max_life_days: int = Field(
        ge=1, description="Longest time to live that a video can be given; without one, none ends."
    )
    unstored_minutes: int = Field(
        ge=1, description="How long a finished video with `store: false` waits for its first whole download."
    )
    unfinished_minutes: int = Field(ge=1, description="Age at which an upload that was never accepted is removed.")


class Sweep(_Group):
    """The sweep, which erases what has outlived its retention rule."""

    every_hours: float | None = Field(
        gt=0, description="How often `i2v up` has it done by itself; empty: never, and something else has to."
    )


class Operator(_Group):
    """Who runs this installation: the controller of its data, whom the privacy policy names."""

    name: str | None = Field(
        description="Name and postal address; needed in production, else the policy says that it is missing."
    )
    contact: str | None = Field(
        description="Where questions and requests go: an e-mail address or a URL; needed in production."
    )
    complaint_authority: str | None = Field(description="The supervisory authority that complaints can go to.")


class Settings(_Group):
    """Everything that can be set."""

    profile: Literal["laptop", "production"] = Field(
        description="laptop: all on one host, not isolated; production: no start where a promise has no means."
    )
    data: Data
    database: Database
    objects: Objects
    http: Http
    tls: Tls
    images: Images
    ray: Ray
    metrics: Metrics
    jobs: Jobs
    admission: Admission
    stages: Stages
    deployments: Deployments
    screening: Screening
    accounts: Accounts
    credits: Credits
    outbound: Outbound
    recipients: Recipients
    retention: Retention
    sweep: Sweep
    operator: Operator

    @model_validator(mode="after")
    def _keeps_its_promises(self) -> Self:
        refusals = refused_in_production(self) if self.profile == "production" else []
        if refusals:
            raise PydanticCustomError("refused_in_production", " ".join(refusals))
        return self


def refused_in_production(settings: Settings) -> list[str]:
    """Sentences on what would break a promise to somebody outside this host."""
    refusals = []
    if not _is_loopback(settings.http.host):
        refusals.append(
            "http.host: in production plain HTTP is served on the loopback alone; tls.host is for everybody else."
        )
    if not settings.ray.haproxy:
        refusals.append("ray.haproxy: without HAProxy there is neither TLS nor a limit, so production needs it.")
    if settings.outbound.allowed_networks:
        refusals.append("outbound.allowed_networks: production reaches public addresses alone; leave it empty.")
    if not settings.operator.name or not settings.operator.contact:
        refusals.append("operator.name, operator.contact: the privacy policy has to say who is responsible.")
    return refusals


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def configs_folder() -> Path:
    """The one locator of ``configs/``: beside the packages, or where ``I2V_CONFIGS`` says."""
    named = os.environ.get(CONFIGS_VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parents[1] / "configs"


def leaves(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every settable key as a path, with its documentation."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), field.description or ""


def variable(path: tuple[str, ...]) -> str:
    """The environment variable of a key."""
    return PREFIX + "_".join(path).upper()


@cache
def load() -> Settings:
    """The settings of this process, read once.

    Raises:
        SettingsError: a key is missing, unknown or wrong; every one of them is named.
    """
    return read(configs_folder(), os.environ)


def read(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Merge the files of ``folder`` and the environment into settings; see `load`."""
    profile = environment.get(PROFILE_VARIABLE, "laptop")
    values: dict[str, Any] = {"profile": profile}
    for name in ("base", profile):
        _merge(values, _from_file(folder / f"{name}.yaml"))
    _merge(values, _from_environment(environment))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = "; ".join(
            ": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"]))) for e in error.errors(include_input=False)
        )
        raise SettingsError(f"The settings are not valid: {wrong}") from None


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _from_file(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError:
        raise SettingsError(f"{file.name} is not valid YAML.") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{file.name} must map keys to values.")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {variable(path): path for path, _ in leaves()}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name == CONFIGS_VARIABLE:
            continue
        if name not in known:
            raise SettingsError(f"{name} is no setting. 'python -m cluster.settings' lists those that there are.")
        *groups, key = known[name]
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[key] = text or None
    return values


if __name__ == "__main__":
    current = load().model_dump()
    for leaf, meaning in leaves():
        shown: Any = current
        for step in leaf:
            shown = shown[step]
        print(f"{'.'.join(leaf)} = {shown}\n    {variable(leaf)}: {meaning}")  # noqa: T201 - the command's output
