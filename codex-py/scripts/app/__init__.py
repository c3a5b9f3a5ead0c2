from pathlib import Path
from hivematrix_codex.compat import use; use(Path(__file__).parents[1])
from hivematrix_codex.compat.application import app, create_app
