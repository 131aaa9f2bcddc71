"""OpenInference's instrumentation of the openai package, exported by the plain OpenTelemetry SDK."""

from __future__ import annotations

import openai
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai import OpenAIInstrumentor
from scenarios import MODEL, QUESTION, SESSION, USER, plain_provider, run_openai

provider = plain_provider()
OpenAIInstrumentor().instrument(tracer_provider=provider)
client = openai.OpenAI(max_retries=0)
with using_attributes(session_id=SESSION, user_id=USER, metadata={"tier": "gold"}, tags=["a", "b"]):
    run_openai(client)
    client.responses.create(model=MODEL, input=f"{QUESTION} [responses]")
provider.shutdown()
