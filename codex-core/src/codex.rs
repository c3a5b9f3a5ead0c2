//! The entry point of the library.

mod open;
mod outcome;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use open::{Builder, Health};
pub use outcome::{Outcome, PlannedChanges};

use crate::{
    assets::audit::AskedDevices,
    clock::SharedClock,
    duplicates::Matching,
    records::resolve::Precedence,
    schedule::Entry,
    store::{Db, Sql},
    sync::{
        Guard, Source,
        ports::{CallContext, Inventory, Tickets, Users},
    },
    tickets::{UnknownTickets, status::Statuses},
};

/// Codex: a database, its rules and its sources. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Codex(pub(crate) Arc<Inner>);

/// The vendors that are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// The PSA, such as `freshservice`.
    pub psa: String,
    /// The RMM, such as `datto`.
    pub rmm: String,
}

/// Access to vendors and how syncs behave: what can be replaced while Codex is at work.
#[derive(Debug, Default)]
pub(crate) struct Vendors {
    pub(crate) sources: Vec<Arc<dyn Source>>,
    pub(crate) tickets: Option<Arc<dyn Tickets>>,
    pub(crate) inventory: Option<Arc<dyn Inventory>>,
    pub(crate) users: Option<Arc<dyn Users>>,
    pub(crate) guard: Guard,
    pub(crate) matching: Matching,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) precedence: Precedence,
    pub(crate) lease: Duration,
    vendors: RwLock<Arc<Vendors>>,
    pub(crate) schedule: RwLock<Vec<Entry>>,
    pub(crate) unknown_tickets: UnknownTickets,
    pub(crate) asked_devices: AskedDevices,
    pub(crate) providers: RwLock<Providers>,
    pub(crate) statuses: Statuses,
    pub(crate) unworked_minutes: i64,
    /// Jobs of this process by source.
    pub(crate) running: Mutex<HashMap<&'static str, String>>,
    /// Turns of the answers that are too big to hold.
    pub(crate) downloads: crate::export::download::DownloadLimits,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) opened_at: DateTime<Utc>,
    /// Counted values of lists.
    pub(crate) facets: crate::list::FacetCache,
    /// Figures of dashboards.
    pub(crate) dashboards: crate::dashboard::cache::DashboardCache,
}

impl Codex {
    /// Access to vendors as it is now; what has begun with it ends with it.
    pub(crate) fn vendors(&self) -> Arc<Vendors> {
        let vendors = self.0.vendors.read();
        vendors.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What calls through a port need.
    pub(crate) fn call_context(&self) -> CallContext<'_> {
        CallContext {
            db: &self.0.db,
            clock: &self.0.clock,
        }
    }
}

/// Every named statement of the library, for the test that prepares them on both engines.
pub fn statements() -> Vec<(&'static str, Sql)> {
    let others = [
        crate::admin::query::STATEMENTS,
        crate::claims::query::STATEMENTS,
        crate::store::schema::STATEMENTS,
        crate::holds::query::STATEMENTS,
        crate::search::stored::STATEMENTS,
        crate::records::merge_records::STATEMENTS,
        crate::duplicates::found::STATEMENTS,
        crate::duplicates::query::STATEMENTS,
        crate::schedule::query::STATEMENTS,
        crate::jobs::query::STATEMENTS,
        crate::jobs::record_issues::STATEMENTS,
        crate::store::STATEMENTS,
        crate::outbox::query::STATEMENTS,
        crate::idempotency::STATEMENTS,
        crate::seen::STATEMENTS,
        crate::webhooks::STATEMENTS,
        crate::store::REVISIONS,
        crate::store::backup::STATEMENTS,
        crate::store::EXCLUSIVE,
        crate::jobs::service::STATEMENTS,
    ];
    [
        crate::registry::statements(),
        others.concat(),
        crate::dashboard::statements(),
        crate::sync::statements(),
        crate::import::statements(),
    ]
    .concat()
}
