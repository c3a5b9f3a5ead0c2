//! Reading site links.

use super::{self as site_links, SiteLink};
use crate::{Result, Scope, codex::Codex};

impl Codex {
    /// The links between RMM sites and companies.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn site_links(&self, scope: &Scope) -> Result<Vec<SiteLink>> {
        site_links::query::list(&self.0.db, scope).await
    }
}
