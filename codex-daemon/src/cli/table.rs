//! Tables for people: a header, columns as wide as what is in them.

use std::{
    fmt,
    io::{self, IsTerminal as _},
};

use super::output;
use crate::logging::has_colours;

/// Rows under a header.
#[derive(Debug)]
pub(in crate::cli) struct Table {
    rows: Vec<Vec<String>>,
    /// The first column that holds numbers, as all after it do.
    numbers: usize,
}

impl Table {
    /// A table with a header.
    pub(in crate::cli) fn of<'h>(head: impl IntoIterator<Item = &'h str>) -> Self {
        Self {
            rows: vec![head.into_iter().map(str::to_uppercase).collect()],
            numbers: usize::MAX,
        }
    }

    /// The first column, from 0, that holds numbers, as all after it do.
    pub(in crate::cli) fn numbers_from(self, numbers: usize) -> Self {
        Self { numbers, ..self }
    }

    /// Adds a row.
    pub(in crate::cli) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| printable(&cell));
        self.rows.push(cells.collect());
    }

    /// Prints it, with a bold header on a terminal.
    pub(in crate::cli) fn print(&self) -> io::Result<()> {
        if has_colours(io::stdout().is_terminal()) {
            output::lines(format_args!("{self:#}"))
        } else {
            output::lines(self)
        }
    }
}

impl fmt::Display for Table {
    /// `{:#}` makes the header bold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).enumerate();
            let padded = cells.map(|(column, (cell, &width))| {
                if column >= self.numbers {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
            let line = padded.collect::<Vec<_>>().join("  ");
            let line = line.trim_end();
            if index == 0 && f.alternate() {
                writeln!(f, "\u{1b}[1m{line}\u{1b}[0m")?;
            } else {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// A text as it may be printed: what breaks lines, and what a terminal would obey, becomes a blank. Names and subjects
/// come from outside.
pub(in crate::cli) fn printable(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The same of a text of several lines, which stay.
pub(in crate::cli) fn printable_lines(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_their_cells_and_have_a_header() {
        let mut table = Table::of(["id", "name", "count"]).numbers_from(2);
        table.push(["1".into(), "Müller\nAG".into(), "7".into()]);
        table.push(["1000".into(), String::new(), "12".into()]);
        assert_eq!(
            table.to_string(),
            "ID    NAME       COUNT\n1     Müller AG      7\n1000                12\n"
        );
        let bold = format!("{table:#}");
        assert!(
            bold.starts_with("\u{1b}[1mID    NAME       COUNT\u{1b}[0m\n1  "),
            "{bold:?}"
        );
    }

    #[test]
    fn control_characters_are_not_printed() {
        assert_eq!(printable("a\n\u{1b}[2Jb\u{9b}c"), "a  [2Jb c");
        assert_eq!(printable_lines("a\r\n\u{1b}[2Jb"), "a \n [2Jb");
    }
}
