//! Everything of one kind, as lines of JSON or as a table.

mod everything;
mod resources;
mod whole_list;

use futures::future::BoxFuture;
use serde::Serialize;

pub use everything::BulkTickets;
use resources::EXPORTED;
pub use whole_list::WholeList;

use super::{
    csv_file::CsvFile,
    download::{Download, Sink, Size},
};
use crate::{Access, Error, Result, Scope, codex::Codex};

/// A resource that can be exported.
struct ExportDef {
    /// Its name in paths.
    name: &'static str,
    /// Who may export it.
    access: Access,
    /// The columns of its table, as the caller sees it.
    table: fn(&Scope) -> CsvFile,
    /// Writes all records that the caller sees. Memory must not grow with their number.
    write: for<'a> fn(&'a Codex, &'a Scope, &'a mut ExportRows) -> BoxFuture<'a, Result<()>>,
}

/// What can be exported.
pub const EXPORTS: [&str; EXPORTED.len()] = {
    let mut names = [""; EXPORTED.len()];
    let mut place = 0;
    while place < EXPORTED.len() {
        names[place] = EXPORTED[place].name;
        place += 1;
    }
    names
};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// A line of names, also where there is no record, then a line a record; lists and objects are JSON inside their
    /// field. A text that a spreadsheet would run as a formula has an apostrophe before it.
    Csv,
}

impl Codex {
    /// All records of a kind of [`EXPORTS`] that the caller sees, companies without an account number among them.
    /// Memory does not grow with their number.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a kind that cannot be exported, [`Error::Forbidden`], [`Error::Busy`].
    pub async fn export(
        &self,
        scope: &Scope,
        resource: &str,
        format: ExportFormat,
    ) -> Result<Download> {
        let def = EXPORTED.iter().find(|def| def.name == resource);
        let unknown = || Error::invalid("resource", format!("`{resource}` cannot be exported"));
        let def = def.ok_or_else(unknown)?;
        scope.require(def.access, "exporting these records")?;
        let scope = scope.clone();
        self.download(Size::Everything, async move |codex, sink| {
            let table = (format == ExportFormat::Csv).then(|| (def.table)(&scope));
            let mut rows = ExportRows { sink, table };
            if let Some(table) = &rows.table {
                rows.sink.text(&table.header()?);
            }
            (def.write)(&codex, &scope, &mut rows).await?;
            Ok(rows.sink)
        })
        .await
    }
}

/// Writes records as lines of JSON, or of a table.
struct ExportRows {
    sink: Sink,
    table: Option<CsvFile>,
}

impl ExportRows {
    /// Writes one record.
    async fn write(&mut self, record: &impl Serialize) -> Result<()> {
        if let Some(table) = &self.table {
            self.sink.text(&table.record(record)?);
        } else {
            self.sink.json(record)?;
            self.sink.text("\n");
        }
        self.sink.flow().await
    }
}
