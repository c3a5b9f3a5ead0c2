//! Faults of the command line in one line: what is wrong, and what would be right.

use std::ffi::OsString;

use clap::{CommandFactory as _, error::ErrorKind};

use super::Cli;

/// Whether the caller asked for what clap prints, such as `--help`.
pub(super) fn is_answer(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// A fault in one line, with the help that explains the command of `args`.
pub(super) fn one_line(error: &clap::Error, args: &[OsString]) -> String {
    let text = error.render().to_string();
    let mut parts = Vec::new();
    for paragraph in text.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        match words.first() {
            Some(&("Usage:" | "For")) | None => {}
            Some(&("error:" | "tip:")) => parts.push(words[1..].join(" ")),
            Some(_) => parts.push(words.join(" ")),
        }
    }
    parts.push(format!("see `{} --help`", command(args)));
    parts.join("; ")
}

/// The names of the command in a command line. Not every error of clap has a line of usage.
fn command(args: &[OsString]) -> String {
    let mut root = Cli::command();
    root.build();
    let (mut command, mut names) = (&root, vec!["codexd"]);
    for word in args.iter().skip(1) {
        if let Some(found) = command.find_subcommand(word) {
            command = found;
            names.push(found.get_name());
        }
    }
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn fault(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = Cli::try_parse_from(&args).unwrap_err();
        assert!(!is_answer(&error), "{line}");
        one_line(&error, &args)
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
            (
                "codexd sync dato",
                &["`dato`", "did you mean `datto`?", "codexd sync --help"],
            ),
            (
                "codexd sync tickets --since yesterday",
                &["YYYY-MM-DD", "codexd sync --help"],
            ),
            (
                "codexd --config sync.conf sync plan dato",
                &["`dato`", "codexd sync plan --help"],
            ),
            ("codexd jobs show", &["<ID>", "codexd jobs show --help"]),
            (
                "codexd jobs list --limit 0",
                &["'0'", "a number from 1 to 500", "codexd jobs list --help"],
            ),
            ("codexd sync --light", &["SOURCE", "codexd sync --help"]),
            (
                "codexd token --role boss",
                &["'boss'", "technician", "codexd token --help"],
            ),
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
