from hivematrix_codex.compat import use; use(__file__)
from hivematrix_codex.compat.models import *
