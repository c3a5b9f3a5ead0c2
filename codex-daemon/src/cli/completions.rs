//! `codexd completions`

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::{Cli, output};

const EXAMPLES: &str = "\
Examples:
  codexd completions bash > /etc/bash_completion.d/codexd
  codexd completions zsh > ~/.zfunc/_codexd
  codexd completions fish > ~/.config/fish/completions/codexd.fish";

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Completions {
    /// Name of the shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        // A writer that fails would be a panic there.
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "codexd", &mut script);
        output::lines(String::from_utf8(script)?)?;
        Ok(())
    }
}
