"""Every error that Clew raises on purpose.

    ClewError
    ├── ConfigError            a setting is wrong; fatal at start, never later
    ├── InputError             what a person or a program sent cannot be used as it is
    │   ├── FilterError        a filter that does not parse; points at the character
    │   ├── TooLarge           a named limit was passed
    │   └── NotFound           the thing that was asked for is not here
    ├── Overloaded             try again later; nothing was kept
    ├── StoreError             the store cannot do what was asked
    │   ├── StoreLocked        another process holds the data directory
    │   ├── StoreFull          the disk is full
    │   └── StoreReadOnly      the data directory cannot be written
    └── MissingExtra           an optional part is not installed; names the install line

A message says what was found, what was wanted and what to do; names stand in repr().
``permanent`` says whether trying the same thing again can help.
"""

from __future__ import annotations


class ClewError(Exception):
    """The root of every error that Clew raises on purpose."""

    permanent: bool = True


class ConfigError(ClewError):
    """A setting has a value that cannot be used."""


class InputError(ClewError):
    """What was sent cannot be used as it is."""


class FilterError(InputError):
    """A filter does not parse or names a field that does not exist.

    ``position`` is the 0-based character at which reading stopped, ``expected`` what could stand there.
    """

    def __init__(self, message: str, *, position: int = 0, expected: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.position = position
        self.expected = expected


class TooLarge(InputError):
    """A named limit was passed."""


class NotFound(InputError):
    """The thing that was asked for is not here."""


class Overloaded(ClewError):
    """The queue is full; nothing of this request was kept, try again after ``retry_after_s``."""

    permanent = False

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(ClewError):
    """The store cannot do what was asked."""


class StoreLocked(StoreError):
    """Another process holds the data directory."""


class StoreFull(StoreError):
    """The disk is full."""

    permanent = False


class StoreReadOnly(StoreError):
    """The data directory cannot be written."""


class MissingExtra(ClewError):
    """An optional part of Clew is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs parts that are not installed; run: pip install "clew[{extra}]"')
        self.extra = extra
