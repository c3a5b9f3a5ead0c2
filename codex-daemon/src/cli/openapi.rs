//! `codexd openapi`

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;

const EXAMPLES: &str = "\
Examples:
  codexd openapi > codex.json
  codexd openapi --check old.json

With --check: names what breaks callers of the older description, and exits with 1 when something does.
The same text as GET /openapi.json of a running daemon, indented. Needs no database.";

/// Print the API description (OpenAPI 3.1)
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Openapi {
    /// An older description: name what breaks its callers
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

impl Openapi {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if let Some(file) = &self.check {
            return check(file);
        }
        let text = crate::openapi::public().to_pretty_json()?;
        writeln!(std::io::stdout(), "{text}")?;
        Ok(())
    }
}

fn check(file: &std::path::Path) -> anyhow::Result<()> {
    let named = || file.display().to_string();
    let old = std::fs::read_to_string(file).with_context(named)?;
    let old: serde_json::Value = serde_json::from_str(&old).with_context(named)?;
    anyhow::ensure!(
        old["paths"].is_object(),
        "{} is no OpenAPI description",
        named()
    );
    let new = serde_json::to_value(crate::openapi::public())?;
    let found = crate::breaking::changes(&old, &new);
    let mut out = std::io::stdout();
    for line in &found {
        writeln!(out, "{line}")?;
    }
    match found.len() {
        0 => writeln!(out, "Nothing breaks.").map_err(Into::into),
        1 => anyhow::bail!("1 change breaks callers"),
        count => anyhow::bail!("{count} changes break callers"),
    }
}
