//! Webhooks, as a vendor sends them: to try a way in.

use secrecy::SecretString;
use serde_json::Value;

use crate::{Result, request::Requester};

/// Calls about webhooks.
#[derive(Debug)]
pub struct Webhooks<'c>(pub(crate) &'c Requester);

impl Webhooks<'_> {
    /// How webhooks are set up.
    pub async fn health(&self) -> Result<Value> {
        self.0.probe(&["webhooks", "health"], None).await
    }

    /// Whether the shared secret is right.
    pub async fn test(&self, secret: &SecretString) -> Result<Value> {
        let nothing = Value::Object(serde_json::Map::new());
        self.0
            .webhook(&["webhooks", "test"], secret, &nothing)
            .await
    }

    /// Tells of an event of a Freshservice ticket.
    pub async fn freshservice_ticket(&self, secret: &SecretString, event: &Value) -> Result<Value> {
        self.0
            .webhook(&["webhooks", "freshservice", "ticket"], secret, event)
            .await
    }

    /// Tells of an event of a `SuperOps` ticket, which is taken and not stored.
    pub async fn superops_ticket(&self, secret: &SecretString, event: &Value) -> Result<Value> {
        self.0
            .webhook(&["webhooks", "superops", "ticket"], secret, event)
            .await
    }
}
