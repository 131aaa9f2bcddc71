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

_PART = "text String, content String, name String, toolName String, arguments String, input String, args String, response String, result String, output String"
_CALL = "function Tuple(name String, arguments String), name String, args String, arguments String"
MESSAGE = f"Tuple(content String, text String, parts Array(Tuple({_PART})), tool_calls Array(Tuple({_CALL})), name String, arguments String, output String)"

_FIELDS_OF_PART = 10


def _part_text(p: str) -> str:
    """What a person reads of one part: its words; a tool's name before its arguments."""
    words = ",".join(f"{p}.{n}" for n in range(1, _FIELDS_OF_PART + 1))
    return f"arrayStringConcat(arrayFilter(w->w!='',[{words}]),' ')"


def _content(c: str) -> str:
    """A message's content: words, or the words of its parts where it is a list of them."""
    parts = f"arrayFilter(w->w!='',arrayMap(p->{_part_text('p')},JSONExtract({c},'Array(Tuple({_PART}))')))"
    return f"if(startsWith({c},'[') AND notEmpty({parts}),arrayStringConcat({parts},'\\n'),{c})"


def _message(m: str) -> str:
    called = f"arrayMap(t->trim(concat(t.1.1,t.2,' ',t.1.2,t.3,t.4)),{m}.4)"
    own_call = f"if({m}.6!='',concat({m}.5,' ',{m}.6),'')"
    pieces = f"arrayConcat([{_content(f'{m}.1')},{m}.2],arrayMap(p->{_part_text('p')},{m}.3),{called},[{own_call},{m}.7])"
    return f"arrayStringConcat(arrayFilter(w->w!='',{pieces}),'\\n')"


def message_texts(extracted: str) -> str:
    """The text of each extracted message that has any."""
    return f"arrayFilter(w->w!='',arrayMap(m->{_message('m')},{extracted}))"


def decoded(raw: str) -> str:
    """JSON as it is, with its ``\\u`` escapes written as the characters they stand for."""
    return f"if(position({raw},'\\\\u')>0,if(JSONExtractRaw({raw})='',{raw},JSONExtractRaw({raw})),{raw})"


def readable(shared: Shared, sent: str) -> str:
    """Array(String) of what a person reads in ``sent``: a JSON list of messages, an object that holds one, a JSON string, or plain text."""
    places = ("messages", "prompt", "input", "output")
    choices = f"concat('[',arrayStringConcat(arrayMap(c->JSONExtractRaw(c,'message'),JSONExtractArrayRaw({sent},'choices')),','),']')"
    inner = "".join(
        f"position({sent},'\"{name}\"')>0 AND JSONType({sent},'{name}')='Array',JSONExtractRaw({sent},'{name}')," for name in places
    )
    as_list = shared(
        f"multiIf(startsWith({sent},'['),{sent},{inner}position({sent},'\"choices\"')>0,{choices},position({sent},'\"role\"')>0,concat('[',{sent},']'),'')"
    )
    extracted = f"JSONExtract({as_list},'Array({MESSAGE})')"
    texts = shared(f"if({as_list}='',CAST([],'Array(String)'),{message_texts(extracted)})")
    word = shared(f"if(startsWith({sent},'\"'),JSONExtractString({sent}),'')")
    return (
        f"multiIf({sent}='',CAST([],'Array(String)'),{word}!='',[{word}],"
        f"NOT (startsWith({sent},'[') OR startsWith({sent},'{{')),[{sent}],notEmpty({texts}),{texts},[{decoded(sent)}])"
    )


def tool_calls(source: str) -> str:
    """Array(String) of name and arguments of each tool call in a JSON list."""
    extracted = f"JSONExtract({source},'Array(Tuple(toolName String, name String, input String, args String))')"
    return f"if({source}='',CAST([],'Array(String)'),arrayFilter(w->w!='',arrayMap(t->trim(concat(t.1,t.2,' ',t.3,t.4)),{extracted})))"


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
