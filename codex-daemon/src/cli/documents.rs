//! The documents show commands that exist.

use std::{fs, io, path::Path};

use clap::{Parser as _, error::ErrorKind};

use super::Cli;

/// How many commands the documents show at least: fewer would mean that this test no longer finds them.
const FEWEST: usize = 40;

/// A command of codexd in a document.
struct Shown {
    command: String,
    /// It stands in a fenced block, ready to be run; in a sentence it may lack arguments.
    complete: bool,
}

/// The commands of codexd in a page.
fn shown(page: &str) -> Vec<Shown> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in page.replace("\\\n", " ").lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let line = line.split(" #").next().unwrap_or_default();
            let line = match line.split_once("$(") {
                Some((_, inner)) => inner.split(')').next().unwrap_or_default(),
                None => line.split(" > ").next().unwrap_or_default(),
            };
            found.extend(line.starts_with("codexd ").then(|| Shown {
                command: line.to_owned(),
                complete: true,
            }));
        } else {
            let spans = line.split('`').skip(1).step_by(2);
            let commands = spans.filter(|span| span.starts_with("codexd "));
            found.extend(commands.map(|command| Shown {
                command: command.to_owned(),
                complete: false,
            }));
        }
    }
    found
}

/// The words of a command, as a shell splits them. Quotes are all that it knows.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (String::new(), None::<char>);
    for letter in command.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// What is wrong with a command, in the words of the command line.
fn fault(shown: &Shown) -> Option<String> {
    let error = Cli::try_parse_from(words(&shown.command)).err()?;
    let lacks_arguments = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    (shown.complete || !lacks_arguments).then(|| error.to_string())
}

#[test]
fn documents_show_commands_that_exist() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md")];
    for entry in fs::read_dir(root.join("docs"))? {
        pages.push(entry?.path());
    }
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    let (mut faults, mut count) = (Vec::new(), 0);
    for page in pages {
        for command in shown(&fs::read_to_string(&page)?) {
            count += 1;
            let place = page.display();
            faults.extend(
                fault(&command).map(|fault| format!("{place}: {}: {fault}", command.command)),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count >= FEWEST, "{count}");
    Ok(())
}

#[test]
fn commands_in_blocks_and_sentences_are_found() {
    let page = "`codexd jobs` and `cargo`\n```bash\ncodexd held   # all\nT=$(codexd token --name 'A B')\n\
                codexd openapi > codex.json\ncodexd init \\\n  --headless\n```\n";
    let found = shown(page);
    let commands: Vec<_> = found.iter().map(|one| words(&one.command)).collect();
    assert_eq!(
        commands,
        [
            vec!["codexd", "jobs"],
            vec!["codexd", "held"],
            vec!["codexd", "token", "--name", "A B"],
            vec!["codexd", "openapi"],
            vec!["codexd", "init", "--headless"],
        ]
    );
    assert!(!found[0].complete && found[1].complete);
    let unknown = Shown {
        command: "codexd sink".to_owned(),
        complete: false,
    };
    assert!(fault(&unknown).is_some_and(|fault| fault.contains("sink")));
}
