"""What ``clew.init`` was told, resolved once: arguments over environment over defaults. Pure; reads nothing but the mapping it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from clew.core.errors import ConfigError

DEFAULT_ENDPOINT = "http://127.0.0.1:7464"
PROJECT_HEADER = "x-clew-project"
_TRACES_PATH = "/v1/traces"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Limits:
    """What the client may take of its host: memory while Clew is away, time at exit, size of one value."""

    buffered_spans: int = 10_000
    buffered_bytes: int = 64 * 1024 * 1024
    buffered_scores: int = 10_000
    batch_spans: int = 512
    batch_bytes: int = 4 * 1024 * 1024
    value_chars: int = 131_072
    interval_s: float = 1.0
    request_timeout_s: float = 5.0
    exit_timeout_s: float = 2.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ConfigError(f"clew.init: {name} is {value!r}; it must be greater than 0")


@dataclass(frozen=True)
class Settings:
    """Where telemetry goes and under which name."""

    project: str
    traces_url: str
    scores_url: str
    headers: tuple[tuple[str, str], ...] = ()
    service: str | None = None
    environment: str | None = None
    capture_content: bool = True
    limits: Limits = Limits()


def resolve(
    env: Mapping[str, str],
    *,
    project: str | None = None,
    endpoint: str | None = None,
    api_endpoint: str | None = None,
    headers: Mapping[str, str] | None = None,
    service: str | None = None,
    environment: str | None = None,
    capture_content: bool = True,
    limits: Limits | None = None,
) -> Settings:
    """Settings from arguments, then ``CLEW_*`` and the OpenTelemetry variables, then defaults. Raises ConfigError, once, at start."""
    traces_url, base = _traces_url(env, endpoint)
    api = _http_url(api_endpoint or env.get("CLEW_API_ENDPOINT") or base, "api_endpoint")
    name = project or env.get("CLEW_PROJECT") or env.get("OTEL_SERVICE_NAME") or "default"
    named = {key.lower(): value for key, value in (headers or {}).items()}
    merged = {**parse_headers(env.get("OTEL_EXPORTER_OTLP_HEADERS", "")), **named}
    if name.isascii() and name.isprintable():  # what a header can carry; the resource tells the project in any case
        merged.setdefault(PROJECT_HEADER, name)
    return Settings(
        project=name,
        traces_url=traces_url,
        scores_url=api + "/api/v1/scores",
        headers=tuple(merged.items()),
        service=service,
        environment=environment,
        capture_content=capture_content,
        limits=limits or Limits(),
    )


def is_disabled(env: Mapping[str, str]) -> bool:
    """Whether the environment turns the client off (``CLEW_DISABLED`` or OpenTelemetry's ``OTEL_SDK_DISABLED``)."""
    return any(env.get(name, "").strip().lower() in ("1", "true", "yes", "on") for name in ("CLEW_DISABLED", "OTEL_SDK_DISABLED"))


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine; a proxy from the environment must not stand in between."""
    return urlsplit(url).hostname in _LOOPBACK


def parse_headers(text: str) -> dict[str, str]:
    """``key=value,key=value`` with percent-encoding, as OTEL_EXPORTER_OTLP_HEADERS is written; malformed parts are left out."""
    found = {}
    for part in text.split(","):
        key, sign, value = part.partition("=")
        if sign and key.strip():
            found[unquote(key.strip()).lower()] = unquote(value.strip())
    return found


def _traces_url(env: Mapping[str, str], endpoint: str | None) -> tuple[str, str]:
    """The URL spans go to, and the base beside it that carries the API. A traces endpoint in the environment is used as it is."""
    whole = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = endpoint or env.get("CLEW_ENDPOINT")
    if base is None and whole:
        url = _http_url(whole, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        parts = urlsplit(url)
        return url, f"{parts.scheme}://{parts.netloc}"
    base = _http_url(base or env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or DEFAULT_ENDPOINT, "endpoint")
    base = base.removesuffix(_TRACES_PATH)
    return base + _TRACES_PATH, base


def _http_url(url: str, what: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"clew.init: {what} is {url!r}; wanted an http:// or https:// URL such as {DEFAULT_ENDPOINT!r}")
    return url.rstrip("/")
