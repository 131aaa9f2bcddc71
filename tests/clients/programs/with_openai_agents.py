"""The OpenAI Agents SDK under OpenInference's instrumentation: responses API, one tool, a hand-off."""

from __future__ import annotations

from agents import Agent, Runner, function_tool
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from scenarios import MODEL, PROJECT, QUESTION, SESSION, TOOL_RESULT, USER, WEATHER

import clew

clew.init(PROJECT)
OpenAIAgentsInstrumentor().instrument()


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city"""
    return TOOL_RESULT


weather = Agent(name="weather_agent", instructions="Be brief.", model=MODEL, tools=[get_weather])
talker = Agent(name="talker", instructions="Be brief.", model=MODEL)
with clew.session(SESSION), clew.user(USER):
    Runner.run_sync(weather, WEATHER)
    Runner.run_sync(talker, QUESTION)
