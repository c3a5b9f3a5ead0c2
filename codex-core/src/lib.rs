//! The HiveMatrix Codex library: what an MSP knows about its clients, kept true.
//!
//! [`Codex`] is the entry point. It opens a database, syncs from vendors, reads and changes records, without an HTTP
//! server or a token. A tour: open, create, update, filter, and see who states a value.
//!
//! ```
//! # #[cfg(feature = "sync")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use codex_core::{
//!     Codex, Scope,
//!     claims::ClaimedResource,
//!     companies::CompanyIn,
//!     list::{Filter, PageRequest},
//!     records::Author,
//! };
//!
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite://{}/codex.db", folder.path().display());
//! // `url` is `sqlite://instance/codex.db` or `postgresql://user:password@host/database`.
//! let codex = Codex::open(&url).await?;
//!
//! // Who asks decides what is visible, and who changes is in the change log.
//! let scope = Scope::system();
//! let author = Author::new("my-program", codex.now());
//!
//! let new = CompanyIn { name: "Acme GmbH".into(), ..CompanyIn::default() };
//! let acme = codex.create_company(&scope, &author, &new).await?.applied().expect("no dry run");
//! let number = acme.fields.account_number.expect("Codex has assigned one").to_string();
//!
//! // Absent fields keep their values. What is set here wins over every source until it is released.
//! let edit = CompanyIn { description: "Bakery".into(), ..CompanyIn::default() };
//! codex.update_company(&scope, &author, &number, &edit).await?.expect("it exists");
//!
//! // A dry run says what would change and changes nothing.
//! let trial = Author { dry_run: true, ..author };
//! let rename = CompanyIn { name: "Acme AG".into(), ..CompanyIn::default() };
//! codex.update_company(&scope, &trial, &number, &rename).await?.expect("it exists");
//!
//! let page = PageRequest {
//!     limit: Some(50),
//!     filters: vec![Filter::new("name__contains", "acme")],
//!     ..PageRequest::default()
//! };
//! let found = codex.companies_page(&scope, &page).await?;
//! assert_eq!(found.items.len(), 1);
//! assert_eq!(found.items[0].fields.name, "Acme GmbH");
//! assert_eq!(found.items[0].fields.description.as_deref(), Some("Bakery"));
//!
//! let (claims, _) = codex.record_claims(&scope, ClaimedResource::Companies, &number).await?;
//! let description = claims.fields.iter().find(|one| one.field == "description").expect("it has one");
//! assert_eq!(description.source.as_deref(), Some("manual"));
//!
//! codex.close().await;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sync"))]
//! # fn main() {}
//! ```
//!
//! `examples/embed.rs` also syncs from vendors; `examples/new_source.rs` is a source of one's own.
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

#[macro_use]
mod word_enum;
#[macro_use]
mod kinds;
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
#[cfg(feature = "sync")]
pub mod import;
pub mod jobs;
pub mod json_columns;
pub mod list;
pub mod locations;
pub mod mac;
#[cfg(feature = "sync")]
pub mod masked;
pub mod money;
pub mod nearest;
pub mod outbox;
pub mod overrides;
#[cfg(feature = "store")]
pub mod panics;
pub mod phone;
pub mod plural;
pub mod psa_agents;
#[cfg(feature = "store")]
mod registry;
#[cfg(feature = "sync")]
pub mod schedule;
pub mod scope;
pub mod search;
#[cfg(feature = "sync")]
pub mod seen;
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
#[cfg(feature = "store")]
pub use error::DbError;
pub use error::{Error, Fault, Result};
#[cfg(feature = "sync")]
pub use export::{BulkTickets, Download, Downloads, EXPORTS, ExportFormat, WholeList};
#[cfg(feature = "sync")]
pub use holds::service::HeldRecord;
#[cfg(feature = "sync")]
pub use idempotency::{IdempotencyState, KeptAnswer, KeyedCall};
#[cfg(feature = "sync")]
pub use jobs::service::Started;
pub use kinds::RecordKind;
#[cfg(feature = "sync")]
pub use records::service::names::RecordName;
#[cfg(feature = "sync")]
pub use schedule::service::LateSource;
pub use scope::{Access, Role, Scope};
#[cfg(feature = "sync")]
pub use tickets::events::EventOutcome;
