//! Values from all places, each with where it came from.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use url::Url;

use super::{
    flaskenv, ini,
    keys::{self, KEYS, Key, Secrecy},
};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The file compiled in.
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

impl fmt::Display for Origin {
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

/// A configuration that cannot be used. Names the place, never a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that is not acceptable.
    #[error("{origin}: [{section}] {key}: {message}")]
    Value {
        /// Where it was set.
        origin: Origin,
        /// Its section.
        section: String,
        /// Its key.
        key: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file that does not follow its syntax.
    #[error("{}:{line}: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file that is there but cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Where to look for settings.
///
/// [`Sources::new`] looks at files only, which is what tests want; `Sources::of_process` in the parent
/// module adds the environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Working directory: `.flaskenv`, `services.json`, `instance/`.
    pub dir: PathBuf,
    /// The file with settings; `instance/codex.conf` when `None`.
    pub file: Option<PathBuf>,
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// `section.key` and value, from the command line.
    pub flags: Vec<(String, String)>,
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
    origin: Origin,
}

/// The effective value of every setting, with provenance.
///
/// `Debug` shows names only: values may be secrets.
#[derive(Clone, Default)]
pub struct Layers {
    values: BTreeMap<(&'static str, &'static str), Value>,
    /// Keys of open sections, by section and name.
    open: BTreeMap<(&'static str, String), Value>,
    warnings: Vec<String>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Layers {
    /// Reads all places.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        layers.defaults()?;
        layers.services(&sources.path("services.json"))?;
        layers.file(&sources.conf())?;
        layers.flaskenv(&sources.path(".flaskenv"))?;
        layers.environment(&sources.env, |name| Origin::Environment(name.to_owned()));
        layers.flags(&sources.flags)?;
        Ok(layers)
    }

    /// What should be looked at but stops nothing.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    fn put(&mut self, key: &'static Key, text: &str, origin: Origin) {
        let text = match key.secrecy {
            Secrecy::Secret => text,
            // A blank cannot stand in a URL, so a connection string may carry a comment too.
            Secrecy::Plain | Secrecy::UrlPassword => ini::strip_comment(text),
        };
        if !text.is_empty() {
            let text = text.to_owned();
            self.values
                .insert((key.section, key.name), Value { text, origin });
        }
    }

    fn put_open(&mut self, section: &'static str, key: &str, text: &str, origin: Origin) {
        let text = ini::strip_comment(text).to_owned();
        self.open
            .insert((section, key.to_owned()), Value { text, origin });
    }

    /// Keys and texts of a section whose keys are not fixed.
    pub fn open(&self, section: &'static str) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.open.iter().filter(move |((s, _), _)| *s == section);
        entries.map(|((_, key), value)| (key.as_str(), value.text.as_str()))
    }

    fn defaults(&mut self) -> Result<(), ConfigError> {
        for entry in parse(Path::new("default.conf"), super::DEFAULT)? {
            if let Some(key) = keys::find(&entry.section, &entry.key) {
                self.put(key, &entry.value, Origin::Default);
            }
        }
        Ok(())
    }

    /// Core's address, where Helm says it is; the rest is for calls between services (contract 4.3).
    fn services(&mut self, path: &Path) -> Result<(), ConfigError> {
        let Some(text) = read(path)? else {
            return Ok(());
        };
        let services: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| ConfigError::Syntax {
                file: path.to_owned(),
                line: error.line(),
                message: "not JSON of the form {\"name\": {\"url\": \"...\"}}".to_owned(),
            })?;
        let url = services.pointer("/core/url").and_then(|url| url.as_str());
        if let (Some(url), Some(key)) = (url, keys::find("core", "url")) {
            self.put(key, url, Origin::Services(path.to_owned()));
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let Some(text) = read(path)? else {
            return Ok(());
        };
        let entries = parse(path, &text)?;
        for entry in &entries {
            let origin = Origin::File(path.to_owned(), entry.line);
            if let Some(section) = open(&entry.section) {
                self.put_open(section, &entry.key, &entry.value, origin);
                continue;
            }
            let Some(key) = keys::find(&entry.section, &entry.key) else {
                if !keys::belongs_to_others(&entry.section, &entry.key) {
                    self.warnings.push(format!(
                        "{origin}: [{}] {} is not a setting of codexd",
                        entry.section, entry.key
                    ));
                }
                continue;
            };
            let newer_is_there = || {
                let same = |e: &ini::Entry| e.section == key.section && e.key == key.name;
                entries.iter().any(|e| same(e) && !e.value.is_empty())
            };
            if entry.key == key.name || !newer_is_there() {
                self.put(key, &entry.value, origin);
            }
        }
        Ok(())
    }

    fn flaskenv(&mut self, path: &Path) -> Result<(), ConfigError> {
        let Some(text) = read(path)? else {
            return Ok(());
        };
        let variables = flaskenv::parse(&text).into_iter().collect();
        self.environment(&variables, |name| {
            Origin::Flaskenv(path.to_owned(), name.to_owned())
        });
        Ok(())
    }

    fn environment(
        &mut self,
        variables: &BTreeMap<String, String>,
        origin: impl Fn(&str) -> Origin,
    ) {
        for key in KEYS {
            let names = [key.env.map(str::to_owned), Some(key.generic_env())];
            for name in names.into_iter().flatten() {
                if let Some(value) = variables.get(&name) {
                    self.put(key, value, origin(&name));
                }
            }
        }
    }

    fn flags(&mut self, flags: &[(String, String)]) -> Result<(), ConfigError> {
        for (name, value) in flags {
            let in_open = name.split_once('.');
            if let Some((section, key)) = in_open.and_then(|(s, key)| Some((open(s)?, key))) {
                self.put_open(section, key, value, Origin::Flag);
                continue;
            }
            let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
            let found = keys::find(section, key).ok_or_else(|| ConfigError::Value {
                origin: Origin::Flag,
                section: section.to_owned(),
                key: key.to_owned(),
                message: "there is no such setting; `codexd config` lists them".to_owned(),
            })?;
            self.put(found, value, Origin::Flag);
        }
        Ok(())
    }

    /// The text of a setting, `None` when it is not set.
    pub fn text(&self, section: &str, key: &str) -> Option<&str> {
        self.value(section, key).map(|value| value.text.as_str())
    }

    fn value(&self, section: &str, key: &str) -> Option<&Value> {
        let key = keys::find(section, key)?;
        self.values.get(&(key.section, key.name))
    }

    /// A setting, read by `read`, which says what is wrong with a text it cannot use.
    pub fn read_as<T>(
        &self,
        section: &str,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let text = self.text(section, key).unwrap_or_default();
        read(text).map_err(|message| self.wrong(section, key, message))
    }

    /// A setting of a type that parses itself; `what` names what is wanted.
    pub fn parse<T: FromStr>(
        &self,
        section: &str,
        key: &str,
        what: &str,
    ) -> Result<T, ConfigError> {
        self.read_as(section, key, |text| {
            let message = |_| format!("`{text}` is not {what}");
            text.parse().map_err(message)
        })
    }

    /// A setting that is one of the words `configparser` takes for a boolean.
    pub fn boolean(&self, section: &str, key: &str) -> Result<bool, ConfigError> {
        self.read_as(section, key, |text| {
            boolean(text).ok_or_else(|| format!("`{text}` is neither true nor false"))
        })
    }

    /// The error that a setting's value cannot be used.
    pub fn wrong(&self, section: &str, key: &str, message: String) -> ConfigError {
        let value = match open(section) {
            Some(section) => self.open.get(&(section, key.to_owned())),
            None => self.value(section, key),
        };
        let origin = value.map(|value| value.origin.clone());
        ConfigError::Value {
            origin: origin.unwrap_or(Origin::Default),
            section: section.to_owned(),
            key: key.to_owned(),
            message,
        }
    }
}

/// The open section of a name.
fn open(name: &str) -> Option<&'static str> {
    keys::OPEN.into_iter().find(|section| *section == name)
}

/// The booleans of `configparser`.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

impl fmt::Display for Layers {
    /// The form of `codex.conf`, secrets masked, the place of each value as a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for key in KEYS {
            if key.section != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                section = key.section;
                writeln!(f, "{gap}[{section}]")?;
            }
            match self.values.get(&(key.section, key.name)) {
                Some(value) => {
                    let setting = format!("{} = {}", key.name, masked(key.secrecy, &value.text));
                    writeln!(f, "{setting:<48} # {}", value.origin)?;
                }
                None => writeln!(f, "{:<48} # not set", format!("{} =", key.name))?,
            }
        }
        for section in keys::OPEN {
            writeln!(f, "\n[{section}]")?;
            for ((_, key), value) in self.open.iter().filter(|((s, _), _)| *s == section) {
                let setting = format!("{key} = {}", value.text);
                writeln!(f, "{setting:<48} # {}", value.origin)?;
            }
        }
        Ok(())
    }
}

fn masked(secrecy: Secrecy, text: &str) -> String {
    match secrecy {
        Secrecy::Plain => text.replace('\n', " "),
        Secrecy::Secret => "***".to_owned(),
        Secrecy::UrlPassword => masked_url(text),
    }
}

/// A URL without its password and without parameters that may hold one.
pub fn masked_url(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Ok(mut url) = Url::parse(text) else {
        return "***".to_owned();
    };
    let hidden = url.password().is_none() || url.set_password(Some("***")).is_ok();
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    if hidden { url.into() } else { "***".to_owned() }
}

fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Read {
            file: path.to_owned(),
            source,
        }),
    }
}

fn parse(path: &Path, text: &str) -> Result<Vec<ini::Entry>, ConfigError> {
    ini::parse(text).map_err(|error| ConfigError::Syntax {
        file: path.to_owned(),
        line: error.line,
        message: error.message,
    })
}
