"""HiveMatrix Codex: what an MSP knows about its clients, without a server."""

from __future__ import annotations

import json
from typing import Any

from . import _codex
from ._codex import CodexError, __version__, fold

__all__ = ["Codex", "CodexError", "__version__", "fold"]


class Codex:
    """A Codex database: ``Codex("sqlite://instance/codex.db")`` or ``postgresql://...``."""

    def __init__(self, url: str) -> None:
        self._inner = _codex.Codex.open(url)

    def companies(self) -> list[dict[str, Any]]:
        """All companies with an account number, by name, as ``GET /api/companies`` sends them."""
        return json.loads(self._inner.companies_json())

    def company(self, account_number: str) -> dict[str, Any] | None:
        """One company; ``None`` when there is no such account."""
        found = self._inner.company_json(account_number)
        return None if found is None else json.loads(found)
