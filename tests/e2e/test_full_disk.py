"""A full or read-only disk gives a clear error, and nothing that was acknowledged is lost."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

import clew_process

pytestmark = pytest.mark.slow

DISK = "160m"  # the empty store takes some MB; the rest fills in seconds
FILLER_LEFT = 24 << 20  # bytes left free when the sending starts


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def request(number):
    message = ExportTraceServiceRequest()
    group = message.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "full"
    span = group.scope_spans.add().spans.add(
        trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name="step", start_time_unix_nano=1 << 60
    )
    noise = "".join(chr(33 + (number * 7919 + place * 104729) % 90) for place in range(100))
    span.attributes.add(key="noise").value.string_value = noise + str(number) * 40_000
    return message.SerializeToString()


def post(url, body):
    sent = urllib.request.Request(f"{url}/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, b""
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def get(url, path):
    with urllib.request.urlopen(f"{url}/api/v1{path}", timeout=60) as answer:
        return json.load(answer)


def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(disk, tmp_path):
    server = clew_process.start(tmp_path, "full", (), disk / "data", {})
    try:
        clew_process.wait_for(server, "Clew is ready")
        filler = disk / "filler"
        free = int(
            subprocess.run(["df", "--output=avail", "-B1", str(disk)], capture_output=True, text=True, check=True).stdout.split()[-1]
        )
        filler.write_bytes(bytes(max(0, free - FILLER_LEFT)))
        acknowledged, refused = [], None
        for number in range(1, 2_000):
            status, words = post(server.url, request(number))
            if status == 200:
                acknowledged.append(number)
            else:
                refused = (status, words)
                break
        assert refused is not None, "the disk did not fill"
        assert refused[0] in (503, 507)
        assert b"disk is full" in refused[1] or b"queue is full" in refused[1]
        assert str(tmp_path).encode() not in refused[1]
        filler.unlink()
        deadline = time.monotonic() + 90
        while get(server.url, "/ingest")["queued_requests"]:
            assert time.monotonic() < deadline, "what was acknowledged was not stored once there was room"
            time.sleep(0.5)
        account = get(server.url, "/ingest")["accounts"]["spans"]
        assert account["stored"] + account["duplicates"] >= len(acknowledged)
        assert post(server.url, request(10_000))[0] == 200
    finally:
        server.process.kill()
        server.process.wait()


def test_a_read_only_data_directory_is_told_at_start(disk):
    (disk / "data").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    command = [sys.executable, "-m", "clew", "serve", "--data", str(disk / "data"), "--port", str(clew_process.free_ports(1)[0])]
    ended = subprocess.run(
        [*command, "--otlp-http-port", "0", "--otlp-grpc-port", "0"], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode != 0
    assert "cannot be written" in ended.stderr + ended.stdout or "read-only" in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
