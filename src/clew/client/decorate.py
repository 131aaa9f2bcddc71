"""``@clew.trace``: calls of plain Python as spans. Nothing here may raise into the host, or swallow what it raises."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar, overload

from clew.client.handle import SpanHandle
from clew.client.state import current

F = TypeVar("F", bound=Callable[..., Any] | type)
Handle = Callable[[tuple[Any, ...], dict[str, Any]], SpanHandle]
InputReader = Callable[[tuple[Any, ...], dict[str, Any]], dict[str, Any] | None]

_MARK = "__clew_traced__"
_MAX_ITEMS = 1_000  # of a generator's output; the rest is counted
_MAX_STREAM_CHARS = 1_000_000


@overload
def trace(target: F) -> F: ...


@overload
def trace(
    target: str | None = None,
    *,
    name: str | None = None,
    kind: str = "CHAIN",
    capture_input: bool | Sequence[str] = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Callable[[F], F]: ...


def trace(
    target: Any = None,
    *,
    name: str | None = None,
    kind: str = "CHAIN",
    capture_input: bool | Sequence[str] = True,
    capture_output: bool = True,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """Records every call of a function, method, generator, coroutine or async generator as a span; on a class, of its public methods.

    Bare (``@clew.trace``) or with arguments. ``capture_input`` may name the parameters to record.
    Before ``clew.init`` the call goes straight through.
    """
    plan = _Plan(str(kind).upper(), capture_input, capture_output, attributes)
    if target is None or isinstance(target, str):
        return functools.partial(_traced, plan, name=name or target)
    return _traced(plan, target, name=name)


@dataclass(frozen=True)
class _Plan:
    """What ``trace`` was told, the same for every method of a class."""

    kind: str
    capture_input: bool | Sequence[str]
    capture_output: bool
    attributes: Mapping[str, Any] | None


def _traced(plan: _Plan, target: Any, name: str | None) -> Any:
    if isinstance(target, type):
        return _traced_class(plan, target)
    if isinstance(target, staticmethod | classmethod):
        return type(target)(_traced(plan, target.__func__, name))
    if not callable(target) or getattr(target, _MARK, False):
        return target
    label = name or _name_of(target)
    inputs = _input_reader(target, plan.capture_input)

    def handle(args: tuple[Any, ...], kwargs: dict[str, Any]) -> SpanHandle:
        return SpanHandle(current(), label, plan.kind, inputs(args, kwargs), plan.attributes)

    wrapped = _wrapper_for(target)(target, handle, plan.capture_output)
    setattr(wrapped, _MARK, True)
    return wrapped


def _traced_class(plan: _Plan, target: type) -> type:
    """The class itself, its public functions replaced; inherited ones belong to their own class."""
    for name, member in list(vars(target).items()):
        is_function = inspect.isfunction(member) or isinstance(member, staticmethod | classmethod)
        if is_function and (not name.startswith("_") or name == "__call__"):
            setattr(target, name, _traced(plan, member, None))
    return target


def _wrapper_for(target: Callable[..., Any]) -> Callable[[Callable[..., Any], Handle, bool], Callable[..., Any]]:
    if inspect.isasyncgenfunction(target):
        return _async_generator
    if inspect.iscoroutinefunction(target):
        return _coroutine
    if inspect.isgeneratorfunction(target):
        return _generator
    return _function


def _function(target: Callable[..., Any], handle: Handle, capture_output: bool) -> Callable[..., Any]:
    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return target(*args, **kwargs)
        with handle(args, kwargs) as opened:
            result = target(*args, **kwargs)
            if capture_output:
                opened.output = result
            return result

    return call


def _coroutine(target: Callable[..., Any], handle: Handle, capture_output: bool) -> Callable[..., Any]:
    @functools.wraps(target)
    async def call(*args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return await target(*args, **kwargs)
        with handle(args, kwargs) as opened:
            result = await target(*args, **kwargs)
            if capture_output:
                opened.output = result
            return result

    return call


def _generator(target: Callable[..., Any], handle: Handle, capture_output: bool) -> Callable[..., Any]:
    """The span is open from the first item to the last, and current only while the generator itself runs."""

    @functools.wraps(target)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = target(*args, **kwargs)
        if current() is None:
            return (yield from generator)
        advance: Callable[[], Any] = functools.partial(next, generator)
        with _Streaming(handle(args, kwargs), capture_output) as stream:
            while True:
                try:
                    item = stream.run(advance)
                except StopIteration as end:
                    return end.value
                stream.add(item)
                try:
                    sent = yield item
                except GeneratorExit:
                    stream.run(generator.close)
                    raise
                except BaseException as error:
                    advance = functools.partial(generator.throw, error)
                else:
                    advance = functools.partial(generator.send, sent)

    return call


def _async_generator(target: Callable[..., Any], handle: Handle, capture_output: bool) -> Callable[..., Any]:
    """As ``_generator``, for ``async for``."""

    @functools.wraps(target)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = target(*args, **kwargs)
        advance: Callable[[], Any] = generator.__anext__
        with _Streaming(handle(args, kwargs), capture_output) as stream:
            while True:
                try:
                    item = await stream.run_async(advance)
                except StopAsyncIteration:
                    return
                stream.add(item)
                try:
                    sent = yield item
                except GeneratorExit:
                    await stream.run_async(generator.aclose)
                    raise
                except BaseException as error:
                    advance = functools.partial(generator.athrow, error)
                else:
                    advance = functools.partial(generator.asend, sent)

    return call


class _Streaming:
    """An open span that collects a generator's items as its output, text joined to one text."""

    def __init__(self, handle: SpanHandle, capture_output: bool) -> None:
        self._handle = handle
        self._capture = capture_output
        self._items: list[Any] = []
        self._left_out = 0

    def __enter__(self) -> _Streaming:
        self._handle.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._capture:
            self._handle.output = self._output()
        self._handle.close(error)

    def run(self, step: Callable[[], Any]) -> Any:
        self._handle.activate()
        try:
            return step()
        finally:
            self._handle.deactivate()

    async def run_async(self, step: Callable[[], Any]) -> Any:
        self._handle.activate()
        try:
            return await step()
        finally:
            self._handle.deactivate()

    def add(self, item: Any) -> None:
        if not self._capture:
            return
        if isinstance(item, str) and self._items and isinstance(self._items[-1], _Text):
            self._items[-1].add(item)
        elif len(self._items) >= _MAX_ITEMS:
            self._left_out += 1
        else:
            self._items.append(_Text(item) if isinstance(item, str) else item)

    def _output(self) -> Any:
        items = [item.whole() if isinstance(item, _Text) else item for item in self._items]
        if len(items) == 1 and isinstance(items[0], str) and not self._left_out:
            return items[0]
        return [*items, f"… +{self._left_out} more"] if self._left_out else items


class _Text:
    """Pieces of streamed text, kept up to a bound."""

    def __init__(self, first: str) -> None:
        self._pieces = [first]
        self._chars = len(first)

    def add(self, piece: str) -> None:
        if self._chars < _MAX_STREAM_CHARS:
            self._pieces.append(piece)
        self._chars += len(piece)

    def whole(self) -> str:
        return "".join(self._pieces)


def _input_reader(target: Callable[..., Any], capture: bool | Sequence[str]) -> InputReader:
    """Reads a call's arguments by parameter name, without ``self``; None where nothing was given or nothing is to be recorded."""
    if capture is False:
        return lambda args, kwargs: None
    names, rest = _parameters(target)
    own = {names[0]} if names and names[0] in ("self", "cls") else frozenset[str]()
    kept = None if capture is True else frozenset([capture] if isinstance(capture, str) else capture)

    def read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any] | None:
        given: dict[str, Any] = dict(zip(names, args, strict=False))
        if len(args) > len(names):
            given[rest] = args[len(names) :]
        given.update(kwargs)
        for name in own:
            given.pop(name, None)
        if kept is not None:
            given = {name: value for name, value in given.items() if name in kept}
        return given or None

    return read


def _parameters(target: Callable[..., Any]) -> tuple[tuple[str, ...], str]:
    """The names of the positional parameters, and of the one that takes the others."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):  # some builtins tell nothing
        return (), "args"
    positional = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
    return positional, next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")


def _name_of(target: Callable[..., Any]) -> str:
    """``Shop.answer`` for a method, ``answer`` for a function, wherever it was defined."""
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    return str(name).rpartition("<locals>.")[2]
