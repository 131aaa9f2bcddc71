"""OTLP files of every form are read request by request; what is none is refused with its place."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from clew.cli import otlp_files
from clew.core.errors import InputError, NotFound, TooLarge

SPANS = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "a"}]}]}]}
LOGS = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "resourceSpans"}}]}]}]}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def write(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_document_is_one_request(tmp_path: Path, packing: str, indent: int | None) -> None:
    path = write(tmp_path, f"a.json{packing}", PACKINGS[packing](json.dumps(SPANS, indent=indent).encode()))
    (piece,) = otlp_files.pieces(path)
    assert (piece.path, piece.content_type, json.loads(piece.body)) == ("/v1/traces", "application/json", SPANS)


@pytest.mark.parametrize("packing", PACKINGS)
def test_json_lines_are_a_request_each_and_empty_lines_none(tmp_path: Path, packing: str) -> None:
    text = "\n\n".join([json.dumps(SPANS), json.dumps(LOGS), json.dumps(SPANS)]) + "\n"
    found = list(otlp_files.pieces(write(tmp_path, f"a.jsonl{packing}", PACKINGS[packing](text.encode()))))
    assert [piece.path for piece in found] == ["/v1/traces", "/v1/logs", "/v1/traces"]
    assert found[1].where == f"a.jsonl{packing}, line 3"
    assert found[-1].read == (tmp_path / f"a.jsonl{packing}").stat().st_size


def test_a_byte_order_mark_is_no_part_of_the_json(tmp_path: Path) -> None:
    (piece,) = otlp_files.pieces(write(tmp_path, "a.json", b"\xef\xbb\xbf" + json.dumps(SPANS).encode()))
    assert json.loads(piece.body) == SPANS


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(("name", "path"), [("a.pb", "/v1/traces"), ("logs.binpb", "/v1/logs")])
def test_protobuf_goes_as_it_is(tmp_path: Path, packing: str, name: str, path: str) -> None:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(name="a")
    (piece,) = otlp_files.pieces(write(tmp_path, name + packing, PACKINGS[packing](request.SerializeToString())))
    assert (piece.path, piece.content_type, piece.body) == (path, "application/x-protobuf", request.SerializeToString())


def test_an_empty_file_holds_no_request(tmp_path: Path) -> None:
    assert list(otlp_files.pieces(write(tmp_path, "a.pb", b""))) == []
    assert list(otlp_files.pieces(write(tmp_path, "a.jsonl", b"\n \n"))) == []


@pytest.mark.parametrize("body", [b'{"spans": []}', b'{"a": 1}\n{"b": 2}\n', b"GIF89a", b"\x00\x01", b"{"])
def test_what_is_not_otlp_is_refused_with_its_place(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(InputError, match=r"x\.bin"):
        list(otlp_files.pieces(write(tmp_path, "x.bin", body)))


def test_a_request_larger_than_the_server_takes_is_told_before_it_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_files, "MAX_RECORD", 100)
    with pytest.raises(TooLarge, match="larger than 100 bytes"):
        list(otlp_files.pieces(write(tmp_path, "a.pb", b"\x0a" * 101)))


def test_a_folder_is_searched_for_names_that_otlp_has(tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    wanted = [write(inside, "a.jsonl.gz", b""), write(tmp_path, "b.pb", b"")]
    write(tmp_path, "readme.md", b"")
    assert sorted(otlp_files.find_files([tmp_path])) == sorted(wanted)


def test_a_path_that_is_not_there_and_a_folder_without_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        otlp_files.find_files([tmp_path / "none.json"])
    with pytest.raises(NotFound, match="no OTLP file in the folder"):
        otlp_files.find_files([tmp_path])
