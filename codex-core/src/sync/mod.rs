//! Syncing from vendors: the engine, and one folder per source.
//!
//! A source reads pages, maps them and passes them to its [`Run`]; the run compares, writes, counts,
//! guards and keeps the lease.

pub mod datto;
mod defaults;
pub(crate) mod engine;
pub mod freshservice;
mod html;
pub mod keycloak;
pub mod ports;
mod request;
pub mod source_api;
pub mod time;

use std::{fmt::Debug, future::Future, pin::Pin};

pub use defaults::{
    DEFAULT_PRECEDENCE, DEFAULT_PSA, DEFAULT_RMM, DEFAULT_USERS, default_precedence,
};
pub use engine::{
    guard::Guard,
    http::{CallRate, HttpSettings, UpstreamError},
    missing::Lookup,
    plan::{MAX_CHANGES, PlannedHold, SyncPlan},
    rate_limit_block::{RateLimitBlock, VendorLimits},
    run::Run,
};
pub use request::Request;

pub use crate::jobs::SyncKind;
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

/// A run's work, boxed so that sources of different types stand in one registry.
pub type Work<'r> = Pin<Box<dyn Future<Output = Result<()>> + Send + 'r>>;

/// A vendor that can be synced from.
pub trait Source: Debug + Send + Sync + 'static {
    /// Name of its runs; only one run of a name works at a time.
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
    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r>;
}
