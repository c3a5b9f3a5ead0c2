//! Everything of one kind, as lines of JSON or as a table.

mod everything;
mod lists;
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
use crate::{
    Access, Error, Result, Scope,
    codex::Codex,
    list::{MAX_LIMIT, PageRequest},
};

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
    /// How a part of its list is exported; `None` for kinds that are exported as a whole only.
    list: Option<ListDef>,
}

/// Reads the row ids of a list, in its order.
type ReadIds = for<'a> fn(&'a Codex, &'a Scope, &'a PageRequest) -> Reading<'a, Vec<i64>>;
/// Writes the records with some row ids.
type WriteIds = for<'a> fn(&'a Codex, &'a Scope, &'a [i64], &'a mut ExportRows) -> Reading<'a, ()>;
type Reading<'a, T> = BoxFuture<'a, Result<T>>;

/// How a list is exported as a request leaves it.
struct ListDef {
    ids: ReadIds,
    write: WriteIds,
}

/// Records of a list that are read together.
const PART: usize = MAX_LIMIT as usize;

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
        let def = exported(scope, resource)?;
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

    /// The records of a list that a request leaves, in its order: companies with an account number, contacts, assets,
    /// tickets or locations. Limit and cursor have no meaning here.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another kind, or naming what cannot be listed by; [`Error::Busy`].
    pub async fn export_list(
        &self,
        scope: &Scope,
        resource: &str,
        format: ExportFormat,
        request: &PageRequest,
    ) -> Result<Download> {
        let def = exported(scope, resource)?;
        let list = def.list.as_ref().ok_or_else(|| unknown(resource))?;
        // What cannot be listed by is reported before the file begins.
        let ids = (list.ids)(self, scope, request).await?;
        let scope = scope.clone();
        self.download(Size::Everything, async move |codex, sink| {
            let table = (format == ExportFormat::Csv).then(|| (def.table)(&scope));
            let mut rows = ExportRows { sink, table };
            if let Some(table) = &rows.table {
                rows.sink.text(&table.header()?);
            }
            for ids in ids.chunks(PART) {
                (list.write)(&codex, &scope, ids, &mut rows).await?;
            }
            Ok(rows.sink)
        })
        .await
    }
}

/// What can be exported under a name, by those who may.
fn exported(scope: &Scope, resource: &str) -> Result<&'static ExportDef> {
    let def = EXPORTED.iter().find(|def| def.name == resource);
    let def = def.ok_or_else(|| unknown(resource))?;
    scope.require(def.access, "exporting these records")?;
    Ok(def)
}

fn unknown(resource: &str) -> Error {
    Error::invalid("resource", format!("`{resource}` cannot be exported"))
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
