//! Output for people and for programs.
//!
//! When nobody reads it any more, as behind `| head`, the rest is dropped: the command ends as without, with the exit
//! code of its work. `println!` would be a panic.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write as _},
};

use serde::Serialize;

/// Prints a value as indented JSON.
pub(in crate::cli) fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// Prints a line.
pub(in crate::cli) fn line(text: impl Display) -> io::Result<()> {
    unless_closed(writeln!(io::stdout(), "{text}"))
}

/// Prints whole lines.
pub(in crate::cli) fn lines(text: impl Display) -> io::Result<()> {
    unless_closed(write!(io::stdout(), "{text}"))
}

/// Prints a line on standard error. If that fails, there is nowhere left to report it.
pub(in crate::cli) fn error_line(text: impl Display) {
    writeln!(io::stderr(), "{text}").ok();
}

fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_output_is_no_failure() {
        let failed = |kind: ErrorKind| unless_closed(Err(kind.into()));
        assert!(failed(ErrorKind::BrokenPipe).is_ok());
        assert!(failed(ErrorKind::StorageFull).is_err());
    }
}
