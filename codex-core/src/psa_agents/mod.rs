//! PSA agents: the MSP's own people as the PSA knows them.

#[cfg(feature = "store")]
pub mod query;
#[cfg(feature = "store")]
pub mod rules;
#[cfg(feature = "sync")]
mod service;
pub mod wire;

use crate::{fold::SearchKey, ids::PsaAgentId, json_columns::List};

record! {
    // Contract 2.4.
    /// What is tracked about a PSA agent.
    pub struct PsaAgentFields in "psa_agents" {
        /// The PSA's agent id.
        external_id: i64 = field(),
        /// The PSA.
        external_source: String = field(),
        /// E-mail address.
        email: Option<String> = field(),
        /// Given name.
        first_name: Option<String> = field(),
        /// Family name.
        last_name: Option<String> = field(),
        /// Whether the agent is active; a deactivated one stays listed.
        active: Option<bool> = field(),
        /// Occasional agents use day passes.
        occasional: Option<bool> = field(),
        /// Position.
        job_title: Option<String> = field(),
        /// Department ids at the PSA.
        department_ids: List<i64> = field(),
        /// Groups that the agent is a member of.
        group_ids: List<i64> = field(),
    }
    derived {
        /// Folded name, for order.
        name_fold: SearchKey,
    }
}

row! {
    /// An agent of the PSA.
    pub struct PsaAgent(PsaAgentId, PsaAgentFields) {}
}
