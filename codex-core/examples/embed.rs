//! The library in process: opens `SQLite`, syncs from both vendors, reads a company. No server, no token.
//!
//! Run it against the simulators:
//! `cargo run -p codex-tests --bin simulate -- cargo run -p codex-core --example embed`

use std::io::{self, Write as _};

use codex_core::{
    Codex, Scope,
    sync::{CallRate, HttpSettings, SyncKind, datto, freshservice},
};
use secrecy::SecretString;

#[expect(
    clippy::disallowed_methods,
    reason = "an example has no configuration of its own"
)]
fn setting(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `println!` panics when the reader goes away, as `head` does.
    let mut out = io::stdout();
    let folder = tempfile::tempdir()?;
    let codex = Codex::builder(format!("sqlite://{}/codex.db", folder.path().display()))
        .source(freshservice::Freshservice::new(freshservice::Settings {
            base: format!("{}/api/v2", setting("FRESHSERVICE_URL")?).parse()?,
            api_key: SecretString::from(setting("FRESHSERVICE_KEY")?),
            all_workspaces: false,
            http: HttpSettings::default(),
        }))
        .source(datto::Datto::new(
            datto::Settings {
                base: setting("DATTO_URL")?.parse()?,
                public_key: SecretString::from(setting("DATTO_KEY")?),
                secret_key: SecretString::from(setting("DATTO_SECRET")?),
                http: HttpSettings {
                    call_rate: CallRate::new(Some(540)),
                    ..HttpSettings::default()
                },
            },
            datto::Options::default(),
        ))
        .open()
        .await?;
    let scope = Scope::system();
    for part in [SyncKind::Psa, SyncKind::Rmm] {
        let job = codex.sync(&scope, part).await?;
        writeln!(
            out,
            "{}: {:?}\n{}\n",
            job.script,
            job.status,
            job.output.unwrap_or_default()
        )?;
    }
    let company = codex
        .company(&scope, "100001")
        .await?
        .ok_or("company 100001 is missing")?;
    let contacts = codex.company_contacts(&scope, company.id).await?;
    let assets = codex.company_assets(&scope, company.id).await?;
    writeln!(
        out,
        "{}: {} contacts, {} assets",
        company.fields.name,
        contacts.len(),
        assets.len()
    )?;
    codex.close().await;
    Ok(())
}
