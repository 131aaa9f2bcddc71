"""One HTTP POST and what its answer means for a batch: taken, refused, too large, or try again."""

from __future__ import annotations

import gzip
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clew.client.settings import is_loopback

_GZIP_FROM_BYTES = 1_024
_ANSWER_BYTES = 65_536
_RETRY_STATUSES = (429, 502, 503, 504)  # the retryable answers of OTLP/HTTP
_MAX_RETRY_AFTER_S = 60.0

Verdict = Literal["taken", "refused", "too_large", "later"]


@dataclass(frozen=True)
class Answer:
    """``problem`` says what went wrong and holds no content of the request; ``body`` is what the server said when it took the batch."""

    verdict: Verdict
    problem: str = ""
    retry_after_s: float | None = None
    body: bytes = b""


class Poster:
    """Posts bodies to one URL."""

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float) -> None:
        self.url = url
        self._headers = dict(headers)
        self._timeout_s = timeout_s
        handlers = [urllib.request.ProxyHandler({})] if is_loopback(url) else []
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, body: bytes, content_type: str) -> Answer:
        """Sends the body, compressed where that pays, and judges the answer. Never raises."""
        try:
            with self._opener.open(self._request(body, content_type), timeout=self._timeout_s) as response:
                return Answer("taken", body=response.read(_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                return _judge(error.code, error.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            return Answer("later", problem=f"{type(reason).__name__}: {reason}"[:200])
        except Exception as error:  # a broken header or proxy setting: the batch can never be sent this way
            return Answer("refused", problem=type(error).__name__)

    def _request(self, body: bytes, content_type: str) -> urllib.request.Request:
        headers = {"Content-Type": content_type, "User-Agent": "clew-client", **self._headers}
        if len(body) >= _GZIP_FROM_BYTES:
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        return urllib.request.Request(self.url, data=body, headers=headers, method="POST")


def _judge(status: int, retry_after: str | None) -> Answer:
    if status in _RETRY_STATUSES:
        return Answer("later", problem=f"HTTP {status}", retry_after_s=_seconds(retry_after))
    if status == 413:
        return Answer("too_large", problem="HTTP 413")
    return Answer("refused", problem=f"HTTP {status}")


def _seconds(text: str | None) -> float | None:
    """The header in its form of seconds; a date is left to our own back-off."""
    if text is None or not text.strip().isdigit():
        return None
    return min(float(text), _MAX_RETRY_AFTER_S)
