"""Where a page of a list ends: the last row's sort value and ids, in a text that only we can read and nobody changes unseen."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from clew.core.errors import InputError
from clew.core.jsontext import dumps, loads_or_none

_CHECK_BYTES = 4
_LIMIT = 4_000  # characters; a cursor of ours has under 200, but for a sender that gives its sessions long names


@dataclass(frozen=True)
class Cursor:
    """The place after which the next page begins. ``order`` names the list and its sort, so that a cursor of another list is refused."""

    order: str
    value: int | str
    ids: tuple[str, ...]

    def encode(self) -> str:
        """The cursor as it stands in a URL."""
        body = dumps([self.order, self.value, *self.ids]).encode()
        return base64.urlsafe_b64encode(_check(body) + body).decode().rstrip("=")


def decode_cursor(text: str, order: str) -> Cursor:
    """The inverse of ``encode``. Raises InputError for anything that we did not hand out for this list and sort."""
    wrong = InputError(
        f"the cursor {text[:40]!r} is not one of this list in this order; take the one in 'next', or leave it out to start again"
    )
    if len(text) > _LIMIT:
        raise wrong
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
    parts = loads_or_none(body.decode("utf-8", "replace"))
    if check != _check(body) or not isinstance(parts, list) or len(parts) < 2 or parts[0] != order:
        raise wrong
    return Cursor(parts[0], parts[1], tuple(parts[2:]))


def _check(body: bytes) -> bytes:
    return hashlib.blake2s(body, digest_size=_CHECK_BYTES, person=b"cursor").digest()
