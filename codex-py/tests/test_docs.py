"""Stubs, doctests and the README."""

from __future__ import annotations

import doctest
import pathlib
import re

import hivematrix_codex
import pytest
import stubs
from conftest import settings, sync
from hivematrix_codex import Codex, _native, compat, errors

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", sorted(stubs.texts()))
def test_stubs_are_those_of_the_registry(name: str) -> None:
    stored = ROOT / "python" / "hivematrix_codex" / name
    assert stored.read_text() == stubs.texts()[name], "run codex-py/tests/run with UPDATE=1"


@pytest.mark.parametrize("module", [hivematrix_codex, compat, errors])
def test_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)  # type: ignore[arg-type]
    assert result.failed == 0 and result.attempted > 0


def test_docstrings_of_scripts_hold() -> None:
    from hivematrix_codex import scripts

    result = doctest.testmod(scripts)
    assert result.failed == 0 and result.attempted > 3


def test_docstring_of_fold_holds() -> None:
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(_native.fold, "fold", globs={"fold": _native.fold}):
        runner.run(test)
    assert runner.summarize().failed == 0


def test_readme_holds() -> None:
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.failed == 0 and result.attempted > 5


def test_reference_names_everything_public() -> None:
    page = (ROOT.parent / "docs" / "python-reference.md").read_text()
    names = {name for kind in (Codex, hivematrix_codex.Client) for name in dir(kind) if not name.startswith("_")}
    public = sorted(names | set(errors.__all__))
    assert [name for name in public if not re.search(rf"\b{name}\b", page)] == []


@pytest.mark.parametrize("page", ["python.md", "python-models.md"])
def test_documents_hold(page: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Codex.open(config=settings(tmp_path)) as codex:
        sync(codex, "freshservice", "accounts-assign", "datto", "tickets")
    monkeypatch.chdir(tmp_path)
    path = str(ROOT.parent / "docs" / page)
    result = doctest.testfile(path, module_relative=False, optionflags=doctest.ELLIPSIS)
    compat.close()
    assert result.failed == 0 and result.attempted > 10
