"""The state of a page is its URL: building addresses, and reading windows of time from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from urllib.parse import quote, urlencode

from clew.core.clock import NS_PER_DAY, NS_PER_S
from clew.core.errors import InputError
from clew.traces.projects import reference
from clew.web import figures

API = "/api/v1/projects"
PROJECT = "/p"  # begins the address of every page of a project; the next part is the project's name
Params = Mapping[str, str | int | None]

_UNITS = {"min": 60, "h": 3_600, "d": 86_400}
_WRITTEN = re.compile(r"~(7E|2F|5C|2E)")
_LENGTH = re.compile(r"(\d{1,4})(min|h|d)")
PRESETS = (("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("14d", "14 d"), ("30d", "30 d"), ("all", "All"))
_WORDS = {"1h": "hour", "24h": "24\u00a0hours", "1d": "day"}


def url(*parts: str, **params: str | int | None) -> str:
    """An address from path parts (quoted, so a name may hold anything) and parameters; empty ones are left out."""
    head, *rest = parts
    written = [reference(part) if head == PROJECT and at == 0 else segment(part) for at, part in enumerate(rest)]
    path = "/".join([head, *(quote(part, safe="") for part in written)])
    asked = {key: value for key, value in params.items() if value not in (None, "")}
    return f"{path}?{urlencode(asked, quote_via=quote)}" if asked else path


def api_url(project: str, *parts: str) -> str:
    """An address of the API about a project."""
    return "/".join([API, *(quote(part, safe="") for part in (reference(project), *parts))])


def segment(name: str) -> str:
    """A name as one segment of a path. Servers undo %2F before they split a path, and browsers drop dots, so those are written with ~."""
    written = name.replace("~", "~7E").replace("/", "~2F").replace("\\", "~5C")
    return written.replace(".", "~2E") if written in (".", "..") else written


def name_of(written: str) -> str:
    """The inverse of ``segment``."""
    return _WRITTEN.sub(lambda match: chr(int(match[1], 16)), written)


def with_params(path: str, state: Params, **changes: str | int | None) -> str:
    """The same page with some of its state changed; None or '' takes a parameter out."""
    return url(path, **{**state, **changes})


def safe_back(path: str) -> str:
    """A path on this server to go back to; anything else is the front page (never another host)."""
    if not path.startswith("/") or path.startswith(("//", "/\\")) or any(ord(char) < 32 or char == "\\" for char in path):
        return "/"
    return path


@dataclass(frozen=True)
class Window:
    """The stretch of time that a page looks at. ``text`` is how it stands in the URL: ``24h``, ``all`` or ``custom``."""

    since_ns: int | None
    until_ns: int | None
    text: str
    words: str = ""
    before: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether the window ends now."""
        return self.until_ns is None


def read_window(query: Mapping[str, str], now: int, zone: tzinfo, default: str = "24h") -> Window:
    """The window in a URL: ``window=24h`` (up to now), or ``from`` and ``to`` in ns or ISO 8601. Raises InputError."""
    if query.get("from") or query.get("to"):
        start = read_moment(query["from"], zone) if query.get("from") else 0
        end = read_moment(query["to"], zone) if query.get("to") else now
        if end <= start:
            raise InputError(
                f"a window from {query.get('from', '')[:40]!r} to {query.get('to', '')[:40]!r} has no length; wanted 'from' before 'to'"
            )
        kept = {key: query[key] for key in ("from", "to") if query.get(key)}
        words = f"between {figures.between(start, end, now, zone)}" if start else f"until {figures.when(end, now, zone)}"
        return Window(start, end, "custom", words, _before(end - start), kept)
    text = query.get("window") or default
    kept = {"window": text} if text != default else {}
    if text == "all":
        return Window(None, None, "all", "so far", "", kept)
    if not (match := _LENGTH.fullmatch(text)) or not int(match[1]):
        raise InputError(f"a window of {text[:40]!r}; wanted a number with min, h or d such as 24h, or all")
    length = int(match[1]) * _UNITS[match[2]] * NS_PER_S
    if length > 3_660 * NS_PER_DAY:
        raise InputError(f"a window of {text!r}; wanted ten years at most, or all")
    names = {"min": "minutes", "h": "hours", "d": "days"}
    words = _WORDS.get(text) or (f"{match[1]}\u00a0{names[match[2]]}" if int(match[1]) > 1 else names[match[2]][:-1])
    before = "the day before" if length == NS_PER_DAY else f"the {words} before"
    return Window(now - length, None, text, f"in the last {words}", before, kept)


def _before(length_ns: int) -> str:
    """The stretch of the same length before, in words."""
    days, rest = divmod(length_ns, NS_PER_DAY)
    hours, part = divmod(length_ns, 3_600 * NS_PER_S)
    if not rest:
        return "the day before" if days == 1 else f"the {days}\u00a0days before"
    if not part:
        return "the hour before" if hours == 1 else f"the {hours}\u00a0hours before"
    return "the same length of time before"


def read_moment(text: str, zone: tzinfo = UTC) -> int:
    """A moment in ns from digits (ns) or ISO 8601; without an offset it is in the reader's own zone. Raises InputError."""
    if text.isascii() and text.isdigit() and len(text) <= 19:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return int(aware.timestamp()) * NS_PER_S + aware.microsecond * 1_000
    except (ValueError, OverflowError, OSError):
        raise InputError(f"{text[:40]!r} is not a moment; wanted ISO 8601 such as 2026-11-12T14:00, or nanoseconds since 1970") from None
