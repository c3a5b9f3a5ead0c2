"""``call_service``: against a daemon that verifies Core's token, and against modules that misbehave."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import setting
from hivematrix_codex import Invalid, NotFound, Timeout, Unauthorized, Unavailable, UpstreamError
from hivematrix_codex.compat import service_client
from hivematrix_codex.compat.service_client import call_service


class Module(BaseHTTPRequestHandler):
    """A module and a Core in one, which keep what they were sent."""

    met: list[tuple[str, str, str | None, bytes]] = []
    other = ""
    life = 300

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.met.append((self.command, self.path, self.headers.get("Authorization"), body))
        if self.path == "/service-token":
            claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + self.life}).encode()).decode().rstrip("=")
            return self.answer(200, {"token": f"x.{claims}.{len(self.met)}"})
        if self.path == "/moved":
            return self.answer(302, {}, ("Location", "/here"))
        if self.path == "/away":
            return self.answer(302, {}, ("Location", self.other + "/stolen"))
        if self.path == "/slow":
            time.sleep(2)
        if self.path == "/teapot":
            return self.answer(418, {"error": "tea"})
        self.answer(200, {"path": self.path})

    do_POST = do_PUT = do_GET

    def answer(self, status: int, body: object, *headers: tuple[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        pass


def serve() -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Module)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}"


Site = Callable[[str], None]


@pytest.fixture
def site(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A working directory whose services.json names Codex and a module."""
    monkeypatch.chdir(tmp_path)
    service_client._tokens.clear()

    def write(url: str) -> None:
        modules = {name: {"url": url, "visible": True} for name in ("codex", "module")}
        (tmp_path / "services.json").write_text(json.dumps(modules))

    yield write
    service_client._tokens.clear()


@pytest.fixture
def module(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server, url = serve()
    elsewhere, Module.other = serve()
    Module.met.clear()
    Module.life = 300
    site(url)
    monkeypatch.setenv("CORE_SERVICE_URL", url)
    yield url
    server.shutdown()
    elsewhere.shutdown()


def test_daemon_accepts_the_token_of_core(site: Site) -> None:
    site(setting("CODEX_URL"))
    answer = call_service("codex", "/api/companies")
    assert answer.status_code == 200 and answer and isinstance(answer.json(), list)
    number = answer.json()[0]["account_number"]
    changed = call_service("codex", f"/api/companies/{number}", method="PUT", json={"phone_system": "Teams"})
    assert changed.status_code == 200 and changed.json()["phone_system"] == "Teams"
    missing = call_service("codex", "/api/companies/none such")
    assert not missing and missing.status_code == 404
    with pytest.raises(NotFound):
        missing.raise_for_status()


def test_daemon_refuses_another_token(site: Site) -> None:
    site(setting("CODEX_URL"))
    service_client._tokens["codex"] = ("forged", time.time() + 300)
    answer = call_service("codex", "/api/companies")
    assert answer.status_code == 401
    with pytest.raises(Unauthorized):
        answer.raise_for_status()


def test_token_is_kept_until_its_end(module: str) -> None:
    for _ in range(2):
        assert call_service("module", "/api/x?q=a b", params={"year": 2026, "none": None}).json() == {
            "path": "/api/x?q=a%20b&year=2026"
        }
    asked = [path for _, path, _, _ in Module.met]
    assert asked.count("/service-token") == 1
    sent = json.loads(Module.met[0][3])
    assert sent == {"calling_service": os.environ.get("SERVICE_NAME", "codex"), "target_service": "module"}
    service_client._tokens.clear()
    Module.life = 30
    call_service("module", "/one")
    call_service("module", "/two")
    assert [path for _, path, _, _ in Module.met].count("/service-token") == 3


def test_token_stays_with_its_module(module: str) -> None:
    assert call_service("module", "/moved").json() == {"path": "/here"}
    assert call_service("module", "/away").json() == {"path": "/stolen"}
    sent = {path: token for _, path, token, _ in Module.met}
    assert sent["/here"] and sent["/stolen"] is None


def test_errors_of_modules_are_returned_or_raised(module: str, site: Site) -> None:
    answer = call_service("module", "/teapot", method="post", json={"a": 1})
    assert (answer.status_code, answer.ok, answer.json()) == (418, False, {"error": "tea"})
    with pytest.raises(UpstreamError, match="418"):
        answer.raise_for_status()
    with pytest.raises(Timeout):
        call_service("module", "/slow", timeout=0.2)
    with pytest.raises(Invalid, match="`nobody` is not in .*; it has codex, module"):
        call_service("nobody", "/x")
    with pytest.raises(Invalid, match="must begin with /"):
        call_service("module", "x")
    site("http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="cannot be reached"):
        call_service("module", "/x")


def test_unusable_list_of_services_is_named(tmp_path: pathlib.Path, site: Site) -> None:
    with pytest.raises(Invalid, match="there is no services.json"):
        call_service("module", "/x")
    (tmp_path / "services.json").write_text("[")
    with pytest.raises(Invalid, match="is not a list of services"):
        call_service("module", "/x")


def test_settings_come_from_flaskenv(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hivematrix_codex.compat import connection, use

    use(tmp_path)
    (tmp_path / ".flaskenv").write_text("# a comment\nexport SERVICE_NAME='codex-two'\nCORE_SERVICE_URL=\"http://core\"\n")
    monkeypatch.delenv("SERVICE_NAME", raising=False)
    monkeypatch.delenv("CORE_SERVICE_URL", raising=False)
    assert service_client.setting("SERVICE_NAME", "codex") == "codex-two"
    assert service_client.setting("CORE_SERVICE_URL", "") == "http://core"
    assert service_client.setting("HELM_SERVICE_URL", "none") == "none"
    connection.close()
