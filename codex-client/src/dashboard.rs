//! The numbers of the dashboard.

use codex_core::dashboard::wire::DashboardOut;

use crate::{Client, Result};

impl Client {
    /// The numbers of the dashboard, as far as the caller sees them.
    pub async fn dashboard(&self) -> Result<DashboardOut> {
        self.0.get(&["api", "dashboard"], &[]).await
    }
}
