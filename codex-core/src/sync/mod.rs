//! Pulling from vendors: the engine, and one folder per source (design 5).
//!
//! A source reads pages, maps them and hands them to its [`Run`]; the run compares, writes, counts,
//! guards and keeps the lease.

pub mod datto;
pub(crate) mod engine;
pub mod freshservice;
mod html;
pub mod keycloak;
mod names;
mod request;
pub mod source_api;
pub mod time;

use std::{fmt::Debug, future::Future, pin::Pin};

pub use engine::{
    http::{CallRate, HttpSettings, UpstreamError},
    missing::Lookup,
    plan::{MAX_CHANGES, PlannedHold, SyncPlan},
    rate_limit_block::RateLimitBlock,
    run::{Guard, Run},
};
pub use request::Request;

use crate::{Result, records::claims::ClaimSource};

/// The statements of the engine by name, for the test that prepares them all.
pub(crate) fn statements() -> Vec<(&'static str, crate::store::Sql)> {
    let engine = [
        engine::rate_limit_block::STATEMENTS,
        engine::lease::STATEMENTS,
        engine::missing::STATEMENTS,
        engine::relink::STATEMENTS,
        engine::run::STATEMENTS,
        engine::matching::STATEMENTS,
    ];
    [
        engine.concat(),
        datto::statements(),
        freshservice::STATEMENTS.to_vec(),
        keycloak::STATEMENTS.to_vec(),
    ]
    .concat()
}

/// What a source is to the MSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncKind {
    /// Professional services automation: companies, contacts, agents.
    Psa,
    /// The PSA's tickets that changed, with what was said and worked.
    Tickets,
    /// The PSA's tickets that changed, lists only.
    TicketsLight,
    /// Every ticket that the PSA has, back to its first.
    TicketHistory,
    /// Remote monitoring and management: sites and devices.
    Rmm,
    /// What is in the RMM's devices and on them.
    RmmAudits,
    /// The people who log in.
    Agents,
    /// Account numbers for the PSA's companies that have none.
    AssignAccounts,
    /// Account numbers for the RMM's sites.
    PushAccounts,
}

impl SyncKind {
    /// What its jobs are stored as: what today's modules ask for.
    pub fn script(self) -> &'static str {
        match self {
            Self::Psa | Self::Tickets | Self::TicketsLight | Self::TicketHistory => "psa",
            Self::Rmm => "rmm",
            Self::RmmAudits => "rmm-audits",
            Self::Agents => "keycloak_agents",
            Self::AssignAccounts => "create-account-numbers",
            Self::PushAccounts => "push-to-datto",
        }
    }

    /// Type of its jobs, where several syncs share a script.
    pub fn sync_type(self) -> Option<&'static str> {
        match self {
            Self::Psa => Some("base"),
            Self::Tickets => Some("tickets-detail"),
            Self::TicketsLight => Some("tickets"),
            Self::TicketHistory => Some("tickets-history"),
            Self::Rmm
            | Self::RmmAudits
            | Self::Agents
            | Self::AssignAccounts
            | Self::PushAccounts => None,
        }
    }
}

/// A run's work, boxed so that sources of different types stand in one registry.
pub type Work<'r> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'r>>;

/// A vendor that can be pulled from.
pub trait Source: Debug + Send + Sync + 'static {
    /// Name of its runs: one of a name at a time, whoever starts it.
    fn name(&self) -> &'static str;

    /// Name in claims and in the setting that chooses it.
    fn provider(&self) -> &'static str {
        self.name()
    }

    /// What it is to the MSP.
    fn kind(&self) -> SyncKind;

    /// Who states things in its name.
    fn origins(&self) -> Vec<ClaimSource> {
        vec![ClaimSource::Main(self.provider())]
    }

    /// Lists that may be read alone ([`Run::wants`]).
    fn scopes(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it can read just what changed since a moment ([`Run::since`]).
    fn knows_changes(&self) -> bool {
        false
    }

    /// Reads everything and hands it to `run`.
    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r>;
}
