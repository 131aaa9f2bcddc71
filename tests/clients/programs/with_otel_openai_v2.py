"""OpenTelemetry's own instrumentation of the openai package, with ``clew.init`` in the place of an exporter's set-up."""

from __future__ import annotations

import os

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "span_only"

import openai
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from scenarios import PROJECT, SESSION, USER, run_openai

import clew

clew.init(PROJECT)
OpenAIInstrumentor().instrument()
with clew.session(SESSION), clew.user(USER):
    run_openai(openai.OpenAI(max_retries=0))
