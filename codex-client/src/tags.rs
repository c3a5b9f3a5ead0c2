//! Tags, and the records that have them.

use codex_core::tags::wire::{TagAddedOut, TagIn, TagOut, TagRecordsIn, TagRemovedOut};

use crate::{Creation, Edit, ListOptions, Page, Reading, Records, Result, request::Requester};

const PATH: [&str; 2] = ["api", "tags"];

/// Calls about tags. Not for clients; changes are for technicians, administrators and services.
///
/// Lists of companies, contacts and assets have the filter `tag`, and the field `tags` with the names of each record's
/// tags.
#[derive(Debug)]
pub struct Tags<'c>(pub(crate) &'c Requester);

impl Tags<'_> {
    /// A page of tags, by name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<TagOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every tag that `options` let through, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<TagOut> {
        self.0.records(&PATH, options)
    }

    /// One tag.
    pub fn get(&self, id: i64) -> Reading<TagOut> {
        self.0.read(&[PATH[0], PATH[1], &id.to_string()])
    }

    /// Creates a tag.
    pub fn create(&self, tag: &TagIn) -> Creation<TagOut> {
        self.0.create(&PATH, tag)
    }

    /// Updates a tag; returns it as it is now.
    pub fn update(&self, id: i64, edit: &TagIn) -> Edit<TagOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit)
    }

    /// Deletes a tag. [`crate::Deleted::restore`] brings it back, on the records that it was on.
    pub fn delete(&self, id: i64) -> Edit<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()])
    }

    /// Adds a tag to records: to all of them, or to none if one does not exist.
    pub fn add(&self, id: i64, records: &TagRecordsIn) -> Creation<TagAddedOut> {
        let path = [PATH[0], PATH[1], &id.to_string(), "add"];
        self.0.create(&path, records)
    }

    /// Removes a tag from records: from all of them, or from none if one does not exist.
    pub fn remove(&self, id: i64, records: &TagRecordsIn) -> Creation<TagRemovedOut> {
        let path = [PATH[0], PATH[1], &id.to_string(), "remove"];
        self.0.create(&path, records)
    }
}
