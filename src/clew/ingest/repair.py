"""Text that is not UTF-8 must not cost a batch: protobuf refuses the whole message for one bad byte, so such a message is mended.

The wire form is walked along the message's own description; bytes that are not UTF-8 in a text field become U+FFFD. Only a message that
did not parse comes here.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from clew.core.errors import InputError
from clew.traces.wire import varint

MAX_DEPTH = 100  # protobuf's own limit on nested messages


def repair_text(data: bytes, kind: Descriptor, depth: int = 0) -> tuple[bytes, int]:
    """The message with its text made valid, and how many texts were mended. Raises InputError when the bytes are not the message at all."""
    if depth > MAX_DEPTH:
        raise InputError(f"the message is nested deeper than {MAX_DEPTH} levels")
    out: list[bytes] = []
    place, mended = 0, 0
    while place < len(data):
        start = place
        key, place = read_varint(data, place)
        field = kind.fields_by_number.get(key >> 3)
        if key & 7 != 2:
            place = _skip(data, place, key & 7)
            out.append(data[start:place])
            continue
        size, place = read_varint(data, place)
        if place + size > len(data):
            raise InputError("the body is not protobuf: a field ends behind the body")
        value, changed = _mend(data[place : place + size], field, depth)
        place += size
        mended += changed
        out += [varint(key), varint(len(value)), value]
    return b"".join(out), mended


def _mend(value: bytes, field: Any, depth: int) -> tuple[bytes, int]:
    if field is not None and field.type == FieldDescriptor.TYPE_MESSAGE:
        return repair_text(value, field.message_type, depth + 1)
    if field is not None and field.type == FieldDescriptor.TYPE_STRING:
        valid = value.decode("utf-8", "replace").encode()
        return valid, int(valid != value)
    return value, 0


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """The varint at ``place`` and the place behind it. Raises InputError when it does not end."""
    value = shift = 0
    while True:
        if place >= len(data) or shift > 63:
            raise InputError("the body is not protobuf: a number does not end")
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7


def _skip(data: bytes, place: int, wire_type: int) -> int:
    if wire_type == 0:
        return read_varint(data, place)[1]
    size = {1: 8, 5: 4}.get(wire_type)
    if size is None or place + size > len(data):
        raise InputError("the body is not protobuf: a field has no known form")
    return place + size
