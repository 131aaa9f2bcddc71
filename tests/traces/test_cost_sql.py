"""The SQL that prices a commit's spans agrees with the plain arithmetic to the nano-dollar, whatever the rows hold."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from clew.store import Statement, Store, open_store
from clew.traces.cost import CardCache, OwnPrice, Pair, PriceBook, Unknown, Usage, cost_nanos, cost_sql, own_prices, remove_price, set_price

TOKENS = (
    "input_tokens",
    "uncached_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
)
NAMES = ("project_id", "provider", "model_answered", "model_asked")
COLUMNS = (*NAMES, "start_ns", *TOKENS, "sender_cost_nanos")
MAKE = Statement(
    "make",
    "CREATE OR REPLACE TABLE staged (n UInt32, project_id UInt32, provider LowCardinality(String), model_answered LowCardinality(String),"
    " model_asked LowCardinality(String), start_ns Int64, "
    + ", ".join(f"{name} Nullable(Int64)" for name in (*TOKENS, "sender_cost_nanos"))
    + ") ENGINE = Memory",
)
SEEN = Statement("seen", f"SELECT DISTINCT {', '.join(NAMES)} FROM staged")
T0 = 1_762_000_000 * 10**9
DAY = 86_400 * 10**9

MODELS = [
    ("openai", "gpt-4o"),
    ("openai", "gpt-realtime"),
    ("openai", "o3"),
    ("openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("deepseek", "deepseek-chat"),
    ("deepseek", "deepseek-v4-pro"),
    ("perplexity", "sonar-pro"),
    ("perplexity", "sonar-deep-research"),
    ("openai", "whisper-1"),
    ("", "nobody-knows"),
    ("", "own-tiered"),
    ("it's \\ 'odd'\n\t\0", "模型 🧵 '); --"),
    ("", ""),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("sql"))
    for number in range(1, 8):
        opened.records.rows(Statement("project", "INSERT INTO projects VALUES (:id, :name, 0)"), id=number, name=f"p{number}")
    yield opened
    opened.close()


def priced(store: Store, rows: Sequence[dict[str, Any]], cache: CardCache | None = None, *, apart: bool = False) -> list[tuple[Any, ...]]:
    """Stages the rows, prices them as a commit does, and gives back (cost_nanos, cost_source, price_version) of each."""
    store.facts.execute(MAKE)
    kinds = {"project_id": "UInt32", **dict.fromkeys(NAMES[1:], "String")}
    fields = ", ".join(f"{{{name}:Array({kinds.get(name, 'Int64')})}} AS {name}_" for name in COLUMNS)
    absent = -(2**63)
    values = {name: [absent if row.get(name) is None and name not in NAMES else row.get(name) for row in rows] for name in COLUMNS}
    hexed = {name: [str(text).encode().hex() for text in values[name]] for name in NAMES[1:]}
    picked = [f"unhex({name}_[i])" if name in hexed else f"{name}_[i]" for name in COLUMNS]
    typed = [p if name in (*NAMES, "start_ns") else f"nullIf({p}, {absent})" for name, p in zip(COLUMNS, picked, strict=True)]
    insert = f"INSERT INTO staged SELECT i, {', '.join(typed)} FROM (SELECT {fields}, arrayJoin(arrayEnumerate(start_ns_)) AS i)"
    store.facts.execute(Statement("stage", insert), **(values | hexed))
    sql = cost_sql(apart=apart)
    statement = Statement("price", "SELECT " + ", ".join(f"{sql[name]} AS new_{name}" for name in sql) + " FROM staged ORDER BY n")
    cards = (cache or CardCache(store)).parameters(store.facts.rows(SEEN))
    return [tuple(row.values()) for row in store.facts.rows(statement, **cards)]


def expected(row: dict[str, Any], own: Sequence[OwnPrice]) -> tuple[Any, ...]:
    usage = Usage(*(row.get(name) for name in TOKENS))
    if (sender := row.get("sender_cost_nanos")) is not None and (sender > 0 or (sender == 0 and usage.told)):
        return (sender, "sender", "")
    if not usage.told:
        return (None, "none", "")
    card = PriceBook(own).resolve(row["provider"], row["model_answered"], row["start_ns"], asked=row["model_asked"])
    cost = cost_nanos(card, usage)
    if card is None or isinstance(cost, Unknown):
        return (None, "unknown", "")
    return (cost, "own price" if card.own else "price", card.version)


def random_row(rng: random.Random, project: int) -> dict[str, Any]:
    provider, model = rng.choice(MODELS)
    asked = rng.choice([model, "", "deployment-7"])
    whole, answer = int(10 ** rng.uniform(0, 6)), int(10 ** rng.uniform(0, 5))
    edge = (T0 // DAY + rng.randrange(-900, 400)) * DAY + rng.choice([0, 1800, 3600, 59_400]) * 10**9 - rng.randint(0, 1)
    row: dict[str, Any] = {
        "project_id": project,
        "provider": provider,
        "model_answered": rng.choice([model, model, ""]),
        "model_asked": asked,
        "start_ns": rng.choice([T0 + rng.randrange(-900 * DAY, 400 * DAY), edge]),
        "input_tokens": whole,
        "uncached_tokens": rng.choice([None, None, whole // 2]),
        "cache_read_tokens": rng.choice([None, 0, whole // 3]),
        "cache_write_tokens": rng.choice([None, 0, whole // 4]),
        "output_tokens": answer,
        "reasoning_tokens": rng.choice([None, 0, answer // 2]),
        "audio_input_tokens": rng.choice([None, 0, 0, whole // 5]),
        "audio_output_tokens": rng.choice([None, 0, 0, answer // 5]),
        "sender_cost_nanos": rng.choice([None] * 8 + [0, 123, -1]),
    }
    for name in TOKENS:
        if rng.random() < 0.08:
            row[name] = rng.choice([None, -1, 0, 10**10, 10**10 + 1, 2**63 - 1, -(2**63) + 1])
    if rng.random() < 0.05:
        row.update(dict.fromkeys(TOKENS))
    return row


@pytest.mark.parametrize("apart", [False, True], ids=["one statement", "each on its own"])
def test_sql_and_python_agree_on_any_row(store: Store, apart: bool) -> None:
    rng = random.Random(7)
    project = 1
    tiers = [{"above": n, "input": str(n % 7), "output": "0.5"} for n in (100, 1000, 5000, 50_000, 500_000)]
    dearest = {"input": "100000", "output": "100000", "cache_read": "0.1", "request": "9"}
    set_price(store, project, model="own-*", rates={**dearest, "tiers": tiers})
    set_price(store, project, model="gpt-4o", rates={"input": "1"}, starts_ns=T0)
    thinking = {"output": "1", "reasoning": "0.000000000001"}
    set_price(store, project, model="deepseek-chat", provider="deepseek", rates=thinking, starts_ns=T0 - 100 * DAY)
    set_price(store, project, model="deployment-7", rates={"input": "7", "output": "7"}, starts_ns=T0 + DAY)
    own = own_prices(store, project)
    rows = [random_row(rng, project) for _ in range(4000)]
    found = priced(store, rows, apart=apart)
    wrong = [(row, ours, want) for row, ours in zip(rows, found, strict=True) if ours != (want := expected(row, own))]
    assert not wrong, wrong[:3]
    assert {source for _, source, _ in found} == {"sender", "none", "unknown", "price", "own price"}


def row(**given: Any) -> dict[str, Any]:
    return {"project_id": 2, "provider": "openai", "model_answered": "gpt-4o", "model_asked": "", "start_ns": T0} | given


def test_a_senders_own_cost_wins_and_is_marked(store: Store) -> None:
    assert priced(store, [row(input_tokens=10, output_tokens=1, sender_cost_nanos=0), row(sender_cost_nanos=5)]) == [
        (0, "sender", ""),
        (5, "sender", ""),
    ]


def test_a_senders_zero_for_a_call_without_tokens_says_nothing(store: Store) -> None:
    assert priced(store, [row(sender_cost_nanos=0)]) == [(None, "none", "")]


def test_a_negative_cost_of_a_sender_is_not_believed(store: Store) -> None:
    assert [source for _, source, _ in priced(store, [row(input_tokens=10, output_tokens=1, sender_cost_nanos=-5)])] == ["price"]


def test_a_span_without_tokens_has_no_cost_and_a_model_without_a_price_an_unknown_one(store: Store) -> None:
    assert priced(store, [row(), row(model_answered="nobody", input_tokens=0, output_tokens=0)]) == [
        (None, "none", ""),
        (None, "unknown", ""),
    ]


def test_a_commit_of_no_known_model_is_priced_too(store: Store) -> None:
    assert priced(store, [row(model_answered="nobody", input_tokens=1, output_tokens=1)]) == [(None, "unknown", "")]


def test_each_project_of_a_commit_has_its_own_prices(store: Store) -> None:
    kept = set_price(store, 3, model="gpt-4o", rates={"input": "1"})
    rows = [row(project_id=project, input_tokens=1_000_000, output_tokens=0) for project in (3, 4)]
    assert [(nanos, source) for nanos, source, _ in priced(store, rows)] == [(10**9, "own price"), (2_500_000_000, "price")]
    assert priced(store, rows)[0][2] == f"own {kept.id}"


def test_a_changed_own_price_is_in_force_within_a_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    cache, rows = CardCache(store), [row(project_id=5, input_tokens=1_000_000, output_tokens=0)]
    assert priced(store, rows, cache)[0][1] == "price"
    kept = set_price(store, 5, model="gpt-4o", rates={"input": "1"})
    now += 1.1
    assert priced(store, rows, cache)[0][:2] == (10**9, "own price")
    remove_price(store, 5, kept.id)
    now += 1.1
    assert priced(store, rows, cache)[0][1] == "price"


def test_the_price_that_holds_is_the_one_of_the_moment_the_span_started(store: Store) -> None:
    midnight = T0 - T0 % DAY
    half_past = midnight + 1800 * 10**9
    rows = [
        row(provider="deepseek", model_answered="deepseek-chat", input_tokens=1_000_000, output_tokens=0, start_ns=start)
        for start in (midnight, half_past - 1, half_past, midnight + 59_400 * 10**9 - 1, midnight + 59_400 * 10**9)
    ]
    assert [nanos for nanos, _, _ in priced(store, rows)] == [135_000_000, 135_000_000, 270_000_000, 270_000_000, 135_000_000]


def test_models_without_a_price_take_no_place_in_the_card_table(store: Store) -> None:
    table = CardCache(store).cards_for([Pair(6, "", f"nobody-{n}", "") for n in range(1000)] + [Pair(6, "openai", "gpt-4o", "")])
    assert len(table.keys) == 2
