"""OpenInference's instrumentation of LangChain: an agent with one tool, and a chain that streams."""

from __future__ import annotations

from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openinference.instrumentation import using_attributes
from openinference.instrumentation.langchain import LangChainInstrumentor
from scenarios import MODEL, QUESTION, SESSION, TOOL_RESULT, USER, WEATHER, plain_provider


@tool
def get_weather(city: str) -> str:
    """The weather in a city"""
    return TOOL_RESULT


provider = plain_provider()
LangChainInstrumentor().instrument(tracer_provider=provider)
model = ChatOpenAI(model=MODEL, max_retries=0, stream_usage=True)
with using_attributes(session_id=SESSION, user_id=USER):
    agent = create_agent(model, [get_weather], system_prompt="Be brief.")
    agent.invoke({"messages": [{"role": "user", "content": WEATHER}]})
    chain = ChatPromptTemplate.from_messages([("system", "Be brief."), ("user", "{question}")]) | model | StrOutputParser()
    for _ in chain.stream({"question": f"{QUESTION} [streamed]"}):
        pass
provider.shutdown()
