//! Output for people and for programs.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde::Serialize;

/// Prints a value as indented JSON.
pub(in crate::cli) fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// Prints a line. Unlike `println!` it fails in order when nobody reads any more.
pub(in crate::cli) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
