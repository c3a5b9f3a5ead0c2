//! What people have deleted.

use codex_core::records::DeletedOut;

use crate::{Creation, ListOptions, Page, Records, Result, request::Requester};

/// Calls about deleted records. For technicians, administrators and services.
#[derive(Debug)]
pub struct Deleted<'c>(pub(crate) &'c Requester);

impl Deleted<'_> {
    /// A page of the records of a kind, such as `contact`, that people have deleted, the newest first.
    pub async fn list(&self, kind: &str, options: &ListOptions) -> Result<Page<DeletedOut>> {
        self.0.page(&["api", "deleted", kind], options).await
    }

    /// Every one of them, page after page as they are asked for.
    pub fn stream(&self, kind: &str, options: &ListOptions) -> Records<DeletedOut> {
        self.0.records(&["api", "deleted", kind], options)
    }

    /// Undoes a deletion.
    pub fn restore(&self, kind: &str, id: i64) -> Creation<()> {
        let path = ["api", "deleted", kind, &id.to_string(), "restore"];
        self.0.create_bare(&path)
    }
}
