//! Exit codes of the command line: clean, warned and refused imports differ.

use std::{ffi::OsString, path::Path};

use codex_daemon::cli::exit_code;
use codex_tests::harness::{TestResult, database};

use super::old;

fn run(folder: &Path, words: &[&str]) -> u8 {
    let conf = folder.join("codex.conf");
    let database = format!(
        "database.connection_string=sqlite://{}/new.db",
        folder.display()
    );
    let conf = conf.display().to_string();
    let before = [
        "codexd",
        "--config",
        conf.as_str(),
        "--set",
        database.as_str(),
    ];
    exit_code(before.iter().chain(words).map(OsString::from))
}

#[test]
fn imports_end_clean_warned_or_refused() -> TestResult {
    let database = database::sqlite()?;
    let folder = database.folder().to_owned();
    std::fs::write(folder.join("codex.conf"), "")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let old = runtime.block_on(old::create(&database, &old::second()))?;
    let zone = ["--old-time-zone", "Europe/Berlin"];
    let from = ["--from", old.url.as_str()];
    let with = |words: &[&'static str]| {
        let words: Vec<&str> = words.iter().copied().chain(from).chain(zone).collect();
        run(&folder, &words)
    };
    assert_eq!(with(&["import", "check"]), 3, "warnings");
    assert_eq!(with(&["import", "run"]), 3, "nobody has accepted them");
    assert_eq!(
        run(
            &folder,
            &["import", "check", "--from", "sqlite:/nowhere.db"]
        ),
        4
    );
    assert_eq!(with(&["import", "verify"]), 4, "nothing was imported");

    let accepted = folder.join("accepted.txt");
    std::fs::write(&accepted, "no_such_warning\n")?;
    let accept = accepted.display().to_string();
    let accept = ["--accept-warnings", accept.as_str()];
    let accepting = |words: &[&'static str]| {
        let words = words.iter().copied().chain(from).chain(zone);
        let words: Vec<&str> = words.chain(accept).collect();
        run(&folder, &words)
    };
    assert_eq!(accepting(&["import", "run"]), 2, "an unknown code");
    let codes = codex_core::import::Flaw::ALL.iter().map(|flaw| flaw.code());
    let codes: Vec<&str> = codes.collect();
    std::fs::write(
        &accepted,
        format!("# seen on Sunday\n{}\n", codes.join("\n")),
    )?;
    assert_eq!(accepting(&["import", "run", "--dry-run"]), 0);
    assert_eq!(accepting(&["import", "run"]), 0);
    assert_eq!(accepting(&["import", "run"]), 0, "done before");
    assert_eq!(with(&["import", "verify"]), 0);
    assert_eq!(with(&["import", "shadow", "--times", "1"]), 0);
    assert_eq!(run(&folder, &["import", "status", "--json"]), 0);
    assert_eq!(run(&folder, &["import", "ticket-ids"]), 0);
    let back = folder.join("back");
    let back = back.display().to_string();
    assert_eq!(run(&folder, &["import", "back", "--to", back.as_str()]), 0);
    Ok(())
}
