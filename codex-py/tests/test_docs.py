"""Stubs, doctests and the README."""

from __future__ import annotations

import doctest
import pathlib

import hivematrix_codex
import pytest
import stubs
from hivematrix_codex import _native, errors

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", sorted(stubs.texts()))
def test_stubs_are_those_of_the_registry(name: str) -> None:
    stored = ROOT / "python" / "hivematrix_codex" / name
    assert stored.read_text() == stubs.texts()[name], "run codex-py/tests/run with UPDATE=1"


@pytest.mark.parametrize("module", [hivematrix_codex, errors])
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
