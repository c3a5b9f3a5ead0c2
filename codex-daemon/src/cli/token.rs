//! `codexd token`

use anyhow::Context as _;
use clap::ValueEnum;
use codex_core::clock::{Clock as _, SystemClock};
use serde_json::json;

use super::{UsageError, load, output};
use crate::{
    auth::local::{ISSUER, LocalIssuer},
    config::Sources,
};

const EXAMPLES: &str = "\
Examples:
  codexd token --role technician              a token for 8 hours, on standard output
  codexd token --role admin --hours 1 --name 'Ann Smith'
  codexd token --role client --email ann@acme.example
                                              sees the company of the one contact with that address

Works without Core, and only while [auth] local_issuer is on: the key is instance/local-issuer.pem. A token cannot be
revoked; remove the key and restart codexd to end them all.";

/// Print an access token for use without Core
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Token {
    /// Role of the token
    #[arg(long, value_enum)]
    role: Role,
    /// Hours until the token expires
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=8_760))]
    hours: u16,
    /// Id of the person in the change log; `local-ROLE` when absent
    #[arg(long)]
    sub: Option<String>,
    /// E-mail address of the person; a client sees the company of the contact with it
    #[arg(long)]
    email: Option<String>,
    /// Name of the person
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Admin,
    Billing,
    Technician,
    Client,
}

impl Token {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        let Some(file) = &config.auth.local_issuer else {
            return Err(UsageError::error(
                "tokens without Core are off; set [auth] local_issuer = on in instance/codex.conf, or give \
                 `--set auth.local_issuer=on` to both `codexd serve` and `codexd token`",
            ));
        };
        let issuer = LocalIssuer::open(file)?;
        let level = self.role.to_possible_value();
        let level = level.map_or_else(String::new, |value| value.get_name().to_owned());
        let sub = self.sub.unwrap_or_else(|| format!("local-{level}"));
        if sub.trim().is_empty() {
            return Err(UsageError::error("--sub: must not be empty"));
        }
        if self.role == Role::Client && self.email.is_none() {
            output::error_line("warning: without --email this client sees no company");
        }
        let now = SystemClock.now().timestamp();
        let claims = json!({
            "iss": ISSUER, "sub": sub, "permission_level": level, "email": self.email,
            "name": self.name.as_ref().unwrap_or(&sub), "preferred_username": sub, "groups": [],
            "iat": now, "exp": now + i64::from(self.hours) * 3600,
        });
        let token = issuer.sign(&claims).context("the token cannot be signed")?;
        output::line(token)?;
        Ok(())
    }
}
