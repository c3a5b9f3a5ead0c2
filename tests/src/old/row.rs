//! A row to write: values by column, as SQL.

use std::collections::BTreeMap;

use serde_json::Value;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
}

impl Cell {
    /// The value as both engines write it; a text with at most so many characters.
    pub fn literal(&self, longest: Option<usize>) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Text(text) => {
                let length = longest.unwrap_or(usize::MAX);
                let text: String = text.chars().take(length).collect();
                format!("'{}'", text.replace('\'', "''"))
            }
        }
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// What a vendor says; a list as JSON text.
impl From<&Value> for Cell {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::String(text) => Self::Text(text.clone()),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Text(number.to_string()),
            },
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

/// Values by column. Columns that a generation does not have are not written; those that nobody sets are null.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(BTreeMap<&'static str, Cell>);

impl Row {
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value.
    pub fn set(&mut self, column: &'static str, value: impl Into<Cell>) {
        self.0.insert(column, value.into());
    }

    /// The same row with a value.
    pub fn with(mut self, column: &'static str, value: impl Into<Cell>) -> Self {
        self.set(column, value);
        self
    }

    pub fn get(&self, column: &str) -> &Cell {
        self.0.get(column).unwrap_or(&Cell::Null)
    }
}
