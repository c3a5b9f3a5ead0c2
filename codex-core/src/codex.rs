//! The front door of the library.

mod agents;
mod billing;
mod bulk;
mod bulk_write;
mod claims;
mod companies;
mod csv_file;
mod dead_jobs;
mod download;
mod duplicates;
mod events;
mod export;
mod holds;
mod idempotency;
mod inventories;
mod jobs;
mod open;
mod outbox;
mod read;
mod records;
mod schedule;
mod search;
mod tables;
mod tickets;
mod webhooks;
mod whole_list;
mod write;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use bulk::BulkTickets;
pub use download::{Download, Downloads};
pub use events::EventOutcome;
pub use export::{EXPORTS, ExportFormat};
pub use idempotency::{IdempotencyState, KeptAnswer, KeyedCall};
pub use jobs::Started;
pub use open::{Builder, Health};
pub use schedule::LateSource;
pub use tables::{AssetRow, CompanyRow, ContactRow, TablePage, TableRows};
pub use whole_list::WholeList;

use crate::{
    changes::resolve::Precedence,
    clock::SharedClock,
    duplicates::Matching,
    store::{Db, Sql},
    sync::{Guard, Source, datto::Inventories, freshservice::Desk, keycloak},
    tickets::status::Statuses,
};

/// Codex: a database, its rules and its sources. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Codex(Arc<Inner>);

/// The vendors that are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Providers {
    /// The PSA, such as `freshservice`.
    pub psa: String,
    /// The RMM, such as `datto`.
    pub rmm: String,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: SharedClock,
    precedence: Precedence,
    guard: Guard,
    matching: Matching,
    lease: Duration,
    sources: Vec<Arc<dyn Source>>,
    desk: Option<Desk>,
    inventories: Option<Inventories>,
    users: Option<keycloak::Users>,
    providers: RwLock<Providers>,
    statuses: Statuses,
    unworked_minutes: i64,
    /// Jobs of this process by source.
    running: Mutex<HashMap<&'static str, String>>,
    /// Turns of the answers that are too big to hold.
    downloads: download::Turns,
    tasks: TaskTracker,
    stop: CancellationToken,
    opened_at: DateTime<Utc>,
}

/// Every named statement of the library, for the test that prepares them on both engines.
pub fn statements() -> Vec<(&'static str, Sql)> {
    let resources = [
        crate::agents::companies::STATEMENTS,
        crate::agents::query::STATEMENTS,
        crate::billing_plans::query::STATEMENTS,
        crate::claims::query::STATEMENTS,
        crate::feature_options::query::STATEMENTS,
        crate::overrides::query::STATEMENTS,
        crate::companies::aliases::STATEMENTS,
        crate::companies::numbers::STATEMENTS,
        crate::companies::query::STATEMENTS,
        crate::contacts::query::STATEMENTS,
        crate::assets::audit::query::STATEMENTS,
        crate::assets::contacts::STATEMENTS,
        crate::assets::query::STATEMENTS,
        crate::locations::query::STATEMENTS,
        crate::site_links::query::STATEMENTS,
        crate::psa_agents::query::STATEMENTS,
        crate::store::schema::STATEMENTS,
        crate::tickets::owed::STATEMENTS,
        crate::tickets::query::STATEMENTS,
        crate::tickets::threads::STATEMENTS,
        crate::holds::query::STATEMENTS,
        crate::fold::stored::STATEMENTS,
        crate::changes::merge::STATEMENTS,
        crate::duplicates::found::STATEMENTS,
        crate::duplicates::query::STATEMENTS,
        crate::assets::hand_over::STATEMENTS,
        crate::contacts::hand_over::STATEMENTS,
        crate::schedule::query::STATEMENTS,
        crate::jobs::query::STATEMENTS,
        crate::store::STATEMENTS,
        crate::outbox::query::STATEMENTS,
        idempotency::STATEMENTS,
        webhooks::STATEMENTS,
        crate::store::REVISIONS,
        jobs::STATEMENTS,
    ];
    [resources.concat(), crate::sync::statements()].concat()
}
