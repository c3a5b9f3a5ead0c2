//! Everything of one kind, or of every company, as one answer.

mod csv_file;
pub(crate) mod download;
mod everything;
mod service;
mod whole_list;

pub use download::{Download, Downloads};
pub use everything::BulkTickets;
pub use service::{EXPORTS, ExportFormat};
pub use whole_list::WholeList;
