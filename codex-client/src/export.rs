//! Everything of one kind.

use codex_core::health::wire::RootOut;

use crate::{Client, Download, Result};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// A table; lists and objects are JSON inside their field.
    Csv,
}

impl Client {
    /// Everything of a kind, such as `companies`, that the caller sees.
    pub async fn export(&self, resource: &str, format: ExportFormat) -> Result<Download> {
        let ending = match format {
            ExportFormat::Ndjson => "ndjson",
            ExportFormat::Csv => "csv",
        };
        let file = format!("{resource}.{ending}");
        self.0.download(&["api", "export", &file], &[]).await
    }

    /// The description of the API.
    pub async fn openapi(&self) -> Result<serde_json::Value> {
        self.0.get(&["openapi.json"], &[]).await
    }

    /// The addresses of documentation, description and health. No token is needed.
    ///
    /// # Errors
    /// [`crate::Error`] when Codex is out of reach.
    pub async fn root(&self) -> Result<RootOut> {
        self.0.probe(&[], None).await
    }
}
