"""What the tests share: an empty database, one that was synced from the simulated vendors, and a daemon over HTTP."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from hivematrix_codex import Client, Codex


def setting(name: str) -> str:
    """A part of the surroundings that codex-py/tests/run makes."""
    value = os.environ.get(name)
    assert value, f"{name} is not set: run codex-py/tests/run"
    return value


@pytest.fixture
def codex(tmp_path: pathlib.Path) -> Iterator[Codex]:
    """An empty database."""
    with Codex.open(f"sqlite://{tmp_path}/codex.db") as codex:
        yield codex


def settings(folder: pathlib.Path) -> pathlib.Path:
    """Settings of an installation in a folder, with access to the simulated vendors."""
    instance = folder / "instance"
    instance.mkdir()
    path = instance / "codex.conf"
    path.write_text(
        f"""
[database]
connection_string = sqlite://{instance}/codex.db
[freshservice]
domain = {setting("FRESHSERVICE_URL")}
api_key = {setting("FRESHSERVICE_KEY")}
[datto]
api_endpoint = {setting("DATTO_URL")}
public_key = {setting("DATTO_KEY")}
secret_key = {setting("DATTO_SECRET")}
"""
    )
    return path


def sync(codex: Codex, *kinds: str) -> None:
    """Reads what the simulated vendors have."""
    for kind in kinds:
        job = codex.sync(kind)
        assert job.status == "completed", job


@pytest.fixture(scope="session")
def conf(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Settings with access to the simulated vendors."""
    return settings(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def synced(conf: pathlib.Path) -> Iterator[Codex]:
    """A database with what the simulated vendors have."""
    with Codex.open(config=conf) as codex:
        sync(codex, "freshservice", "accounts-assign", "datto")
        yield codex


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """A daemon with data."""
    with Client(setting("CODEX_URL"), token=setting("CODEX_TOKEN")) as client:
        yield client
