//! The write path: the only code that writes resource tables. `docs/architecture.md` follows one value through it.
//!
//! A record is a pure function of its claims ([`resolve`]). The `writer` takes new claims a page at a time, merges them
//! into records and writes rows, claims and change log in one transaction. Edits by people are claims, too (`manual`).

#[macro_use]
mod declare;
pub(crate) mod field;
pub(crate) mod patch;
pub mod wire;

#[cfg(feature = "store")]
pub(crate) mod change_log;
#[cfg(feature = "store")]
pub mod claims;
#[cfg(feature = "store")]
pub(crate) mod deleted;
#[cfg(feature = "store")]
mod manual;
#[cfg(feature = "store")]
pub(crate) mod match_imported;
#[cfg(feature = "store")]
mod match_manual;
#[cfg(feature = "store")]
pub(crate) mod merge_records;
#[cfg(feature = "store")]
pub mod resolve;
#[cfg(feature = "store")]
mod resource;
#[cfg(feature = "store")]
mod rows;
#[cfg(feature = "store")]
pub(crate) mod search_index;
#[cfg(feature = "sync")]
pub(crate) mod service;
#[cfg(feature = "store")]
mod source_record;
#[cfg(feature = "store")]
pub(crate) mod writer;

#[cfg(feature = "store")]
pub(crate) use claims::MAX_BINDS;
#[cfg(feature = "store")]
pub use deleted::DELETED_LISTING;
pub use field::{Audience, FieldDef};
#[cfg(feature = "store")]
pub(crate) use match_manual::match_manual_records_by;
pub use patch::{Intent, Patch, RecordBody};
#[cfg(feature = "store")]
pub(crate) use resource::as_map;
#[cfg(feature = "store")]
pub(crate) use resource::reserve_ids;
#[cfg(feature = "store")]
pub use resource::{Author, Draft, Resource, Stored, Tracked, WrittenPage};
#[cfg(feature = "store")]
pub(crate) use rows::{bump_revision, live};
#[cfg(feature = "store")]
pub use search_index::SearchDef;
#[cfg(feature = "store")]
pub use source_record::{ItemError, SourceRecord, Unread};
pub use wire::{ChangeOp, ChangeOut, DeletedOut};
#[cfg(feature = "store")]
pub use writer::Change;
#[cfg(feature = "store")]
pub(crate) use writer::WriteSummary;
