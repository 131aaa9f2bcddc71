"""Bodies are inflated through a bound, in every coding OTLP senders use."""

import contextlib
import gzip
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from clew.core.errors import InputError, TooLarge
from clew.ingest.inflate import inflate

LIMIT = 1 << 20
TEXT = b"a customer's words, " * 100


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "": bytes,
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_every_coding_comes_back(coding):
    assert inflate(CODINGS[coding](TEXT), coding, LIMIT) == TEXT


def test_raw_deflate_is_told_from_zlib():
    assert inflate(raw_deflate(TEXT), "deflate", LIMIT) == TEXT


def test_the_coding_is_read_in_any_case_and_with_spaces():
    assert inflate(gzip.compress(TEXT), " GZip ", LIMIT) == TEXT


def test_gzip_members_one_after_another_are_one_body():
    assert inflate(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip", LIMIT) == b"one two"


def test_zstd_frames_one_after_another_are_one_body():
    compress = zstandard.ZstdCompressor().compress
    assert inflate(compress(b"one ") + compress(b"two"), "zstd", LIMIT) == b"one two"


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_is_exact(coding):
    data = bytes(range(256)) * 4
    assert inflate(CODINGS[coding](data), coding, len(data)) == data
    with pytest.raises(TooLarge):
        inflate(CODINGS[coding](data), coding, len(data) - 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_bomb_costs_no_more_memory_than_the_limit(coding):
    bomb = CODINGS[coding](bytes(200 << 20))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(TooLarge):
        inflate(bomb, coding, LIMIT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * LIMIT + (6 << 20)  # the body so far, grown by doubling, and one step of output


@pytest.mark.parametrize("coding", ["gzip", "deflate", "zstd"])
def test_a_body_cut_short_is_told(coding):
    with pytest.raises(InputError):
        inflate(CODINGS[coding](TEXT * 50)[:-9], coding, LIMIT)


def test_an_unknown_coding_is_named():
    with pytest.raises(InputError, match="'br'"):
        inflate(TEXT, "br", LIMIT)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd"]))
def test_any_bytes_give_a_body_or_an_input_error(data, coding):
    with contextlib.suppress(InputError):
        inflate(data, coding, LIMIT)
