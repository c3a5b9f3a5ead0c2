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
pub use crate::list::Term;
