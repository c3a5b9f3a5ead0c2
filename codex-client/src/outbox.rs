//! Changes of tickets on their way to the PSA.

use codex_core::outbox::{OutboxState, wire::OutboxOut};

use crate::{Result, Start, request::Requester};

/// Calls about changes of tickets on their way to the PSA.
#[derive(Debug)]
pub struct Outbox<'c>(pub(crate) &'c Requester);

impl Outbox<'_> {
    /// The newest changes; those of one state when it is named.
    pub async fn list(&self, state: Option<OutboxState>) -> Result<Vec<OutboxOut>> {
        let state = state.map(|state| format!("{state:?}").to_lowercase());
        let query: Vec<_> = state.map(|word| ("state", word)).into_iter().collect();
        self.0.get(&["sync", "outbox"], &query).await
    }

    /// Sends a change again, over what the PSA has now.
    pub fn retry(&self, id: i64) -> Start<OutboxOut> {
        let id = id.to_string();
        self.0.start(&["sync", "outbox", &id, "retry"])
    }

    /// Stops a change that was not sent; here it stays.
    pub fn cancel(&self, id: i64) -> Start<OutboxOut> {
        let id = id.to_string();
        self.0.start(&["sync", "outbox", &id, "cancel"])
    }
}
