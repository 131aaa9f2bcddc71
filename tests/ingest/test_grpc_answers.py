"""What a gRPC sender is told when it should come again."""

from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from clew.ingest.grpc import _retry_info
from clew.ingest.http import _status_message

UNAVAILABLE = 14


def test_retry_info_is_what_google_rpc_says_it_is():
    status = Status.FromString(_retry_info("the queue is full; nothing of this request was kept, send it again", 3))
    assert status.code == UNAVAILABLE
    assert status.message.startswith("the queue is full")
    (detail,) = status.details
    info = RetryInfo()
    assert detail.Unpack(info)
    assert info.retry_delay.seconds == 3


def test_long_words_are_cut_between_characters():
    assert Status.FromString(_retry_info("ü" * 500, 1)).message == "ü" * 60


def test_an_http_error_is_a_google_rpc_status():
    for words in ("short", "ä" * 100, "x" * 5000):
        assert Status.FromString(_status_message(words)).message == words[:4000]
