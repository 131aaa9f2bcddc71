"""Settings: what wins over what, and what a mistake is answered."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from clew.core.config import GIB, MIB, Settings, keys, load_settings
from clew.core.errors import ConfigError


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment with nothing in it but a home of its own."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}


def write(home: dict[str, str], text: str) -> Path:
    file = Path(home["XDG_CONFIG_HOME"]) / "clew" / "clew.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_stand_where_nothing_is_said(home: dict[str, str]) -> None:
    settings = load_settings(home)
    assert settings == Settings(data=Path(home["XDG_DATA_HOME"]) / "clew")
    assert (settings.host, settings.port, settings.otlp_http_port, settings.otlp_grpc_port) == ("127.0.0.1", 7464, 4318, 4317)
    assert (settings.memory, settings.max_body_bytes) == (2 * GIB, 64 * MIB)
    assert settings.url == "http://127.0.0.1:7464"


def test_command_line_wins_over_variable_over_file_over_default(home: dict[str, str]) -> None:
    write(home, "port = 1001\notlp_http_port = 1002\nmemory = '3 GiB'\n")
    settings = load_settings(home | {"CLEW_PORT": "2001", "CLEW_OTLP_HTTP_PORT": "2002"}, port=3001)
    assert (settings.port, settings.otlp_http_port, settings.memory, settings.otlp_grpc_port) == (3001, 2002, 3 * GIB, 4317)


def test_an_empty_variable_is_one_that_was_not_set(home: dict[str, str]) -> None:
    assert load_settings(home | {"CLEW_PORT": ""}).port == 7464


def test_settings_are_frozen(home: dict[str, str]) -> None:
    with pytest.raises(FrozenInstanceError):
        load_settings(home).port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("67108864", 64 * MIB),
        ("64 MiB", 64 * MIB),
        ("64mib", 64 * MIB),
        ("1.5 GiB", 3 * GIB // 2),
        ("2GB", 2_000_000_000),
        ("1048576 b", MIB),
    ],
)
def test_sizes_are_read_with_and_without_units(home: dict[str, str], text: str, size: int) -> None:
    assert load_settings(home | {"CLEW_MEMORY": text}).memory == size


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("CLEW_PORT", "http", "a port number from 1 to 65535"),
        ("CLEW_PORT", "0", "a port number from 1 to 65535"),
        ("CLEW_PORT", "65536", "a port number from 1 to 65535"),
        ("CLEW_OTLP_GRPC_PORT", "-1", "0 for off"),
        ("CLEW_MEMORY", "2 gigs", "a size of at least 1 MiB"),
        ("CLEW_MEMORY", "12", "a size of at least 1 MiB"),
        ("CLEW_MEMORY", "9" * 30, "a size of at least 1 MiB"),
        ("CLEW_GROUP_COMMIT_MS", "2.5", "a whole number of milliseconds"),
        ("CLEW_QUEUE_REQUESTS", "0", "at least 1"),
        ("CLEW_HOST", "example.org", "an IP address"),
        ("CLEW_DATA", "a\0b", "a folder"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_was_wanted(home: dict[str, str], variable: str, value: str, wanted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(home | {variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert wanted in str(caught.value)


@pytest.mark.parametrize("text", ["port = true", "port = [1]", "port = 1.5", "port = 'x'", "data = 1979-05-27"])
def test_a_wrong_value_in_the_file_names_the_file(home: dict[str, str], text: str) -> None:
    write(home, text)
    with pytest.raises(ConfigError, match=r"in clew\.toml is"):
        load_settings(home)


def test_a_key_that_is_no_setting_is_refused_with_the_nearest_one(home: dict[str, str]) -> None:
    write(home, "otlp_htpp_port = 1")
    with pytest.raises(ConfigError, match="did you mean 'otlp_http_port'"):
        load_settings(home)


def test_a_file_that_was_asked_for_must_be_there(home: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        load_settings(home | {"CLEW_CONFIG": home["HOME"] + "/none.toml"})


def test_a_file_that_is_not_toml_is_refused(home: dict[str, str]) -> None:
    write(home, "port: 7464")
    with pytest.raises(ConfigError, match="wanted TOML"):
        load_settings(home)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_loopback_hosts_are_accepted(home: dict[str, str], host: str) -> None:
    assert load_settings(home, host=host).url.startswith("http://")


def test_an_ipv6_host_has_brackets_in_the_url(home: dict[str, str]) -> None:
    assert load_settings(home, host="::1").url == "http://[::1]:7464"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "8.8.8.8"])
def test_a_host_that_others_can_reach_is_refused_with_the_reason(home: dict[str, str], host: str) -> None:
    with pytest.raises(ConfigError, match="has no log-in"):
        load_settings(home, host=host)


def test_every_setting_says_unit_help_and_why() -> None:
    for item in keys():
        assert all(item.metadata[part] for part in ("unit", "help", "why")), item.name
