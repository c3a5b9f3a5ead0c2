//! What a dry run would do.

use crate::{changes::Change, jobs::JobReport};

/// The most changes that a plan lists; the counts are always complete.
pub const MAX_CHANGES: usize = 10_000;

/// A plan: the changes and the report of a run that wrote nothing.
#[derive(Debug, Default, Clone, serde::Serialize)]
pub struct Plan {
    /// The changes in order, at most [`MAX_CHANGES`].
    pub changes: Vec<Change>,
    /// Counts, scopes and issues.
    pub report: JobReport,
}

impl Plan {
    pub(super) fn extend(&mut self, changes: Vec<Change>) {
        let room = MAX_CHANGES.saturating_sub(self.changes.len());
        self.changes.extend(changes.into_iter().take(room));
    }
}
