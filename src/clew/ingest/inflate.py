"""Bodies are inflated through a bound: no more than ``limit`` bytes are ever made, whatever the compressed bytes promise."""

from __future__ import annotations

import zlib

import zstandard

from clew.core.errors import InputError, TooLarge

GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's flag for "look at the header"
ZSTD_STEP = 64  # compressed bytes at a time: 4 of them can stand for a block of 128 KiB, so a step makes at most 2 MiB
MIN_ZSTD_WINDOW = 8 << 20  # bytes; what RFC 8878 asks every decoder to support
RAW_DEFLATE = -zlib.MAX_WBITS  # some senders mean RFC 1951 by "deflate", without zlib's wrapper


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its Content-Encoding. Raises TooLarge above ``limit`` bytes, InputError for broken or unknown encodings."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return _bounded(body, limit)
    if coding in ("gzip", "x-gzip"):
        return _zlib(body, GZIP_OR_ZLIB, limit, coding)
    if coding == "deflate":
        wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
        return _zlib(body, GZIP_OR_ZLIB if wrapped else RAW_DEFLATE, limit, coding)
    if coding == "zstd":
        return _zstd(body, limit)
    raise InputError(f"Content-Encoding {encoding!r} is not read here; send gzip, deflate, zstd or none")


def _bounded(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise TooLarge(f"the request is {len(data):,} bytes; the limit is {limit:,} (CLEW_MAX_BODY_BYTES): send smaller batches")
    return data


def _over(limit: int) -> TooLarge:
    return TooLarge(f"the request inflates to more than {limit:,} bytes (CLEW_MAX_BODY_BYTES): send smaller batches")


def _zlib(body: bytes, window: int, limit: int, coding: str) -> bytes:
    out, rest = b"", body
    try:
        while rest:  # a gzip stream may have several members
            stream = zlib.decompressobj(window)
            out += stream.decompress(rest, limit - len(out) + 1)
            if len(out) > limit or stream.unconsumed_tail:
                raise _over(limit)
            if not stream.eof:
                raise InputError(f"the {coding} body ends too early; send it whole")
            rest = stream.unused_data if window == GZIP_OR_ZLIB else b""
    except zlib.error as error:
        raise InputError(f"the body is not {coding}: {error}") from error
    return out


def _zstd(body: bytes, limit: int) -> bytes:
    out, place = bytearray(), 0
    # max_window_size bounds the memory a frame header can ask for before a byte of output exists.
    frames = zstandard.ZstdDecompressor(max_window_size=max(limit, MIN_ZSTD_WINDOW))
    stream = frames.decompressobj()
    try:
        while place < len(body):
            if stream.eof:  # several frames, one after another, are one body
                stream = frames.decompressobj()
            out += stream.decompress(body[place : place + ZSTD_STEP])
            place += ZSTD_STEP
            if stream.eof:
                place = min(place, len(body)) - len(stream.unused_data)
            if len(out) > limit:
                raise _over(limit)
    except zstandard.ZstdError as error:
        raise InputError(f"the body is not zstd: {error}") from error
    if not stream.eof:
        raise InputError("the zstd body ends too early; send it whole")
    return bytes(out)
