"""The same decoders under a fuzzer that looks for inputs which reach new code. It starts from a few good inputs of each kind."""

from __future__ import annotations

import gzip
import importlib.util
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import zstandard
from google.protobuf.json_format import MessageToJson

import served
from clew.traces.cursor import Cursor
from clew.traces.otlp import traces_to_json

SECONDS = int(os.environ.get("CLEW_FUZZ_S") or 65)
GOOD = served.a_span(
    "chat", gen_ai__operation__name="chat", gen_ai__input__messages='[{"role":"user","content":"hi"}]', n=[1, 2.5, {"a": b"x"}]
)
PROTOBUF = GOOD.SerializeToString()
SEEDS: dict[str, list[bytes]] = {
    "otlp_json": [traces_to_json(GOOD).encode(), MessageToJson(GOOD).encode()],
    "otlp_protobuf": [PROTOBUF, PROTOBUF.replace(b"chat", b"\xff\xfeat")],
    "mending": [PROTOBUF, PROTOBUF.replace(b"chat", b"\xff\xfeat")],
    "inflating": [b"\0" + gzip.compress(PROTOBUF), b"\1" + zlib.compress(PROTOBUF), b"\2" + zstandard.ZstdCompressor().compress(PROTOBUF)],
    "filters": [
        b'kind = LLM and (latency > 2s or input ~ "refund")',
        b'not model in ("a", "b") and score.quality < 0.5',
        b"count(kind = TOOL) > 3",
    ],
    "cursors": [Cursor("trace start DESC", 17, ("a" * 32,)).encode().encode()],
    "json_text": [b'{"a":[1,2.5,"\\ud83e\\uddf5",null]}', b'"\\ud800"'],
}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed (it has no wheel for this machine or Python)"
)
@pytest.mark.parametrize("target", SEEDS)
def test_no_input_breaks_the_decoder(target: str, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[target]):
        (corpus / str(number)).write_bytes(seed)
    script = Path(__file__).with_name("coverage_guided.py")
    limits = [f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", f"-artifact_prefix={tmp_path}/"]
    command = [sys.executable, str(script), target, *limits, str(corpus)]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=SECONDS + 300, check=False)
    assert report.returncode == 0, report.stdout[-3000:] + report.stderr[-3000:]
    assert "DONE" in report.stderr or "Done" in report.stderr
