"""Requests that cost the sender next to nothing: built and compressed once, then given fresh ids and times by patching bytes.

A request is serialised once. Its id and time bytes are kept out of compression (deflate *stored* blocks between compressed ones), so fresh
ids go straight into the gzip bytes. They are XORed in, and CRC-32 is linear under XOR, so the new checksum comes from 128 precomputed words
instead of a pass over the data. Measured: 0.06 ms a request of 300 spans (450 KB); gzip alone takes milliseconds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bench.payloads import SPAN_OF_TIME_NS, TICK_NS, batches

Positions = npt.NDArray[np.int64]  # (slots, 8): where the eight bytes of each slot lie
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
_FREE_TIME_BITS = ((1 << 63) - 1) & ~(SPAN_OF_TIME_NS - TICK_NS)
_STORED_GAP = 48  # slots nearer than this share one stored block


@dataclass(frozen=True)
class Slots:
    """Where ids (XORed with a nonce) and times (laid over a moment) stand in a buffer."""

    ids: Positions
    times: Positions

    def moved(self, to: Callable[[Positions], Positions]) -> Slots:
        return Slots(to(self.ids), to(self.times))

    def stamp(self, buffer: bytearray, nonce: bytes, moment: bytes) -> None:
        view = np.frombuffer(buffer, dtype=np.uint8)
        view[self.ids] ^= np.frombuffer(nonce, dtype=np.uint8)
        view[self.times] ^= np.frombuffer(moment, dtype=np.uint8)


@dataclass(frozen=True)
class Template:
    """One request, ready to be stamped."""

    raw: bytes
    packed: bytes
    in_raw: Slots
    in_packed: Slots
    crc: int
    crc_words: tuple[int, ...]  # what each bit of nonce ‖ moment changes in the checksum
    ids: tuple[tuple[bytes, bytes], ...]  # trace and span id of every span, before stamping

    @property
    def spans(self) -> int:
        return len(self.ids)

    def plain(self, nonce: bytes, now_ns: int) -> bytes:
        """The protobuf bytes with fresh ids and times just before ``now_ns``."""
        out = bytearray(self.raw)
        self.in_raw.stamp(out, nonce, _moment(now_ns))
        return bytes(out)

    def gzipped(self, nonce: bytes, now_ns: int) -> bytes:
        """The same, gzip-compressed."""
        out, moment = bytearray(self.packed), _moment(now_ns)
        self.in_packed.stamp(out, nonce, moment)
        bits, crc = int.from_bytes(nonce + moment, "little"), self.crc
        while bits:
            low = bits & -bits
            crc ^= self.crc_words[low.bit_length() - 1]
            bits ^= low
        out += struct.pack("<II", crc, len(self.raw) & 0xFFFFFFFF)
        return bytes(out)

    def ids_of(self, nonce: bytes) -> dict[str, list[str]]:
        """Which spans a request stamped with ``nonce`` holds: trace id → span ids, in hex."""
        mask, out = int.from_bytes(nonce, "big"), dict[str, list[str]]()
        for trace_id, span_id in self.ids:
            trace = f"{int.from_bytes(trace_id[:8], 'big') ^ mask:016x}{trace_id[8:].hex()}"
            out.setdefault(trace, []).append(f"{int.from_bytes(span_id, 'big') ^ mask:016x}")
        return out


def _moment(now_ns: int) -> bytes:
    """The bits that turn offsets into times of the last 17 seconds."""
    return ((now_ns - SPAN_OF_TIME_NS) & _FREE_TIME_BITS).to_bytes(8, "little")


def _positions(raw: bytes, spans: list[Span]) -> Slots:
    """Where every id and time stands: found in order, so a look-alike elsewhere cannot be taken for it."""
    ids, times, at = [], [], 0
    for span in spans:
        at = raw.index(b"\x0a\x10" + span.trace_id, at) + 2
        ids.append(at)
        for tag, value in ((b"\x12\x08", span.span_id), (b"\x22\x08", span.parent_span_id)):
            if value:
                at = raw.index(tag + value, at) + 2
                ids.append(at)
        for tag, moment in ((b"\x39", span.start_time_unix_nano), (b"\x41", span.end_time_unix_nano)):
            at = raw.index(tag + struct.pack("<Q", moment), at) + 1
            times.append(at)
    eight = np.arange(8)
    return Slots(np.array(ids)[:, None] + eight, np.array(times)[:, None] + eight)


def _runs(slots: Slots) -> list[tuple[int, int]]:
    """Stretches that hold all slots, near ones joined."""
    starts = np.sort(np.concatenate([slots.ids[:, 0], slots.times[:, 0]]))
    runs: list[tuple[int, int]] = []
    for start in starts.tolist():
        if runs and start - runs[-1][1] < _STORED_GAP:
            runs[-1] = (runs[-1][0], start + 8)
        else:
            runs.append((start, start + 8))
    return runs


def _pack(raw: bytes, runs: list[tuple[int, int]]) -> tuple[bytes, Callable[[Positions], Positions]]:
    """Deflate with ``runs`` left as they are, and how positions move.

    The compressor is shown a byte that occurs nowhere else in place of every run, so no later match can reach into bytes that will be
    patched; what it makes of a run is thrown away and a stored block put there.
    """
    gaps = list(zip([0, *(end for _, end in runs)], [*(start for start, _ in runs), len(raw)], strict=True))
    used = set().union(*(raw[start:end] for start, end in gaps))
    filler = bytes([next(byte for byte in range(255, -1, -1) if byte not in used)])
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    out, moved_to = bytearray(_GZIP_HEAD), []
    for (start, end), run in zip(gaps, [*runs, None], strict=True):
        out += deflate.compress(raw[start:end])
        if run is None:
            break
        out += deflate.flush(zlib.Z_SYNC_FLUSH)
        size = run[1] - run[0]
        out += struct.pack("<BHH", 0, size, size ^ 0xFFFF)
        moved_to.append(len(out))
        out += raw[run[0] : run[1]]
        deflate.compress(filler * size)
        deflate.flush(zlib.Z_SYNC_FLUSH)
    out += deflate.flush(zlib.Z_FINISH)
    old, new = np.array([start for start, _ in runs]), np.array(moved_to)
    return bytes(out), lambda at: at + (new - old)[np.searchsorted(old, at[:, :1], side="right") - 1]


def _crc_words(size: int, slots: Slots) -> tuple[int, ...]:
    """For each bit of nonce ‖ moment, the change of the CRC-32 of ``size`` bytes when that bit is flipped in every slot."""
    zero = np.zeros(size, dtype=np.uint8)
    base, words = zlib.crc32(zero.data), []
    for positions in (slots.ids, slots.times):
        for byte in range(8):
            for bit in range(8):
                zero[positions[:, byte]] = 1 << bit
                words.append(zlib.crc32(zero.data) ^ base)
            zero[positions[:, byte]] = 0
    return tuple(words)


def template(request: ExportTraceServiceRequest) -> Template:
    """Serialise and compress a request so that it can be sent any number of times as a fresh one."""
    raw = request.SerializeToString()
    spans = [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
    slots = _positions(raw, spans)
    packed, move = _pack(raw, _runs(slots))
    ids = tuple((span.trace_id, span.span_id) for span in spans)
    return Template(raw, packed, slots, slots.moved(move), zlib.crc32(raw), _crc_words(len(raw), slots), ids)


def pool(seed: int, span_bytes: int, spans: int) -> list[Template]:
    """Different templates, 24 MB of them at most: made in a second or two, yet too many to repeat within one compressed block on disk."""
    count = max(2, min(32, 24_000_000 // (span_bytes * spans)))
    return [template(request) for request in batches(seed, span_bytes, spans, count)]


def default_batch(span_bytes: int) -> int:
    """300 spans, fewer where that would pass 4 MB, the usual bound of a message."""
    return max(1, min(300, 4_000_000 // span_bytes))
