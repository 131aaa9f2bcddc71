"""pydantic-ai's own instrumentation: an agent with one tool, and one that streams."""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from scenarios import MODEL, PROJECT, QUESTION, SESSION, TOOL_RESULT, USER, WEATHER

import clew

clew.init(PROJECT)
Agent.instrument_all()
model = OpenAIChatModel(MODEL)
agent = Agent(model, name="weather_agent", instructions="Be brief.")


@agent.tool_plain
def get_weather(city: str) -> str:
    """The weather in a city"""
    return TOOL_RESULT


async def stream() -> None:
    talker = Agent(model, name="talker", instructions="Be brief.")
    async with talker.run_stream(f"{QUESTION} [streamed]") as result:
        async for _ in result.stream_text():
            pass


with clew.session(SESSION), clew.user(USER):
    agent.run_sync(WEATHER)
    asyncio.run(stream())
