"""The way in for telemetry: OTLP over HTTP and gRPC, bounded, checked, journalled, stored in groups, counted in a ledger.

It answers a sender only after its request is synced in the journal. It knows nothing of pages, and it writes no table: ``traces`` does.
"""

from __future__ import annotations

from clew.ingest.grpc import serve_grpc
from clew.ingest.http import routes
from clew.ingest.journal import Entry, Journal, read_segment
from clew.ingest.ledger import Account, Ledger, LedgerState
from clew.ingest.pipeline import Pipeline
from clew.ingest.receive import Receiver

__all__ = ["Account", "Entry", "Journal", "Ledger", "LedgerState", "Pipeline", "Receiver", "read_segment", "routes", "serve_grpc"]
