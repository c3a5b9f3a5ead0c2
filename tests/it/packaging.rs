//! What `packaging/` holds: the unit of systemd.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use codex_tests::harness::{TestResult, database::setting};

/// The exposure that `systemd-analyze security` may find, in tenths: 0 is none, 100 that of a service without limits.
const MOST_EXPOSURE: &str = "15";

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../packaging")
        .join(name)
}

/// Runs `systemd-analyze`; `None` where it is not installed and nobody has said that it must be.
fn analyze(arguments: &[&str], unit: &Path) -> anyhow::Result<Option<Output>> {
    let run = Command::new("systemd-analyze")
        .args(arguments)
        .arg(unit)
        .output();
    match run {
        Ok(output) => Ok(Some(output)),
        Err(_) if setting("CODEX_REQUIRE_SYSTEMD").is_none() => {
            eprintln!("SKIPPED: systemd-analyze is not installed (Debian: apt install systemd)");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

#[test]
fn unit_is_valid_for_systemd() -> TestResult {
    let unit = fs::read_to_string(packaging("codex.service"))?;
    let program = "ExecStart=/usr/bin/codexd ";
    assert!(unit.contains(program));
    // The program need not be installed where this is tested.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("codex.service");
    fs::write(&file, unit.replace(program, "ExecStart=/bin/true "))?;
    let Some(output) = analyze(&["verify", "--man=no"], &file)? else {
        return Ok(());
    };
    let said = String::from_utf8_lossy(&output.stderr);
    // Other units of the host may have faults of their own.
    let about_it: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("codex.service"))
        .collect();
    assert!(about_it.is_empty(), "{about_it:#?}");
    Ok(())
}

#[test]
fn unit_exposes_little_of_the_host() -> TestResult {
    let threshold = format!("--threshold={MOST_EXPOSURE}");
    let arguments = ["security", "--offline=yes", "--no-pager", &threshold];
    let Some(output) = analyze(&arguments, &packaging("codex.service"))? else {
        return Ok(());
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("exposure level"), "{out}{err}");
    Ok(())
}

/// What the unit promises is what codexd does.
#[test]
fn unit_uses_what_codexd_reports() -> TestResult {
    let unit = fs::read_to_string(packaging("codex.service"))?;
    for line in [
        "Type=notify",
        "WatchdogSec=60",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "ReadWritePaths=-/etc/codex",
        "StateDirectory=codex",
        "User=codex",
    ] {
        assert!(unit.lines().any(|one| one == line), "{line}");
    }
    Ok(())
}
