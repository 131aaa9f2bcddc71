"""``clew trace | session``: one trace as a tree, one span whole, one session as a conversation."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.text import Text

from clew.cli import asking
from clew.cli.connection import connect, query
from clew.cli.options import AsJson, Data, Project, Url, settings_for
from clew.cli.output import Column, block, duration, moment, money, number, plain, print_json, print_table, stdout, tokens

SHOWN_ATTRIBUTE = 200  # characters of an attribute's value in a span's list; --json has them whole


def trace(
    trace_id: Annotated[str, typer.Argument(help="32 hex digits.")],
    span: Annotated[str | None, typer.Option("--span", help="One span of it, whole: 16 hex digits.", show_default=False)] = None,
    otlp: Annotated[bool, typer.Option("--otlp", help="The OTLP/JSON record as it was sent.")] = False,
    project: Project = None,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one trace as a tree."""
    path = f"/traces/{quote(trace_id, safe='')}"
    path += f"/spans/{quote(span, safe='')}" if span else "/otlp" if otlp else ""
    with connect(settings_for(data), url) as connection:
        found = asking.find(connection, project, path)
    if as_json or (otlp and not span):
        print_json(found)
    elif span:
        print_span(found)
    else:
        print_trace(found)


def print_trace(found: dict[str, Any]) -> None:
    """The verdict, the tree, the scores."""
    row = found["row"]
    cost = money(row["cost"]["micros"], row["cost"]["unknown"])
    length = duration(found["end_ns"] - found["start_ns"])
    verdict = f"{number(row['spans'])} spans, {number(row['errors'])} errors, {length}, {tokens(row['tokens'])} tokens, {cost}"
    stdout.print(plain(f"{found['project']} · {moment(found['start_ns'])} · {verdict}", style="bold"), soft_wrap=True)
    if found["root_missing"]:
        stdout.print("The root of this trace has not arrived.", style="yellow")
    print_table(NODE_COLUMNS, [node_cells(node) for node in found["nodes"]])
    print_scores(found["scores"])


NODE_COLUMNS = [
    Column("span", cut=True),
    Column("id"),
    Column("kind"),
    Column("latency", right=True),
    Column("self", right=True),
    Column("tokens", right=True),
    Column("cost", right=True),
    Column("model", cut=True),
    Column("", cut=True),
]


def node_cells(node: dict[str, Any]) -> list[str]:
    """One node of the tree as a row."""
    span = node["span"]
    notes = ["error: " + (span["status_message"] or span["error_type"])] if span["status"] == "error" else []
    return [
        f"{'  ' * node['depth']}{'▸ ' if node['critical'] else '  '}{span['name']}",
        span["span_id"],
        span["kind"],
        duration(span["duration_ns"]),
        duration(node["self_ns"]),
        tokens(span["tokens"]),
        money(span["cost_micros"]),
        span["model"],
        " · ".join([*notes, *node["marks"]]),
    ]


def print_scores(scores: list[dict[str, Any]]) -> None:
    """Judgements, each with who made it and why."""
    for score in scores:
        value = score["label"] or number(score["value"])
        by = score["source"] + (f" {score['author']}" if score["author"] else "")
        reason = f": {score['reason']}" if score["reason"] else ""
        stdout.print(plain(f"score {score['name']} = {value} ({by}){reason}"), soft_wrap=True)


def print_span(found: dict[str, Any]) -> None:
    """One span: what went in, what came out, and its attributes as they were sent."""
    row, record = found["row"], found["record"]
    facts = [row["kind"], row["model"], duration(row["duration_ns"]), f"{tokens(row['tokens'])} tokens", money(row["cost_micros"])]
    stdout.print(plain(f"{row['name']} · {moment(row['start_ns'])} · {' · '.join(filter(None, facts))}", style="bold"), soft_wrap=True)
    if row["status"] == "error":
        stdout.print(plain(f"error: {row['status_message'] or row['error_type']}", style="red"), soft_wrap=True)
    for name in ("input", "output"):
        if text := record.get(f"{name}_text"):
            stdout.print(Text(f"\n{name}", style="bold"))
            stdout.print(block(text), soft_wrap=True)
    stdout.print(Text("\nattributes", style="bold"))
    for attribute in found["otlp"].get("attributes", []):
        value = attribute_text(attribute.get("value") or {})
        cut = value if len(value) <= SHOWN_ATTRIBUTE else f"{value[:SHOWN_ATTRIBUTE]}… ({number(len(value))} characters)"
        stdout.print(plain(f"{attribute['key']} = {cut}"), soft_wrap=True)
    print_scores(found["scores"])


def attribute_text(value: dict[str, Any]) -> str:
    """An OTLP value as a person would write it."""
    kind: str = next(iter(value), "")
    inner: Any = value.get(kind, "")
    if kind == "arrayValue":
        return "[" + ", ".join(attribute_text(item) for item in inner.get("values", [])) + "]"
    if kind == "kvlistValue":
        return "{" + ", ".join(f"{item['key']}: {attribute_text(item.get('value') or {})}" for item in inner.get("values", [])) + "}"
    return str(inner).lower() if isinstance(inner, bool) else str(inner)


def session(
    session_id: Annotated[str, typer.Argument(help="The session's id as the application sent it.")],
    project: Project = None,
    data: Data = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show one session as a conversation."""
    with connect(settings_for(data), url) as connection:
        found = asking.find(connection, project, query(f"/sessions/{quote(session_id, safe='')}"))
    if as_json:
        print_json(found)
        return
    row = found["row"]
    cost = money(row["cost"]["micros"], row["cost"]["unknown"])
    verdict = f"{number(row['traces'])} turns, {number(row['errors'])} errors, {tokens(row['tokens'])} tokens, {cost}"
    stdout.print(plain(f"{found['project']} · {moment(row['start_ns'])} · {row['user_id']} · {verdict}", style="bold"), soft_wrap=True)
    for turn in found["turns"]:
        print_turn(turn)
    print_scores(found["scores"])


def print_turn(turn: dict[str, Any]) -> None:
    """What went in and what came out of one trace."""
    root = turn["trace"]["root"]
    facts = f"{moment(root['start_ns'])}  {root['name']}  {duration(root['duration_ns'])}  {root['trace_id']}"
    stdout.print(Text("\n").append_text(plain(facts, style="dim")), soft_wrap=True)
    for mark, text in (("→ ", turn["input_text"]), ("← ", turn["output_text"])):
        if text:
            stdout.print(Text(mark, style="bold").append_text(block(text)), soft_wrap=True)
    if root["status"] == "error":
        stdout.print(plain(f"error: {root['status_message'] or root['error_type']}", style="red"), soft_wrap=True)
