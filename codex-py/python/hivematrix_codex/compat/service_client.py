"""``call_service``: calls of other HiveMatrix modules with a token of Core, as before."""

from __future__ import annotations

import base64
import json as json_module
import os
import pathlib
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from typing import IO, Any

from ..errors import Forbidden, Invalid, NotFound, Timeout, Unauthorized, Unavailable, UpstreamError
from .connection import folder

__all__ = ["Response", "call_service", "get_service_token", "get_service_url"]

TOKEN_TIMEOUT = 5.0
CALL_TIMEOUT = 30.0
# A token is renewed this long before it expires, in seconds.
MARGIN = 60

_tokens: dict[str, tuple[str, float]] = {}
_lock = threading.Lock()


class Response:
    """An answer. As before, it is false when the status is 400 or more."""

    def __init__(self, url: str, status: int, headers: Message, content: bytes) -> None:
        self.url = url
        self.status_code = status
        self.headers = headers
        self.content = content

    @property
    def ok(self) -> bool:
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode(self.headers.get_content_charset("utf-8"), errors="replace")

    def json(self) -> Any:
        """The body as JSON; :class:`ValueError` when it is none."""
        return json_module.loads(self.content)

    def raise_for_status(self) -> None:
        """Raises when the status is 400 or more: ``NotFound``, ``Unauthorized``, ``Forbidden`` or ``UpstreamError``."""
        if not self.ok:
            error = {401: Unauthorized, 403: Forbidden, 404: NotFound}.get(self.status_code, UpstreamError)
            raise error(f"{self.url} answered {self.status_code}")

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"


class _SameOrigin(urllib.request.HTTPRedirectHandler):
    """Follows redirects. The token is sent only to the module's own address."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        token = req.get_header("Authorization")
        if following is not None and token is not None:
            before, after = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
            following.remove_header("Authorization")
            if (before.scheme, before.netloc) == (after.scheme, after.netloc):
                following.add_unredirected_header("Authorization", token)
        return following


_opener = urllib.request.build_opener(_SameOrigin)


def setting(name: str, default: str) -> str:
    """A variable of the environment, or of ``.flaskenv`` in the installation's folder."""
    found = os.environ.get(name)
    if found is not None:
        return found
    path = folder() / ".flaskenv"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        key, sign, value = line.strip().partition("=")
        if sign and key.removeprefix("export ").strip() == name:
            return value.strip().strip("'\"")
    return default


def get_service_url(service_name: str) -> str:
    """The address of a module, from ``services.json`` in the working directory or the installation's folder."""
    for path in (pathlib.Path("services.json"), folder() / "services.json"):
        if path.is_file():
            try:
                services = json_module.loads(path.read_text(encoding="utf-8"))
                if service_name in services:
                    return str(services[service_name]["url"]).rstrip("/")
            except (ValueError, TypeError, KeyError) as error:
                raise Invalid(f"{path}: is not a list of services: {error}") from None
            known = ", ".join(sorted(services)) or "none"
            raise Invalid(f"service `{service_name}` is not in {path.resolve()}; it has {known}")
    raise Invalid(f"there is no services.json in {pathlib.Path.cwd()} or {folder()}")


def get_service_token(target_service: str) -> str:
    """A token of Core for a module. It is kept until one minute before it expires."""
    with _lock:
        token, end = _tokens.get(target_service, ("", 0.0))
        if end - time.time() >= MARGIN:
            return token
        core = setting("CORE_SERVICE_URL", "http://localhost:5000").rstrip("/")
        body = {"calling_service": setting("SERVICE_NAME", "codex"), "target_service": target_service}
        answer = _send("POST", f"{core}/service-token", {}, body, TOKEN_TIMEOUT)
        if not answer:
            raise Unavailable(f"Core gave no token for `{target_service}`: status {answer.status_code}")
        try:
            token = str(answer.json()["token"])
        except (ValueError, TypeError, KeyError):
            raise UpstreamError("Core's answer has no token") from None
        _tokens[target_service] = (token, _end(token))
        return token


def _end(token: str) -> float:
    """When a token expires. A token without that is used once."""
    try:
        claims = token.split(".")[1]
        return float(json_module.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (ValueError, TypeError, KeyError, IndexError):
        return 0.0


def call_service(
    service_name: str,
    path: str,
    method: str = "GET",
    *,
    json: Any = None,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = CALL_TIMEOUT,
) -> Response:
    """Calls a module with a token of Core and returns its answer, whatever its status. ``timeout`` is in seconds.

    :class:`Invalid` (a ``ValueError``) when ``services.json`` does not name the module, :class:`Unavailable` when the
    module or Core cannot be reached, :class:`Timeout` when it takes too long.
    """
    if not path.startswith("/"):
        raise Invalid(f"path: must begin with /, not `{path}`")
    url = get_service_url(service_name) + urllib.parse.quote(path, safe="/?#&=%:@!$'()*+,;~[]")
    if params:
        known = {name: value for name, value in params.items() if value is not None}
        url += ("&" if "?" in path else "?") + urllib.parse.urlencode(known, doseq=True)
    own = {"Authorization": f"Bearer {get_service_token(service_name)}", "Accept": "*/*"}
    return _send(method, url, {**(headers or {}), **own}, json, timeout)


def _send(method: str, url: str, headers: Mapping[str, str], json: Any, timeout: float) -> Response:
    data = None if json is None else json_module.dumps(json).encode()
    request = urllib.request.Request(url, data=data, method=method.upper())
    for name, value in headers.items():
        request.add_header(name, value)
    if data is not None:
        request.add_header("Content-Type", "application/json")
    place = urllib.parse.urlsplit(url).netloc
    try:
        with _opener.open(request, timeout=timeout) as answer:
            return Response(answer.url, answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.url or url, error.code, error.headers, error.read())
    except TimeoutError:
        raise Timeout(f"{place} did not answer within {timeout:g} s") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise Timeout(f"{place} did not answer within {timeout:g} s") from None
        raise Unavailable(f"{place} cannot be reached: {error.reason}") from None
    except (HTTPException, OSError) as error:
        raise Unavailable(f"{place} cannot be reached: {error}") from None
