//! Saved views: the query of a list under a name.

use codex_core::views::wire::{ViewIn, ViewOut};

use crate::{Creation, Edit, ListOptions, Page, Reading, Records, Result, request::Requester};

const PATH: [&str; 2] = ["api", "views"];

/// Calls about views. Not for clients; shared views are changed by technicians, defaults of roles by administrators.
#[derive(Debug)]
pub struct Views<'c>(pub(crate) &'c Requester);

impl Views<'_> {
    /// A page of the views that the caller sees, by name.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<ViewOut>> {
        self.0.page(&PATH, options).await
    }

    /// Every view that `options` let through, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<ViewOut> {
        self.0.records(&PATH, options)
    }

    /// One view.
    pub fn get(&self, id: i64) -> Reading<ViewOut> {
        self.0.read(&[PATH[0], PATH[1], &id.to_string()])
    }

    /// Creates a view.
    pub fn create(&self, view: &ViewIn) -> Creation<ViewOut> {
        self.0.create(&PATH, view)
    }

    /// Updates a view; returns it as it is now.
    pub fn update(&self, id: i64, edit: &ViewIn) -> Edit<ViewOut> {
        self.0.put(&[PATH[0], PATH[1], &id.to_string()], edit)
    }

    /// Deletes a view. An administrator can restore it: [`crate::Deleted::restore`].
    pub fn delete(&self, id: i64) -> Edit<()> {
        self.0.delete(&[PATH[0], PATH[1], &id.to_string()])
    }
}
