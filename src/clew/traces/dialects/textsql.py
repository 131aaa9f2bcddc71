"""SQL for the readable text of values: protobuf lists, structured messages, JSON messages. ``textform.py`` is the same in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NO_TEXTS = "CAST([],'Array(String)')"


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def array(texts: Iterable[str]) -> str:
    """An array literal of strings."""
    return "[" + ",".join(quoted(text) for text in texts) + "]"


def unquoted(text: str) -> str:
    """Text out of the quotes of a sender that encodes every value as JSON; what only begins with a quote stays as it is."""
    return f"if(ascii({text})=34 AND isValidJSON({text}),JSONExtractString({text}),{text})"


# ── protobuf ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

# Where a varint in ``x`` ends, and its value; lengths of up to three bytes (2 MiB).
_SIZE = "multiIf(ascii({x})<128,1,ascii(substring({x},2,1))<128,2,3)"
_VALUE = (
    "bitAnd(ascii({x}),127)+if(ascii({x})<128,0,bitShiftLeft(bitAnd(toUInt32(ascii(substring({x},2,1))),127),7)"
    "+if(ascii(substring({x},2,1))<128,0,bitShiftLeft(toUInt32(ascii(substring({x},3,1))),14)))"
)


def _size(x: str) -> str:
    return _SIZE.format(x=x)


def _value(x: str) -> str:
    return _VALUE.format(x=x)


def any_texts(pieces: str) -> str:
    """Pieces that start with the length of an AnyValue → its text; what holds no text becomes its printable bytes."""
    bodies = f"arrayMap(p->substring(p,1+{_size('p')},{_value('p')}),{pieces})"
    noise = "trim(toValidUTF8(replaceRegexpAll(b,'[\\\\x00-\\\\x1f]+',' ')))"
    return f"arrayMap(b->if(ascii(b)=10,substring(b,2+{_size('substring(b,2,3)')}),{noise}),{bodies})"


def first_of_list(raw: str) -> str:
    """The first text of a protobuf ArrayValue."""
    return f"{any_texts(f'[substring({raw},2)]')}[1]"


def list_of_text(raw: str) -> str:
    """All texts of a protobuf ArrayValue (tags: at most 64 are read)."""
    step = f"(a,i)->if(a.1='',a,(substring(a.1,2+{_size('substring(a.1,2,3)')}+{_value('substring(a.1,2,3)')}),arrayPushBack(a.2,substring(a.1,2))))"
    pieces = f"arrayFold({step},range(least(64,intDiv(length({raw}),4)+1)),({raw},CAST([],'Array(String)'))).2"
    return f"arrayFilter(t->t!='',{any_texts(pieces)})"


def structured(raws: str) -> str:
    """For each structured message list, Array(String): what stands behind the keys a person would read."""
    # A KeyValue on the wire is its key (tag 0x0a, length, text) and then tag 0x12 with the length of its value.
    marked = "r"
    for key in ("arguments", "response", "result"):
        marked = f"replaceAll({marked},'\\n\\x{len(key):02x}{key}\\x12','\\n\\x07content\\x12')"
    pieces = f"arrayPopFront(splitByString('\\n\\x07content\\x12',{marked}))"
    return f"arrayMap(r->arrayFilter(w->w!='',{any_texts(pieces)}),{raws})"


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

PART_FIELDS = ("name", "toolName", "arguments", "input", "args", "text", "content", "response", "result", "output")
_PART = ",".join(f"{name} String" for name in PART_FIELDS)
_CALL = "function Tuple(name String,arguments String),name String,args String,toolName String,input String"
MESSAGE = (
    f"content String,text String,parts Array(Tuple({_PART})),tool_calls Array(Tuple({_CALL})),name String,arguments String,output String,"
    f"data Tuple(content String),toolName String,input String,message Tuple(content String,tool_calls Array(Tuple({_CALL})))"
)
# The member of a JSON object that holds the messages; the first that stands in the text.
WHOLES = ("messages", "choices", "output", "role", "prompt", "input")


def _as_list(s: str) -> str:
    """JSON text that is a list of messages, as far as a look can tell; '' where it is none."""
    names = "".join(f"position({s},'\"{name}\"')>0,'{name}'," for name in WHOLES)
    inner = f"arrayMap(n->multiIf(n='','',n='role',concat('[',{s},']'),JSONExtractRaw({s},n)),[multiIf({names}'')])[1]"
    # One word in the place of messages is a prompt only in a request; elsewhere it is a member like the others.
    request = f"position({s},'\"model\"')+position({s},'\"system\"')=0"
    return f"multiIf(ascii({s})=91,{s},ascii({s})=123,arrayMap(r->if(ascii(r)=34 AND {request},'',r),[{inner}])[1],'')"


def _calls(calls: str) -> str:
    return f"arrayMap(t->trim(concat(t.1.1,t.2,t.4,' ',t.1.2,t.3,t.5)),{calls})"


def _message(m: str) -> str:
    """What a person reads of one message: its words, then its parts, then the tools it calls."""
    part = "trim(concat(p.1,p.2,' ',p.3,p.4,p.5,p.6,p.7,p.8,p.9,p.10))"
    content = f"concat({m}.1,{m}.8.1,{m}.11.1)"
    parts = f"arrayMap(p->{part},arrayConcat({m}.3,JSONExtract(if(startsWith({content},'['),{content},''),'Array(Tuple({_PART}))')))"
    own = f"if({m}.6='',{m}.7,concat({m}.5,' ',{m}.6))"
    flow = f"if({m}.10='','',concat({m}.9,' ',{m}.10))"
    words = f"arrayConcat({parts},{_calls(f'arrayConcat({m}.4,{m}.11.2)')})"
    return (
        f"arrayMap(w->arrayStringConcat(arrayFilter(x->x!='',arrayConcat([if(startsWith({content},'[') AND notEmpty(w),'',{content}),{m}.2],w,"
        f"[{own},{flow}])),'\\n'),[arrayFilter(x->x!='',{words})])[1]"
    )


def message_texts(sides: str) -> str:
    """For each of some texts (an Array(String)), Array(String): what a person reads of each message in it; empty where it holds none."""
    lists = f"arrayMap(s->{_as_list('s')},{sides})"
    read = f"arrayMap(m->{_message('m')},JSONExtract(l,'Array(Tuple({MESSAGE}))'))"
    return f"arrayMap(l->arrayFilter(x->x!='',if(ascii(l)=34,[JSONExtractString(l)],{read})),{lists})"


def words(raws: str) -> str:
    """For each text that is no message list, Array(String): a JSON string without its quotes, other JSON with its ``\\u`` escapes written out."""
    as_json = "if(ascii(s)=34,JSONExtractString(s),if(ascii(s) IN (91,123) AND position(s,'\\\\u')>0,JSONExtractRaw(s),''))"
    return f"arrayMap(s->if(s='',{NO_TEXTS},arrayMap(j->if(j='',s,j),[{as_json}])),{raws})"


# ── events and prefixes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def first_event_time(names: Sequence[str]) -> str:
    """The time of the first event that marks the first token, 0 where there is none."""
    marks = array(f"\x12{chr(len(name))}{name}" for name in names)
    found = f"arrayFirst(e->ascii(e)=9 AND has({marks},substring(e,10,2+ascii(substring(e,11,1)))),events)"
    return f"toInt64(reinterpretAsUInt64(substring({found},2,8)))"


def exception_type() -> str:
    """The type of the first exception event."""
    marker = "\\n\\x0eexception.type\\x12"
    return f"{any_texts(f'arrayMap(e->substring(e,position(e,{chr(39)}{marker}{chr(39)})+17),arrayFilter(e->position(e,{chr(39)}{marker}{chr(39)})>0,events))')}[1]"


def object_of(prefixes: Sequence[str]) -> str:
    """A JSON object of the attributes under some prefixes. Text that is JSON already stays as it is; '' where there are none."""
    pattern = "^(" + "|".join(prefix.replace(".", "\\.") for prefix in prefixes) + ")"
    named = f"toJSONString(replaceRegexpOne(toString(k),{quoted(pattern)},''))"
    as_is = "isValidJSON(s) AND match(s,'^[\"\\\\[{tfn0-9-]')"
    value = f"multiIf(v='s',if({as_is},s,toJSONString(s)),v='i',toString(i),v='b',if(i=1,'true','false'),v='d' AND isFinite(d),toString(d),'null')"
    pairs = (
        f"arrayMap((k,v,s,i,d)->if(match(k,{quoted(pattern)}) AND v NOT IN ('l','m','y'),concat({named},':',{value}),''),ak,av,as_,ai,ad)"
    )
    return f"arrayMap(o->if(o='','',concat('{{',o,'}}')),[arrayStringConcat(arrayFilter(w->w!='',{pairs}),',')])[1]"
