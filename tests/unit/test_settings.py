"""Settings: one frozen object, every key documented, nothing unknown, no value in an error."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from cluster.settings import Settings, SettingsError, configs_folder, leaves, read, variable

CANARY = "canary-7f3a"


PRODUCTION = {
    "I2V_PROFILE": "production",
    "I2V_OPERATOR_NAME": "Quux Films, 1 Heron Lane",
    "I2V_OPERATOR_CONTACT": "privacy@quux.example",
}


def read_with(**environment: str) -> Settings:
    return read(configs_folder(), environment)


def test_the_files_of_both_profiles_are_valid() -> None:
    assert read_with().profile == "laptop"
    assert read_with(**PRODUCTION).profile == "production"


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("I2V_OPERATOR_NAME", "", "operator.name"),
        ("I2V_OPERATOR_CONTACT", "", "operator.contact"),
        ("I2V_OUTBOUND_ALLOWED_NETWORKS", "10.0.0.0/8", "outbound.allowed_networks"),
    ],
)
def test_production_refuses_what_the_laptop_may(name: str, value: str, named: str) -> None:
    assert read_with(**{name: value}).profile == "laptop"
    with pytest.raises(SettingsError, match=re.escape(named)):
        read_with(**PRODUCTION | {name: value})


def test_base_yaml_names_every_key() -> None:
    values = yaml.safe_load((configs_folder() / "base.yaml").read_text())
    named = {(group, key) for group, keys in values.items() for key in keys} | {("profile",)}
    assert named == {path for path, _ in leaves()}


def test_every_key_is_documented() -> None:
    assert [path for path, meaning in leaves() if len(meaning) < 10 or not meaning.endswith(".")] == []
    variables = [variable(path) for path, _ in leaves()]
    assert len(set(variables)) == len(variables) > 30


def test_the_environment_wins_over_the_profile_and_the_profile_over_the_base(tmp_path: Path) -> None:
    for name in ("base", "production"):
        (tmp_path / f"{name}.yaml").write_text((configs_folder() / f"{name}.yaml").read_text())
    profile = PRODUCTION
    assert (read(tmp_path, {}).database.pool_size, read(tmp_path, profile).database.pool_size) == (8, 16)
    settings = read(tmp_path, profile | {"I2V_DATABASE_POOL_SIZE": "5", "I2V_TLS_PORT": "9443"})
    assert (settings.database.pool_size, settings.tls.port) == (5, 9443)


def test_an_empty_variable_means_none() -> None:
    assert read_with(I2V_DATABASE_URL="").database.url is None
    with pytest.raises(SettingsError, match=r"http\.port"):
        read_with(I2V_HTTP_PORT="")


def test_the_data_folder_may_be_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_with(I2V_DATA_FOLDER="~/data").data.folder == tmp_path / "data"


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("I2V_HTTP_PORT", CANARY, "http.port"),
        ("I2V_HTTP_PORT", "70000", "http.port"),
        ("I2V_SCREENING_UNSAFE_THRESHOLD", "1.5", "screening.unsafe_threshold"),
        ("I2V_PROFILE", CANARY, "profile"),
        ("I2V_RETENTION_TRANSIENT_DAYS", "31", "retention.transient_days"),
        ("I2V_RETENTION_BACKUP_DAYS", "36", "retention.backup_days"),
        ("I2V_DATABASE_STAGE_POOL_SIZE", "3", "database.stage_pool_size"),
        ("I2V_DATABASE_URI", CANARY, "I2V_DATABASE_URI"),
        ("I2V_", CANARY, "I2V_"),
    ],
)
def test_a_wrong_variable_is_refused_by_name_without_its_value(name: str, value: str, named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_with(**{name: value})
    assert named in str(refusal.value)
    assert CANARY not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("database:\n  urll: x", "database.urll"),
        ("surprise: 1", "surprise"),
        ("database:", "database"),
        ("database:\n  stage_pool_size: many", "database.stage_pool_size"),
        ("- a list", "production.yaml"),
        ("a: [", "production.yaml"),
    ],
)
@pytest.mark.parametrize("environment", [{}, {"I2V_DATABASE_POOL_SIZE": "5"}])
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, named: str, environment: dict[str, str]) -> None:
    (tmp_path / "base.yaml").write_text((configs_folder() / "base.yaml").read_text())
    (tmp_path / "production.yaml").write_text(text)
    with pytest.raises(SettingsError) as refusal:
        read(tmp_path, {"I2V_PROFILE": "production"} | environment)
    assert named in str(refusal.value)


def test_every_wrong_key_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as refusal:
        read_with(I2V_HTTP_PORT="x", I2V_JOBS_MAX_ATTEMPTS="0")
    assert "http.port" in str(refusal.value)
    assert "jobs.max_attempts" in str(refusal.value)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        read_with().http.port = 1


def test_other_variables_are_left_alone() -> None:
    assert read_with(PATH="/bin", I2VIDEO="x", I2V_CONFIGS="/elsewhere") == read_with()
