//! Duplicate candidates.

use codex_core::duplicates::wire::{DuplicateMergeIn, DuplicateOut};

use crate::{Creation, ListOptions, Page, Reading, Records, Result, request::Requester};

/// Calls about duplicate candidates. For technicians, administrators and services.
#[derive(Debug)]
pub struct Duplicates<'c>(pub(crate) &'c Requester);

impl Duplicates<'_> {
    /// A page of candidates, the newest first; `state` and `kind` are columns to filter by.
    pub async fn list(&self, options: &ListOptions) -> Result<Page<DuplicateOut>> {
        self.0.page(&["api", "duplicates"], options).await
    }

    /// Every one of them, page after page as they are asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<DuplicateOut> {
        self.0.records(&["api", "duplicates"], options)
    }

    /// One candidate.
    pub fn get(&self, id: i64) -> Reading<DuplicateOut> {
        self.0.read(&["api", "duplicates", &id.to_string()])
    }

    /// Merges the two records; the older one is kept unless `keep` names the other.
    pub fn merge(&self, id: i64, keep: Option<i64>) -> Creation<DuplicateOut> {
        let path = ["api", "duplicates", &id.to_string(), "merge"];
        self.0.create(&path, &DuplicateMergeIn { keep })
    }

    /// Keeps the two records apart; they are never proposed again.
    pub fn reject(&self, id: i64) -> Creation<DuplicateOut> {
        let path = ["api", "duplicates", &id.to_string(), "reject"];
        self.0.create_bare(&path)
    }
}
