"""HiveMatrix Codex: what an MSP knows about its clients, in process or over HTTP.

>>> import tempfile
>>> from hivematrix_codex import Codex
>>> folder = tempfile.TemporaryDirectory()
>>> with Codex.open(f"sqlite://{folder.name}/codex.db") as codex:
...     company = codex.companies.create(name="Acme GmbH")
...     asset = codex.assets.create(hostname="ACME-PC-7", company_account_number=company.account_number)
...     [asset.hostname for asset in codex.assets.list(company=company.account_number)]
['ACME-PC-7']

:class:`Codex` works on the database in this process. :class:`Client` has the same resources with the same methods over
HTTP, so that a script changes one line. What goes wrong is in :mod:`hivematrix_codex.errors`, the classes of records are
in :mod:`hivematrix_codex.records`.
"""

from . import errors, records
from ._native import ArrowTable, Client, Codex, __version__, fold
from .errors import (
    Changed,
    Closed,
    CodexError,
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    Timeout,
    Unauthorized,
    Unavailable,
    UpstreamError,
)

__all__ = [
    "ArrowTable",
    "Changed",
    "Client",
    "Closed",
    "Codex",
    "CodexError",
    "Conflict",
    "Fault",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Timeout",
    "Unauthorized",
    "Unavailable",
    "UpstreamError",
    "__version__",
    "errors",
    "fold",
    "records",
]
