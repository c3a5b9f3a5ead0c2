//! How well Codex is. No token is needed.

use codex_core::health::wire::HealthOut;
use reqwest::StatusCode;
use serde_json::Value;

use crate::{Result, request::Requester};

/// Calls about health. Each is tried once: the answer is about now.
#[derive(Debug)]
pub struct Health<'c>(pub(crate) &'c Requester);

impl Health<'_> {
    /// Codex and what it needs. A degraded or unhealthy Codex is an answer, not an error.
    pub async fn get(&self) -> Result<HealthOut> {
        let unwell = Some(StatusCode::SERVICE_UNAVAILABLE);
        self.0.probe(&["health"], unwell).await
    }

    /// Whether the process answers.
    ///
    /// # Errors
    /// [`crate::Error`] when it does not.
    pub async fn live(&self) -> Result<()> {
        let _: Value = self.0.probe(&["health", "live"], None).await?;
        Ok(())
    }

    /// Whether requests can be served.
    ///
    /// # Errors
    /// [`crate::Error`] when they cannot, or Codex is out of reach.
    pub async fn ready(&self) -> Result<()> {
        let _: Value = self.0.probe(&["health", "ready"], None).await?;
        Ok(())
    }

    /// What the daemon counts, as Prometheus reads it.
    ///
    /// # Errors
    /// [`crate::Error`] when Codex is out of reach or refuses.
    pub async fn metrics(&self) -> Result<String> {
        self.0.download(&["metrics"], &[]).await?.text().await
    }
}
