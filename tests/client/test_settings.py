"""Settings come from arguments over environment over defaults; what cannot be used is said at once."""

from __future__ import annotations

import pytest

from clew.client.settings import Limits, is_disabled, is_loopback, parse_headers, resolve
from clew.core.errors import ConfigError


def test_nothing_told_means_the_local_server_and_the_default_project() -> None:
    settings = resolve({})
    assert settings.traces_url == "http://127.0.0.1:7464/v1/traces"
    assert settings.scores_url == "http://127.0.0.1:7464/api/v1/scores"
    assert settings.project == "default"
    assert dict(settings.headers) == {"x-clew-project": "default"}


def test_an_argument_wins_over_the_environment() -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "CLEW_PROJECT": "env", "OTEL_SERVICE_NAME": "service"}
    assert resolve(env).traces_url == "http://collector:4318/v1/traces"
    assert resolve(env).project == "env"
    told = resolve(env, project="shop", endpoint="https://clew.example/")
    assert (told.traces_url, told.scores_url, told.project) == (
        "https://clew.example/v1/traces",
        "https://clew.example/api/v1/scores",
        "shop",
    )


def test_a_traces_endpoint_of_the_environment_is_used_as_it_is() -> None:
    settings = resolve({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://gateway:9/otel/spans"})
    assert settings.traces_url == "http://gateway:9/otel/spans"
    assert settings.scores_url == "http://gateway:9/api/v1/scores"


def test_an_endpoint_that_already_names_the_path_is_understood() -> None:
    assert resolve({}, endpoint="http://h:1/v1/traces").traces_url == "http://h:1/v1/traces"


def test_scores_can_go_elsewhere_than_spans() -> None:
    settings = resolve({}, endpoint="http://collector:4318", api_endpoint="http://clew:7464")
    assert settings.scores_url == "http://clew:7464/api/v1/scores"


@pytest.mark.parametrize("url", ["127.0.0.1:7464", "ftp://host", "file:///etc/passwd", "http://", "http://host:0", "http://host:port"])
def test_an_endpoint_that_is_no_http_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ConfigError, match=r"wanted an http:// or https:// URL such as 'http://127\.0\.0\.1:7464'"):
        resolve({}, endpoint=url)


def test_headers_of_the_environment_are_read_as_opentelemetry_writes_them() -> None:
    env = {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc, X-Team = a=b,broken,=no"}
    assert parse_headers(env["OTEL_EXPORTER_OTLP_HEADERS"]) == {"authorization": "Bearer abc", "x-team": "a=b"}
    told = dict(resolve(env, project="p", headers={"Authorization": "mine"}).headers)
    assert told == {"authorization": "mine", "x-team": "a=b", "x-clew-project": "p"}


def test_a_project_that_no_header_can_carry_travels_in_the_resource_only() -> None:
    assert dict(resolve({}, project="магазин").headers) == {}
    assert dict(resolve({}, project="a\r\nb: c").headers) == {}


@pytest.mark.parametrize("env", [{"CLEW_DISABLED": "1"}, {"OTEL_SDK_DISABLED": "true"}])
def test_the_environment_turns_the_client_off(env: dict[str, str]) -> None:
    assert is_disabled(env)
    assert not is_disabled({"CLEW_DISABLED": "0"})


def test_a_limit_must_be_greater_than_zero() -> None:
    with pytest.raises(ConfigError, match="buffered_spans is 0"):
        Limits(buffered_spans=0)


def test_this_machine_is_known_by_its_names() -> None:
    assert is_loopback("http://127.0.0.1:1/x")
    assert is_loopback("http://[::1]:1/x")
    assert not is_loopback("http://10.0.0.1/x")
