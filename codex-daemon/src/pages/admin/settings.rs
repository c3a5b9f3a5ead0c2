//! Settings as forms, one for each section, made of the declared settings.

use askama::Template;
use axum::http::StatusCode;
use codex_core::plural::count_of;

use super::{crumb, legacy};
use crate::{
    app::App,
    config::{
        ConfigError, Sources,
        edit::{Change, SettingsFile, Unsaved, fault},
        setting::{Kind, Secrecy, Section, Setting},
    },
    http::{
        forwarded::Forwarded,
        problem::{Problem, chain},
    },
    pages::{
        csrf::{self, Csrf},
        fields::label,
        form::SentForm,
        shell::Shell,
        table::Choice,
        visit::Visit,
    },
};

/// The input of a section whose keys are not fixed.
const LINES: &str = "lines";
const RESTART: &str = "In force after a restart.";

/// Why settings were not saved.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The file was changed after the form was opened.
    Stale,
    /// What is wrong, by key; an empty key is of the form as a whole.
    Faults(Vec<(String, String)>),
}

/// A setting in a form.
#[derive(Debug)]
struct SettingInput {
    key: String,
    label: String,
    help: String,
    value: String,
    before: String,
    choices: Vec<Choice>,
    has_lines: bool,
    /// Its value is never shown.
    is_hidden: bool,
    /// A hidden value is stored.
    is_stored: bool,
    /// Where it is set, if not in the file.
    fixed: Option<String>,
    fault: Option<String>,
    theirs: Option<String>,
}

/// The form of a section as a page.
#[derive(Debug, Template)]
#[template(path = "admin/settings.html")]
pub(in crate::pages) struct SettingsView {
    shell: Shell,
    heading: String,
    about: String,
    action: String,
    cancel: String,
    csrf_field: &'static str,
    csrf: String,
    inputs: Vec<SettingInput>,
    problems: Vec<String>,
    can_save: bool,
}

impl SettingInput {
    fn of(setting: &Setting, file: &SettingsFile, csrf: &Csrf) -> Self {
        let stored = file.stored(setting);
        let is_hidden = is_hidden(setting, stored);
        let fixed = file.fixed(setting).map(|source| {
            let value = file.in_force(setting).unwrap_or_default();
            format!("{value} (set by {source})")
        });
        let mut input = Self {
            key: setting.name.to_owned(),
            label: label(setting.name),
            help: help(setting),
            value: if is_hidden {
                ""
            } else {
                stored.unwrap_or_default()
            }
            .to_owned(),
            before: before(setting, stored, csrf),
            choices: Vec::new(),
            has_lines: false,
            is_hidden,
            is_stored: is_hidden && stored.is_some(),
            fixed,
            fault: None,
            theirs: None,
        };
        input.choices = choices(setting, &input.value);
        input
    }

    fn of_lines(section: &Section, file: &SettingsFile) -> Self {
        let value = lines(section, file);
        Self {
            key: LINES.to_owned(),
            label: format!("Settings of [{}]", section.name),
            help: format!("One a line: key = value. {RESTART}"),
            before: value.clone(),
            value,
            choices: Vec::new(),
            has_lines: true,
            is_hidden: false,
            is_stored: false,
            fixed: None,
            fault: None,
            theirs: None,
        }
    }

    /// Shows what was sent instead of what is stored; secrets are typed again.
    fn resume(&mut self, sent: &SentForm) {
        if self.fixed.is_some() {
            return;
        }
        let is_theirs = sent.before(&self.key) != self.before;
        if self.is_hidden {
            self.theirs = is_theirs.then(|| "another secret".to_owned());
            return;
        }
        if !sent.is_changed(&self.key) {
            return;
        }
        let stored = std::mem::replace(&mut self.value, sent.text(&self.key).to_owned());
        self.theirs = (is_theirs && stored != self.value).then_some(stored);
        for choice in &mut self.choices {
            choice.selected = choice.value == self.value;
        }
    }

    fn is_choice(&self) -> bool {
        !self.choices.is_empty()
    }

    fn is_invalid(&self) -> bool {
        self.fault.is_some() || self.theirs.is_some()
    }
}

impl SettingsView {
    /// The form of a section, with what the file holds.
    pub fn new(
        at: &Forwarded,
        section: &'static Section,
        file: &SettingsFile,
        csrf: &Csrf,
    ) -> Self {
        let heading = format!("Settings: {}", section.name);
        let settings = section.settings.iter();
        let mut inputs: Vec<SettingInput> = settings
            .map(|setting| SettingInput::of(setting, file, csrf))
            .collect();
        if section.is_open() {
            inputs.push(SettingInput::of_lines(section, file));
        }
        Self {
            shell: crumb(at, &heading),
            heading,
            about: in_one_line(section.about),
            action: at.link(&format!("/admin/settings/{}", section.name)),
            cancel: at.link(super::HOME),
            csrf_field: csrf::FIELD,
            csrf: csrf.token(),
            can_save: inputs.iter().any(|input| input.fixed.is_none()),
            inputs,
            problems: Vec::new(),
        }
    }

    /// The same with what was just done.
    pub fn saying(mut self, notice: Option<&'static str>) -> Self {
        self.shell = self.shell.saying(notice);
        self
    }

    /// The form again, with what was sent; returns the status of the answer.
    pub fn refuse(&mut self, sent: &SentForm, refusal: Refusal) -> StatusCode {
        for input in &mut self.inputs {
            input.resume(sent);
        }
        let faults = match refusal {
            Refusal::Stale => {
                let problem = "The settings file was changed while the form was open. Nothing was saved. Your \
                    values are kept, and those of the file stand beside them. Save again to set yours.";
                self.problems.push(problem.to_owned());
                return StatusCode::PRECONDITION_FAILED;
            }
            Refusal::Faults(faults) => faults,
        };
        for (key, what) in faults {
            match self.inputs.iter_mut().find(|input| input.key == key) {
                Some(input) if input.fault.is_none() => input.fault = Some(what),
                Some(_) => {}
                None if key.is_empty() => self.problems.push(what),
                None => self.problems.push(format!("{key}: {what}")),
            }
        }
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// The settings file.
///
/// # Errors
/// 409 that names the line which a person must mend first.
pub(super) fn read(sources: &Sources) -> Result<SettingsFile, Problem> {
    SettingsFile::read(sources).map_err(|error| {
        let detail = format!("{}. Mend the settings file first.", chain(&error));
        Problem::new(StatusCode::CONFLICT, detail)
    })
}

/// The changes that a form asks for.
pub(super) fn wanted(
    section: &Section,
    file: &SettingsFile,
    csrf: &Csrf,
    sent: &SentForm,
) -> Result<Vec<Change>, Refusal> {
    if section.is_open() {
        return wanted_lines(section, file, sent);
    }
    let (mut changes, mut faults) = (Vec::new(), Vec::new());
    for setting in section.settings {
        if file.fixed(setting).is_some() {
            continue;
        }
        let stored = file.stored(setting);
        if sent.before(setting.name) != before(setting, stored, csrf) {
            return Err(Refusal::Stale);
        }
        let Some(text) = sent_value(setting, stored, sent) else {
            continue;
        };
        match fault(setting, &text) {
            Some(what) => faults.push((setting.name.to_owned(), what)),
            None => changes.extend(file.changes(setting, &text)),
        }
    }
    if faults.is_empty() {
        Ok(changes)
    } else {
        Err(Refusal::Faults(faults))
    }
}

/// What a person set a setting to; `None` when it stays. An empty input keeps a secret, the box beside it clears it.
fn sent_value(setting: &Setting, stored: Option<&str>, sent: &SentForm) -> Option<String> {
    let text = sent.text(setting.name).trim();
    if is_hidden(setting, stored) {
        let is_cleared = !sent.text(&format!("clear.{}", setting.name)).is_empty();
        return match (text.is_empty(), is_cleared) {
            (false, _) => Some(text.to_owned()),
            (true, true) => Some(String::new()),
            (true, false) => None,
        };
    }
    let is_changed = sent.is_changed(setting.name) && text != one_line(stored.unwrap_or_default());
    is_changed.then(|| text.to_owned())
}

fn wanted_lines(
    section: &Section,
    file: &SettingsFile,
    sent: &SentForm,
) -> Result<Vec<Change>, Refusal> {
    if sent.before(LINES) != lines(section, file) {
        return Err(Refusal::Stale);
    }
    let refused = |what: String| Refusal::Faults(vec![(LINES.to_owned(), what)]);
    let mut wanted: Vec<(String, String)> = Vec::new();
    for line in sent.text(LINES).lines().map(str::trim) {
        if line.is_empty() {
            continue;
        }
        let pair = line
            .split_once('=')
            .filter(|_| !line.starts_with(['#', ';', '[']));
        let Some((key, value)) = pair else {
            return Err(refused(format!("`{line}` is not of the form key = value")));
        };
        let (key, value) = (key.trim().to_lowercase(), value.trim().to_owned());
        if key.is_empty() || value.is_empty() || wanted.iter().any(|(known, _)| *known == key) {
            return Err(refused(format!(
                "`{line}` has no key, no value, or a key a second time"
            )));
        }
        wanted.push((key, value));
    }
    let stored = file.open(section.name);
    let change = |key: &str, value: Option<&str>| Change {
        section: section.name.to_owned(),
        key: key.to_owned(),
        value: value.map(str::to_owned),
    };
    let gone = stored
        .iter()
        .filter(|(key, _)| !wanted.iter().any(|(one, _)| one == key));
    let mut changes: Vec<Change> = gone.map(|(key, _)| change(key, None)).collect();
    let new = wanted.iter().filter(|(key, value)| {
        let known = stored.iter().find(|(one, _)| one == key);
        known.is_none_or(|(_, known)| known != value)
    });
    changes.extend(new.map(|(key, value)| change(key, Some(value.as_str()))));
    Ok(changes)
}

/// Saves changes and puts them in force; gives the word of what was done.
///
/// # Errors
/// 500 when the disk refuses.
pub(super) fn save(
    app: &App,
    visit: &Visit,
    file: &SettingsFile,
    section: &str,
    changes: &[Change],
) -> Result<Result<&'static str, Refusal>, Problem> {
    match file.save(&app.config().sources, section, changes) {
        Ok(()) => {}
        Err(Unsaved::Stale) => return Ok(Err(Refusal::Stale)),
        Err(Unsaved::Refused(errors)) => {
            let faults = errors.iter().map(|error| of_error(section, error));
            return Ok(Err(Refusal::Faults(faults.collect())));
        }
        Err(Unsaved::Io(error)) => {
            tracing::error!(%error, "The settings file could not be written: {error}");
            let detail =
                "The settings file could not be written; the log says why. It is as it was.";
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail));
        }
    }
    let keys: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
    let (actor, keys, count) = (
        &visit.call.author.actor,
        keys.join(", "),
        count_of(changes.len(), "setting"),
    );
    tracing::info!(actor, section, keys, "Changed {count} of [{section}]");
    Ok(Ok(match app.reload() {
        Ok(()) => "saved",
        Err(error) => {
            tracing::warn!(error = chain(&error), "The saved settings cannot be used");
            "unused"
        }
    }))
}

/// A fault with the key that it belongs to.
fn of_error(section: &str, error: &ConfigError) -> (String, String) {
    match error {
        ConfigError::Value {
            section: of,
            key,
            message,
            ..
        } if of == section => {
            let found = crate::config::keys::find(section, key);
            let is_open = crate::config::keys::open(section).is_some();
            if is_open {
                return (LINES.to_owned(), format!("{key}: {message}"));
            }
            let key = found.map_or(key.as_str(), |setting| setting.name);
            (key.to_owned(), message.clone())
        }
        other => (String::new(), chain(other)),
    }
}

fn is_hidden(setting: &Setting, stored: Option<&str>) -> bool {
    matches!(setting.secrecy, Secrecy::Secret | Secrecy::Connection)
        || stored.is_some_and(|text| setting.hides(text))
}

/// What a form carries to notice that a setting was changed meanwhile.
fn before(setting: &Setting, stored: Option<&str>, csrf: &Csrf) -> String {
    match stored {
        Some(text) if is_hidden(setting, stored) => csrf.seal(text),
        other => one_line(other.unwrap_or_default()),
    }
}

/// A value as an input of one line sends it back.
fn one_line(text: &str) -> String {
    text.replace('\n', "")
}

fn lines(section: &Section, file: &SettingsFile) -> String {
    let lines = file.open(section.name);
    let lines: Vec<String> = lines
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    lines.join("\n")
}

fn in_one_line(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ").replace('`', "")
}

fn help(setting: &Setting) -> String {
    let mut help = vec![in_one_line(setting.doc)];
    if setting.kind.needs_words() {
        help.push(format!("Values: {}.", setting.kind));
    }
    if !setting.default.is_empty() && setting.secrecy != Secrecy::Secret {
        help.push(format!("Default: {}.", setting.default));
    }
    if setting.needs_restart {
        help.push(RESTART.to_owned());
    }
    help.join(" ")
}

/// The choices of a setting that has few values. Another spelling of the stored value stays a choice.
fn choices(setting: &Setting, value: &str) -> Vec<Choice> {
    let known: &[&str] = match (setting.section, setting.name, setting.kind) {
        ("psa", "default_provider", _) => &legacy::PSAS,
        ("rmm", "default_provider", _) => &legacy::RMMS,
        (_, _, Kind::Boolean) => &["true", "false"],
        (_, _, Kind::BooleanOrAuto) => &["auto", "true", "false"],
        (_, _, Kind::LogLevel) => &["ERROR", "WARNING", "INFO", "DEBUG"],
        _ => return Vec::new(),
    };
    let mut values = vec![""];
    values.extend(known);
    if !values.contains(&value) {
        values.push(value);
    }
    let choice = |one: &&str| Choice {
        value: (*one).to_owned(),
        label: if one.is_empty() { "default" } else { one }.to_owned(),
        selected: *one == value,
    };
    values.iter().map(choice).collect()
}
