//! The HiveMatrix Codex library: what an MSP knows about its clients, kept true.
//!
//! [`Codex`] is the front door. It opens a database, syncs from vendors and reads records, without
//! an HTTP server or a token:
//!
//! ```no_run
//! # #[cfg(feature = "store")]
//! # async fn tour() -> codex_core::Result<()> {
//! use codex_core::{Codex, Scope};
//!
//! let codex = Codex::open("sqlite://instance/codex.db").await?;
//! for company in codex.companies(&Scope::system()).await? {
//!     println!("{:?} {}", company.fields.account_number, company.fields.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! One folder per resource: `mod.rs` is the model, `wire.rs` its JSON, `query.rs` its SQL, `rules.rs` what
//! holds between records. Every write goes through [`records`]; every sync through `sync`.
//!
//! Modules use what is below them: `store`, then [`records`] and [`list`], the resources, what goes across resources
//! ([`search`], exports, [`bulk`]), `sync`, and at the top the methods of [`Codex`], each in the folder of its resource.
//!
//! Without the features `store` and `sync` only models and wire types remain: what a client needs.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![warn(missing_docs)]

#[cfg(feature = "store")]
#[macro_use]
pub mod store;
#[macro_use]
pub mod records;

pub mod address;
#[cfg(feature = "sync")]
pub mod admin;
pub mod agents;
pub mod assets;
pub mod billing_plans;
pub mod bulk;
pub mod claims;
pub mod clock;
#[cfg(feature = "sync")]
mod codex;
pub mod companies;
pub mod contacts;
pub mod dashboard;
mod dates;
pub mod duplicates;
mod email;
mod error;
#[cfg(feature = "sync")]
mod export;
pub mod feature_options;
pub mod fold;
pub mod health;
pub mod holds;
#[cfg(feature = "sync")]
mod idempotency;
pub mod ids;
pub mod jobs;
pub mod json_columns;
#[cfg(feature = "store")]
mod kinds;
pub mod list;
pub mod locations;
pub mod mac;
pub mod money;
pub mod nearest;
pub mod outbox;
pub mod overrides;
#[cfg(feature = "store")]
pub mod panics;
pub mod phone;
pub mod plural;
pub mod psa_agents;
#[cfg(feature = "sync")]
pub mod schedule;
pub mod scope;
pub mod search;
pub mod site_links;
#[cfg(feature = "sync")]
pub mod sync;
pub mod tags;
pub mod tickets;
pub mod times;
pub mod views;
#[cfg(feature = "sync")]
mod webhooks;

#[cfg(feature = "sync")]
pub use codex::{
    Builder, Codex, Health, Outcome, PlannedChanges, Providers, statements as codex_statements,
};
pub use error::{Error, Fault, Result};
#[cfg(feature = "sync")]
pub use export::{BulkTickets, Download, Downloads, EXPORTS, ExportFormat, WholeList};
#[cfg(feature = "sync")]
pub use holds::service::HeldRecord;
#[cfg(feature = "sync")]
pub use idempotency::{IdempotencyState, KeptAnswer, KeyedCall};
#[cfg(feature = "sync")]
pub use jobs::service::Started;
#[cfg(feature = "sync")]
pub use records::service::names::RecordName;
#[cfg(feature = "sync")]
pub use schedule::service::LateSource;
pub use scope::{Access, Role, Scope};
#[cfg(feature = "sync")]
pub use tickets::events::EventOutcome;
