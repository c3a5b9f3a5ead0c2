//! What each source states about a record and which source wins, for people who ask why it says what it says.

#[cfg(feature = "store")]
pub(crate) mod changes;
#[cfg(feature = "store")]
pub(crate) mod query;
#[cfg(feature = "sync")]
mod service;
#[cfg(feature = "store")]
pub(crate) mod view;
pub mod wire;

pub use crate::kinds::ClaimedResource;
