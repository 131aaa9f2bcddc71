"""Reads provider and model names as they are seen in the wild: the platform that charges, and the name it lists the model under.

Pure text; whether a price exists is the price book's question. The words come from the gen_ai and OpenInference attribute tables, the
Vercel AI SDK's ``provider.kind`` names, LiteLLM's and OpenRouter's prefixes and the clouds' model paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Words of a provider's name, most telling first: "azure.ai.openai" is charged by Azure, "gcp.vertex_ai" by Google.
_PLATFORM_WORDS = (
    ("openrouter", "openrouter"),
    ("azure", "azure"),
    ("az", "azure"),
    ("bedrock", "aws"),
    ("aws", "aws"),
    ("vertex", "google"),
    ("vertexai", "google"),
    ("gemini", "google"),
    ("google", "google"),
    ("copilot", "github-copilot"),
    ("databricks", "databricks"),
    ("cloudflare", "cloudflare"),
    ("workersai", "cloudflare"),
    ("fireworks", "fireworks"),
    ("together", "together"),
    ("togetherai", "together"),
    ("groq", "groq"),
    ("cerebras", "cerebras"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("mistralai", "mistral"),
    ("cohere", "cohere"),
    ("xai", "x-ai"),
    ("grok", "x-ai"),
    ("perplexity", "perplexity"),
    ("moonshot", "moonshotai"),
    ("moonshotai", "moonshotai"),
    ("voyage", "voyageai"),
    ("voyageai", "voyageai"),
    ("anthropic", "anthropic"),
    ("openai", "openai"),
)

# Platforms whose prices are not in the book or that run on the user's own machines: a price by the model's name alone would be made up.
_NO_LIST_PRICE = frozenset({
    "ollama", "vllm", "lmstudio", "llamacpp", "llamafile", "localai", "tgi", "mlx", "transformers", "triton",
    "sagemaker", "watsonx", "ibm", "nvidia", "nim", "replicate", "snowflake", "oci",
})  # fmt: skip

_PREFIX_PLATFORM = {
    "anthropic": "anthropic",
    "azure": "azure",
    "azure_ai": "azure",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks",
    "gemini": "google",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together_ai": "together",
    "vertex_ai": "google",
    "voyage": "voyageai",
    "x-ai": "x-ai",
    "xai": "x-ai",
}
_BEDROCK_MAKERS = "amazon|anthropic|meta|cohere|ai21|mistral|deepseek|qwen|writer|openai|moonshotai|moonshot|minimax|zai|google|nvidia"
_BEDROCK = re.compile(rf"^(?:(?:us|eu|apac|jp|au|ca|us-gov|global)\.)?(?:{_BEDROCK_MAKERS})\.")
_PUBLISHER = re.compile(r"(?:^|/)publishers/[^/]+/models/(.+)$")
_BEDROCK_ROUTE = re.compile(r"^(?:converse|converse_like|invoke|[a-z]{2}(?:-gov)?-[a-z]+-\d)/")


@dataclass(frozen=True)
class Platform:
    """Who charges: ``id`` in the price book, or None; ``priced`` is False where no list price can hold."""

    id: str | None
    priced: bool = True


@dataclass(frozen=True)
class Reading:
    """One way to read a model's name. ``platform`` None = the stated one. ``by_shape``: only that platform writes names like this."""

    platform: str | None
    model: str
    by_shape: bool = False


def read_platform(provider: str, known: frozenset[str]) -> Platform:
    """The platform behind a provider attribute; ``known`` are the ids of the price book."""
    text = provider.strip().lower()
    if text in known:
        return Platform(text)
    words = [word for word in re.split(r"[^a-z0-9]+", text) if word]
    if "compatible" in words or not words:
        return Platform(None)
    if not _NO_LIST_PRICE.isdisjoint({*words, "".join(words)}):
        return Platform(None, priced=False)
    if "huggingface" in words:
        return _hugging_face(words, known)
    joined = "".join(words)
    return Platform(next((platform for word, platform in _PLATFORM_WORDS if word in words or word == joined), None))


def _hugging_face(words: list[str], known: frozenset[str]) -> Platform:
    route = next(
        (name for name in sorted(known) if name.startswith("huggingface_") and set(re.split(r"[^a-z0-9]+", name)) <= set(words)), None
    )
    return Platform(route, priced=route is not None)


def read_model(model: str) -> tuple[Reading, ...]:
    """The ways to read a model's name, the likeliest first; the name as it stands always comes first."""
    name = model.strip().lower()
    readings = [Reading(None, name)]
    tail = name.rsplit("/", 1)[-1]
    if name.startswith("arn:aws"):
        readings.append(Reading("aws", tail, by_shape=True))
    elif match := _PUBLISHER.search(name):
        readings.append(Reading("google", match[1], by_shape=True))
    elif name.startswith(("models/", "tunedmodels/")):
        readings.append(Reading("google", tail, by_shape=True))
    elif name.startswith("accounts/fireworks/"):
        readings.append(Reading("fireworks", name, by_shape=True))
    elif name.startswith("@cf/"):
        readings.append(Reading("cloudflare", name, by_shape=True))
    elif _BEDROCK.match(name):
        readings.append(Reading("aws", name, by_shape=True))
    elif "/" in name:
        readings.extend(_prefixed(name))
    return tuple(readings)


def _prefixed(name: str) -> list[Reading]:
    prefix, _, rest = name.partition("/")
    if (platform := _PREFIX_PLATFORM.get(prefix)) is None or not rest:
        return []
    if platform == "aws":
        while match := _BEDROCK_ROUTE.match(rest):
            rest = rest[match.end() :]
    return [Reading(platform, rest)]
