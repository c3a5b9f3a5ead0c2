//! The import of the Flask service's database: check, run, verify, and a way back.
//!
//! A page of rows is read from a snapshot of the old database, mapped to what the record writer takes, and written in one
//! transaction with the checkpoint of its table. So an import that was killed continues after the last page. Imported
//! values are claims of the source `import`. Every other source is stronger, and finds the record by
//! `crate::records::match_imported` when it first states it. `docs/import.md` lists what is imported of each table.

mod back;
mod bill;
mod bills;
mod cells;
mod expected;
mod facts;
mod flaws;
mod map;
mod only_here;
mod report;
mod report_table;
mod run;
mod schema;
mod service;
mod shapes;
mod source;
mod state;
mod tables;
mod verify;
mod write;

use std::collections::BTreeSet;

pub use chrono_tz::Tz as TimeZone;

pub use back::BackFile;
pub use bill::Bill;
pub use flaws::{Flaw, Weight};
pub use only_here::Extra;
pub use report::{FlawCount, ImportReport, TableReport};
pub use report_table::ReportTable;
pub use schema::{Generation, Layout};
pub use service::{DryRun, ImportOutcome, ImportStatus, dry_run};
pub use state::{Import, ImportState};
pub use tables::Table;
pub use verify::{BillDifference, Comparison, Difference, TableComparison};

use crate::{Error, Result, store::Sql, tickets::status::Statuses};

/// The state of a database before an import, with what comes next.
pub const NOTHING_IMPORTED: &str = "nothing was imported into this database; `codexd import check --from URL` reads the \
    old one, `codexd import run --from URL` imports it";

/// What an import reads, and how.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The old database: `postgresql://user:password@host/database` or `sqlite:path`.
    pub from: String,
    /// The zone of the old server's clock: some of its columns hold local times.
    pub time_zone: Option<TimeZone>,
    /// Names of secret user-defined fields, such as `udf2`.
    pub secret_udfs: Vec<String>,
    /// Words for the PSA's status numbers.
    pub statuses: Statuses,
    /// Codes of warnings that a person has accepted.
    pub accepted: BTreeSet<String>,
    /// Whether the role may change the old database.
    pub allow_writing_role: bool,
}

/// The time zone with an IANA name.
///
/// # Errors
/// [`Error::Invalid`] when there is none.
pub fn time_zone(name: &str) -> Result<TimeZone> {
    name.trim().parse().map_err(|_| {
        let message = format!("there is no time zone `{name}`; an example is Europe/Berlin");
        Error::invalid("old_time_zone", message)
    })
}

/// Reads the whole old database and reports what would be imported and every flaw. Writes nothing.
///
/// # Errors
/// [`crate::Error::Unsupported`] for another database than the Flask service's or a role that may change it,
/// [`crate::Error::Db`] when it cannot be read.
pub async fn check(
    options: &ImportOptions,
    progress: impl FnMut(Table, &TableReport),
) -> Result<ImportReport> {
    let mut importer = run::Importer::open(options).await?;
    importer.run(progress).await
}

/// Every named statement, for the test that prepares them on both engines.
pub(crate) fn statements() -> Vec<(&'static str, Sql)> {
    [
        state::STATEMENTS,
        run::STATEMENTS,
        back::STATEMENTS,
        only_here::STATEMENTS,
        service::STATEMENTS,
    ]
    .concat()
}
