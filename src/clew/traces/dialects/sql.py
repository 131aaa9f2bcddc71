"""The dialect tables compiled to ClickHouse expressions: what the ingest computes once a span.

Every expression reads the arrays ``ak`` (keys), ``av`` (kinds), ``as_`` (text or raw protobuf), ``ai`` (integers), ``ad`` (doubles) and the
columns ``name``, ``events``, ``status_code``, ``sent_start_ns``. What several of them need is computed below them, in layers of sub-selects (``x1`` …).
A branch is computed only for the rows that need it, so a dialect that is not in a block costs one look into the block's dictionary of keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from clew.traces.dialects import textsql
from clew.traces.dialects.shared import Shared
from clew.traces.dialects.tables import Group, Source, Tables, tables
from clew.traces.dialects.textsql import array, quoted

NANOS_MAX = 9_000_000_000  # USD; beyond it a cost is a mistake, and Int64 nanos would overflow
MODEL_CALLS = ("LLM", "EMBEDDING", "RERANKER")  # usage on any other kind is a sum over steps
NO_INTEGER = "CAST(NULL,'Nullable(Int64)')"
NO_DOUBLE = "CAST(NULL,'Nullable(Float64)')"
NO_TEXT = "''"
NO_TEXTS = "CAST([],'Array(String)')"
MOST_SELECTS = 256  # kept compiled: one for each mixture of instrumentations that sends together
NESTED = "\0"  # behind a key in ``present``: somewhere its value is a list or a map
CALLS_SQL = ",".join(map(quoted, MODEL_CALLS))


class Reader:
    """Sources as expressions, each written once. With ``present``, a key that is not in it is nowhere in the rows and is not looked for."""

    def __init__(self, present: frozenset[str] | None = None) -> None:
        self.shared = Shared()
        self.asked: set[str] = set()
        self._present = present

    def there(self, key: str) -> bool:
        """Whether the key can be in the rows at all."""
        self.asked.add(key)
        return self._present is None or key in self._present

    def possible(self, groups: Iterable[Group]) -> list[Group]:
        """The groups that can win."""
        return [group for group in groups if any([self.there(key) for key in group.when])]

    def at(self, key: str) -> str:
        """The position of a key, 0 where it is absent."""
        return self.shared(f"indexOf(ak,{quoted(key)})") if self.there(key) else "0"

    def has_any(self, keys: Sequence[str]) -> str:
        """Whether any of the keys is there."""
        places = [self.at(key) for key in keys if self.there(key)]
        return self.shared("+".join(places) + ">0") if places else "0"

    def raw(self, key: str, kind: str = "s") -> str:
        """The attribute where it is text (or, for kind l, a list), else ''."""
        if not self.there(key):
            return NO_TEXT
        i = self.at(key)
        return self.shared(f"if(av[{i}]={quoted(kind)},as_[{i}],'')")

    def text(self, source: Source) -> str:
        """A source as text: '' where it is absent or has no text form."""
        if not self.there(source.key):
            return NO_TEXT
        sent = self.raw(source.key)
        if source.path is None:
            i = self.at(source.key)
            return self.shared(f"if(av[{i}]='i',toString(ai[{i}]),{sent})")
        if not source.path:
            return self.shared(f"if(startsWith({sent},'\"'),JSONExtractString({sent}),{sent})")
        return self.shared(f"if({self._told(source)},JSONExtractString({sent},{_steps(source)}),'')")

    def _told(self, source: Source) -> str:
        """A cheap look for the last name of the path before the JSON is parsed."""
        names = [step for step in source.path or () if isinstance(step, str)]
        return f"position({self.raw(source.key)},{quoted(chr(34) + names[-1] + chr(34))})>0"

    def number(self, source: Source, integer: bool) -> str:
        """A source as Nullable(Int64) or Nullable(Float64)."""
        if not self.there(source.key):
            return NO_INTEGER if integer else NO_DOUBLE
        kind = "Int64" if integer else "Float64"
        i, sent = self.at(source.key), self.raw(source.key)
        if source.path is not None:
            return self.shared(f"if({self._told(source)},JSONExtract({sent},{_steps(source)},'Nullable({kind})'),NULL)")
        if integer:
            rounded = f"if(isFinite(ad[{i}]) AND abs(ad[{i}])<9e15,toInt64(ad[{i}]),NULL)"
            other = f"if({i}=0,NULL,multiIf(av[{i}]='d',{rounded},av[{i}]='s',toInt64OrNull(as_[{i}]),NULL))"
            return self.shared(f"if(av[{i}]='i',ai[{i}],{other})")
        other = f"if({i}=0,NULL,multiIf(av[{i}]='i',toFloat64(ai[{i}]),av[{i}]='s',toFloat64OrNull(as_[{i}]),NULL))"
        return self.shared(f"if(av[{i}]='d',ad[{i}],{other})")

    def first_text(self, expressions: Sequence[str], last: str = "''") -> str:
        """The first that is not ''."""
        shared = [self.shared(item) for item in expressions if item != NO_TEXT]
        return "multiIf(" + "".join(f"{item}!='',{item}," for item in shared) + f"{last})" if shared else last

    def first_source(self, sources: Sequence[Source]) -> str:
        return self.first_text([self.text(source) for source in sources])

    def winner(self, groups: Sequence[Group]) -> str:
        """The number of the first group whose keys are there, 0 for none."""
        cases = [f"{self.has_any(group.when)},{number}" for number, group in enumerate(groups, 1)]
        return self.shared("multiIf(" + ",".join([*cases, "0"]) + ")") if cases else "0"


def _steps(source: Source) -> str:
    return ",".join(str(step + 1) if isinstance(step, int) else quoted(step) for step in source.path or ())


def _by_winner(winner: str, choices: Sequence[str], nothing: str) -> str:
    """One column of a group: the expression of the group that won, equal expressions put together."""
    same: dict[str, list[int]] = {}
    for number, expression in enumerate(choices, 1):
        if expression != nothing:
            same.setdefault(expression, []).append(number)
    cases = [f"{winner} IN ({','.join(map(str, numbers))}),{expression}" for expression, numbers in same.items()]
    return "multiIf(" + ",".join([*cases, nothing]) + ")" if cases else nothing


def _first_known(expressions: Sequence[str], nothing: str) -> str:
    expressions = [expression for expression in expressions if expression != nothing]
    if not expressions:
        return nothing
    return expressions[0] if len(expressions) == 1 else "coalesce(" + ",".join(expressions) + ")"


# ── kind, dialect, model ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _kind(read: Reader, known: Tables) -> str:
    told, inferred = [], []
    for dialect, group in known.of("kind"):
        for source in filter(lambda source: read.there(source.key), group.sources("sources")):
            mapped = f"transform(upper({read.text(source)}),{array(dialect.kinds)},{array(dialect.kinds.values())},'')"
            told.append(f"if({read.at(source.key)}=0,'',{mapped})")
        inferred += [f"{read.at(key)}>0,{quoted(kind)}," for key, kind in dialect.infer if read.there(key)]
    return read.shared(read.first_text(told, "multiIf(" + "".join(inferred) + "'SPAN')" if inferred else "materialize('SPAN')"))


def _dialect(read: Reader, known: Tables) -> str:
    marked = [(read.has_any(known.dialects[name].marks), name) for name in known.precedence["detect"]]
    cases = [f"{there},{quoted(name)}," for there, name in marked if there != "0"]
    return "multiIf(" + "".join(cases) + "'')" if cases else NO_TEXT


def _model_columns(read: Reader, known: Tables) -> dict[str, str]:
    groups = read.possible(group for _, group in known.of("model"))
    winner = read.winner(groups)
    sent = {
        column: read.shared(_by_winner(winner, [read.first_source(group.sources(column)) for group in groups], "''"))
        for column in ("provider", "asked", "answered")
    }
    asked, answered = sent["asked"], sent["answered"]
    return {
        "provider": _provider(read, known, winner, groups, sent["provider"]),
        "model_asked": asked,
        "model_answered": answered,
        "model": f"if({answered}!='',{answered},{asked})",
    }


def _provider(read: Reader, known: Tables, winner: str, groups: Sequence[Group], sent: str) -> str:
    """One name a provider: looked up whole, then up to the first dot, else as it was sent, in lower case."""
    paired = [
        "concat(" + ",'+',".join(read.text(Source(key)) for key in group.options["provider_pair"]) + ")"
        if "provider_pair" in group.options
        else "''"
        for group in groups
    ]
    pairs = {name: value for name, value in known.providers.items() if "+" in name}
    names, values = array(known.providers), array(known.providers.values())
    lowered = read.shared(f"lower({sent})")
    by_pair = f"transform(lower({_by_winner(winner, paired, chr(39) * 2)}),{array(pairs)},{array(pairs.values())},'')"
    looked = [by_pair, f"transform({lowered},{names},{values},'')", f"transform(substringIndex({lowered},'.',1),{names},{values},'')"]
    return read.shared(f"if({lowered}='','',{read.first_text(looked, lowered)})")


# ── usage ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _usage_columns(read: Reader, known: Tables, provider: str) -> dict[str, str]:
    groups = read.possible(group for _, group in known.of("usage"))
    winner = read.winner(groups)

    def count(column: str) -> str:
        choices = [_first_known([read.number(source, True) for source in group.sources(column)], NO_INTEGER) for group in groups]
        sent = read.shared(_by_winner(winner, choices, NO_INTEGER))
        return read.shared(f"if({sent}>=0,{sent},NULL)")

    told, own, cache_read, cache_write = count("input"), count("uncached"), count("cache_read"), count("cache_write")
    cached = read.shared(f"ifNull({cache_read},0)+ifNull({cache_write},0)")
    exclusive = _exclusive(read, groups, winner, provider)
    outside = read.shared(f"{cached}>0 AND ((isNull({own}) AND {exclusive}) OR {cached}>{told})")
    return {
        "input_tokens": f"if({outside},{told}+{cached},{told})",
        "uncached_tokens": f"if({outside},{told},if(isNotNull({own}),{own},{told}-{cached}))",
        "cache_read_tokens": cache_read,
        "cache_write_tokens": cache_write,
        "output_tokens": count("output"),
        "reasoning_tokens": count("reasoning"),
        "audio_input_tokens": count("audio_input"),
        "audio_output_tokens": count("audio_output"),
    }


def _exclusive(read: Reader, groups: Sequence[Group], winner: str, provider: str) -> str:
    """Whether the winning dialect's input leaves the cached part out: by a key that says so, or by the provider's habit."""
    cases = []
    for number, group in enumerate(groups, 1):
        sources = [source for source in group.sources("exclusive_when") if read.there(source.key)]
        either = [f"isNotNull({read.number(source, True)})" for source in sources]
        if names := group.options.get("exclusive_providers", ()):
            either.append(f"{provider} IN ({','.join(map(quoted, names))})")
        if either:
            cases.append(f"({winner}={number} AND ({' OR '.join(either)}))")
    return "(" + " OR ".join(cases) + ")" if cases else "0"


def _cost(read: Reader, known: Tables) -> str:
    groups = read.possible(group for _, group in known.of("cost"))
    choices = []
    for group in groups:
        totals = [read.number(source, False) for source in group.sources("total")]
        parts = [f"({read.number(source, False)})" for source in group.sources("parts")]
        choices.append(_first_known([*totals, *(["+".join(parts)] if parts else [])], NO_DOUBLE))
    dollars = read.shared(_by_winner(read.winner(groups), choices, NO_DOUBLE))
    return f"if({dollars}>=0 AND {dollars}<={NANOS_MAX},toInt64(floor({dollars}*1e9+0.5)),NULL)"


# ── single fields ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain_keys(sources: Sequence[Source]) -> list[str]:
    return [source.key for source in sources if source.path is None]


def _finish_reason(read: Reader, known: Tables) -> str:
    """The first reason: text, the first of a list written as JSON, or the first of a list."""
    sources = known.field_sources("finish_reason")
    sent = read.shared(read.first_source(sources))
    listed = read.shared(read.first_text([read.raw(key, "l") for key in _plain_keys(sources)]))
    from_list = f"if({listed}='','',{textsql.first_of_list(listed)})"
    return f"if({sent}='',{from_list},if(startsWith({sent},'['),JSONExtractString({sent},1),{sent}))"


def _tags(read: Reader, known: Tables) -> str:
    keys = _plain_keys(known.field_sources("tags"))
    listed = read.shared(read.first_text([read.raw(key, "l") for key in keys]))
    sent = read.shared(read.first_text([read.raw(key) for key in keys]))
    from_json = f"if(startsWith({sent},'['),arrayFilter(t->t!='',JSONExtract({sent},'Array(String)')),[{sent}])"
    return f"multiIf({listed}!='',{textsql.list_of_text(listed)},{sent}!='',{from_json},{NO_TEXTS})"


def _metadata(read: Reader, known: Tables) -> str:
    sent = [read.raw(source.key) for source in known.field_sources("metadata")]
    cases = []
    for dialect, group in known.of("fields"):
        for prefix in group.options.get("metadata_prefix", ()):
            if (marked := read.has_any(dialect.marks)) != "0":
                cases.append(f"{marked} AND arrayExists(k->startsWith(k,{quoted(prefix)}),ak),{textsql.object_of(prefix)},")
    return read.first_text(sent, "multiIf(" + "".join(cases) + "'')" if cases else NO_TEXT)


def _ttft(read: Reader, known: Tables) -> str:

    def sent(field: str) -> list[Source]:
        return [source for source in known.field_sources(field) if read.there(source.key)]

    told = [f"toInt64(floor({read.number(source, False)}*1e9+0.5))" for source in sent("ttft_s")]
    told += [f"toInt64(floor({read.number(source, False)}*1e6+0.5))" for source in sent("ttft_ms")]
    for source in sent("ttft_time"):
        instant = f"toUnixTimestamp64Nano(parseDateTime64BestEffortOrNull({read.text(source)},9,'UTC'))"
        told.append(f"if({read.text(source)}='',NULL,{instant}-sent_start_ns)")
    event = read.shared(textsql.first_event_time(known.field_texts("ttft_event")))
    told.append(f"if(notEmpty(events) AND {event}>0,{event}-sent_start_ns,NULL)")
    first = read.shared(_first_known(told, NO_INTEGER))
    return f"if({first}>=0,{first},NULL)"


def _error_type(read: Reader, known: Tables) -> str:
    thrown = f"if(status_code=2 AND notEmpty(events),{textsql.exception_type('events')},'')"
    return read.first_text([*(read.text(source) for source in known.field_sources("error_type")), thrown])


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _messages(read: Reader, side: str, known: Tables) -> str:
    """The readable text of each message of one side, as Array(String): indexed keys, then structured values, then JSON or plain text."""
    flat, early, late, calls = [], [], [], []
    for _, group in known.of(side):
        if pattern := group.options.get("flat"):
            matched = f"arrayFilter((s,k)->s!='' AND match(k,{quoted(pattern)}),as_,ak)"
            if (marked := read.has_any(group.options["flat_when"])) != "0":
                flat.append(read.shared(f"if({marked},{matched},{NO_TEXTS})"))
        (late if group.options.get("late") else early).extend(source.key for source in group.sources("sources"))
        calls += [source.key for source in group.sources("calls")]
    sources = [key for key in dict.fromkeys([*early, *late]) if read.there(key)]
    if not sources:
        rest = [f"notEmpty({item}),{item}," for item in flat]
        return read.shared("multiIf(" + "".join(rest) + f"{NO_TEXTS})") if rest else NO_TEXTS
    sent = read.shared(read.first_text([read.raw(key) for key in sources]))
    written = textsql.readable(read.shared, sent)
    calls = [key for key in calls if read.there(key)]
    if calls:
        called = read.shared(read.first_text([read.raw(key) for key in calls]))
        written = f"if({called}='',{written},arrayConcat({written},{textsql.tool_calls(read.shared, called)}))"
    if not any(read.there(key + NESTED) for key in sources):
        return (
            read.shared("multiIf(" + "".join(f"notEmpty({item}),{item}," for item in flat) + f"{written})")
            if flat
            else read.shared(written)
        )
    position = read.shared(f"arrayFirstIndex((k,v)->v IN ('l','m') AND k IN ({','.join(map(quoted, sources))}),ak,av)")
    structured = f"{sent}='' AND hasAny(av,['l','m']) AND {position}>0,{textsql.structured(f'as_[{position}]')}"
    return read.shared("multiIf(" + "".join(f"notEmpty({item}),{item}," for item in flat) + f"{structured},{written})")


def _preview(message: str) -> str:
    return f"leftUTF8(trim(replaceRegexpAll(leftUTF8({message},400),'[ \\\\t\\\\r\\\\n]+',' ')),200)"


@dataclass(frozen=True)
class Select:
    """Canonical columns: ``layers`` are sub-selects (alias → expression, innermost first), ``columns`` stand over the outermost one."""

    layers: tuple[Mapping[str, str], ...]
    columns: Mapping[str, str]

    def over(self, source: str) -> str:
        """The FROM clause's sub-select over ``source`` that gives all of its columns and those of the layers."""
        for layer in self.layers:
            source = "SELECT *, " + ", ".join(f"{sql} AS {name}" for name, sql in layer.items()) + f" FROM ({source})"
        return source


def sql_columns() -> dict[str, str]:
    """Column → expression over ``sql_select().over(…)``."""
    return dict(sql_select().columns)


@cache
def known_keys() -> frozenset[str]:
    """Every attribute key that a canonical column may look for."""
    read = Reader()
    _compile(read)
    return frozenset(read.asked)


@lru_cache(maxsize=MOST_SELECTS)
def sql_select(present: frozenset[str] | None = None) -> Select:
    """The canonical columns over the staging columns named at the top of this module.

    With ``present``, those of ``known_keys()`` that are in the rows: what no row has is left out, and so is most of the text to be planned.
    A key whose value is somewhere a list or a map is there twice, once with ``NESTED`` behind it.
    """
    return _compile(Reader(present))


def _compile(read: Reader) -> Select:
    known = tables()
    kind = _kind(read, known)
    model = _model_columns(read, known)
    usage = _usage_columns(read, known, model["provider"])
    tool = read.shared(read.first_source(known.field_sources("tool_name")))
    prompt = {part: read.first_source([s for _, group in known.of("prompt") for s in group.sources(part)]) for part in ("name", "version")}
    sides = {side: _messages(read, side, known) for side in ("input", "output")}
    single = {column: read.first_source(known.field_sources(column)) for column in ("agent_name", "session_id", "user_id", "response_id")}
    layers, columns = read.shared.layered(
        {
            "kind": kind,
            "dialect": _dialect(read, known),
            **model,
            "agent_name": single["agent_name"],
            "tool_name": f"if({tool}='' AND {kind}='TOOL',name,{tool})",
            "prompt_name": prompt["name"],
            "prompt_version": prompt["version"],
            "finish_reason": _finish_reason(read, known),
            "response_id": f"if({kind} IN ({CALLS_SQL}),{single['response_id']},'')",
            "session_id": single["session_id"],
            "user_id": single["user_id"],
            "tags": _tags(read, known),
            "metadata": _metadata(read, known),
            **usage,
            "ttft_ns": _ttft(read, known),
            "input_preview": _preview(f"{sides['input']}[-1]"),
            "output_preview": _preview(f"arrayStringConcat(arraySlice({sides['output']},1,8),' ')"),
            "input_text": f"arrayStringConcat({sides['input']},'\\n')",
            "output_text": f"arrayStringConcat({sides['output']},'\\n')",
            "error_type": _error_type(read, known),
            "sender_cost_nanos": _cost(read, known),
            "usage_rollup": f"(isNotNull({usage['input_tokens']}) OR isNotNull({usage['output_tokens']})) AND {kind} NOT IN ({CALLS_SQL})",
        }
    )
    return Select(tuple(layers), columns)


_SCORE_KEYS = "^(trace\\\\.|session\\\\.)?(annotations|evaluations)\\\\.[0-9]+\\\\.|^gen_ai\\\\.evaluation\\\\.name$"


def carries_scores_sql(keys: str = "`attr.key`", events: str = "events") -> str:
    """Whether a span may carry scores: cheap, sometimes true for nothing, never false for something."""
    return f"arrayExists(k->match(k,'{_SCORE_KEYS}'),{keys}) OR arrayExists(e->position(e,'gen_ai.evaluation.result')>0,{events})"
