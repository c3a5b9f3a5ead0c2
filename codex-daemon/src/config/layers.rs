//! Values from all places, each with where it came from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use codex_core::masked::{masked_host, masked_url};
use serde::Serialize;

use super::{
    ConfigError, flaskenv, ini,
    keys::{self, SECTIONS},
    read::{fault_of, is_sample},
    setting::{Secrecy, Section, Setting},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueSource {
    /// The declaration of the setting.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An entry of services.json.
    Services(PathBuf),
    /// A variable of `.flaskenv`.
    Flaskenv(PathBuf, String),
    /// A variable of the environment.
    Environment(String),
    /// The command line.
    Flag,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Services(path) => write!(f, "{}", path.display()),
            Self::Flaskenv(path, name) => write!(f, "{} {name}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// Where to look for settings.
///
/// [`Sources::new`] looks at files only, which is what tests want; `Sources::of_process` in the parent
/// module adds the environment.
#[derive(Clone, Default)]
pub struct Sources {
    /// Working directory: `.flaskenv`, `services.json`, `instance/`.
    pub dir: PathBuf,
    /// The file with settings; `instance/codex.conf` when `None`.
    pub file: Option<PathBuf>,
    /// The text of that file, in place of what is on the disk: what it would mean if it were.
    pub text: Option<String>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// `section.key` and value, from the command line.
    pub flags: Vec<(String, String)>,
}

/// Shows places, no values: they may be secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("dir", &self.dir)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

impl Sources {
    /// Files below `dir`, no environment, no flags.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            ..Self::default()
        }
    }

    /// Adds a value as a flag would, such as `("server.port", "0")`.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.flags.push((key.into(), value.into()));
        self
    }

    /// The settings file.
    pub fn conf(&self) -> PathBuf {
        let default = || self.path("instance/codex.conf");
        self.file.clone().unwrap_or_else(default)
    }

    /// A path below the working directory, short when that is `.`.
    pub fn path(&self, name: &str) -> PathBuf {
        if self.dir.as_os_str() == "." {
            PathBuf::from(name)
        } else {
            self.dir.join(name)
        }
    }
}

#[derive(Debug, Clone)]
struct Value {
    text: String,
    origin: ValueSource,
}

/// The effective value of every setting, with provenance.
///
/// `Debug` shows names only: values may be secrets.
#[derive(Default)]
pub struct Layers {
    values: BTreeMap<(&'static str, &'static str), Value>,
    /// Keys of open sections, by section and name.
    open: BTreeMap<(&'static str, String), Value>,
    /// Settings of the Flask service that nothing here uses, with their places.
    unused: Vec<String>,
    problems: Vec<ConfigError>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Layers {
    /// Reads all places. What cannot be read, or sets nothing, is kept as a problem; the rest counts.
    pub fn read(sources: &Sources) -> Self {
        let mut layers = Self::default();
        for setting in keys::settings() {
            layers.put(setting, setting.default, ValueSource::Default);
        }
        for read in [Self::services, Self::file, Self::flaskenv] {
            if let Err(problem) = read(&mut layers, sources) {
                layers.problems.push(problem);
            }
        }
        layers.environment(&sources.env, |name| {
            ValueSource::Environment(name.to_owned())
        });
        layers.flags(&sources.flags);
        layers
    }

    /// What was found wrong so far; the list is empty afterwards.
    pub(super) fn take_problems(&mut self) -> Vec<ConfigError> {
        std::mem::take(&mut self.problems)
    }

    /// Lets the default of a refused value hold; `false` when there is none.
    pub(super) fn reset(&mut self, refused: &ConfigError) -> bool {
        let ConfigError::Value { section, key, .. } = refused else {
            return false;
        };
        if let Some(section) = keys::open(section) {
            return self.open.remove(&(section, key.clone())).is_some();
        }
        let Some(setting) = keys::find(section, key) else {
            return false;
        };
        let refused = self.values.remove(&(setting.section, setting.name));
        self.put(setting, setting.default, ValueSource::Default);
        refused.is_some_and(|value| value.origin != ValueSource::Default)
    }

    /// Values that are none of their setting's kind; its default holds in their place.
    pub(super) fn reset_wrong_values(&mut self) -> Vec<ConfigError> {
        let refused = keys::settings().filter_map(|setting| {
            let text = self.text(setting.section, setting.name)?;
            // A sample counts as not set.
            let message = fault_of(setting.kind, text).filter(|_| !is_sample(text))?;
            Some(self.wrong(setting.section, setting.name, message))
        });
        let refused: Vec<ConfigError> = refused.collect();
        for error in &refused {
            self.reset(error);
        }
        refused
    }

    fn put(&mut self, setting: &'static Setting, text: &str, origin: ValueSource) {
        let text = match setting.secrecy {
            Secrecy::Secret => text,
            // A blank cannot stand in a URL, so a connection string may carry a comment too.
            Secrecy::Plain | Secrecy::Address | Secrecy::Connection => ini::strip_comment(text),
        };
        if !text.is_empty() {
            let text = text.to_owned();
            self.values
                .insert((setting.section, setting.name), Value { text, origin });
        }
    }

    fn put_open(&mut self, section: &'static str, key: &str, text: &str, origin: ValueSource) {
        let text = ini::strip_comment(text).to_owned();
        self.open
            .insert((section, key.to_owned()), Value { text, origin });
    }

    /// Keys and texts of a section whose keys are not fixed.
    pub fn open(&self, section: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.open.iter().filter(move |((s, _), _)| *s == section);
        entries.map(|((_, key), value)| (key.as_str(), value.text.as_str()))
    }

    /// Addresses of Core and Helm, where Helm says they are; the rest is for calls between services (contract 4.3).
    fn services(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let path = sources.path("services.json");
        let Some(text) = read(&path)? else {
            return Ok(());
        };
        let services: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| ConfigError::Syntax {
                file: path.clone(),
                line: error.line(),
                message: "not JSON of the form {\"name\": {\"url\": \"...\"}}".to_owned(),
            })?;
        for section in ["core", "helm"] {
            let url = services.get(section).and_then(|service| service.get("url"));
            let url = url.and_then(|url| url.as_str());
            if let (Some(url), Some(setting)) = (url, keys::find(section, "url")) {
                self.put(setting, url, ValueSource::Services(path.clone()));
            }
        }
        Ok(())
    }

    fn file(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let path = sources.conf();
        let text = match &sources.text {
            Some(text) => Some(text.clone()),
            None => read(&path)?,
        };
        let Some(text) = text else {
            return match &sources.file {
                Some(named) => Err(ConfigError::Missing(named.clone())),
                None => Ok(()),
            };
        };
        let (entries, errors) = ini::scan(&text);
        let errors = errors.into_iter().map(|error| ConfigError::Syntax {
            file: path.clone(),
            line: error.line,
            message: error.message,
        });
        self.problems.extend(errors);
        for entry in &entries {
            let origin = ValueSource::File(path.clone(), entry.line);
            if let Some(section) = keys::open(&entry.section) {
                self.put_open(section, &entry.key, &entry.value, origin);
                continue;
            }
            let Some(setting) = keys::find(&entry.section, &entry.key) else {
                if keys::is_unused(&entry.section, &entry.key) {
                    let unused = format!("{origin}: [{}] {}", entry.section, entry.key);
                    self.unused.push(unused);
                } else {
                    self.unknown(origin, &entry.section, &entry.key);
                }
                continue;
            };
            let newer_is_there = || {
                let same = |e: &ini::Entry| e.section == setting.section && e.key == setting.name;
                entries.iter().any(|e| same(e) && !e.value.is_empty())
            };
            if entry.key == setting.name || !newer_is_there() {
                self.put(setting, &entry.value, origin);
            }
        }
        Ok(())
    }

    fn flaskenv(&mut self, sources: &Sources) -> Result<(), ConfigError> {
        let path = sources.path(".flaskenv");
        let Some(text) = read(&path)? else {
            return Ok(());
        };
        let variables = flaskenv::parse(&text).into_iter().collect();
        self.environment(&variables, |name| {
            ValueSource::Flaskenv(path.clone(), name.to_owned())
        });
        Ok(())
    }

    fn environment(
        &mut self,
        variables: &BTreeMap<String, String>,
        origin: impl Fn(&str) -> ValueSource,
    ) {
        for setting in keys::settings() {
            let names = [setting.env.map(str::to_owned), Some(setting.generic_env())];
            for name in names.into_iter().flatten() {
                if let Some(value) = variables.get(&name) {
                    self.put(setting, value, origin(&name));
                }
            }
        }
        for name in variables.keys() {
            if keys::is_unused_variable(name) {
                self.unused.push(origin(name).to_string());
            } else if let Some(message) = keys::unknown_variable(name) {
                let origin = origin(name);
                self.problems
                    .push(ConfigError::Variable { origin, message });
            }
        }
    }

    fn flags(&mut self, flags: &[(String, String)]) {
        for (name, value) in flags {
            let in_open = name.split_once('.');
            if let Some((section, key)) = in_open.and_then(|(s, key)| Some((keys::open(s)?, key))) {
                self.put_open(section, key, value, ValueSource::Flag);
                continue;
            }
            let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
            match keys::find(section, key) {
                Some(found) => self.put(found, value, ValueSource::Flag),
                None => self.unknown(ValueSource::Flag, section, key),
            }
        }
    }

    fn unknown(&mut self, origin: ValueSource, section: &str, key: &str) {
        self.problems.push(ConfigError::Value {
            origin,
            section: section.to_owned(),
            key: key.to_owned(),
            message: keys::unknown(section, key),
        });
    }

    /// The text of a setting, `None` when it is not set.
    pub fn text(&self, section: &str, key: &str) -> Option<&str> {
        self.value(section, key).map(|value| value.text.as_str())
    }

    /// Where the value of a setting came from, `None` when it is not set.
    pub fn source(&self, section: &str, key: &str) -> Option<&ValueSource> {
        self.value(section, key).map(|value| &value.origin)
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        let key = keys::find(section, key)?;
        self.values.get(&(key.section, key.name))
    }

    /// The error that a setting's value cannot be used.
    pub fn wrong(&self, section: &str, key: &str, message: String) -> ConfigError {
        let value = match keys::open(section) {
            Some(section) => self.open.get(&(section, key.to_owned())),
            None => self.value(section, key),
        };
        let origin = value.map(|value| value.origin.clone());
        ConfigError::Value {
            origin: origin.unwrap_or(ValueSource::Default),
            section: section.to_owned(),
            key: key.to_owned(),
            message,
        }
    }
}

/// A setting with the value in force.
#[derive(Debug, Serialize)]
pub struct EffectiveSetting<'l> {
    section: &'static str,
    key: &'l str,
    /// Secrets are masked; null when it is not set.
    value: Option<String>,
    /// Where the value comes from.
    origin: Option<String>,
}

impl Layers {
    /// Every setting with the value in force.
    pub fn effective(&self) -> Vec<EffectiveSetting<'_>> {
        let declared = SECTIONS.iter().flat_map(|section| section.settings);
        let declared = declared.map(|setting| {
            let value = self.values.get(&(setting.section, setting.name));
            EffectiveSetting {
                section: setting.section,
                key: setting.name,
                value: value.map(|value| masked(setting.secrecy, &value.text)),
                origin: value.map(|value| value.origin.to_string()),
            }
        });
        let open = self.open.iter().map(|(name, value)| EffectiveSetting {
            section: name.0,
            key: &name.1,
            value: Some(value.text.clone()),
            origin: Some(value.origin.to_string()),
        });
        declared.chain(open).collect()
    }
}

impl fmt::Display for Layers {
    /// The form of `codex.conf`, secrets masked, the place of each value as a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, section) in SECTIONS.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            writeln!(f, "{gap}[{}]", section.name)?;
            self.fmt_section(section, f)?;
        }
        if !self.unused.is_empty() {
            writeln!(f, "\n# Not used by codexd; other programs may read them:")?;
        }
        for setting in &self.unused {
            writeln!(f, "#   {setting}")?;
        }
        Ok(())
    }
}

impl Layers {
    fn fmt_section(&self, section: &Section, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in section.settings {
            let name = setting.name;
            match self.values.get(&(setting.section, name)) {
                Some(value) => {
                    let shown = format!("{name} = {}", masked(setting.secrecy, &value.text));
                    writeln!(f, "{shown:<48} # {}", value.origin)?;
                }
                None => writeln!(f, "{:<48} # not set", format!("{name} ="))?,
            }
        }
        let open = self.open.iter().filter(|((s, _), _)| *s == section.name);
        for ((_, key), value) in open {
            let shown = format!("{key} = {}", value.text);
            writeln!(f, "{shown:<48} # {}", value.origin)?;
        }
        Ok(())
    }
}

pub(super) fn masked(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Plain => text.replace('\n', " "),
        Secrecy::Secret => "***".to_owned(),
        Secrecy::Address => masked_host(text),
        Secrecy::Connection => masked_url(text),
    }
}

fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::read(path, source)),
    }
}
