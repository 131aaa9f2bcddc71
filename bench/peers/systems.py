"""The systems that are compared: how each is installed, started, fed and asked what it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Acknowledged = dict[str, list[str]]  # trace id → span ids


def call(url: str, body: Any = None, headers: dict[str, str] | None = None, timeout_s: float = 60.0) -> Any:
    """JSON in, JSON out. Raises OSError when there is no answer or it is not 200."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        text = response.read()
    return json.loads(text) if text[:1] in (b"{", b"[") else None


@dataclass
class System:
    """One system on loopback with a data directory of its own."""

    cache: Path
    port: int
    data: Path
    headers: dict[str, str] = field(default_factory=dict)

    name = ""
    package = ""
    ready_path = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def python(self) -> str:
        """The interpreter it is installed in: an environment of its own under the cache, made on first use."""
        home = self.cache / self.name
        if not (home / "installed").exists():
            print(f"installing {self.package} into {home} (once)", file=sys.stderr, flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", self.package]
            subprocess.run(pip, check=True, stdout=subprocess.DEVNULL, timeout=1800)
            (home / "installed").touch()
        return str(home / "bin" / "python")

    def version(self) -> str:
        asked = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return subprocess.run([self.python, "-c", asked], check=True, capture_output=True, text=True).stdout.strip()

    def command(self) -> list[str]:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return dict(os.environ)

    def prepare(self) -> None:
        """What has to be there before the first span."""

    def readable(self, sent: Acknowledged) -> int:
        """How many of the acknowledged spans its own API can read now."""
        raise NotImplementedError


class Clew(System):
    """This repository."""

    name = "clew"
    package = "clew"
    ready_path = "/api/v1/ingest"

    @property
    def python(self) -> str:
        return sys.executable

    def command(self) -> list[str]:
        ports = ["--port", str(self.port), "--otlp-http-port", "0", "--otlp-grpc-port", "0"]
        return [self.python, "-m", "clew", "serve", "--data", str(self.data), *ports]

    def readable(self, sent: Acknowledged) -> int:
        """The overview's own count over everything, of each project."""
        names = [project["name"] for project in call(f"{self.url}/api/v1/projects")]
        return sum(call(f"{self.url}/api/v1/projects/{name}/overview?since_ns=0")["total"]["spans"] for name in names)


class Phoenix(System):
    """Arize Phoenix with its default store, SQLite."""

    name = "phoenix"
    package = "arize-phoenix"
    ready_path = "/healthz"

    def command(self) -> list[str]:
        return [str(Path(self.python).with_name("phoenix")), "serve"]

    def environ(self) -> dict[str, str]:
        told = {"PHOENIX_WORKING_DIR": str(self.data), "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(self.port)}
        return {**os.environ, **told, "PHOENIX_GRPC_PORT": str(self.port + 1), "PHOENIX_TELEMETRY_ENABLED": "false"}

    def readable(self, sent: Acknowledged) -> int:
        answer = call(f"{self.url}/graphql", {"query": "{projects{edges{node{recordCount}}}}"})
        return sum(edge["node"]["recordCount"] for edge in answer["data"]["projects"]["edges"])


class MLflow(System):
    """MLflow's tracking server with SQLite."""

    name = "mlflow"
    package = "mlflow"
    ready_path = "/health"

    def command(self) -> list[str]:
        program, store = str(Path(self.python).with_name("mlflow")), f"sqlite:///{self.data}/mlflow.db"
        where = ["--artifacts-destination", str(self.data / "artifacts"), "--host", "127.0.0.1", "--port", str(self.port)]
        return [program, "server", "--backend-store-uri", store, *where]

    def environ(self) -> dict[str, str]:
        return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

    def prepare(self) -> None:
        made = call(f"{self.url}/api/2.0/mlflow/experiments/create", {"name": "bench"})
        self.headers = {"x-mlflow-experiment-id": made["experiment_id"]}

    def readable(self, sent: Acknowledged) -> int:
        """Its API lists traces; a trace counts with the spans that were sent of it."""
        where = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": self.headers["x-mlflow-experiment-id"]}}
        found, token = 0, ""
        while True:
            asked = {"locations": [where], "max_results": 500} | ({"page_token": token} if token else {})
            answer = call(f"{self.url}/api/3.0/mlflow/traces/search", asked)
            found += sum(len(sent.get(trace["trace_id"].removeprefix("tr-"), ())) for trace in answer.get("traces", ()))
            token = answer.get("next_page_token", "")
            if not token:
                return found


SYSTEMS: dict[str, type[System]] = {"clew": Clew, "phoenix": Phoenix, "mlflow": MLflow}


def answers(system: System) -> bool:
    """Whether it is up."""
    try:
        call(system.url + system.ready_path, timeout_s=2.0)
    except (OSError, urllib.error.URLError, ValueError):
        return False
    return True
