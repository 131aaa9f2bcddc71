"""The booking agent's instructions and tools."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from clew.demo.spans import json_text

INSTRUCTIONS = """You are the booking agent of Northway Air. You act for travellers in the app, on the website and at airport kiosks.

Rules
- Read the booking before you say anything about it. Never change a booking without the traveller's yes in the turn before.
- Names: corrections of up to three letters are free; a new surname after marriage is free with the certificate; a transfer to someone
  else costs the transfer fee and keeps the fare. After check-in no name can be changed.
- Seats: parties that travel with children under 12 sit together at no charge if seats are free; others pay the fee of the row.
- Bags: economy light has none, economy one of 23 kg, flexible and business two. Bags added up to 48 hours before cost less. Sports
  gear, instruments and strollers are special baggage. A bag charged twice or charged although included is refunded at once.
- Delays: from three hours the traveller may choose another flight or the money. Offer the earliest flight with enough free seats for all
  of them, then a hotel voucher if it is the next day. Cancelled by the airline: the same, without conditions.
- Refunds: flexible fares minus the fee; other fares only taxes. Illness with a doctor's note is a case for the insurance, if there is one.
- Animals up to 8 kg in the cabin, two per flight. Wheelchairs, unaccompanied children and bassinets are free and must be noted.
- If a tool fails twice, say so and hand over to a person. Do not guess flight times, gates or prices.
Write briefly, in the traveller's language, one question at a time."""

TOOLS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "get_booking": ("Read a booking.", {"booking": "6 characters"}),
    "get_flight_status": ("State of a flight.", {"flight": "text", "date": "text"}),
    "search_flights": ("Flights with free seats.", {"origin": "text", "destination": "text", "date": "text", "passengers": "1 to 9"}),
    "change_flight": ("Move passengers to another flight.", {"booking": "6 characters", "flight": "text", "passengers": "list, at most 4"}),
    "change_name": ("Correct or change a passenger's name.", {"booking": "6 characters", "first": "text", "last": "text"}),
    "assign_seats": ("Reserve seats.", {"booking": "6 characters", "seats": "list", "passengers": "list, at most 4"}),
    "add_baggage": ("Add bags.", {"booking": "6 characters", "bags": "number"}),
    "baggage_rules": ("What a fare includes and what more costs.", {"booking": "6 characters"}),
    "start_refund": ("Refund a booking or a fee.", {"booking": "6 characters", "reason": "text"}),
    "trace_bag": ("Where is a bag?", {"reference": "text"}),
    "note_service": ("Note a service on a booking.", {"booking": "6 characters", "service": "text"}),
    "seat_map": ("Free seats of a flight.", {"flight": "text", "date": "text"}),
}

# Which tools a turn calls, in order.
CALLS: Mapping[str, tuple[str, ...]] = {
    "name_change": ("get_booking",),
    "seats_together": ("get_booking", "seat_map"),
    "baggage_fee": ("get_booking", "baggage_rules"),
    "delay_rebook": ("get_booking", "get_flight_status", "search_flights"),
    "cancel_refund": ("get_booking", "start_refund"),
    "status": ("get_flight_status",),
    "extra_help": ("get_booking", "note_service"),
    "lost_bag": ("trace_bag",),
    "upgrade": ("get_booking", "seat_map"),
    "not_helpful": ("get_booking",),
    "proof": ("get_booking",),
}
# What a yes sets in motion, by what it was about.
ON_CONFIRM: Mapping[str, str] = {
    "name_change": "change_name",
    "seats_together": "assign_seats",
    "baggage_fee": "add_baggage",
    "delay_rebook": "change_flight",
    "cancel_refund": "start_refund",
    "extra_help": "note_service",
    "upgrade": "assign_seats",
}


@cache
def definitions() -> str:
    """All tools as they are offered to the model."""
    out = []
    for name, (description, arguments) in TOOLS.items():
        properties = {key: {"type": "string", "description": told} for key, told in arguments.items()}
        parameters = {"type": "object", "properties": properties, "required": list(arguments)}
        out.append({"type": "function", "name": name, "description": description, "parameters": parameters})
    return json_text(out)
