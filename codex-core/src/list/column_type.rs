//! Types of columns.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text: ordered by its bytes, compared without regard to case.
    Text,
    /// Folded text: ordered and compared without regard to case and diacritics.
    Folded,
    /// A hardware address: compared by its digits, in whatever spelling it comes.
    Mac,
    /// A number that has words, which whoever reads the list turns into numbers; ordered by the number.
    Word,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// A moment.
    Time,
    /// A list, an object or an amount of money: no list filters or sorts by it.
    Json,
}
