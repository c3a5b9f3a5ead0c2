//! The text of a backup: a head, then each table with its rows as JSON arrays, then the sums.

use std::{
    borrow::Cow,
    io::{self, BufRead, Write},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{BackupError, Manifest, Result, TableSum};

/// The format of a backup. A change of the format changes the number.
pub(super) const FORMAT: &str = "codex-backup-1";
/// How a backup of any format begins.
const BEGINNING: &[u8] = b"{\"format\":\"codex-backup-";
/// The most bytes of the first line.
const LONGEST_HEAD: u64 = 1 << 20;
/// The most bytes of a line. The records of vendors have less than a hundredth of it, and a file without line ends must
/// not fill the memory.
const LONGEST_LINE: u64 = 1 << 28;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) codexd: String,
    pub(super) engine: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) migrations: Vec<i64>,
}

impl Head {
    pub(super) fn with(&self, tables: Vec<TableSum>) -> Manifest {
        Manifest {
            codexd: self.codexd.clone(),
            engine: self.engine.clone(),
            created_at: self.created_at,
            migrations: self.migrations.clone(),
            tables,
        }
    }
}

/// The line before a table's rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TableHead {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// A line that is no row.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Marker {
    Table(TableHead),
    End(Vec<TableSum>),
}

/// Counts and hashes the rows of a table.
pub(super) struct Sum {
    name: String,
    rows: u64,
    hash: [u64; 4],
}

impl Sum {
    pub(super) fn of(name: String) -> Self {
        Self {
            name,
            rows: 0,
            hash: [0; 4],
        }
    }

    /// Adds the hash of a row. A sum does not depend on the order, and two equal rows do not cancel each other out.
    pub(super) fn add(&mut self, row: &str) {
        self.rows += 1;
        let hash = Sha256::digest(comparable(row).as_bytes());
        for (sum, part) in self.hash.iter_mut().zip(hash.chunks_exact(8)) {
            let part = part
                .iter()
                .fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
            *sum = sum.wrapping_add(part);
        }
    }

    pub(super) fn finish(self) -> TableSum {
        let hash = self.hash.map(|part| format!("{part:016x}")).concat();
        TableSum {
            name: self.name,
            rows: self.rows,
            hash,
        }
    }
}

/// A row as either engine has it: `PostgreSQL` keeps no order of the members of JSON, and `SQLite` keeps its text.
fn comparable(row: &str) -> Cow<'_, str> {
    if !row.contains("\"{") && !row.contains("\"[") {
        return row.into();
    }
    let Ok(mut values) = serde_json::from_str::<Vec<Value>>(row) else {
        return row.into();
    };
    for value in &mut values {
        let Value::String(text) = value else { continue };
        if text.starts_with(['{', '['])
            && let Ok(json) = serde_json::from_str::<Value>(text)
        {
            *text = json.to_string();
        }
    }
    Value::Array(values).to_string().into()
}

/// Writes a backup.
pub(super) struct Writer<'o> {
    out: &'o mut dyn Write,
    sums: Vec<Sum>,
}

impl<'o> Writer<'o> {
    pub(super) fn begin(out: &'o mut dyn Write, head: &Head) -> Result<Self> {
        let mut writer = Self {
            out,
            sums: Vec::new(),
        };
        writer.line(head)?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, table: &TableHead) -> Result<()> {
        self.sums.push(Sum::of(table.name.clone()));
        self.line(&Marker::Table(table.clone()))
    }

    pub(super) fn row(&mut self, row: &str) -> Result<()> {
        if let Some(sum) = self.sums.last_mut() {
            sum.add(row);
        }
        self.text(row)
    }

    pub(super) fn end(mut self) -> Result<Vec<TableSum>> {
        let sums: Vec<TableSum> = std::mem::take(&mut self.sums)
            .into_iter()
            .map(Sum::finish)
            .collect();
        self.line(&Marker::End(sums.clone()))?;
        Ok(sums)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string(value);
        self.text(&text.map_err(|error| BackupError::Io(error.into()))?)
    }

    /// An error of the writer is [`BackupError::Io`], whatever its kind: nothing is read here.
    fn text(&mut self, text: &str) -> Result<()> {
        if text.len() as u64 >= LONGEST_LINE {
            let table = self.sums.last().map_or("", |sum| sum.name.as_str());
            return Err(BackupError::Refused(format!(
                "a row of table `{table}` has more than {LONGEST_LINE} bytes, which no backup can hold"
            )));
        }
        let written = self.out.write_all(text.as_bytes());
        let written = written.and_then(|()| self.out.write_all(b"\n"));
        written.map_err(BackupError::Io)
    }
}

/// A line after the first.
pub(super) enum Line {
    /// Rows of this table follow.
    Table(TableHead),
    /// A row, as a JSON array.
    Row(String),
    /// Nothing follows.
    End(Vec<TableSum>),
}

/// Reads a backup line by line.
pub(super) struct Lines<R> {
    source: R,
    pub(super) head: Head,
    longest: u64,
}

impl<R: BufRead> Lines<R> {
    /// # Errors
    /// As [`super::inspect`].
    pub(super) fn open(mut source: R) -> Result<Self> {
        let mut first = Vec::new();
        let read = read_line(&mut source, LONGEST_HEAD, &mut first);
        // The end of a compressed file that is cut off.
        let is_cut = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if let Some(error) = read.err().filter(|error| !is_cut(error)) {
            return Err(error.into());
        }
        let head: Head = serde_json::from_slice(&first).map_err(|_| {
            if !first.starts_with(BEGINNING) {
                BackupError::Foreign
            } else if first.ends_with(b"\n") {
                BackupError::Damaged("its first line cannot be read".to_owned())
            } else {
                BackupError::Incomplete
            }
        })?;
        if head.format != FORMAT {
            return Err(BackupError::Refused(format!(
                "the backup has the format `{}`, and this codexd reads {FORMAT}; install the version that wrote it",
                head.format
            )));
        }
        Ok(Self {
            source,
            head,
            longest: LONGEST_LINE,
        })
    }

    /// # Errors
    /// [`BackupError::Incomplete`] when the end of the file comes before the end of the backup,
    /// [`BackupError::Damaged`].
    pub(super) fn read(&mut self) -> Result<Line> {
        let mut line = Vec::new();
        read_line(&mut self.source, self.longest, &mut line)?;
        let is_full = line.len() as u64 >= self.longest;
        match line.pop() {
            Some(b'\n') => {}
            Some(_) if is_full => {
                let message = format!("a line has more than {} bytes", self.longest);
                return Err(BackupError::Damaged(message));
            }
            _ => return Err(BackupError::Incomplete),
        }
        let line = String::from_utf8(line)
            .map_err(|_| BackupError::Damaged("a line is not UTF-8".to_owned()))?;
        if line.starts_with('[') {
            return Ok(Line::Row(line));
        }
        let mark = serde_json::from_str(&line);
        match mark.map_err(|_| BackupError::Damaged("a line cannot be read".to_owned()))? {
            Marker::Table(table) => Ok(Line::Table(table)),
            Marker::End(sums) => {
                // Reading to the end lets the decompressor check its checksum.
                let rest = io::copy(&mut self.source, &mut io::sink())?;
                if rest > 0 {
                    return Err(BackupError::Damaged("something follows its end".to_owned()));
                }
                Ok(Line::End(sums))
            }
        }
    }
}

/// Reads a line with its end, or as much of it as `longest` bytes hold.
fn read_line(source: &mut impl BufRead, longest: u64, line: &mut Vec<u8>) -> io::Result<()> {
    io::Read::take(source, longest).read_until(b'\n', line)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::inspect;
    use super::*;

    fn sample() -> String {
        let head = Head {
            format: FORMAT.to_owned(),
            codexd: "0.1.0".to_owned(),
            engine: "sqlite".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
            migrations: vec![1, 2],
        };
        let mut out = Vec::new();
        let mut writer = Writer::begin(&mut out, &head).unwrap();
        let table = TableHead {
            name: "tags".to_owned(),
            columns: vec!["id".to_owned(), "name".to_owned()],
        };
        writer.table(&table).unwrap();
        writer.row(r#"[1,"a"]"#).unwrap();
        writer.row(r#"[2,"b"]"#).unwrap();
        writer.end().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn hash_minds_rows_and_not_their_order() {
        let sum = |rows: &[&str]| {
            let mut sum = Sum::of("t".to_owned());
            for row in rows {
                sum.add(row);
            }
            sum.finish()
        };
        assert_eq!(sum(&["[1]", "[2]"]), sum(&["[2]", "[1]"]));
        assert_ne!(sum(&["[1]", "[2]"]), sum(&["[1]", "[3]"]));
        assert_ne!(sum(&["[1]", "[1]"]).hash, sum(&[]).hash);
        assert_eq!(sum(&["[1]"]).hash.len(), 64);
        let (own, sorted) = (r#"[1,"{\"b\":1,\"a\":2}"]"#, r#"[1,"{\"a\":2,\"b\":1}"]"#);
        assert_eq!(sum(&[own]), sum(&[sorted]));
        assert_ne!(sum(&[own]), sum(&[r#"[1,"{\"b\":2,\"a\":1}"]"#]));
    }

    #[test]
    fn backup_that_is_cut_anywhere_is_refused() {
        let text = sample();
        assert_eq!(inspect(text.as_bytes()).unwrap().rows(), 2);
        for end in 0..text.len() {
            let error = inspect(&text.as_bytes()[..end]).unwrap_err();
            match error {
                BackupError::Foreign => assert!(end < BEGINNING.len(), "{end}"),
                BackupError::Incomplete => assert!(end >= BEGINNING.len(), "{end}"),
                other => panic!("{end}: {other}"),
            }
        }
    }

    #[test]
    fn endless_line_is_refused_before_it_fills_the_memory() {
        let text = sample();
        let head = text.lines().next().unwrap();
        let endless = format!("{head}\n[1,\"");
        let source = io::Read::chain(endless.as_bytes(), io::BufReader::new(io::repeat(b'a')));
        let mut lines = Lines::open(source).unwrap();
        lines.longest = 1_000;
        let error = lines.read().err().unwrap();
        assert!(
            error.to_string().contains("more than 1000 bytes"),
            "{error}"
        );
        let error = inspect(io::BufReader::new(io::repeat(b'a'))).unwrap_err();
        assert!(matches!(error, BackupError::Foreign), "{error}");
    }

    #[test]
    fn changed_rows_and_other_files_are_refused() {
        let text = sample();
        for (from, to, says) in [
            (r#"[2,"b"]"#, r#"[2,"c"]"#, "`tags` is not as it was"),
            ("[2,\"b\"]\n", "", "`tags` is not as it was"),
            ("codex-backup-1", "codex-backup-9", "codex-backup-9"),
            ("{\"end\"", "{\"and\"", "cannot be read"),
            ("{\"format\"", "{\"fermat\"", "not a Codex backup"),
            (
                "\"migrations\"",
                "\"migration\"",
                "first line cannot be read",
            ),
        ] {
            let error = inspect(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        let longer = format!("{text}[3,\"c\"]\n");
        assert!(inspect(longer.as_bytes()).is_err());
    }

    #[test]
    fn full_disk_is_an_error_of_the_file() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut writer = Writer {
            out: &mut Full,
            sums: Vec::new(),
        };
        assert!(matches!(writer.row("[1]"), Err(BackupError::Io(_))));
    }
}
