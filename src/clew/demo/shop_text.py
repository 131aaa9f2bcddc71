"""The shop assistant's prompts and tools, as its developers wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from clew.demo.spans import json_text

_RULES = """You are the service assistant of {shop}. You help customers with orders, returns, refunds, sizes and products.

What you may do
- Look up orders, returns and parcels with the tools. Never guess an order's state: if a tool gives no answer, say so and offer a call back.
- Start a refund, an exchange or a cancellation only for the order that the customer names, and only once per turn.
- Change a delivery address until the parcel is packed; afterwards ask the carrier to redirect it.
- Recommend at most three articles that are in stock, with their prices, and say in one sentence why each fits.
- For rules (return period, warranty, delivery, payment, codes) use only the help texts below. If they do not hold the answer, hand over.

What you may not do
- Do not promise a date that no tool gave you. Do not give discounts other than the courtesy code, and that only once per customer.
- Do not ask for card numbers or passwords. If the customer sends one, do not repeat it.
- Do not talk about other customers, other shops, suppliers or prices of competitors.

How a refund works: the warehouse books the return in, the refund leaves within two working days, card payments take the bank up to three
more. Refunds above 500 are released by a person. Exchanges reserve the new size for seven days. Damaged articles up to 80 stay there."""

_STYLE = {
    "v6": """
How you write: friendly and plain, formal address, answer in the customer's language, whichever it is. Start with the answer, then give
details. Do not list everything you know; one or two paragraphs are enough. If you are not sure which order is meant, ask first.""",
    "v7": """
How you write
- First sentence: the answer to the question, with the order number, the amount and the date the tools gave you.
- Second sentence: what happens next and by when. Third, only if needed: what the customer has to do.
- Answer in English, Spanish, Chinese or Arabic, as the customer writes. Use formal address. No lists, no headings.
- If the tools contradict the customer, say politely what they show and offer to have it checked.
- If you are not sure which order is meant, use the newest open one and name it.""",
}

TOOLS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "lookup_order": ("Read an order with its articles, parcels and payments.", {"order_id": "8 digits"}),
    "refund_status": ("State of the refund of an order.", {"order_id": "8 digits"}),
    "start_refund": (
        "Start a refund for an order or one article of it.",
        {"order_id": "8 digits", "article_id": "optional", "reason": "text"},
    ),
    "check_stock": ("Is an article in stock, in which sizes?", {"article_id": "text", "size": "optional"}),
    "create_return_label": ("Make a return label and mail it.", {"order_id": "8 digits", "exchange_to": "optional size"}),
    "track_parcel": ("Scans of a parcel.", {"tracking": "text"}),
    "change_address": ("Change the delivery address of an order.", {"order_id": "8 digits", "address": "text"}),
    "cancel_order": ("Cancel an order that is not packed.", {"order_id": "8 digits"}),
    "check_voucher": ("Is a code valid, for what, until when?", {"code": "text"}),
    "send_document": ("Mail a confirmation or invoice.", {"order_id": "8 digits", "kind": "confirmation or invoice"}),
}

# Which tools a turn calls, in order; every lookup is a model call of its own.
CALLS: Mapping[str, tuple[str, ...]] = {
    "refund_late": ("lookup_order", "refund_status"),
    "wrong_size": ("lookup_order", "check_stock", "create_return_label"),
    "where_is_it": ("lookup_order", "track_parcel"),
    "damaged": ("lookup_order", "start_refund"),
    "recommend": ("check_stock",),
    "address": ("lookup_order", "change_address"),
    "cancel": ("lookup_order", "cancel_order"),
    "voucher": ("check_voucher",),
    "proof": ("send_document",),
    "not_helpful": ("lookup_order",),
    "in_my_language": ("lookup_order",),
}
RETRIEVES = frozenset({"policy", "recommend", "refund_late", "damaged", "voucher"})
GUARDED = frozenset({"refund_late", "damaged", "recommend", "policy", "not_helpful"})

TEMPLATES = {version: _RULES + style for version, style in _STYLE.items()}


def system_prompt(version: str, tenant: str, clock: str, first: bool) -> str:
    """The system message. While ``first``, the time stood at its beginning, which kept providers from caching what follows it."""
    text = TEMPLATES[version].replace("{shop}", tenant)
    return f"It is {clock}.\n\n{text}" if first else f"{text}\n\nIt is {clock}."


@cache
def tool_schema(name: str) -> str:
    """A tool as it is offered to the model."""
    description, arguments = TOOLS[name]
    properties = {key: {"type": "string", "description": told} for key, told in arguments.items()}
    required = [key for key, told in arguments.items() if "optional" not in told]
    parameters = {"type": "object", "properties": properties, "required": required}
    return json_text({"type": "function", "function": {"name": name, "description": description, "parameters": parameters}})
