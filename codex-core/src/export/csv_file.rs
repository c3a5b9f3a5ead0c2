//! A table of records as CSV that a spreadsheet shows and does not run.
//!
//! Texts come from outside: anybody can send a ticket whose subject is a formula. A spreadsheet takes a cell for one by
//! its first character, so that such a text gets an apostrophe before it
//! (<https://owasp.org/www-community/attacks/CSV_Injection>). Numbers stay as they are, minus signs included.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{Error, Result};

/// First characters that make a cell a formula, or are skipped before one; spreadsheets of East Asian languages know
/// the wide forms too.
const LIVE: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The lines of one table.
#[derive(Debug)]
pub(crate) struct CsvFile {
    names: BTreeSet<String>,
}

impl CsvFile {
    /// A table with a column for each key of `T`.
    pub fn of<T: ToSchema>() -> Self {
        let mut named = Vec::new();
        T::schemas(&mut named);
        let mut names = BTreeSet::new();
        add_keys(&T::schema(), &named, &mut names);
        Self { names }
    }

    /// The same with one more column.
    pub fn with(self, name: &str) -> Self {
        self.with_all([name])
    }

    /// The same with more columns.
    pub fn with_all<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.names.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// The line of names.
    ///
    /// # Errors
    /// [`Error::Sync`] when it cannot be written.
    pub fn header(&self) -> Result<String> {
        line(self.names.iter().map(|name| cell(name)))
    }

    /// The line of a record; lists and objects are JSON inside their cell.
    ///
    /// # Errors
    /// [`Error::Sync`] when it cannot be written.
    pub fn record(&self, record: &impl Serialize) -> Result<String> {
        let record = serde_json::to_value(record).unwrap_or_default();
        line(self.names.iter().map(|name| match record.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => cell(text),
            Some(other) => other.to_string(),
        }))
    }
}

/// A line of texts.
///
/// # Errors
/// [`Error::Sync`] when it cannot be written.
pub(crate) fn texts<'t>(cells: impl Iterator<Item = &'t str>) -> Result<String> {
    line(cells.map(cell))
}

/// A text as a cell that is no formula.
fn cell(text: &str) -> String {
    let live = if text.starts_with(LIVE) { "'" } else { "" };
    format!("{live}{text}")
}

fn line(cells: impl Iterator<Item = String>) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| Error::Sync {
        message: format!("a line could not be written: {error}"),
    };
    let mut lines = csv::Writer::from_writer(Vec::new());
    lines.write_record(cells).map_err(|error| failed(&error))?;
    let bytes = lines.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}

/// Adds the keys of an object, and of those that are flattened into it.
fn add_keys(
    schema: &RefOr<Schema>,
    named: &[(String, RefOr<Schema>)],
    names: &mut BTreeSet<String>,
) {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next();
            let known = named.iter().find(|(known, _)| Some(known.as_str()) == name);
            if let Some((_, schema)) = known {
                add_keys(schema, named, names);
            }
        }
        RefOr::T(Schema::Object(object)) => names.extend(object.properties.keys().cloned()),
        RefOr::T(Schema::AllOf(all)) => {
            let parts = all.items.iter();
            parts.for_each(|part| add_keys(part, named, names));
        }
        RefOr::T(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize, ToSchema)]
    struct Inner {
        number: f64,
    }

    #[derive(Serialize, ToSchema)]
    struct Outer {
        #[serde(flatten)]
        inner: Inner,
        text: Option<String>,
    }

    /// Numbers keep their sign.
    #[test]
    fn csv_texts_are_never_formulas() {
        let file = CsvFile::of::<Outer>().with("place");
        assert_eq!(file.header().unwrap(), "number,place,text\n");
        for live in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "=cmd|' /C calc'!A0",
        ] {
            let record = Outer {
                inner: Inner { number: -2.5 },
                text: Some(live.to_owned()),
            };
            let line = file.record(&record).unwrap();
            let mut read = csv::ReaderBuilder::new();
            let mut read = read.has_headers(false).from_reader(line.as_bytes());
            let row = read.records().next().unwrap().unwrap();
            assert_eq!(row.get(0), Some("-2.5"));
            assert_eq!(row.get(2), Some(format!("'{live}").as_str()), "{line:?}");
        }
        let plain = json!({"number": 1, "text": "a = b, \"c\"", "place": ["=1"]});
        let line = file.record(&plain).unwrap();
        assert_eq!(line, "1,\"[\"\"=1\"\"]\",\"a = b, \"\"c\"\"\"\n");
    }
}
