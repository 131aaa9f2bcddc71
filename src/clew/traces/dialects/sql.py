"""The dialect tables compiled to ClickHouse expressions: what the ingest computes once a span.

The source has the arrays ``ak`` (keys), ``av`` (kinds), ``as_`` (text or raw protobuf), ``ai`` (integers), ``ad`` (doubles) and the columns
``name``, ``events``, ``status_code``, ``sent_start_ns``. Keys become numbers (``layout.py``) in one step, and every column is then read from
the place its best number stands at. Planning costs the engine more than computing (about 80 µs a function), so no dialect has expressions of
its own, and what no key of a group needs is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from clew.traces.dialects import textsql
from clew.traces.dialects.layout import (
    MODEL_BLOCK,
    MODEL_START,
    NOTHING,
    RANKS,
    SLOTS,
    USAGE_BLOCK,
    USAGE_END,
    USAGE_START,
    Layout,
    layout,
)
from clew.traces.dialects.tables import USAGE, tables
from clew.traces.dialects.textsql import NO_TEXTS, array, quoted

MAX_DOLLARS = 9_000_000_000  # beyond it a cost is a mistake, and Int64 nanos would overflow
MODEL_CALLS = ("LLM", "EMBEDDING", "RERANKER")  # usage on any other kind is a sum over steps
NO_BLOCK = 50_000  # above every slot
CALLS_SQL = ",".join(map(quoted, MODEL_CALLS))
PREVIEW = 200  # characters
# What a group has beside its keys: some span with events, some attribute that is a list or a map. Stand among the keys.
EVENTS, LISTS = "\0events", "\0lists"

_DETAILS = "Tuple(cached_tokens Nullable(Int64),audio_tokens Nullable(Int64),reasoning_tokens Nullable(Int64))"
_COUNTS = (
    "input",
    "prompt_tokens",
    "input_tokens",
    "output",
    "completion_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "input_cached_tokens",
    "input_cache_read",
    "cache_creation_input_tokens",
    "input_cache_creation",
    "output_reasoning_tokens",
)
_OBJECTS = ("prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details")
USAGE_OBJECT = "Tuple(" + ",".join([f"{name} Nullable(Int64)" for name in _COUNTS] + [f"{name} {_DETAILS}" for name in _OBJECTS]) + ")"
# Where each count stands in a provider's usage object, in whichever form it came; first wins.
IN_OBJECT = {
    "input": ("input", "prompt_tokens", "input_tokens"),
    "output": ("output", "completion_tokens", "output_tokens"),
    "cache_read": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "cache_read_input_tokens",
        "input_cached_tokens",
        "input_cache_read",
    ),
    "cache_write": ("cache_creation_input_tokens", "input_cache_creation"),
    "reasoning": ("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens", "output_reasoning_tokens"),
    "audio_input": ("prompt_tokens_details.audio_tokens",),
    "audio_output": ("completion_tokens_details.audio_tokens",),
}
# Counts of the cached part that stand beside the input and not inside it.
BESIDE_INPUT = ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read", "cache_creation_input_tokens", "input_cache_creation")

_ALIAS = re.compile(r"\bc_[a-z_]+")


@dataclass(frozen=True)
class Select:
    """Canonical columns: ``layers`` are sub-selects (alias → expression, innermost first), ``columns`` stand over the outermost one."""

    layers: tuple[Mapping[str, str], ...]
    columns: Mapping[str, str]

    def over(self, source: str) -> str:
        """The sub-select over ``source`` that gives all of its columns and those that ``columns`` need."""
        texts = [" ".join(layer.values()) for layer in self.layers] + [" ".join(self.columns.values())]
        alive: set[str] = set()
        for number, layer in enumerate(self.layers):
            used = set(_ALIAS.findall(" ".join(texts[number:])))  # what no one above needs is not carried along
            gone = sorted(alive - used)
            star = f"* EXCEPT ({', '.join(gone)})" if gone else "*"
            source = f"SELECT {star}, " + ", ".join(f"{sql} AS {name}" for name, sql in layer.items()) + f" FROM ({source})"
            alive = (alive & used) | set(layer)
        return source


class _Compiler:
    """The expressions for one set of keys; a slot that no key fills is a constant."""

    def __init__(self, known: Layout, present: frozenset[str]) -> None:
        self.layout = known
        self.codes = {key: code for key, code in known.codes.items() if key in present}
        self.slots = {code // RANKS for code in self.codes.values()}
        self.events, self.lists = EVENTS in present, LISTS in present
        self.layers: list[dict[str, str]] = [{} for _ in range(9)]

    def has(self, *names: str) -> bool:
        return any(SLOTS[name] in self.slots for name in names)

    def at(self, slot: str) -> str:
        return f"c_at[indexOf(c_slots,{slot})]"

    def text(self, name: str) -> str:
        """The text of a slot."""
        return f"as_[{self.at(str(SLOTS[name]))}]" if self.has(name) else "''"

    def unquoted(self, layer: int, name: str) -> str:
        """The text of a slot, out of the quotes of a sender that encodes every value as JSON."""
        if not self.has(name):
            return "''"
        self.layers[layer][f"c_{name}"] = self.text(name)
        return textsql.unquoted(f"c_{name}")

    # ── layers ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def keys_to_places(self) -> None:
        """c_codes: a number for each attribute; c_slots and c_at: the slots that are filled, in order, and the place of what fills each."""
        known = self.layout
        keys = sorted(set(self.codes) | (set(known.detect) | set(known.infer)))
        numbers = [self.codes.get(key, 0) + (known.detect.get(key, NOTHING) << 16) + (known.infer.get(key, NOTHING) << 24) for key in keys]
        literal = "CAST([" + ",".join(map(str, numbers)) + "],'Array(UInt32)')"
        rest = (NOTHING << 16) + (NOTHING << 24)
        self.layers[0]["c_codes"] = f"arrayMap(k->transform(k,{array(keys)},{literal},toUInt32({rest})),ak)"
        lists = f"v IN ('l','m','y') AND NOT (c BETWEEN {SLOTS['finish_reason'] * RANKS} AND {SLOTS['output'] * RANKS + RANKS - 1})"
        empty = f"c=0 OR n>65535 OR v='no' OR (v='s' AND s='') OR ({lists})"
        packed = f"arrayMap((c,v,s,n)->if({empty},0,c*65536+n),arrayMap(c->bitAnd(c,65535),c_codes),av,as_,arrayEnumerate(ak))"
        self.layers[1]["c_packed"] = f"arraySort(arrayFilter(x->x>0,{packed}))"
        self.layers[1]["c_detect"] = "arrayMin(arrayPushBack(arrayMap(c->bitAnd(bitShiftRight(c,16),255),c_codes),255))"
        self.layers[1]["c_infer"] = "arrayMin(arrayPushBack(arrayMap(c->bitShiftRight(c,24),c_codes),255))"
        self.layers[2]["c_slots"] = "arrayMap(x->bitShiftRight(x,22),c_packed)"
        self.layers[2]["c_at"] = "arrayMap(x->bitAnd(x,65535),c_packed)"
        block = f"arrayFirst(x->x>={MODEL_START} AND x<{USAGE_START},c_slots)"
        self.layers[3]["c_model_block"] = f"arrayMap(x->if(x=0,{NO_BLOCK},intDiv(x,{MODEL_BLOCK})*{MODEL_BLOCK}),[{block}])[1]"
        block = f"arrayFirst(x->x>={USAGE_START} AND x<{USAGE_END},c_slots)"
        none = str(NO_BLOCK)
        if "mlflow.spanOutputs" in self.codes:  # counts may stand in it alone
            mlflow = USAGE_START + USAGE_BLOCK * known.usage_families.index("mlflow")
            written = f"bitShiftRight(c_packed[indexOf(c_slots,{SLOTS['output']})],16)={self.codes['mlflow.spanOutputs']}"
            none = f"if({written},{mlflow},{NO_BLOCK})"
        self.layers[3]["c_usage_block"] = f"arrayMap(x->if(x=0,{none},intDiv(x,{USAGE_BLOCK})*{USAGE_BLOCK}),[{block}])[1]"

    def sides(self) -> None:
        """c_in and c_out: the readable text of each message of input and output; c_in_raw and c_out_raw: what was sent."""
        for side, name in (("c_in", "input"), ("c_out", "output")):
            self.layers[3][f"{side}_at"] = self.at(str(SLOTS[name])) if self.has(name) else "0"
            self.layers[4][f"{side}_raw"] = f"if(av[{side}_at]='s',as_[{side}_at],'')" if self.has(name) else "''"
        if self.has("input", "output"):
            self.layers[5]["c_said"] = textsql.message_texts("[c_in_raw,c_out_raw]")
            self.layers[5]["c_word"] = textsql.words("[c_in_raw,c_out_raw]")
            # A side that no span of the group has must not be looked up: its place is a constant 0, which the engine refuses.
            sides = (("c_in", "input"), ("c_out", "output"))
            lists = [f"if({side}_raw='',as_[{side}_at],'')" if self.has(name) else "''" for side, name in sides]
            if self.lists:
                self.layers[5]["c_structured"] = textsql.structured(f"[{lists[0]},{lists[1]}]")
        if self.has("calls"):
            self.layers[4]["c_calls"] = self.text("calls")
            self.layers[5]["c_called"] = textsql.message_texts("[c_calls]") + "[1]"
        for number, (side, name) in enumerate((("c_in", "input"), ("c_out", "output")), 1):
            self.layers[6][side] = self._side(number, side, name)

    def _side(self, number: int, side: str, name: str) -> str:
        cases = []
        if self.has(f"{name}_flat"):
            patterns = "|".join(f"({d.groups[name]['flat']})" for d in tables().of(name) if "flat" in d.groups[name])
            flat = f"arrayFilter((s,k)->s!='' AND match(k,{quoted(patterns)}),as_,ak)"
            self.layers[4][f"{side}_flat"] = f"if({self.at(str(SLOTS[name + '_flat']))}>0,{flat},{NO_TEXTS})"
            cases.append(f"{side}_flat")
        if self.has(name):
            cases += [f"{sent}[{number}]" for sent in ("c_said", "c_word", "c_structured")[: 2 + self.lists]]
        first = f"arrayFirst(x->notEmpty(x),[{','.join(cases)}])" if cases else NO_TEXTS
        return f"arrayConcat({first},c_called)" if name == "output" and self.has("calls") else first

    # ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def kind(self) -> str:
        words = tables().kinds()
        told = f"transform(upper({self.unquoted(3, 'kind')}),{array(words)},{array(words.values())},'')"
        self.layers[4]["c_told_kind"] = told
        inferred = f"transform(c_infer,[{','.join(map(str, range(len(self.layout.inferred))))}],{array(self.layout.inferred)},'SPAN')"
        self.layers[5]["c_kind_of"] = f"if(c_told_kind!='',c_told_kind,{inferred})"
        return "c_kind_of"

    def model(self) -> dict[str, str]:
        families = range(len(self.layout.model_families))
        if not any(MODEL_START + MODEL_BLOCK * n + place in self.slots for n in families for place in range(MODEL_BLOCK)):
            self.layers[6]["c_provider_of"] = "''"
            return {"provider": "c_provider_of", "model_asked": "''", "model_answered": "''", "model": "''"}
        for place, column in enumerate(("c_provider", "c_asked", "c_answered", "c_params")):
            self.layers[4][column] = f"as_[c_at[indexOf(c_slots,c_model_block+{place})]]"
        known = tables().providers
        pairs = {name: value for name, value in known.items() if "+" in name}
        self.layers[4]["c_hosted"] = (
            "if(c_slots[indexOf(c_slots,c_model_block)+1]=c_model_block,as_[c_at[indexOf(c_slots,c_model_block)+1]],'')"
        )
        lowered = f"lower({textsql.unquoted('c_provider')})"
        whole = f"transform({lowered},{array(known)},{array(known.values())},'')"
        cut = f"transform(substringIndex({lowered},'.',1),{array(known)},{array(known.values())},{lowered})"
        both = f"transform(lower(concat(c_provider,'+',c_hosted)),{array(pairs)},{array(pairs.values())},'')"
        self.layers[5]["c_by_pair"], self.layers[5]["c_by_name"] = both, whole
        self.layers[6]["c_provider_of"] = f"multiIf(c_by_pair!='',c_by_pair,c_by_name!='',c_by_name,{cut})"
        self.layers[6]["c_asked_of"] = self._asked()
        self.layers[7]["c_answered_of"] = self._answered()
        return {
            "provider": "c_provider_of",
            "model_asked": "c_asked_of",
            "model_answered": "c_answered_of",
            "model": "if(c_answered_of!='',c_answered_of,c_asked_of)",
        }

    def _asked(self) -> str:
        in_params = "if(position(c_params,'\"model\"')>0,JSONExtractString(c_params,'model'),'')"
        in_input = f"if(c_model_block<{NO_BLOCK} AND c_kind_of IN ({CALLS_SQL}) AND ascii(c_in_raw)=123 AND position(c_in_raw,'\"model\"')>0,JSONExtractString(c_in_raw,'model'),'')"
        self.layers[5]["c_told_asked"] = f"multiIf(c_asked!='',c_asked,{in_params})"
        langfuse = MODEL_START + MODEL_BLOCK * self.layout.model_families.index("langfuse")
        return f"multiIf(c_told_asked!='',c_told_asked,c_model_block={langfuse},c_answered,{in_input})"

    def _answered(self) -> str:
        """What the provider said; LangChain's OpenInference spans name the asked model in llm.model_name and the answered one in the output."""
        chain = "JSONExtractString(c_out_raw,'generations',1,1,'message','kwargs','response_metadata','model_name')"
        self.layers[5]["c_chain"] = f"if(c_model_block={MODEL_START} AND position(c_out_raw,'\"generations\"')>0,{chain},'')"
        self.layers[5]["c_plain"] = textsql.unquoted("c_answered")
        return "multiIf(c_chain!='',c_chain,c_plain!='',c_plain,c_kind_of='EMBEDDING',c_asked_of,'')"

    def usage(self) -> dict[str, str]:
        names = ("input", "uncached", "cache_read", "cache_write", "output", "reasoning", "audio_input", "audio_output")
        blocks = range(USAGE_START, USAGE_END, USAGE_BLOCK)
        if not self.objects and not any(slot in self.slots for block in blocks for slot in range(block, block + USAGE_BLOCK)):
            return {f"{name}_tokens": "CAST(NULL,'Nullable(Int64)')" for name in names}
        whole = "v='d' AND abs(d)<9e15,toInt64(if(abs(d)<9e15,d,0))+1"  # bounded twice: inside a lambda every branch is computed
        self.layers[3]["c_counts"] = (
            f"arrayMap((c,v,i,d,s)->if(bitAnd(c,65535)<{USAGE_START * RANKS},0,greatest(multiIf(v='i',i+1,{whole},"
            "v='s' AND length(s)<16,ifNull(toInt64OrNull(s),-1)+1,0),0)),c_codes,av,ai,ad,as_)"
        )
        self._usage_object()
        for column in USAGE[:-1]:
            place = f"c_counts[c_at[indexOf(c_slots,c_usage_block+{USAGE.index(column)})]]"
            told = [f"c_object.{path}" for path in IN_OBJECT.get(column, ())] if self.objects else []
            other = "coalesce(" + ",".join(told) + ")" if len(told) > 1 else told[0] if told else "NULL"
            self.layers[5][f"c_n_{column}"] = (
                f"arrayMap(n->if(n>0,n-1,{other}),[{place}])[1]" if not told else f"if({place}>0,{place}-1,{other})"
            )
        return self._usage_columns()

    @property
    def objects(self) -> bool:
        blocks = range(USAGE_START, USAGE_END, USAGE_BLOCK)
        return "mlflow.spanOutputs" in self.codes or any(block + USAGE.index("object") in self.slots for block in blocks)

    def _usage_object(self) -> None:
        if not self.objects:
            return
        mlflow = USAGE_START + USAGE_BLOCK * self.layout.usage_families.index("mlflow")
        sent = f"as_[c_at[indexOf(c_slots,c_usage_block+{USAGE.index('object')})]]"
        inner = f"if(c_usage_block={mlflow} AND ascii(as_[c_out_at])=123,JSONExtractRaw(as_[c_out_at],'usage'),'')"
        self.layers[4]["c_inner"] = inner if self.has("output") else "''"
        self.layers[4]["c_sent_object"] = sent
        self.layers[4]["c_object"] = f"JSONExtract(if(length(c_inner)>4,c_inner,c_sent_object),{quoted(USAGE_OBJECT)})"

    def _usage_columns(self) -> dict[str, str]:
        for column in USAGE[:-1]:
            self.layers[6][f"c_{column}_count"] = f"if(c_n_{column}>=0,c_n_{column},NULL)"
        self.layers[7]["c_cached"] = "ifNull(c_cache_read_count,0)+ifNull(c_cache_write_count,0)"
        outside = f"c_cached>0 AND ((isNull(c_uncached_count) AND {self._exclusive()}) OR c_cached>c_input_count)"
        self.layers[8]["c_rest"] = f"if(isNull(c_input_count) OR ({outside}),c_input_count,ifNull(c_uncached_count,c_input_count-c_cached))"
        return {
            "input_tokens": "if(isNull(c_input_count),NULL,greatest(c_input_count,c_rest+c_cached))",
            "uncached_tokens": "c_rest",
            **{f"{column}_tokens": f"c_{column}_count" for column in USAGE[1:-2]},
        }

    def has_usage(self) -> str:
        return "isNotNull(c_input_count) OR isNotNull(c_output_count)" if "c_input_count" in self.layers[6] else "0"

    def _exclusive(self) -> str:
        """Whether the input leaves the cached part out: by the form of the provider's usage object, or by the provider's habit."""
        cases = []
        blocks = {name: USAGE_START + USAGE_BLOCK * n for n, name in enumerate(self.layout.usage_families)}
        if self.objects:
            beside = " OR ".join(f"isNotNull(c_object.{name})" for name in BESIDE_INPUT)
            raw = f"(c_usage_block={blocks['langfuse']} OR (c_usage_block={blocks['mlflow']} AND length(c_inner)>4))"
            cases.append(f"({raw} AND ({beside}))")
        habit = []
        for dialect in tables().of("usage"):
            for provider in dialect.groups["usage"].get("exclusive_providers", ()):
                block = blocks[dialect.family]
                condition = f"c_provider_of={quoted(provider)} AND c_usage_block={block}"
                if dialect.family != dialect.name:  # one of several in a family: only where the input is read from its own key
                    codes = [str(self.codes[key]) for key in dialect.keys("usage", "input") if key in self.codes]
                    if not codes:
                        continue
                    condition += f" AND bitShiftRight(c_packed[indexOf(c_slots,{block})],16) IN ({','.join(codes)})"
                habit.append(f"({condition})")
        return "(" + " OR ".join(cases + habit) + ")" if cases or habit else "0"

    def cost(self) -> str:
        if not self.has("cost_total", "cost_input", "cost_output", "cost_object"):
            return "CAST(NULL,'Nullable(Int64)')"
        told = [self.double("cost_total")] if self.has("cost_total") else []
        if self.has("cost_object"):
            form = ",".join(f"{name} Nullable(Float64)" for name in ("total", "total_cost", "input", "input_cost", "output", "output_cost"))
            self.layers[3]["c_costs"] = f"JSONExtract({self.text('cost_object')},'Tuple({form})')"
            told += ["c_costs.1", "c_costs.2", "c_costs.3+c_costs.5", "c_costs.4+c_costs.6"]
        if self.has("cost_input") and self.has("cost_output"):
            told.append(f"{self.double('cost_input')}+{self.double('cost_output')}")
        self.layers[4]["c_dollars"] = "coalesce(" + ",".join([*told, "CAST(NULL,'Nullable(Float64)')"]) + ")"
        return f"if(c_dollars>=0 AND c_dollars<={MAX_DOLLARS},{_whole('c_dollars*1e9')},NULL)"

    def double(self, name: str) -> str:
        """A number slot as Nullable(Float64)."""
        at = self.at(str(SLOTS[name]))
        return f"arrayMap(p->multiIf(p=0,NULL,av[p]='d',ad[p],av[p]='i',toFloat64(ai[p]),toFloat64OrNull(as_[p])),[{at}])[1]"

    def finish_reason(self) -> str:
        told = "''"
        if self.has("finish_reason"):
            self.layers[3]["c_finish_at"] = self.at(str(SLOTS["finish_reason"]))
            self.layers[4]["c_finish"] = "as_[c_finish_at]"
            listed = f"av[c_finish_at]='l',{textsql.first_of_list('c_finish')}," if self.lists else ""
            told = f"multiIf({listed}ascii(c_finish)=91,JSONExtractString(c_finish,1),{textsql.unquoted('c_finish')})"
        if not self.has("output"):
            return told
        places = "if(ascii(c_out_raw)=91,JSONExtractString(c_out_raw,1,'finish_reason'),JSONExtractString(c_out_raw,'choices',1,'finish_reason'))"
        inside = f"if(c_kind_of='LLM' AND position(c_out_raw,'\"finish_reason\"')>0,{places},'')"
        self.layers[5]["c_told_finish"] = told
        return f"if(c_told_finish!='',c_told_finish,{inside})"

    def response_id(self) -> str:
        told = self.unquoted(4, "response_id")
        if not self.has("output"):
            return f"if(c_kind_of IN ({CALLS_SQL}),{told},'')" if told != "''" else told
        chain = "JSONExtractString(c_out_raw,'generations',1,1,'message','kwargs','response_metadata','id')"
        inside = f"if(ascii(c_out_raw)=123 AND position(c_out_raw,'\"id\"')>0,if(position(c_out_raw,'\"generations\"')>0,{chain},JSONExtractString(c_out_raw,'id')),'')"
        return f"if(c_kind_of IN ({CALLS_SQL}),arrayFirst(x->x!='',[{told},{inside}]),'')"

    def identity(self, name: str, in_metadata: tuple[str, ...]) -> str:
        """A session or user: text or a number, else from the metadata."""
        told = "''"
        if self.has(name):
            self.layers[3][f"c_{name}_at"] = self.at(str(SLOTS[name]))
            value = f"as_[c_{name}_at]"
            told = f"multiIf(av[c_{name}_at]='i',toString(ai[c_{name}_at]),{textsql.unquoted(value)})"
        if not self.has("metadata"):
            return told
        inside = ",".join(f"JSONExtractString(c_metadata,{quoted(key)})" for key in in_metadata)
        found = f"if(ascii(c_metadata)=123,arrayFirst(x->x!='',[{inside}]),'')"
        if told == "''":
            return found
        self.layers[4][f"c_told_{name}"] = told
        return f"if(c_told_{name}!='',c_told_{name},{found})"

    def tags(self) -> str:
        if not self.has("tags"):
            return NO_TEXTS
        self.layers[3]["c_tags_at"] = self.at(str(SLOTS["tags"]))
        self.layers[4]["c_tags"] = "as_[c_tags_at]"
        from_json = "if(ascii(c_tags)=91,arrayFilter(t->t!='',JSONExtract(c_tags,'Array(String)')),[c_tags])"
        listed = f"av[c_tags_at]='l',{textsql.list_of_text('c_tags')}," if self.lists else ""
        return f"multiIf(c_tags='',{NO_TEXTS},{listed}{from_json})"

    def metadata(self, present: frozenset[str]) -> str:
        told = "''"
        if self.has("metadata"):
            self.layers[3]["c_metadata"] = self.text("metadata")
            told = "c_metadata"
        cases = []
        for place, name in enumerate(self.layout.detected):
            dialect = tables().dialects[name]
            prefixes = dialect.groups.get("fields", {}).get("metadata_prefix", ())
            if prefixes and any(key in present for key in dialect.marks):
                cases.append(f"c_detect={place},{textsql.object_of(prefixes)},")
        if not cases:
            return told
        self.layers[4]["c_extra"] = "multiIf(" + "".join(cases) + "'')"
        return f"if({told}!='',{told},c_extra)" if told != "''" else "c_extra"

    def ttft(self) -> str:
        told = [_whole(f"{self.double('ttft_s')}*1e9")] if self.has("ttft_s") else []
        told += [_whole(f"{self.double('ttft_ms')}*1e6")] if self.has("ttft_ms") else []
        if self.has("ttft_time"):
            instant = f"parseDateTime64BestEffortOrNull({self.unquoted(3, 'ttft_time')},9,'UTC')"
            told.append(f"if(c_ttft_time='',NULL,toUnixTimestamp64Nano({instant})-sent_start_ns)")
        if self.events:
            events = [name for dialect in tables().of("fields") for name in dialect.groups["fields"].get("ttft_event", ())]
            self.layers[4]["c_first_token"] = f"if(empty(events),0,{textsql.first_event_time(events)})"
            told.append("if(c_first_token>0,c_first_token-sent_start_ns,NULL)")
        if not told:
            return "CAST(NULL,'Nullable(Int64)')"
        self.layers[5]["c_ttft"] = "coalesce(" + ",".join(told) + ")" if len(told) > 1 else told[0]
        return "if(c_ttft>=0,c_ttft,NULL)"

    def error_type(self) -> str:
        if not self.events:
            return self.text("error_type")
        thrown = f"if(status_code=2 AND notEmpty(events),{textsql.exception_type()},'')"
        return f"arrayFirst(x->x!='',[{self.text('error_type')},{thrown}])" if self.has("error_type") else thrown


def _whole(number: str) -> str:
    """A Float64 rounded half up to an Int64, NULL where it does not fit: the engine fails on what it cannot convert, taken branch or not."""
    return f"arrayMap(x->if(abs(x)<9e18,toInt64(floor(if(abs(x)<9e18,x,0)+0.5)),NULL),[{number}])[1]"


def _preview(message: str) -> str:
    return f"leftUTF8(trim(replaceRegexpAll(leftUTF8({message},{2 * PREVIEW}),'[ \\\\t\\\\r\\\\n]+',' ')),{PREVIEW})"


def known_keys() -> frozenset[str]:
    """Every attribute key that some dialect reads, and what a group may have beside its keys."""
    return layout().keys() | {EVENTS, LISTS}


def sql_columns() -> dict[str, str]:
    """Column → expression over ``sql_select().over(…)``."""
    return dict(sql_select().columns)


@lru_cache(maxsize=256)
def sql_select(present: frozenset[str] | None = None) -> Select:
    """The canonical columns of spans whose attributes have the keys ``present`` (None: any). Columns may refer to columns before them."""
    keys = known_keys() if present is None else present
    compiler = _Compiler(layout(), keys)
    compiler.keys_to_places()
    compiler.sides()
    columns = {"kind": compiler.kind(), "dialect": _dialect(), **compiler.model()}
    columns |= {name: compiler.text(name) for name in ("agent_name", "prompt_name", "prompt_version")}
    tool = compiler.text("tool_name")
    columns["tool_name"] = f"arrayFirst(x->x!='',[{tool},if(c_kind_of='TOOL',name,'')])"
    columns |= {
        "finish_reason": compiler.finish_reason(),
        "response_id": compiler.response_id(),
        "session_id": compiler.identity("session_id", ("session_id", "thread_id")),
        "user_id": compiler.identity("user_id", ("user_id",)),
        "tags": compiler.tags(),
        "metadata": compiler.metadata(keys),
        **compiler.usage(),
        "ttft_ns": compiler.ttft(),
        "input_preview": _preview("c_in[-1]"),
        "output_preview": _preview("arrayStringConcat(arraySlice(c_out,1,4),' ')"),
        "input_text": "arrayStringConcat(c_in,'\\n')",
        "output_text": "arrayStringConcat(c_out,'\\n')",
        "error_type": compiler.error_type(),
        "sender_cost_nanos": compiler.cost(),
        "usage_rollup": f"({compiler.has_usage()}) AND c_kind_of NOT IN ({CALLS_SQL})",
    }
    return Select(tuple(layer for layer in compiler.layers if layer), columns)


def _dialect() -> str:
    names = layout().detected
    return f"transform(c_detect,[{','.join(map(str, range(len(names))))}],{array(names)},'')"


_SCORE_KEYS = "^(trace\\\\.|session\\\\.)?(annotations|evaluations)\\\\.[0-9]+\\\\.|^gen_ai\\\\.evaluation\\\\.name$"


def carries_scores_sql(keys: str = "`attr.key`", events: str = "events") -> str:
    """Whether a span may carry scores: cheap, sometimes true for nothing, never false for something."""
    return f"arrayExists(k->match(k,'{_SCORE_KEYS}'),{keys}) OR arrayExists(e->position(e,'gen_ai.evaluation.result')>0,{events})"
