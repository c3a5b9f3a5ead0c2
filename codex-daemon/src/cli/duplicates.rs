//! `codexd duplicates`

use anyhow::Context as _;
use clap::Subcommand;
use codex_core::{
    Codex, Outcome, RecordKind, Scope,
    duplicates::{
        DuplicateState, KINDS,
        wire::{DuplicateMergeIn, DuplicateOut, DuplicateRecord},
    },
    list::{Filter, PageRequest, Sort},
    records::Author,
};

use super::{load, output, table::printable, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd duplicates list                     candidates that wait for a person
  codexd duplicates list --all --kind asset  all candidates of assets
  codexd duplicates merge 12                 keep the older record
  codexd duplicates merge 12 --keep 4711     keep asset or contact 4711
  codexd duplicates merge 12 --dry-run       show what would change
  codexd duplicates reject 12                keep both, and never propose them again

Exit code 1 when there is no such candidate, it was decided already, or the records belong to different companies.";

/// List, merge and reject pairs of records that may be duplicates
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Duplicates {
    #[command(subcommand)]
    command: Command,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List candidates, newest first
    List(List),
    /// Merge the two records
    Merge {
        /// Id of the candidate
        id: i64,
        /// The record to keep; the older one unless given
        #[arg(long, value_name = "RECORD")]
        keep: Option<i64>,
        /// Show what would change, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Keep both records, and never propose the pair again
    Reject {
        /// Id of the candidate
        id: i64,
    },
}

/// Which candidates to list.
#[derive(Debug, clap::Args)]
struct List {
    /// Include candidates that were decided
    #[arg(long)]
    all: bool,
    /// Only candidates of this kind
    #[arg(long, value_parser = KINDS.map(RecordKind::name))]
    kind: Option<String>,
    /// At most this many, 1 to 500
    #[arg(long, default_value_t = 100, value_parser = super::limit)]
    limit: u32,
}

impl Duplicates {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let scope = Scope::system();
        let mut author = Author::new("system", codex.now());
        let decided = match &self.command {
            Command::List(list) => return self.list(codex, list).await,
            Command::Merge { id, keep, dry_run } => {
                author.dry_run = *dry_run;
                let which = DuplicateMergeIn { keep: *keep };
                codex.merge_duplicate(&scope, &author, *id, which).await?
            }
            Command::Reject { id } => codex.reject_duplicate(&scope, &author, *id).await?,
        };
        match decided.context(
            "there is no such duplicate candidate; `codexd duplicates list --all` shows all",
        )? {
            Outcome::Applied(decided) if self.json => output::json(&decided)?,
            Outcome::Planned(planned) if self.json => output::json(&planned.changes)?,
            Outcome::Applied(decided) => output::line(line(&decided))?,
            Outcome::Planned(planned) => {
                for change in &planned.changes {
                    output::line(format_args!("would {change}"))?;
                }
            }
        }
        Ok(())
    }

    async fn list(&self, codex: &Codex, list: &List) -> anyhow::Result<()> {
        let mut page = PageRequest {
            limit: Some(list.limit),
            sort: Some(Sort::new("-id")),
            ..PageRequest::default()
        };
        if !list.all {
            let open = DuplicateState::Open.name();
            page.filters.push(Filter::new("state", open));
        }
        let of_kind = list.kind.as_deref().map(|kind| Filter::new("kind", kind));
        page.filters.extend(of_kind);
        let found = codex.duplicates(&Scope::system(), &page).await?;
        if self.json {
            return output::json(&found.items);
        }
        if found.items.is_empty() {
            output::line("No duplicate candidate waits for a decision.")?;
        } else {
            output::line("    ID  STATE     SCORE  RECORDS")?;
        }
        for duplicate in &found.items {
            output::line(line(duplicate))?;
        }
        if found.next.is_some() {
            output::line("There are more; --limit shows up to 500.")?;
        }
        Ok(())
    }
}

/// A candidate in one line.
fn line(duplicate: &DuplicateOut) -> String {
    let record = |record: &DuplicateRecord| {
        let name = printable(record.name.as_deref().unwrap_or("without a name"));
        let of = record.company_account_numbers.join(" ");
        let company = if of.is_empty() {
            "no company".to_owned()
        } else {
            of
        };
        let gone = if record.is_live { "" } else { ", deleted" };
        format!("{} `{name}` ({company}{gone})", record.id)
    };
    let shared = duplicate.evidence.iter().filter(|fact| fact.points > 0);
    let shared: Vec<&str> = shared.map(|fact| fact.fact.as_str()).collect();
    format!(
        "{:>6}  {:<8}  {:>5}  {} {} and {}: {}",
        duplicate.id,
        duplicate.state.name(),
        duplicate.score,
        duplicate.kind,
        record(&duplicate.record_a),
        record(&duplicate.record_b),
        shared.join(", ")
    )
}
