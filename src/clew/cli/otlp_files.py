"""OTLP in files: JSON, JSON lines and protobuf, each plain, gzip or zstd; read piece by piece."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from clew.core.errors import InputError, NotFound, TooLarge

JSON, PROTOBUF = "application/json", "application/x-protobuf"
JSON_NAMES = (".json", ".jsonl", ".ndjson")
PROTOBUF_NAMES = (".pb", ".bin", ".binpb", ".proto", ".protobuf")
PACKED = (".gz", ".zst")
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
MAX_RECORD = 64 << 20  # bytes; what the server takes as one request by default
RESOURCE_LOGS, RESOURCE_SPANS, RESOURCE_METRICS = b"resourceLogs", b"resourceSpans", b"resourceMetrics"


@dataclass(frozen=True)
class Piece:
    """One request out of a file: where it goes, its bytes, and how many bytes of the file are behind it."""

    path: str
    content_type: str
    body: bytes
    where: str
    read: int


def find_files(paths: list[Path]) -> list[Path]:
    """The files among ``paths``, folders searched for names that OTLP files have. Raises NotFound when there is none."""
    found: list[Path] = []
    for path in map(Path.absolute, paths):
        if path.is_dir():
            inside = sorted(item for item in path.rglob("*") if item.is_file() and plain_suffix(item) in JSON_NAMES + PROTOBUF_NAMES)
            found += inside
            if not inside:
                names = ", ".join(JSON_NAMES + PROTOBUF_NAMES)
                raise NotFound(f"no OTLP file in the folder {path.name!r}; wanted {names}, also with .gz or .zst")
        elif path.is_file():
            found.append(path)
        else:
            raise NotFound(f"there is no file {str(path)!r}")
    return found


def plain_suffix(path: Path) -> str:
    """The suffix that tells the form, without that of the packing."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def pieces(path: Path) -> Iterator[Piece]:
    """The requests in a file, in order."""
    with path.open("rb") as raw:
        stream = _unpacked(raw)
        head = stream.peek(1)[:1]
        # A line feed is also how every protobuf request begins (field 1), so there the name decides.
        if plain_suffix(path) in JSON_NAMES or head in (b"{", b" ", b"\xef"):
            yield from _json_pieces(path.name, stream, raw)
        elif body := _bounded(path.name, stream.read(MAX_RECORD + 1)):
            yield Piece(_signal_of(body, path.name), PROTOBUF, body, path.name, raw.tell())


def _unpacked(raw: BinaryIO) -> io.BufferedReader:
    magic = raw.read(4)
    raw.seek(0)
    if magic.startswith(GZIP_MAGIC):
        return io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=raw)))
    if magic == ZSTD_MAGIC:
        return io.BufferedReader(cast(io.RawIOBase, zstandard.ZstdDecompressor().stream_reader(raw, closefd=False)))
    return cast(io.BufferedReader, raw)


def _bounded(name: str, body: bytes) -> bytes:
    if len(body) > MAX_RECORD:
        raise TooLarge(f"one request in {name!r} is larger than {MAX_RECORD:,} bytes; split it")
    return body


def _json_pieces(name: str, stream: io.BufferedReader, raw: IO[bytes]) -> Iterator[Piece]:
    """One request a line, or one document over many lines: a first line that is no JSON by itself begins a document."""
    number = 0
    while line := _bounded(name, stream.readline(MAX_RECORD + 1)):
        number += 1
        text = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not text:
            continue
        if number == 1 and not _is_document(text):
            text = _bounded(name, text + b"\n" + stream.read(MAX_RECORD + 1))
            yield Piece(_json_signal(text, name), JSON, text, name, raw.tell())
            return
        where = f"{name}, line {number}"
        yield Piece(_json_signal(text, where), JSON, text, where, raw.tell())


def _is_document(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _json_signal(text: bytes, where: str) -> str:
    """The path for a JSON request. Only its first keys are looked at: the server judges the rest."""
    places = {path: text.find(b'"' + key + b'"') for key, path in _PATHS.items()}
    here = {path: place for path, place in places.items() if place >= 0}
    if not here:
        raise InputError(f"{where} is not OTLP/JSON: it has no 'resourceSpans' and no 'resourceLogs'")
    return min(here, key=lambda path: here[path])


_PATHS = {RESOURCE_SPANS: "/v1/traces", RESOURCE_LOGS: "/v1/logs", RESOURCE_METRICS: "/v1/metrics"}


def _signal_of(body: bytes, name: str) -> str:
    """Traces and logs have the same form on the wire; the name decides."""
    if body[:1] != b"\x0a":
        raise InputError(f"{name!r} is neither OTLP/JSON nor an OTLP protobuf request")
    return "/v1/logs" if "log" in name.lower() else "/v1/traces"
