//! PSA agents as JSON (contract 1.2.E).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PsaAgent;

/// An agent of the PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PsaAgentOut {
    /// Whether the agent is active.
    pub active: bool,
    /// E-mail address.
    pub email: Option<String>,
    /// The PSA's agent id, a 64-bit number.
    pub external_id: i64,
    /// Our id.
    pub id: i64,
    /// Position.
    pub job_title: Option<String>,
    /// First and last name.
    pub name: String,
    /// The PSA.
    #[schema(example = "freshservice")]
    pub source: String,
}

impl From<&PsaAgent> for PsaAgentOut {
    fn from(agent: &PsaAgent) -> Self {
        let fields = &agent.fields;
        let names = [fields.first_name.as_deref(), fields.last_name.as_deref()];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Self {
            active: fields.active.unwrap_or(true),
            email: fields.email.clone(),
            external_id: fields.external_id,
            id: agent.id.0,
            job_title: fields.job_title.clone(),
            name: if name.is_empty() {
                format!("Agent {}", agent.id)
            } else {
                name
            },
            source: fields.external_source.clone(),
        }
    }
}
