//! `codexd claims`

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use codex_core::{
    Codex, Outcome, Scope,
    claims::{
        ClaimedResource,
        wire::{FieldClaimsOut, RecordClaimsOut},
    },
    records::{Author, ChangeOut},
};
use serde_json::Value;

use super::{load, output, table::Table, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd claims show company 100001        for each field its value, the source that wins, and the others
  codexd claims show ticket 4711 --all     the same with fields without a value
  codexd claims release company 100001 description --dry-run
                                           what would change; without --dry-run the field follows the sources again

Kinds: company (by account number), contact, asset, location, billing-plan (by id), ticket (by number), agent
(by Keycloak id). Exit code 1 when there is no such record, or nobody has set the field.";

/// Show which source each field of a record comes from, and release manual values
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Claims {
    #[command(subcommand)]
    command: Command,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the value of each source for each field of a record
    Show {
        /// Kind of record
        #[arg(value_parser = kind)]
        kind: ClaimedResource,
        /// Id of the record, such as an account number
        id: String,
        /// Include fields without a value
        #[arg(long)]
        all: bool,
    },
    /// Remove a manual value, so that the field follows the sources again
    Release {
        /// Kind of record
        #[arg(value_parser = kind)]
        kind: ClaimedResource,
        /// Id of the record, such as an account number
        id: String,
        /// Name of the field
        field: String,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

fn kind(text: &str) -> Result<ClaimedResource, String> {
    text.parse().map_err(|_: String| {
        let names = ClaimedResource::ALL.iter().map(|one| one.kind().name());
        let names: Vec<String> = names.map(|name| name.replace('_', "-")).collect();
        format!("expected one of {}", names.join(", "))
    })
}

impl Claims {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let scope = Scope::system();
        let (claims, only) = match &self.command {
            Command::Show { kind, id, .. } => {
                (codex.record_claims(&scope, *kind, id).await?.0, None)
            }
            Command::Release {
                kind,
                id,
                field,
                dry_run,
            } => {
                let author = Author {
                    dry_run: *dry_run,
                    ..Author::new("system", codex.now())
                };
                let released = codex.release_claim(&scope, &author, *kind, id, field);
                match released.await? {
                    Outcome::Applied((claims, _)) => (claims, Some(field.as_str())),
                    Outcome::Planned(planned) => return self.foretell(&planned.changes),
                }
            }
        };
        if self.json {
            return output::json(&claims);
        }
        let all = matches!(self.command, Command::Show { all: true, .. });
        let fields = fields(&claims, |field| match only {
            Some(name) => field.field == name,
            None => all || is_stated(field),
        });
        fields.print()?;
        if only.is_none() {
            output::line("")?;
            sources(&claims).print()?;
        }
        Ok(())
    }

    fn foretell(&self, changes: &[ChangeOut]) -> anyhow::Result<()> {
        if self.json {
            return output::json(changes);
        }
        let mut table = Table::of(["field", "before", "after"]);
        for (field, values) in changes.iter().flat_map(|change| &change.fields) {
            table.push([
                field.clone(),
                text(&values["before"]),
                text(&values["after"]),
            ]);
        }
        table.print()?;
        output::line("Nothing was written.")?;
        Ok(())
    }
}

/// Whether anybody states it, or it has a value.
fn is_stated(field: &FieldClaimsOut) -> bool {
    field.source.is_some() || !field.others.is_empty() || !field.value.is_null()
}

fn fields(claims: &RecordClaimsOut, shown: impl Fn(&FieldClaimsOut) -> bool) -> Table {
    let mut table = Table::of(["field", "value", "source", "since", "others"]);
    for field in claims.fields.iter().filter(|field| shown(field)) {
        let others = field.others.iter();
        let others = others.map(|other| format!("{}: {}", other.source, text(&other.value)));
        table.push([
            field.field.clone(),
            text(&field.value),
            field.source.clone().unwrap_or_else(|| "-".to_owned()),
            time(field.since),
            others.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn sources(claims: &RecordClaimsOut) -> Table {
    let mut table = Table::of(["source", "external id", "first seen", "gone"]);
    for source in &claims.sources {
        table.push([
            source.source.clone(),
            source.external_id.clone().unwrap_or_else(|| "-".to_owned()),
            time(Some(source.first_seen)),
            time(source.gone_at),
        ]);
    }
    table
}

/// The longest value that is shown whole.
const LONGEST: usize = 60;

/// A value for people: `-` for null, texts without quotes.
pub(super) fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// A moment in UTC for people: `-` when there is none.
pub(super) fn time(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn field_line_shows_the_winner_and_other_sources() {
        let claims: RecordClaimsOut = serde_json::from_value(json!({
            "id": "100001", "resource": "companies",
            "fields": [
                {"field": "name", "value": "Ours", "source": "manual", "since": "2026-01-02T03:04:05Z",
                    "others": [{"source": "freshservice", "external_id": "7", "value": "Theirs"}]},
                {"field": "address", "value": null, "source": null, "since": null, "others": []},
            ],
            "sources": [{"source": "freshservice", "external_id": "7", "first_seen": "2026-01-01T00:00:00Z",
                "gone_at": null, "source_updated_at": null}],
        }))
        .unwrap();
        assert_eq!(
            fields(&claims, is_stated).to_string(),
            "FIELD  VALUE  SOURCE  SINCE                 OTHERS\n\
             name   Ours   manual  2026-01-02T03:04:05Z  freshservice: Theirs\n"
        );
        assert_eq!(fields(&claims, |_| true).to_string().lines().count(), 3);
        assert!(
            sources(&claims)
                .to_string()
                .contains("freshservice  7            2026-01-01T00:00:00Z  -\n")
        );
    }
}
