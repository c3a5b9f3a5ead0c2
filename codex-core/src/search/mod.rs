//! Search over all kinds of record: what a term identifies, names by any part of them, what was said on tickets by its words.

#[cfg(feature = "sync")]
mod exact;
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
pub use crate::list::Term;
