"""Settings: read once at start, frozen after. The command line wins over CLEW_* variables, those over the file, that over the defaults.

A wrong value is a ConfigError that names the key, where it stood, what was found and what was wanted, before anything is opened.
``docs/settings.md`` is generated from the fields of ``Settings``.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from clew.core.errors import ConfigError

PREFIX = "CLEW_"
MIB = 1 << 20
GIB = 1 << 30

_SIZES = {"": 1, "b": 1, "kib": 1 << 10, "mib": MIB, "gib": GIB, "tib": 1 << 40, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """How text becomes a setting's value, and the words for what is wanted."""

    wanted: str
    read: Callable[[str], Any]


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _size(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    value = int(float(match[1]) * _SIZES[match[2].lower()])  # an unknown unit is a KeyError, told like any wrong value
    if not MIB <= value <= 1 << 50:
        raise ValueError(text)
    return value


def _folder(text: str) -> Path:
    if not text or "\0" in text:
        raise ValueError(text)
    return Path(text).expanduser()


def _host(text: str) -> str:
    if text.lower() == "localhost":
        return "127.0.0.1"
    return str(ipaddress.ip_address(text.strip("[]")))


FOLDER = Kind("a folder", _folder)
HOST = Kind("an IP address or 'localhost'", _host)
PORT = Kind("a port number from 1 to 65535", _whole(1, 65_535))
PORT_OR_OFF = Kind("a port number from 1 to 65535, or 0 for off", _whole(0, 65_535))
SIZE = Kind("a size of at least 1 MiB, e.g. 67108864, '64 MiB' or '2 GiB'", _size)
COUNT = Kind("a whole number of at least 1", _whole(1, 10**9))
MILLISECONDS = Kind("a whole number of milliseconds from 1 to 1000", _whole(1, 1000))


def default_data(environ: Mapping[str, str]) -> Path:
    """Where data lives unless told: ``$XDG_DATA_HOME/clew``, or ``~/.local/share/clew``."""
    base = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "clew"


def default_file(environ: Mapping[str, str]) -> Path:
    """The file that is read when there is one: ``$XDG_CONFIG_HOME/clew/clew.toml``, or ``~/.config/clew/clew.toml``."""
    base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "clew" / "clew.toml"


def _setting(kind: Kind, default: Any, unit: str, help: str, why: str) -> Any:  # noqa: A002 - the word of every option parser
    return field(default=default, metadata={"kind": kind, "unit": unit, "help": help, "why": why})


@dataclass(frozen=True)
class Settings:
    """Every setting of the server. The data folder has no fixed default: ``load_settings`` takes it from the environment."""

    data: Path = field(
        metadata={
            "kind": FOLDER,
            "unit": "folder",
            "help": "Where everything is kept. One process holds it at a time.",
            "why": "the XDG place for a user's data: $XDG_DATA_HOME/clew, else ~/.local/share/clew",
        }
    )
    host: str = _setting(HOST, "127.0.0.1", "address", "The address that is listened on.", "loopback only, as there is no log-in")
    port: int = _setting(PORT, 7464, "port", "Pages, API and OTLP over HTTP.", "unassigned by IANA")
    otlp_http_port: int = _setting(
        PORT_OR_OFF, 4318, "port, 0 = off", "OTLP over HTTP where exporters look for it by default.", "the OpenTelemetry default"
    )
    otlp_grpc_port: int = _setting(
        PORT_OR_OFF, 4317, "port, 0 = off", "OTLP over gRPC where exporters look for it by default.", "the OpenTelemetry default"
    )
    memory: int = _setting(
        SIZE, 2 * GIB, "bytes", "Ceiling for the store's engine.", "a laptop's share; pages and ingest stay well below it"
    )
    max_body_bytes: int = _setting(
        SIZE,
        64 * MIB,
        "bytes",
        "The largest request after inflation; a larger one gets 413.",
        "the OpenTelemetry Collector accepts 20 MiB; three of those",
    )
    queue_bytes: int = _setting(
        SIZE,
        128 * MIB,
        "bytes",
        "Requests waiting for their commit, inflated. Above it senders are told to come back.",
        "two requests of the largest size",
    )
    queue_requests: int = _setting(
        COUNT, 4096, "requests", "The same bound as a count.", "bounds what many small requests hold beside their bytes"
    )
    group_commit_ms: int = _setting(
        MILLISECONDS,
        30,
        "milliseconds",
        "How long the first request of a commit waits for company.",
        "small beside the ten seconds that an exporter waits",
    )

    @property
    def url(self) -> str:
        """Where the pages are."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def keys() -> tuple[Field[Any], ...]:
    """The settings in the order in which they are documented; ``metadata`` holds kind, unit, help and why (the default's origin)."""
    return fields(Settings)


def load_settings(environ: Mapping[str, str] | None = None, *, file: Path | None = None, **told: Any) -> Settings:
    """The settings of this start. ``told`` is the command line's part (None = not said); ``file`` is read instead of the user's.

    Raises ConfigError for a value that cannot be used, an unknown key in the file, and a host that is not loopback.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {"data": default_data(environ)}
    from_file, name = _read_file(environ, file)
    for item in keys():
        kind: Kind = item.metadata["kind"]
        variable = PREFIX + item.name.upper()
        if told.get(item.name) is not None:
            values[item.name] = _cast(kind, told[item.name], f"--{item.name.replace('_', '-')}")
        elif environ.get(variable):
            values[item.name] = _cast(kind, environ[variable], variable)
        elif item.name in from_file:
            values[item.name] = _cast(kind, from_file[item.name], f"{item.name!r} in {name}")
    settings = Settings(**values)
    _refuse_open_host(settings.host)
    return settings


def _cast(kind: Kind, value: Any, where: str) -> Any:
    readable = isinstance(value, str | int | Path) and not isinstance(value, bool)
    try:
        if readable:
            return kind.read(str(value))
    except (ValueError, KeyError):
        pass
    raise ConfigError(f"{where} is {value!r}; wanted {kind.wanted}")


def _read_file(environ: Mapping[str, str], file: Path | None) -> tuple[dict[str, Any], str]:
    asked = file or (Path(environ[f"{PREFIX}CONFIG"]).expanduser() if environ.get(f"{PREFIX}CONFIG") else None)
    path = asked or default_file(environ)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        if asked is not None:
            raise ConfigError(f"the settings file {str(path)!r} is not there; make it, or unset {PREFIX}CONFIG") from error
        return {}, path.name
    except (OSError, ValueError) as error:
        raise ConfigError(f"the settings file {str(path)!r} cannot be read: {error}; wanted TOML with one 'key = value' a line") from error
    known = [item.name for item in keys()]
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise ConfigError(f"{key!r} in {path.name} is not a setting; {hint}")
    return values, path.name


def _refuse_open_host(host: str) -> None:
    if not ipaddress.ip_address(host).is_loopback:
        raise ConfigError(
            f"host is {host!r}, which other machines can reach; wanted a loopback address such as 127.0.0.1, because Clew has no log-in and"
            " whoever reaches it reads and writes everything. To reach it from elsewhere, tunnel: ssh -L 7464:127.0.0.1:7464 this-machine"
        )
