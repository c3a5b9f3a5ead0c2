"""The old models of agents, of the PSA's technicians and of sync jobs."""

from __future__ import annotations

from .base import Model
from .columns import Column, Removed, iso
from .errors import NotSupported

__all__ = ["Agent", "PSAAgent", "SyncJob"]


class Agent(Model):
    """Somebody who logs in."""

    resource = "agents"
    record = "Agent"
    keys = ("keycloak_id",)
    instead = "Keycloak states it, and syncs read it"

    keycloak_id: Column[str] = Column()
    username: Column[str] = Column()
    email: Column[str] = Column()
    first_name: Column[str | None] = Column()
    last_name: Column[str | None] = Column()
    enabled: Column[bool] = Column()
    theme_preference: Column[str] = Column()
    preferred_color_theme: Column[str] = Column()
    knowledgetree_view_preference: Column[str] = Column()
    home_page_preference: Column[str] = Column()
    created_at: Column[str | None] = Column(read=iso, is_time=True)
    updated_at: Column[str | None] = Column(read=iso, is_time=True)
    last_synced_at: Column[str | None] = Column(read=iso, is_time=True)

    def remove(self, version: str | None, dry_run: bool) -> None:
        raise NotSupported("an agent is not deleted: disable the user in Keycloak, and sync(\"keycloak\")")


class PSAAgent(Model):
    """A technician of the PSA."""

    resource = "psa_agents"
    record = "PsaAgent"
    is_whole = True
    instead = "the PSA states it, and syncs read it"

    id: Column[int] = Column()
    external_id: Column[int] = Column()
    external_source: Column[str] = Column("source")
    email: Column[str | None] = Column()
    first_name = Removed("`name` has the whole name")
    last_name = Removed("`name` has the whole name")
    name: Column[str] = Column()
    active: Column[bool] = Column()
    job_title: Column[str | None] = Column()


class SyncJob(Model):
    """A sync job, one of the newest 500."""

    resource = "jobs"
    record = "Job"
    is_whole = True
    instead = "`codex.sync(kind)` runs a sync and returns its job"

    id: Column[str] = Column()
    script: Column[str] = Column()
    provider: Column[str | None] = Column()
    sync_type: Column[str | None] = Column()
    status: Column[str] = Column()
    started_at: Column[str | None] = Column(read=iso, is_time=True)
    completed_at: Column[str | None] = Column(read=iso, is_time=True)
    output = Removed("`codex.jobs.get(id).report` has the counts and the issues")
    error: Column[str | None] = Column()
    success: Column[bool | None] = Column("status", read=lambda status: {"completed": True, "running": None, "queued": None}.get(status, False))
