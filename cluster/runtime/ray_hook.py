"""Run by `ray start` before it starts anything: keeps the dashboard from asking in which cloud it is.

Ray asks the metadata services of three clouds for that, one of them by name, even where its usage statistics are off;
only a file in the dashboard's home folder keeps it from doing so. So it is given a home folder with that file.
"""

from pathlib import Path
from typing import Any, Final

from ray._private import ray_constants, services

__all__ = ["keep_quiet"]

_HOME: Final = "dashboard"
_FILE: Final = "ray_bootstrap_config.yaml"
_USUAL: Final = "/tmp/ray"  # noqa: S108 - Ray's own


def keep_quiet(parameters: Any, _head: bool) -> None:
    """Give the dashboard a home folder of its own, below Ray's folder."""
    home = Path(parameters.temp_dir or _USUAL) / _HOME
    home.mkdir(parents=True, exist_ok=True)
    (home / _FILE).write_text("{}\n", encoding="utf-8")
    start = services.start_ray_process

    def start_at_home(command: Any, process_type: str, **options: Any) -> Any:
        if process_type == ray_constants.PROCESS_TYPE_DASHBOARD:
            options["env_updates"] = {**(options.get("env_updates") or {}), "HOME": str(home)}
        return start(command, process_type, **options)

    services.start_ray_process = start_at_home  # type: ignore[assignment]  # Ray itself names every option
