//! The PSA's agents.

use codex_core::psa_agents::wire::PsaAgentOut;

use crate::{Result, request::Requester};

/// Calls about the PSA's agents.
#[derive(Debug)]
pub struct PsaAgents<'c>(pub(crate) &'c Requester);

impl PsaAgents<'_> {
    /// All agents, active ones first; those of one provider when it is named.
    pub async fn list(&self, provider: Option<&str>) -> Result<Vec<PsaAgentOut>> {
        let query: Vec<_> = provider
            .map(|name| ("provider", name.to_owned()))
            .into_iter()
            .collect();
        self.0.get(&["api", "psa", "agents"], &query).await
    }
}
