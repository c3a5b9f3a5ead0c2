//! Search over all kinds of record: names by any part of them, what was said on tickets by its words.

#[cfg(feature = "store")]
pub(crate) mod fill;
#[cfg(feature = "store")]
mod own;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
mod service;
#[cfg(feature = "store")]
pub(crate) mod stored;
pub mod wire;

#[cfg(feature = "store")]
pub use crate::{list::Term, records::search_index::KINDS};

/// Whether a caller may find records of a kind: who is allowed to list them (design 6).
#[cfg(feature = "store")]
pub(crate) fn is_for(scope: &crate::Scope, kind: i64) -> bool {
    match kind {
        1..=5 => true,
        6 | 7 => scope.require_staff("searching").is_ok(),
        _ => scope.require_admin("searching").is_ok(),
    }
}
