//! In place of traces in a build that sends none.

use tracing_subscriber::layer::Identity;

use crate::config::Config;

/// A collector is set, and gets nothing.
#[derive(Debug)]
pub struct Traces;

impl Traces {
    /// `None` when no collector is set.
    ///
    /// # Errors
    /// None.
    pub fn start(config: &Config) -> anyhow::Result<Option<Self>> {
        Ok(config.collector.as_ref().map(|_| Self))
    }

    /// Does nothing.
    pub fn layer(&self) -> Identity {
        Identity::new()
    }

    /// Does nothing.
    pub fn end(self) {}
}

/// Does nothing.
pub(crate) fn answered(_: &str, _: &str, _: u16) {}
