//! What each source states about a record.

use codex_core::claims::{
    ClaimedResource,
    wire::{FieldClaimsOut, RecordClaimsOut},
};

use crate::{Edit, Reading, request::Requester};

/// Calls about claims. For staff; those of agents for administrators.
#[derive(Debug)]
pub struct Claims<'c>(pub(crate) &'c Requester);

impl Claims<'_> {
    /// For each field of a record its value, the source that wins, and what others state. `id` is what names the
    /// record elsewhere: an account number, a ticket's number, a Keycloak id, else an id.
    pub fn get(&self, resource: ClaimedResource, id: &str) -> Reading<RecordClaimsOut> {
        self.0.read(&["api", resource.path(), id, "claims"])
    }

    /// A field that a person has set.
    pub fn manual(
        &self,
        resource: ClaimedResource,
        id: &str,
        field: &str,
    ) -> Reading<FieldClaimsOut> {
        let path = ["api", resource.path(), id, "claims", "manual", field];
        self.0.read(&path)
    }

    /// Releases a field that a person has set: it follows the sources from then on.
    pub fn release(&self, resource: ClaimedResource, id: &str, field: &str) -> Edit<()> {
        let path = ["api", resource.path(), id, "claims", "manual", field];
        self.0.delete(&path)
    }
}
