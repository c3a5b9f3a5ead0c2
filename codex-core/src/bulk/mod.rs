//! Many records at once.

#[cfg(feature = "sync")]
mod assets;
#[cfg(feature = "sync")]
mod companies;
#[cfg(feature = "sync")]
mod contacts;
#[cfg(feature = "sync")]
mod key;
#[cfg(feature = "sync")]
mod rows;
#[cfg(feature = "sync")]
mod selection;
#[cfg(feature = "sync")]
mod service;
mod wire;
#[cfg(feature = "sync")]
mod write;

#[cfg(feature = "sync")]
pub(crate) use assets::Assets;
#[cfg(feature = "sync")]
pub(crate) use companies::{Companies, changed_fields, name_people};
#[cfg(feature = "sync")]
pub(crate) use contacts::Contacts;
#[cfg(feature = "sync")]
pub use rows::BulkRows;
#[cfg(feature = "sync")]
pub use selection::{
    Drift, MAX_SELECTED, RecordChange, RefusedRecord, SelectedBy, Selection, SelectionApplied,
    SelectionChange, SelectionPlan, settable,
};
#[cfg(feature = "sync")]
pub use service::MAX_TOGETHER;
pub use wire::*;
