//! `codexd openapi`

use super::output;

const EXAMPLES: &str = "\
Examples:
  codexd openapi > codex.json

The same text as GET /openapi.json of a running daemon, indented. Needs no database.";

/// Print the API description (OpenAPI 3.1)
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Openapi {}

/// Prints the description.
pub(super) fn run() -> anyhow::Result<()> {
    let text = crate::openapi::public().to_pretty_json()?;
    output::line(text)?;
    Ok(())
}
