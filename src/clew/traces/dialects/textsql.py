"""SQL for the readable text of values: protobuf lists, structured messages, JSON messages. ``textform.py`` is the same in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clew.traces.dialects.shared import Shared


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def array(texts: Iterable[str]) -> str:
    """An array literal of strings."""
    return "[" + ",".join(quoted(text) for text in texts) + "]"


# Where a varint in ``x`` ends, and its value; lengths of up to four bytes (256 MiB).
_SIZE = "multiIf(ascii({x})<128,1,ascii(substring({x},2,1))<128,2,ascii(substring({x},3,1))<128,3,4)"
_VALUE = (
    "bitAnd(ascii({x}),127)+if(ascii({x})<128,0,bitShiftLeft(bitAnd(toUInt32(ascii(substring({x},2,1))),127),7)"
    "+if(ascii(substring({x},2,1))<128,0,bitShiftLeft(bitAnd(toUInt32(ascii(substring({x},3,1))),127),14)"
    "+if(ascii(substring({x},3,1))<128,0,bitShiftLeft(bitAnd(toUInt32(ascii(substring({x},4,1))),127),21))))"
)


def _size(x: str) -> str:
    return _SIZE.format(x=x)


def _value(x: str) -> str:
    return _VALUE.format(x=x)


def any_texts(pieces: str) -> str:
    """Pieces that start with the length of an AnyValue → its text; what holds no text becomes its printable bytes."""
    bodies = f"arrayMap(p->substring(p,1+{_size('p')},{_value('p')}),{pieces})"
    noise = "trim(toValidUTF8(replaceRegexpAll(b,'[\\\\x00-\\\\x1f]+',' ')))"
    return f"arrayMap(b->if(ascii(b)=10,substring(b,2+{_size('substring(b,2,4)')}),{noise}),{bodies})"


def first_of_list(raw: str) -> str:
    """The first text of a protobuf ArrayValue."""
    return f"{any_texts(f'[substring({raw},2)]')}[1]"


def list_of_text(raw: str) -> str:
    """All texts of a protobuf ArrayValue (tags: at most 64 are read)."""
    step = f"(a,i)->if(a.1='',a,(substring(a.1,2+{_size('substring(a.1,2,4)')}+{_value('substring(a.1,2,4)')}),arrayPushBack(a.2,substring(a.1,2))))"
    pieces = f"arrayFold({step},range(least(64,intDiv(length({raw}),4)+1)),({raw},CAST([],'Array(String)'))).2"
    return f"arrayFilter(t->t!='',{any_texts(pieces)})"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

# A JSON string in the place of a value: followed by a comma, a closing bracket or the end. Keys are followed by a colon.
VALUE_STRING = r'"((?:[^"\\]|\\.)*)"\s*(?:[,}\]]|$)'
# What machines say to machines; a person reads the rest.
MACHINE_WORDS = (
    "", "user", "assistant", "system", "developer", "tool", "model", "human", "ai", "text", "function", "tool_call", "tool-call",
    "tool_call_response", "tool-result", "tool_result", "tool_use", "reasoning", "thinking", "message", "input_text", "output_text",
    "function_call", "function_call_output", "image", "image_url", "blob", "uri", "file", "stop", "end_turn", "tool_calls", "tool-calls",
    "length", "completed", "auto", "application/json", "text/plain",
)  # fmt: skip
MACHINE_ID = "^(call|toolu|tooluse|msg|resp|rs|fc|chatcmpl|run|asst)[_-][A-Za-z0-9_-]+$"
WHOLES = ("messages", "prompt", "input", "contents", "output", "choices")


def spoken(shared: Shared, json: str) -> str:
    """Array(String): the strings a person would read in JSON text of any shape, in order, with their escapes written out."""
    strings = shared(f"extractAll({json},{quoted(VALUE_STRING)})")
    words = f"arrayFilter(w->w NOT IN ({','.join(map(quoted, MACHINE_WORDS))}) AND NOT match(w,{quoted(MACHINE_ID)}),{strings})"
    plain = shared(words)
    written = f"arrayMap(w->if(position(w,'\\\\')>0,JSONExtractString(concat('\"',w,'\"')),w),{plain})"
    return f"if(position({json},'\\\\')>0,{written},{plain})"


def readable(shared: Shared, sent: str) -> str:
    """Array(String) of what a person reads in ``sent``: the strings of JSON (of its messages where it holds such), or plain text as it is."""
    inner = "".join(f"position({sent},'\"{name}\"')>0 AND JSONHas({sent},'{name}'),JSONExtractRaw({sent},'{name}')," for name in WHOLES)
    is_json = shared(f"startsWith({sent},'[') OR startsWith({sent},'{{') OR startsWith({sent},'\"')")
    json = shared(f"multiIf(NOT {is_json},'',startsWith({sent},'{{'),multiIf({inner}{sent}),{sent})")
    said = shared(spoken(shared, json))
    return f"multiIf({sent}='',CAST([],'Array(String)'),{is_json} AND notEmpty({said}),{said},[{sent}])"


def tool_calls(shared: Shared, source: str) -> str:
    """Array(String) of what a person reads in a JSON list of tool calls."""
    return f"if({source}='',CAST([],'Array(String)'),{spoken(shared, source)})"


def structured(raw: str) -> str:
    """Array(String) of the texts in a structured message list: what stands behind the keys a person would read."""
    # A KeyValue on the wire is its key (tag 0x0a, length, text) and then tag 0x12 with the length of its value.
    marked = raw
    for key in ("arguments", "response", "result"):
        marked = f"replaceAll({marked},'\\n\\x{len(key):02x}{key}\\x12','\\n\\x07content\\x12')"
    pieces = f"arrayPopFront(splitByString('\\n\\x07content\\x12',{marked}))"
    return f"arrayFilter(w->w!='',{any_texts(pieces)})"


# ── events and prefixes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _name_on_the_wire(name: str) -> str:
    return f"\\x12\\x{len(name):02x}{name}"


def first_event_time(names: Sequence[str]) -> str:
    """The time of the first event that marks the first token, 0 where there is none."""
    looked = " OR ".join(f"position(e,'{_name_on_the_wire(name)}')=10" for name in names)
    return f"toInt64(reinterpretAsUInt64(substring(arrayFirst(e->ascii(e)=9 AND ({looked}),events),2,8)))"


def exception_type(events: str) -> str:
    """The type of the first exception event."""
    marker = "\\n\\x0eexception.type\\x12"
    pieces = f"arrayMap(e->substring(e,position(e,'{marker}')+17),arrayFilter(e->position(e,'{marker}')>0,{events}))"
    return f"{any_texts(pieces)}[1]"


def object_of(prefix: str) -> str:
    """A JSON object of the attributes under a prefix. Text that is JSON already stays as it is."""
    named = f"toJSONString(toString(substring(k,{len(prefix) + 1})))"
    word = "if(isValidJSON(s) AND match(s,'^[\"\\\\[{tfn0-9-]'),s,toJSONString(s))"
    value = f"multiIf(v='s',{word},v='i',toString(i),v='b',if(i=1,'true','false'),v='d' AND isFinite(d),toString(d),'null')"
    pairs = f"arrayMap((k,v,s,i,d)->if(startsWith(k,{quoted(prefix)}) AND v!='l' AND v!='m' AND v!='y',concat({named},':',{value}),''),ak,av,as_,ai,ad)"
    return f"concat('{{',arrayStringConcat(arrayFilter(w->w!='',{pairs}),','),'}}')"
