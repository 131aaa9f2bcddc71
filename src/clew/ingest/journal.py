"""The journal: every accepted request, as it came, synced to disk before its sender is answered.

One file a segment, appended to; a segment goes when the store holds all of it. A crash leaves segments whose requests are stored again at
the next start: storing is idempotent, because the same span is one span. See design/0004-journal.md.

Record: length u32, crc32 u32 (of the rest), then signal u8, is_json u8, received_ns u64, length of the project's header u16, of the content
encoding u8, those two, and the body as it was sent (compressed as it was). Little-endian.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from clew.core.errors import StoreError, StoreFull, StoreReadOnly

log = structlog.get_logger(__name__)

SEGMENT_BYTES = 8 << 20  # a new segment after this many: small enough to go soon, large enough that files are few
SIGNALS = ("spans", "logs")
_HEAD = struct.Struct("<II")
_META = struct.Struct("<BBQHB")
_FOLDER_MODE = 0o700  # customers' words: for the owner alone
_NO_SPACE = 28
_READ_ONLY = (13, 30)


@dataclass(frozen=True)
class Entry:
    """One request as it came in, with what the edge knows of it."""

    signal: str
    is_json: bool
    received_ns: int
    project: str
    encoding: str
    body: bytes

    def packed(self) -> bytes:
        """The record's bytes."""
        project, encoding = self.project.encode()[:65_535], self.encoding.encode()[:255]
        meta = _META.pack(SIGNALS.index(self.signal), self.is_json, self.received_ns, len(project), len(encoding))
        crc = zlib.crc32(self.body, zlib.crc32(meta + project + encoding))
        size = len(meta) + len(project) + len(encoding) + len(self.body)
        return b"".join((_HEAD.pack(size, crc), meta, project, encoding, self.body))


def unpack(payload: bytes) -> Entry:
    """The entry of one record's payload."""
    signal, is_json, received_ns, project_size, encoding_size = _META.unpack_from(payload)
    encoding_at = _META.size + project_size
    body_at = encoding_at + encoding_size
    return Entry(
        SIGNALS[signal],
        bool(is_json),
        received_ns,
        payload[_META.size : encoding_at].decode("utf-8", "replace"),
        payload[encoding_at:body_at].decode("ascii", "replace"),
        payload[body_at:],
    )


def read_segment(path: Path) -> Iterator[Entry]:
    """The whole records of a segment. A torn last record was never acknowledged; reading ends at it."""
    data = path.read_bytes()
    place = 0
    while place + _HEAD.size <= len(data):
        size, crc = _HEAD.unpack_from(data, place)
        payload = data[place + _HEAD.size : place + _HEAD.size + size]
        if len(payload) < size or size < _META.size or zlib.crc32(payload) != crc:
            log.warning("journal.torn_record", segment=path.name, at=place, bytes_left=len(data) - place)
            return
        yield unpack(payload)
        place += _HEAD.size + size


class Journal:
    """Appends and forgets. Used by one thread to append, by another to forget; numbers of segments only grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            (folder / "unreadable").mkdir(mode=_FOLDER_MODE, exist_ok=True)
        except OSError as error:
            raise explain(error) from error
        self._number = max((int(path.stem) for path in self.left_over()), default=0)
        self._file: int | None = None
        self._size = 0

    def left_over(self) -> list[Path]:
        """Segments that an earlier process left, oldest first."""
        return sorted(self._folder.glob("*.journal"))

    def append(self, entries: list[Entry]) -> int:
        """Writes and syncs all entries or none; returns the number of the segment that holds them.

        Raises StoreFull, StoreReadOnly or StoreError; then nothing of them is in the journal.
        """
        try:
            if self._file is None or self._size >= SEGMENT_BYTES:
                self._open_next()
            self._write(b"".join(entry.packed() for entry in entries))
        except OSError as error:
            self._undo()
            raise explain(error) from error
        return self._number

    def rotate(self) -> None:
        """Ends the open segment, so that it can go once it is stored."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def forget(self, number: int) -> None:
        """Removes every segment up to ``number``, which must be ended: the store holds all of them."""
        for path in self.left_over():
            if int(path.stem) <= number:
                path.unlink(missing_ok=True)

    def forget_all(self) -> None:
        """Ends the open segment and removes every segment: the store holds all that was accepted."""
        self.rotate()
        self.forget(self._number)

    def set_aside(self, entry: Entry) -> None:
        """Keeps a request that the store cannot take, apart and whole, for a person to look at."""
        name = f"{entry.received_ns}-{zlib.crc32(entry.body):08x}.journal"
        (self._folder / "unreadable" / name).write_bytes(entry.packed())

    def _open_next(self) -> None:
        self.rotate()
        self._number += 1
        path = self._folder / f"{self._number:012d}.journal"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._size = 0
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # the segment's name must survive a power cut too
        finally:
            os.close(folder)

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        os.fdatasync(self._file)
        self._size += len(data)

    def _undo(self) -> None:
        # What was written of a failed group must not be taken for accepted at the next start.
        if self._file is not None:
            try:
                os.ftruncate(self._file, self._size)
                os.fsync(self._file)
            except OSError:
                log.error("journal.undo_failed", segment=self._number)


def explain(error: OSError) -> StoreError:
    """Our error for the system's, without a path of this machine."""
    if error.errno == _NO_SPACE:
        return StoreFull("the disk is full; nothing of this request was kept, free some space and send it again")
    if error.errno in _READ_ONLY:
        return StoreReadOnly("the data directory cannot be written; nothing of this request was kept")
    return StoreError(f"the journal cannot be written ({error.strerror}); nothing of this request was kept")
