"""``with clew.span(...)``, ``clew.session``, ``clew.user``: one step of the application as a span. Nothing here may raise into the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from clew.client.state import SESSION, USER, Client, current, trouble
from clew.client.text import to_text

_KIND = "openinference.span.kind"
_MAX_LIST = 1_000
# Short names for the attributes that people set by hand; any other name is taken as it is.
_KEYS = {
    "model": "llm.model_name",
    "provider": "llm.provider",
    "input_tokens": "llm.token_count.prompt",
    "output_tokens": "llm.token_count.completion",
    "cost_usd": "llm.cost.total",
    "tool": "tool.name",
    "agent": "agent.name",
    "tags": "tag.tags",
    "session": "session.id",
    "user": "user.id",
}


class SpanHandle:
    """One span. A context manager; inside it, set ``input`` and ``output``, ``set`` attributes, tell an ``error``.

    Where the client is not set up, or has failed, every method does nothing.
    """

    __slots__ = ("_attributes", "_client", "_failed", "_input", "_kind", "_name", "_output", "_span", "_token")

    def __init__(self, client: Client | None, name: str, kind: str, given: Any = None, attributes: Mapping[str, Any] | None = None) -> None:
        self._client = client
        self._name = name
        self._kind = kind
        self._input = given
        self._output: Any = None
        self._attributes = attributes
        self._failed = False
        self._span: Any = None
        self._token: Any = None

    def __enter__(self) -> SpanHandle:
        self.open()
        self.activate()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.deactivate()
        self.close(error)

    @property
    def input(self) -> Any:
        """What went in."""
        return self._input

    @input.setter  # noqa: A003 (the word of the field)
    def input(self, value: Any) -> None:
        self._input = value
        self._put_content("input", value)

    @property
    def output(self) -> Any:
        """What came out."""
        return self._output

    @output.setter
    def output(self, value: Any) -> None:
        self._output = value
        self._put_content("output", value)

    @property
    def trace_id(self) -> str | None:
        """32 hex digits, for ``clew.score`` and for the application's own records."""
        return self._id(0)

    @property
    def span_id(self) -> str | None:
        """16 hex digits."""
        return self._id(1)

    def set(self, attributes: Mapping[str, Any] | None = None, **named: Any) -> None:
        """Adds attributes: by full name in a mapping, or by keyword (``model``, ``input_tokens``, ``tags``, …). None is left out."""
        if self._span is None or self._client is None:
            return
        limit = self._client.settings.limits.value_chars
        for key, value in {**(attributes or {}), **named}.items():
            if value is None:
                continue
            try:
                self._span.set_attribute(_KEYS.get(key, str(key)), _attribute_value(value, limit))
            except Exception as problem:
                trouble("setting an attribute", problem)

    def error(self, error: BaseException | str) -> None:
        """Marks the span as failed, with the exception or a message. An exception that leaves the block is recorded without this."""
        self._failed = True
        if self._span is None or self._client is None:
            return
        try:
            self._client.recorder.fail(self._span, error)
        except Exception as problem:
            trouble("recording an error", problem)

    def open(self) -> None:
        """Starts the span without making it current; ``with`` does both."""
        client = self._client
        if client is None:
            return
        try:
            self._span = client.recorder.open(self._name, self._start_attributes(client))
        except Exception as problem:
            trouble("opening a span", problem)
            return
        if self._attributes:
            self.set(self._attributes)

    def _start_attributes(self, client: Client) -> dict[str, Any]:
        attributes: dict[str, Any] = {_KIND: self._kind}
        if self._input is not None and client.settings.capture_content:
            attributes["input.value"], attributes["input.mime_type"] = to_text(self._input, client.settings.limits.value_chars)
        return attributes

    def activate(self) -> None:
        """Makes this the current span of the caller's context."""
        if self._span is None or self._client is None:
            return
        try:
            self._token = self._client.recorder.enter(self._span)
        except Exception as problem:
            trouble("entering a span", problem)

    def deactivate(self) -> None:
        """Gives the caller's context back the span it had before."""
        if self._token is None or self._client is None:
            return
        token, self._token = self._token, None
        try:
            self._client.recorder.leave(token)
        except Exception as problem:
            trouble("leaving a span", problem)

    def close(self, error: BaseException | None = None) -> None:
        """Ends the span, as failed where an error is given; a generator that is closed early has not failed."""
        if self._span is None or self._client is None:
            return
        if error is not None and not self._failed and not isinstance(error, GeneratorExit):
            self.error(error)
        try:
            self._client.recorder.close(self._span)
        except Exception as problem:
            trouble("closing a span", problem)

    def _put_content(self, side: str, value: Any) -> None:
        if self._span is None or self._client is None or not self._client.settings.capture_content:
            return
        try:
            text, mime = to_text(value, self._client.settings.limits.value_chars)
            self._span.set_attribute(f"{side}.value", text)
            self._span.set_attribute(f"{side}.mime_type", mime)
        except Exception as problem:
            trouble(f"recording the {side}", problem)

    def _id(self, which: int) -> str | None:
        if self._span is None or self._client is None:
            return None
        try:
            ids = self._client.recorder.ids(self._span)
        except Exception as problem:
            trouble("reading a span's id", problem)
            return None
        return ids[which] if ids else None


def span(name: str, *, kind: str = "CHAIN", input: Any = None, attributes: Mapping[str, Any] | None = None) -> SpanHandle:  # noqa: A002
    """One step of the application: ``with clew.span("retrieve", kind="RETRIEVER", input=query) as s: s.output = documents``.

    ``kind`` is one of OpenInference's: LLM, EMBEDDING, CHAIN, RETRIEVER, RERANKER, TOOL, AGENT, GUARDRAIL, EVALUATOR, PROMPT.
    """
    return SpanHandle(current(), str(name), str(kind).upper(), input, attributes)


@contextmanager
def session(session_id: str) -> Iterator[None]:
    """Every span that starts inside, of whichever instrumentation, belongs to this session (one conversation or visit)."""
    with _bound(SESSION, session_id):
        yield


@contextmanager
def user(user_id: str) -> Iterator[None]:
    """Every span that starts inside carries this user id."""
    with _bound(USER, user_id):
        yield


@contextmanager
def _bound(variable: ContextVar[str | None], value: object) -> Iterator[None]:
    before = variable.get()
    variable.set(None if value is None else str(value))
    try:
        yield
    finally:
        variable.set(before)


def _attribute_value(value: Any, limit: int) -> Any:
    """What OpenTelemetry can hold: scalars, and lists of strings; anything else as JSON text."""
    if isinstance(value, bool | int | float) and not (isinstance(value, int) and abs(value) >= 2**63):
        return value
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return [to_text(item, limit)[0] for item in value[:_MAX_LIST]]
    return to_text(value, limit)[0]
