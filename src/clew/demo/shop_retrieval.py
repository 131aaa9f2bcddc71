"""How the shop assistant finds help texts and articles: embedding, vector search, and for recommendations a reranker."""

from __future__ import annotations

import random

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from clew.demo.plan import around
from clew.demo.shop_talk import Customer, help_texts
from clew.demo.spans import CLIENT, TraceBuilder, Value, json_text
from clew.demo.talk import Turn, money
from clew.demo.words import catalog, tokens

SLOWER = 7.0  # how much slower the search was while its index was rebuilt

Document = tuple[str, str, float]  # id, text, score


def retrieve(build: TraceBuilder, root: Span, now: int, turn: Turn, who: Customer, *, slow: bool) -> tuple[str, int]:
    """Searches; returns the documents' text for the prompt and the moment at which it was there."""
    rng = build.rng
    products = turn.unit == "recommend"
    name = "search_products" if products else "search_help"
    asked: dict[str, Value] = {"openinference.span.kind": "RETRIEVER", "input.value": turn.asked, "input.mime_type": "text/plain"}
    index: dict[str, Value] = {"db.system.name": "qdrant", "db.collection.name": name.removeprefix("search_"), "server.port": 6333}
    span = build.open(name, now, asked | index, root)
    now = _embed(build, span, now + rng.randrange(200_000, 900_000), turn.asked)
    documents = _articles(rng, who) if products else _help(rng, who, turn)
    found: dict[str, Value] = {}
    for i, (key, text, score) in enumerate(documents):
        at = f"retrieval.documents.{i}.document."
        found |= {at + "id": key, at + "content": text, at + "score": score}
    now = build.close(span, now + around(rng, 62 * (SLOWER if slow else 1.0), 0.4), found) + rng.randrange(100_000, 700_000)
    if products:
        documents, now = _rerank(build, root, now, turn.asked, documents)
    return "\n\n".join(f"[{key}] {text}" for key, text, _ in documents), now


def _embed(build: TraceBuilder, parent: Span, now: int, text: str) -> int:
    count = tokens(text)
    told: dict[str, Value] = {
        "openinference.span.kind": "EMBEDDING",
        "embedding.model_name": "text-embedding-3-small",
        "embedding.embeddings.0.embedding.text": text,
        "llm.provider": "openai",
        "llm.system": "openai",
        "llm.token_count.prompt": count,
        "llm.token_count.total": count,
        "server.address": "api.openai.com",
        "server.port": 443,
    }
    span = build.open("CreateEmbeddings", now, told, parent, CLIENT)
    return build.close(span, now + around(build.rng, 74, 0.3))


def _help(rng: random.Random, who: Customer, turn: Turn) -> list[Document]:
    """Four help texts, the fitting one first unless the search missed it, which it does more often when the answer turned out bad."""
    texts = catalog()["help"]
    fitting = help_texts(who)
    others = [text for text in texts if text not in fitting]
    missed = rng.random() < (0.06 if turn.outcome.success else 0.3)
    chosen = rng.sample(others, 4) if missed else [*rng.sample(fitting, min(2, len(fitting))), *rng.sample(others, 4)][:4]
    score, out = rng.uniform(0.44, 0.6) if missed else rng.uniform(0.72, 0.93), list[Document]()
    for text in chosen:
        title, first, rest = text.get(who.code, text["en"])
        out.append((text["id"], f"{title}. {first} {rest}", round(score, 4)))
        score -= rng.uniform(0.02, 0.11)
    return out


def _articles(rng: random.Random, who: Customer) -> list[Document]:
    articles = rng.sample(catalog()["shops"][who.tenant]["articles"], 6)
    score, out = rng.uniform(0.66, 0.86), list[Document]()
    for article in articles:
        told = {"name": f"{article['brand']} {article['en']}", "price": money("en", article["price"]), "in_stock": rng.randrange(0, 80)}
        out.append((article["id"], json_text(told), round(score, 4)))
        score -= rng.uniform(0.01, 0.07)
    return out


def _rerank(build: TraceBuilder, root: Span, now: int, query: str, documents: list[Document]) -> tuple[list[Document], int]:
    rng = build.rng
    told: dict[str, Value] = {
        "openinference.span.kind": "RERANKER",
        "reranker.query": query,
        "reranker.top_k": 3,
        "reranker.model_name": "rerank-v3.5",
    }
    for i, (key, text, score) in enumerate(documents):
        at = f"reranker.input_documents.{i}.document."
        told |= {at + "id": key, at + "content": text, at + "score": score}
    span = build.open("rerank", now, told, root, CLIENT)
    best = sorted(((key, text, round(rng.betavariate(2, 2), 4)) for key, text, _ in documents), key=lambda document: -document[2])[:3]
    kept: dict[str, Value] = {}
    for i, (key, text, score) in enumerate(best):
        at = f"reranker.output_documents.{i}.document."
        kept |= {at + "id": key, at + "content": text, at + "score": score}
    return best, build.close(span, now + around(rng, 118, 0.3), kept) + rng.randrange(100_000, 500_000)
