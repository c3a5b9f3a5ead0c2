//! PSA agents as JSON (contract 1.2.E).

use std::collections::BTreeMap;

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
    /// First and last name, else either, else `Agent` and our id.
    pub name: String,
    /// The PSA.
    #[schema(example = "freshservice")]
    pub source: String,
}

// Contract 1.2.E.
/// Where the PSA's pages are, and the groups that modules distinguish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PsaConfigOut {
    /// The PSA in use.
    #[schema(example = "freshservice")]
    pub default_provider: Option<String>,
    /// By name of the PSA, those that are configured.
    pub providers: BTreeMap<String, PsaProviderOut>,
}

// Contract 1.2.E.
/// One PSA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PsaProviderOut {
    /// Address of a company's page, with `{company_id}` for its id.
    pub company_url_template: String,
    /// Address of a contact's page, with `{contact_id}` for its id.
    pub contact_url_template: String,
    /// Groups that the modules tell apart.
    pub group_ids: PsaGroupsOut,
    /// Name for people.
    pub name: String,
    /// Address of a ticket's page, with `{ticket_id}` for its number.
    pub ticket_url_template: String,
}

/// Groups of the PSA by what they are to the MSP; null when it is not configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PsaGroupsOut {
    /// The help desk.
    pub helpdesk: Option<i64>,
    /// Projects and consulting.
    pub professional_services: Option<i64>,
}

impl From<&PsaAgent> for PsaAgentOut {
    fn from(agent: &PsaAgent) -> Self {
        let fields = &agent.fields;
        let names = [fields.first_name.as_deref(), fields.last_name.as_deref()];
        let known = names.into_iter().flatten().map(str::trim);
        let name = known
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::PsaAgentId, psa_agents::PsaAgentFields};

    fn out(first: Option<&str>, last: Option<&str>) -> PsaAgentOut {
        PsaAgentOut::from(&PsaAgent {
            id: PsaAgentId(12),
            fields: PsaAgentFields {
                external_id: 19_000_000_000,
                external_source: "freshservice".into(),
                first_name: first.map(Into::into),
                last_name: last.map(Into::into),
                ..PsaAgentFields::default()
            },
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
            deleted_at: None,
        })
    }

    #[test]
    fn empty_psa_agent_has_contract_keys_and_a_name() {
        assert_eq!(
            serde_json::to_string(&out(None, None)).unwrap(),
            r#"{"active":true,"email":null,"external_id":19000000000,"id":12,"#.to_owned()
                + r#""job_title":null,"name":"Agent 12","source":"freshservice"}"#
        );
    }

    #[test]
    fn name_joins_the_known_parts() {
        assert_eq!(out(Some("Grace"), Some("Hopper")).name, "Grace Hopper");
        assert_eq!(out(Some("Grace"), Some(" ")).name, "Grace");
        assert_eq!(out(Some(""), Some("Hopper")).name, "Hopper");
    }
}
