//! Plain tables: columns as wide as what is in them, without those that say nothing.

use std::fmt;

/// What is in a place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words, at the left.
    Text(String),
    /// A count, at the right; zero is left out.
    Number(u64),
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(0) => String::new(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Rows under a header.
#[derive(Debug, Default)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with a header.
    pub fn new<'h>(heads: impl IntoIterator<Item = &'h str>) -> Self {
        Self {
            heads: heads.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The cells of a column.
    fn column(&self, place: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().filter_map(move |row| row.get(place))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = (0..self.heads.len()).filter(|place| {
            let mut cells = self.column(*place);
            cells.any(|cell| !cell.text().is_empty())
        });
        let columns: Vec<(usize, usize)> = places
            .map(|place| {
                let cells = self.column(place).map(|cell| cell.text().chars().count());
                let head = self.heads[place].chars().count();
                (place, cells.fold(head, usize::max))
            })
            .collect();
        let is_number = |place| {
            self.column(place)
                .any(|cell| matches!(cell, Cell::Number(_)))
        };
        let mut line = |text: &dyn Fn(usize) -> String| {
            let padded = columns.iter().map(|(place, width)| {
                let text = text(*place);
                if is_number(*place) {
                    format!("{text:>width$}")
                } else {
                    format!("{text:<width$}")
                }
            });
            let padded: Vec<String> = padded.collect();
            writeln!(f, "{}", padded.join("  ").trim_end())
        };
        line(&|place| self.heads[place].clone())?;
        for row in &self.rows {
            line(&|place| row.get(place).map(Cell::text).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_zeros_are_left_out() {
        let mut table = Table::new(["name", "seen", "held", "note"]);
        let row = |name: &str, seen| {
            let (name, empty) = (Cell::Text(name.to_owned()), Cell::Text(String::new()));
            [name, Cell::Number(seen), Cell::Number(0), empty]
        };
        table.push(row("Zoë", 12));
        table.push(row("companies", 0));
        assert_eq!(
            table.to_string(),
            "name       seen\nZoë          12\ncompanies\n"
        );
    }
}
