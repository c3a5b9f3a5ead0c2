//! Reading the PSA's agents.

use super::{self as psa_agents, PsaAgent};
use crate::{Result, Scope, codex::Codex};

impl Codex {
    /// The PSA's agents, active ones first.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn psa_agents(&self, scope: &Scope, provider: Option<&str>) -> Result<Vec<PsaAgent>> {
        psa_agents::query::list(&self.0.db, scope, provider).await
    }
}
