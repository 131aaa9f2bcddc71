"""Provider and model names as they are seen in the wild lead to the price of who charges, or to none."""

from __future__ import annotations

import pytest

from clew.traces.cost import PriceBook

NOV_2025 = 1_762_000_000 * 10**9

# provider attribute, model, the price's id in the book (None = unknown)
SEEN = [
    ("openai", "gpt-4o", "openai:gpt-4o"),
    ("openai", "gpt-4o-2024-08-06", "openai:gpt-4o"),
    ("openai", "GPT-4o", "openai:gpt-4o"),
    ("openai.chat", "gpt-4o-mini", "openai:gpt-4o-mini"),
    ("openai.responses", "o3", "openai:o3"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "openai:ft:gpt-4o-mini"),
    ("", "ft:gpt-4o-mini-2024-07-18:org::id", "openai:ft:gpt-4o-mini"),
    ("", "gpt-4o", "openai:gpt-4o"),
    ("", "openai/gpt-4o", "openai:gpt-4o"),
    ("my-gateway", "gpt-4o", "openai:gpt-4o"),
    ("openai", "text-embedding-3-small", "openai:text-embedding-3-small"),
    ("azure.ai.openai", "gpt-4o-2024-08-06", "azure:gpt-4o"),
    ("az.ai.openai", "gpt-4o", "azure:gpt-4o"),
    ("azure_openai", "gpt-4o", "azure:gpt-4o"),
    ("azure-openai.chat", "gpt-4o", "azure:gpt-4o"),
    ("azure.ai.inference", "gpt-35-turbo", "azure:gpt-3.5-turbo"),
    ("litellm", "azure/gpt-4o", "azure:gpt-4o"),
    ("anthropic", "claude-sonnet-4-5-20250929", "anthropic:claude-sonnet-4-5"),
    ("anthropic.messages", "claude-3-5-haiku-latest", "anthropic:claude-3-5-haiku-latest"),
    ("anthropic", "anthropic/claude-sonnet-4.5", "anthropic:claude-sonnet-4-5"),
    ("openai", "anthropic/claude-sonnet-4.5", "anthropic:claude-sonnet-4-5"),
    ("aws.bedrock", "anthropic.claude-3-5-sonnet-20240620-v1:0", "aws:regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("amazon-bedrock", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", "aws:regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("anthropic", "us.anthropic.claude-3-5-sonnet-20240620-v1:0", "aws:regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("", "anthropic.claude-3-5-sonnet-20240620-v1:0", "aws:regional.anthropic.claude-3-5-sonnet-20240620-v1:0"),
    (
        "aws",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0",
        "aws:regional.anthropic.claude-sonnet-4-20250514-v1:0",
    ),
    (
        "litellm",
        "bedrock/us-east-1/anthropic.claude-3-5-sonnet-20240620-v1:0",
        "aws:regional.anthropic.claude-3-5-sonnet-20240620-v1:0",
    ),
    ("aws_bedrock", "amazon.nova-pro-v1:0", "aws:amazon.nova-pro-v1:0"),
    ("gcp.gemini", "models/gemini-2.5-pro", "google:gemini-2.5-pro"),
    ("gcp.gen_ai", "gemini-2.5-flash", "google:gemini-2.5-flash"),
    ("google.generative-ai", "gemini-2.5-flash", "google:gemini-2.5-flash"),
    ("vertexai", "publishers/google/models/gemini-2.5-pro", "google:gemini-2.5-pro"),
    ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", "google:claude-sonnet-4-5"),
    ("", "projects/p/locations/us/publishers/anthropic/models/claude-sonnet-4-5@20250929", "google:claude-sonnet-4-5"),
    ("", "gemini/gemini-2.5-pro", "google:gemini-2.5-pro"),
    ("mistral_ai", "mistral-large-latest", "mistral:mistral-large"),
    ("mistralai", "mistral-embed", "mistral:mistral-embed"),
    ("x_ai", "grok-3", "x-ai:grok-3"),
    ("xai.chat", "grok-3", "x-ai:grok-3"),
    ("groq", "llama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"),
    ("groq", "groq/llama-3.3-70b-versatile", "groq:llama-3.3-70b-versatile"),
    ("deepseek", "deepseek-chat", "deepseek:deepseek-chat"),
    ("openai", "deepseek-chat", "deepseek:deepseek-chat"),
    ("fireworks", "accounts/fireworks/models/deepseek-v3-0324", "fireworks:deepseek-v3-0324"),
    ("openai", "accounts/fireworks/models/deepseek-v3-0324", "fireworks:deepseek-v3-0324"),
    ("togetherai", "meta-llama/Llama-3.3-70B-Instruct-Turbo", "together:meta-llama/Llama-3.3-70B-Instruct-Turbo"),
    ("openrouter", "openai/gpt-4o", "openrouter:openai/gpt-4o"),
    ("litellm", "openrouter/openai/gpt-4o", "openrouter:openai/gpt-4o"),
    ("cohere", "command-r-plus-08-2024", "cohere:command-r-plus"),
    ("voyage", "voyage-3", "voyageai:voyage-3"),
    ("perplexity", "sonar-pro", "perplexity:sonar-pro"),
    ("", "text-embedding-3-small", "openai:text-embedding-3-small"),
    # Unknown, and never free:
    ("", "", None),
    ("openai", "", None),
    ("", "our-own-model", None),
    ("openai", "our-own-model", None),
    ("openai", "meta-llama/Llama-3.3-70B-Instruct", None),  # OpenAI's client on somebody's own server
    ("", "meta-llama/llama-3.3-70b-instruct", None),  # a dozen platforms, a dozen prices
    ("ollama", "deepseek-r1", None),
    ("ollama", "gpt-oss:20b", None),
    ("vllm", "mistral-large-2411", None),
    ("openai-compatible", "llama3", None),
    ("ibm.watsonx.ai", "mistral-large", None),
    ("groq", "gpt-4o", None),
    ("openai", "whisper-1", None),  # priced by the hour of audio
    ("openai", "tts-1", None),  # priced by the character
    ("mistral", "mistral-ocr-latest", None),  # priced by the page
    ("github-copilot", "gpt-4o", None),  # part of a subscription
]


@pytest.mark.parametrize(("provider", "model", "wanted"), SEEN, ids=[f"{provider or '-'} {model or '-'}" for provider, model, _ in SEEN])
def test_a_name_seen_in_the_wild_finds_who_charges(provider: str, model: str, wanted: str | None) -> None:
    card = PriceBook().resolve(provider, model, NOV_2025)
    assert (card.version.split(" ", 2)[2] if card else None) == wanted


def test_the_version_names_the_package_and_the_price() -> None:
    card = PriceBook().resolve("openai", "gpt-4o", NOV_2025)
    assert card is not None
    package, version, price = card.version.split(" ")
    assert (package, price) == ("genai-prices", "openai:gpt-4o")
    assert version[0].isdigit()


def test_the_name_that_was_asked_counts_only_where_no_name_answered() -> None:
    book = PriceBook()
    asked_only = book.resolve("openai", "", NOV_2025, asked="gpt-4o")
    assert asked_only is not None
    assert asked_only.version.endswith("openai:gpt-4o")
    assert book.resolve("openai", "somebody-else", NOV_2025, asked="gpt-4o") is None


def test_a_free_variant_costs_nothing_and_is_known() -> None:
    card = PriceBook().resolve("openrouter", "deepseek/deepseek-chat:free", NOV_2025)
    assert card is not None
    assert card.tiers[0].rates.input == card.tiers[0].rates.output == 0


@pytest.mark.parametrize(
    "name", ["a\tb", "line\nbreak", "'; DROP TABLE spans", "\\", "模型", "🧵", "x" * 5000, "/", "//", "arn:aws", "models/", "*"]
)
def test_any_text_can_be_a_name(name: str) -> None:
    assert PriceBook().resolve(name, name, NOV_2025, asked=name) is None
