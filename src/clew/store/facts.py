"""The facts door: spans, scores, logs and other append-heavy rows, in ClickHouse's dialect of SQL.

``Facts`` is what rooms see. ``EmbeddedFacts`` keeps it in this process (chDB); a ClickHouse server can stand behind the
same methods. Statements bind their values (``{name:Type}``); binary columns are selected through ``hex()`` or ``base64Encode()``.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow
import pyarrow.ipc
import structlog

from clew.core.errors import StoreError, StoreFull, StoreReadOnly
from clew.store.sql import Statement

log = structlog.get_logger(__name__)

SLOW_QUERY_MS = 500  # logged by name above this; a page should never need a query this long

MEMORY_FOLDER = Path("/dev/shm")  # a file there is memory: the engine reads a group of requests from it without touching the disk

Row = dict[str, Any]


@dataclass(frozen=True)
class Encoded:
    """Bytes in a format that the engine decodes itself: its name, the columns it fills, and the format's own schema.

    ``rows_a_block``: how many of its rows the engine takes at a time, where a row is large and the default (65,409) would be all of them.
    """

    chunks: Iterable[bytes]
    format: str
    structure: str
    schema: str = ""
    message: str = ""
    rows_a_block: int = 65_409


class Facts(Protocol):
    """Runs named statements on the facts store."""

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        """Rows as dicts, in the order of the statement's columns."""

    def arrow(self, statement: Statement, /, **params: Any) -> Any:
        """The result as a ``pyarrow.Table``."""

    def execute(self, statement: Statement, /, **params: Any) -> None:
        """Runs a statement that returns nothing. Returns after what it wrote is on disk."""

    def long_rows(self, statement: Statement, /, **params: Any) -> Iterator[Row]:
        """Rows one by one in bounded memory, on a connection apart from the pages': for exports."""

    def load(self, statement: Statement, data: Encoded, /, **params: Any) -> None:
        """Runs a statement whose ``/*slot:source*/`` is a table made of ``data``."""

    def session(self) -> Session:
        """A session of its own. It lives as long as the store is open."""


class Session(Protocol):
    """Statements that run one after another and share temporary tables, which no other session sees. Used by one thread at a time."""

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        """Rows as dicts."""

    def execute(self, statement: Statement, /, **params: Any) -> None:
        """Runs a statement that returns nothing. Returns after what it wrote is on disk."""

    def load(self, statement: Statement, data: Encoded, /, **params: Any) -> None:
        """Runs a statement whose ``/*slot:source*/`` is a table made of ``data``."""


def literal(value: Any) -> str:
    """A value as ClickHouse reads it inside a bound parameter's text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, bytes):
        return "'" + "".join(f"\\x{byte:02x}" for byte in value) + "'"
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, Sequence):
        return "[" + ",".join(literal(item) for item in value) + "]"
    raise StoreError(
        f"a parameter of type {type(value).__name__!r} cannot be bound; wanted text, bytes, number, bool, None or a list of those"
    )


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"})


def bound(value: Any) -> str:
    """A parameter's text. The engine reads text as one tab-separated field (with its escapes), a list as a literal."""
    if value is None:
        return "\\N"
    return value.translate(_ESCAPES) if isinstance(value, str) else literal(value)


def explain(error: Exception, name: str) -> StoreError:
    """Our error for one of the engine's, with the statement's name and without any path of this machine."""
    text = str(error)
    if "NOT_ENOUGH_SPACE" in text or "No space left" in text:
        return StoreFull(f"the disk is full while running {name!r}; free some space and send again, nothing acknowledged was lost")
    if "Read-only file system" in text or "Permission denied" in text:
        return StoreReadOnly(f"the data directory cannot be written while running {name!r}; make it writable and restart")
    if "MEMORY_LIMIT_EXCEEDED" in text:
        return StoreError(f"{name!r} needs more memory than the ceiling allows; narrow the time range or raise CLEW_MEMORY")
    code = text.rsplit("(", 1)[-1].rstrip(") .\n") if "(" in text else "unknown"
    return StoreError(f"the facts store refused {name!r}: {code}")


def _table(result: Any) -> pyarrow.Table:
    # chDB's own conversion imports pandas (a second and 60 MB at start); the bytes are a plain Arrow stream.
    data = result.bytes()
    return pyarrow.ipc.open_stream(pyarrow.py_buffer(data)).read_all() if data else pyarrow.table({})


def _run(connection: Any, statement: Statement, params: Mapping[str, Any], form: str) -> Any:
    started = time.perf_counter()
    try:
        result = connection.query(statement.sql, form, params={name: bound(value) for name, value in params.items()})
    except Exception as error:
        log.warning("facts.refused", statement=statement.name, error=type(error).__name__)
        raise explain(error, statement.name) from error
    elapsed_ms = (time.perf_counter() - started) * 1000
    if elapsed_ms > SLOW_QUERY_MS:
        log.info("facts.slow", statement=statement.name, ms=round(elapsed_ms))
    return result


class EmbeddedSession:
    """One of chDB's connections: temporary tables belong to it."""

    def __init__(self, connection: Any, spool: Path) -> None:
        self._connection = connection
        self._spool = spool
        self._lock = threading.Lock()

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        with self._lock:
            rows: list[Row] = _table(_run(self._connection, statement, params, "ArrowStream")).to_pylist()
            return rows

    def execute(self, statement: Statement, /, **params: Any) -> None:
        with self._lock:
            _run(self._connection, statement, params, "Null")

    def load(self, statement: Statement, data: Encoded, /, **params: Any) -> None:
        # The engine in this process reads a file; a server would read the same bytes behind the statement (``input()``).
        with tempfile.NamedTemporaryFile(prefix="clew-", suffix=".bin", dir=self._spool, buffering=0) as spool:
            for chunk in data.chunks:
                spool.write(chunk)
            source = f"file({literal(spool.name)}, {literal(data.format)}, {literal(data.structure)})"
            settings = (
                f" SETTINGS format_schema_source = 'string', format_schema = {literal(data.schema)},"
                f" format_schema_message_name = {literal(data.message)}, input_format_protobuf_oneof_presence = 1"
                f", max_block_size = {data.rows_a_block}"
                if data.schema
                else ""
            )
            filled = statement.fill(source=source)
            self.execute(Statement(filled.name, filled.sql + settings), **params)


@dataclass
class EmbeddedFacts:
    """chDB in this process. One query runs on a connection at a time, so a small pool keeps a short read from waiting behind another."""

    path: Path
    memory_bytes: int
    threads: int = 2
    readers: int = 3
    _pool: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue, repr=False)
    _all: list[Any] = field(default_factory=list, repr=False)
    _writer: Any = field(default=None, repr=False)  # the session of statements that need none of their own
    _long: Any = field(default=None, repr=False)
    _long_lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def open(self) -> None:
        """Opens the connections. Raises StoreError when the engine cannot use the directory."""
        self._writer = self.session()
        self._long = self._connect()
        for _ in range(self.readers):
            connection = self._connect()
            # By default the engine gives a query one thread for each free GiB: under a small ceiling a page would never get its second.
            connection.query(f"SET max_threads_min_free_memory_per_thread = {self.memory_bytes // 32}")
            self._pool.put(connection)

    def _connect(self) -> Any:
        import chdb

        # Caches default to gigabytes (marks 5 GiB, postings 2 GiB): a laptop's share is named here. All in bytes.
        server = {
            "max_server_memory_usage": self.memory_bytes,
            "mark_cache_size": self.memory_bytes // 16,
            "index_mark_cache_size": self.memory_bytes // 32,
            "primary_index_cache_size": self.memory_bytes // 16,
            "text_index_tokens_cache_size": self.memory_bytes // 32,
            "text_index_header_cache_size": self.memory_bytes // 32,
            "text_index_postings_cache_size": self.memory_bytes // 32,
        }
        options = "&".join(f"{name}={value}" for name, value in server.items())
        try:
            connection = chdb.connect(f"{self.path}?{options}")
        except Exception as error:
            raise explain(error, "open") from error
        settings = {
            "async_insert": 0,
            "max_threads": self.threads,
            "max_insert_threads": 1,
            "max_memory_usage": self.memory_bytes * 3 // 4,
            "output_format_json_quote_64bit_integers": 0,
            "output_format_arrow_string_as_string": 1,
            "log_queries": 0,
            # Parts of words are looked up among the words of the index, also short ones, unless they lie in very many words.
            "text_index_like_min_pattern_length": 1,
            "text_index_like_max_postings_to_read": 1000,
        }
        connection.query("SET " + ", ".join(f"{name}={value}" for name, value in settings.items()))
        self._all.append(connection)
        return connection

    @contextmanager
    def _reader(self) -> Iterator[Any]:
        connection = self._pool.get()
        try:
            yield connection
        finally:
            self._pool.put(connection)

    def rows(self, statement: Statement, /, **params: Any) -> list[Row]:
        rows: list[Row] = self.arrow(statement, **params).to_pylist()
        return rows

    def arrow(self, statement: Statement, /, **params: Any) -> Any:
        with self._reader() as connection:
            return _table(_run(connection, statement, params, "ArrowStream"))

    def execute(self, statement: Statement, /, **params: Any) -> None:
        self._writer.execute(statement, **params)

    def load(self, statement: Statement, data: Encoded, /, **params: Any) -> None:
        self._writer.load(statement, data, **params)

    def session(self) -> EmbeddedSession:
        spool = MEMORY_FOLDER if os.access(MEMORY_FOLDER, os.W_OK) else self.path.parent
        return EmbeddedSession(self._connect(), spool)

    def long_rows(self, statement: Statement, /, **params: Any) -> Iterator[Row]:
        with self._long_lock:
            stream = self._long.send_query(statement.sql, "Arrow", params={name: bound(value) for name, value in params.items()})
            try:
                for batch in stream.record_batch(rows_per_batch=10_000):
                    yield from batch.to_pylist()
            finally:
                stream.close()

    def close(self) -> None:
        """Closes every connection; the engine releases its lock on the directory with the last one."""
        for connection in self._all:
            connection.close()
        self._all.clear()
