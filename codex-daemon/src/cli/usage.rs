//! Faults of the command line in one line: what is wrong, and what would be right.

use clap::error::ErrorKind;

/// Whether the caller asked for what clap prints, such as `--help`.
pub(super) fn is_answer(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// A fault in one line, with the help that explains the command.
pub(super) fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut parts = Vec::new();
    let mut help = "codexd".to_owned();
    for paragraph in text.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        match words.first() {
            Some(&"Usage:") => help = command(&words[1..]),
            Some(&"For") | None => {}
            Some(&("error:" | "tip:")) => parts.push(words[1..].join(" ")),
            Some(_) => parts.push(words.join(" ")),
        }
    }
    parts.push(format!("see `{help} --help`"));
    parts.join("; ")
}

/// The command in a line of usage: what stands before its arguments.
fn command(usage: &[&str]) -> String {
    let is_name = |word: &&&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let names = usage.iter().take_while(is_name);
    names.copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    fn fault(line: &str) -> String {
        let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
        assert!(!is_answer(&error), "{line}");
        one_line(&error)
    }

    #[test]
    fn faults_name_what_is_wrong_and_what_would_be_right() {
        for (line, parts) in [
            (
                "codexd synk",
                &["unrecognized subcommand 'synk'", "'sync'", "codexd --help"][..],
            ),
            (
                "codexd sync datto --lihgt",
                &["'--lihgt'", "'--light'", "codexd sync --help"],
            ),
            ("codexd sync dato", &["`dato`", "did you mean `datto`?"]),
            ("codexd jobs show", &["<ID>", "codexd jobs show --help"]),
            ("codexd jobs list --limit 0", &["'0'", "1..=500"]),
            ("codexd sync --light", &["SOURCE"]),
            ("codexd token --role boss", &["'boss'", "technician"]),
        ] {
            let fault = fault(line);
            assert_eq!(fault.lines().count(), 1, "{fault}");
            for part in parts {
                assert!(fault.contains(part), "{line}: {fault}");
            }
        }
    }

    #[test]
    fn help_and_version_are_answers() {
        for line in ["codexd --help", "codexd sync --help", "codexd --version"] {
            let error = Cli::try_parse_from(line.split(' ')).unwrap_err();
            assert!(is_answer(&error), "{line}");
        }
    }
}
