"""``models``, ``extensions`` and ``app`` of the Flask service, over Codex, for a site's own scripts.

Reading and simple writes work. Everything else raises :class:`NotSupported`, whose message names the call to use instead.
See docs/python-models.md.

>>> import tempfile
>>> from hivematrix_codex import Codex
>>> from hivematrix_codex.compat import use
>>> from hivematrix_codex.compat.models import Company, db
>>> folder = tempfile.TemporaryDirectory()
>>> use(Codex.open(f"sqlite://{folder.name}/codex.db"))
>>> db.session.add(Company(name="Acme GmbH", phone_system="Teams"))
>>> db.session.commit()
>>> [company.name for company in Company.query.filter_by(phone_system="Teams")]
['Acme GmbH']
>>> db.session.close()
"""

from .connection import close, codex, use
from .errors import NotSupported

__all__ = ["NotSupported", "close", "codex", "use"]
