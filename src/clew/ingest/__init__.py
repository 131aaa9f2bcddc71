"""The way in for telemetry: OTLP over HTTP and gRPC, bounded, checked, queued, committed in groups, counted in a ledger.

It answers a sender only after the commit that holds its records is synced. It knows nothing of pages, and it writes no table: ``traces`` does.
"""

from __future__ import annotations

from clew.ingest.grpc import serve_grpc
from clew.ingest.http import routes
from clew.ingest.ledger import Account, Ledger, LedgerState
from clew.ingest.pipeline import Pipeline
from clew.ingest.receive import Receiver

__all__ = ["Account", "Ledger", "LedgerState", "Pipeline", "Receiver", "routes", "serve_grpc"]
