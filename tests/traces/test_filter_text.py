"""A filter's text and its tree: one spelling per meaning, mistakes that point at their character, limits that have names."""

from __future__ import annotations

import dataclasses
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.traces.filter import (
    EVERYTHING,
    And,
    FieldRef,
    FilterError,
    Node,
    Not,
    Or,
    Scope,
    Search,
    Test,
    Value,
    compile_filter,
    format_filter,
    parse,
    sentence,
)
from clew.traces.filter.fields import BY_NAME, FIELDS, OPS, type_of
from clew.traces.filter.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS
from reference.filter_worlds import trees

SCOPES: tuple[Scope, ...] = ("span", "trace", "session")
PIECES = (
    "kind", "latency", "score.x", "attr.", 'attr."k"', "and", "or", "not", "in", "exists", "missing", "has", "any(", "count(", "(", ")",
    ",", "=", "!=", "<", ">=", "~", "!~", "2s", "$1", "4k", "LLM", "true", '"', "“", "”", "'", "\\", "root.", "2026-11-20", "since",
    "24h", " ", "é", "退",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
)


@pytest.mark.parametrize("scope", SCOPES)
def test_the_canonical_text_reads_back_to_the_same_tree(scope: Scope) -> None:
    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(trees(scope))
    def round_trip(tree: Node) -> None:
        text = format_filter(tree)
        again = parse(text, scope)
        assert repr(again) == repr(tree)  # repr, since True == 1 and 1 == 1.0
        assert format_filter(again) == text

    round_trip()


@pytest.mark.parametrize("scope", SCOPES)
def test_any_text_is_read_or_refused_with_a_place_in_it(scope: Scope) -> None:
    @settings(max_examples=500, deadline=None, derandomize=True)
    @given(TEXTS)
    def read(text: str) -> None:
        try:
            tree = parse(text, scope)
        except FilterError as error:
            refused = error
        else:
            assert repr(parse(format_filter(tree), scope)) == repr(tree)
            assert sentence(tree, scope)
            assert compile_filter(tree, scope).where
            return
        assert 0 <= refused.position <= len(text)
        assert str(refused)

    read()


def test_a_message_repeats_only_the_beginning_of_a_long_word() -> None:
    for text in ("x" * 3000 + " = 1", "latency > " + "x" * 3000, "kind = LLM " + "x" * 3000):
        with pytest.raises(FilterError) as caught:
            parse(text)
        assert len(str(caught.value)) < 400


def test_half_a_character_is_refused_before_it_reaches_the_store() -> None:
    with pytest.raises(FilterError, match="character 9 is half a character") as caught:
        parse("model = \ud83d")
    assert caught.value.position == 8


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(min_size=1, max_size=30))
def test_any_text_can_be_searched_for_and_any_key_asked(text: str) -> None:
    assert parse(format_filter(Search(text))) == Search(text)
    for name in ("attr", "metadata", "score"):
        test = Test(FieldRef(name, text), "exists")
        assert parse(format_filter(test)) == test


def test_nothing_of_a_customers_text_stands_in_the_sql() -> None:
    told = {"s3cret", "k3y", "v4lue", "'; DROP", "sc0re", "l4bel", "t4g"}
    text = """"s3cret" and attr."k3y" = "v4lue" and name ~ "'; DROP" and score."sc0re".label = "l4bel" and tag ~ t4g"""
    sql = compile_filter(parse(text))
    assert set(sql.params.values()) == told
    assert not any(word in sql.where for word in told)


def test_the_same_value_is_bound_once() -> None:
    assert compile_filter(parse("model = x or provider = x")).params == {"f0": "x"}


def test_parameters_take_the_callers_prefix_so_that_two_filters_can_stand_in_one_statement() -> None:
    assert compile_filter(parse("model = x"), prefix="before").params == {"before0": "x"}


def test_subqueries_look_only_at_the_spans_that_the_caller_bounds() -> None:
    sql = compile_filter(parse("model = x", "trace"), "trace", within="start_ns >= {since_ns:Int64}", project_param="p")
    spans = "SELECT trace_id FROM spans WHERE project_id = {p:UInt32} AND (start_ns >= {since_ns:Int64}) AND (model = {f0:String})"
    assert sql.where == f"trace_id IN ({spans})"


@pytest.mark.parametrize("text", ["spans > 3", "any(status = error)", "root.kind = LLM"])
def test_a_tree_of_another_scope_is_refused_not_compiled(text: str) -> None:
    with pytest.raises(FilterError):
        compile_filter(parse(text, "trace"), "span")


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_filter_may_have_4000_characters_and_no_more() -> None:
    assert MAX_CHARACTERS == 4000
    assert parse('"' + "x" * 3998 + '"') == Search("x" * 3998)
    with pytest.raises(FilterError, match="4001 characters; at most 4000"):
        parse('"' + "x" * 3999 + '"')


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("not ", ""), ("not (", ")")])
def test_brackets_and_nots_may_stand_50_deep_and_no_more(opening: str, closing: str) -> None:
    deepest = MAX_DEPTH // (2 if opening == "not (" else 1)
    assert MAX_DEPTH == 50
    parse(opening * deepest + "a" + closing * deepest)
    with pytest.raises(FilterError, match="more than 50") as caught:
        parse(opening * (deepest + 1) + "a" + closing * (deepest + 1))
    assert caught.value.position > 0


def test_depth_counts_what_is_open_and_not_what_was() -> None:
    parse(" and ".join(["(a)"] * 60))


@pytest.mark.parametrize("text", ["a " * 200, " or ".join(["tag=a"] * 200), f"tag in ({','.join(['a'] * 200)})"])
def test_a_filter_may_have_200_conditions_and_values_and_no_more(text: str) -> None:
    assert MAX_TERMS == 200
    parse(text.strip())
    with pytest.raises(FilterError, match="more than 200"):
        parse(f"{text} and b" if not text.endswith(" ") else f"{text} b")


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_two_fields_share_a_name_and_each_explains_itself() -> None:
    assert len(BY_NAME) == sum(1 + len(field.aliases) for field in FIELDS)
    assert all(field.help and (field.column or field.total or field.family) for field in FIELDS)
    assert all(field.total for field in FIELDS if "total" in (field.trace, field.session))


def test_names_of_fields_are_plain_words() -> None:
    plain = set(string.ascii_lowercase + "_.")
    assert all(set(name) <= plain for name in BY_NAME)


def test_every_type_has_its_operators() -> None:
    assert {type_of(FieldRef(field.name)) for field in FIELDS} <= set(OPS)


# ── trees ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_empty_text_is_the_filter_that_selects_everything() -> None:
    assert parse("  ") == EVERYTHING == And(())


def test_and_binds_before_or_and_not_before_both() -> None:
    a, b, c = Search("a"), Search("b"), Search("c")
    assert parse("a or b and not c") == Or((a, And((b, Not(c)))))
    assert parse("(a or b) and c") == And((Or((a, b)), c))
    assert parse("a and (b and c)") == And((a, b, c))


def test_trees_cannot_be_changed() -> None:
    test = parse("model = x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        test.op = "!="  # type: ignore[misc,union-attr]


def test_a_value_is_kept_in_the_unit_of_its_field() -> None:
    assert parse("latency = 1.5s") == Test(FieldRef("latency"), "=", (Value("whole", 1_500_000_000),))
    assert parse("cost = $0.000000001") == Test(FieldRef("cost"), "=", (Value("whole", 1),))
    assert parse("start > 1970-01-01T00:00:01.000000001Z") == Test(FieldRef("start"), ">", (Value("moment", 1_000_000_001),))
    assert parse("start < 1969-12-31T23:59:59.999999999Z") == Test(FieldRef("start"), "<", (Value("moment", -1),))
