//! The PSA's agents.

use codex_core::psa_agents::wire::{PsaAgentOut, PsaConfigOut};

use crate::{Result, request::Requester};

/// Calls about the PSA's agents.
#[derive(Debug)]
pub struct PsaAgents<'c>(pub(crate) &'c Requester);

impl PsaAgents<'_> {
    /// Where the PSA's pages are, and which of its groups the modules tell apart.
    pub async fn config(&self) -> Result<PsaConfigOut> {
        self.0.get(&["api", "psa", "config"], &[]).await
    }

    /// All agents, active ones first; those of one provider when it is named.
    pub async fn list(&self, provider: Option<&str>) -> Result<Vec<PsaAgentOut>> {
        let query: Vec<_> = provider
            .map(|name| ("provider", name.to_owned()))
            .into_iter()
            .collect();
        self.0.get(&["api", "psa", "agents"], &query).await
    }
}
