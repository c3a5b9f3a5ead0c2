//! The commented defaults, made of the declared settings.

use std::fmt;

use super::{
    keys::SECTIONS,
    setting::{Secrecy, Setting},
};

const HEAD: &str = "\
# codexd: every setting with its default.
#
# Where a value comes from, weakest first:
#   1. the defaults below
#   2. services.json                 (core.url and helm.url only)
#   3. instance/codex.conf           (same sections and keys as here)
#   4. .flaskenv, then environment   (the names given below, or CODEX_<SECTION>_<KEY> for any key)
#   5. flags                         (--set section.key=value, and a few of their own)
#
# `codexd config` shows the values in force and where each came from. An empty value means \"not set\". A setting,
# section or CODEX_ variable that is not listed here is an error; `codexd config --check` names them all.
# A comment may follow a value after \" #\" or \" ;\", except where the value is a secret.
";

/// Every section and setting with its text and its default, in the form of `codex.conf`.
#[derive(Debug, Clone, Copy)]
pub struct Defaults;

impl fmt::Display for Defaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for section in SECTIONS {
            writeln!(f, "\n[{}]", section.name)?;
            comment(section.about, f)?;
            if !section.about.is_empty() && !section.is_open() {
                writeln!(f)?;
            }
            for setting in section.settings {
                comment(setting.doc, f)?;
                facts(setting, f)?;
                let line = format!("{} = {}", setting.name, setting.default);
                writeln!(f, "{}", line.trim_end())?;
            }
        }
        Ok(())
    }
}

/// Lines of a text that begin with a blank each.
fn comment(lines: &[&str], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    lines.iter().try_for_each(|line| writeln!(f, "#{line}"))
}

/// What the declaration says beside the text: values, secrecy, other names.
fn facts(setting: &Setting, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut facts = Vec::new();
    if setting.kind.needs_words() {
        facts.push(format!("Values: {}.", setting.kind));
    }
    if setting.secrecy == Secrecy::Secret {
        facts.push("Secret.".to_owned());
    }
    facts.extend(setting.env.map(|env| format!("Environment: {env}.")));
    let older = setting.older.iter();
    facts.extend(older.map(|older| format!("Older name: {older}.")));
    if facts.is_empty() {
        return Ok(());
    }
    writeln!(f, "# {}", facts.join(" "))
}
