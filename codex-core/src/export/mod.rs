//! Everything of one kind, or of every company, as one answer.

pub(crate) mod csv_file;
pub(crate) mod download;
mod service;

pub use download::{Download, Downloads};
pub use service::{BulkTickets, EXPORTS, ExportFormat, WholeList};
