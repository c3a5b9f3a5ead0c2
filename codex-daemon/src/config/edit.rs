//! The settings file as forms change it: what it holds, what may be changed there, and how it is replaced.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    Config, ConfigError, Layers, Sources, ValueSource, ini,
    layers::masked,
    read::fault_of,
    setting::{Kind, Secrecy, Setting},
};

/// One writer of this process at a time.
static WRITING: Mutex<()> = Mutex::new(());
/// What only its owner may read.
const PRIVATE: u32 = 0o600;

/// A change of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Section.
    pub section: String,
    /// Key.
    pub key: String,
    /// The new value; `None` removes the line.
    pub value: Option<String>,
}

/// The settings file as it was read.
#[derive(Debug)]
pub struct SettingsFile {
    text: String,
    entries: Vec<ini::Entry>,
    layers: Layers,
}

/// Why a file was not saved.
#[derive(Debug)]
pub enum Unsaved {
    /// It would mean something that cannot be used.
    Refused(Vec<ConfigError>),
    /// Somebody changed it meanwhile.
    Stale,
    /// The disk refused.
    Io(io::Error),
}

impl SettingsFile {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// When it cannot be read, or does not follow its syntax.
    pub fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let path = sources.conf();
        let text = on_disk(&path).map_err(|error| ConfigError::read(&path, error))?;
        let entries = ini::parse(&text).map_err(|error| ConfigError::Syntax {
            file: path,
            line: error.line,
            message: error.message,
        })?;
        let sources = with_text(sources, &text);
        let layers = Layers::read(&sources);
        Ok(Self {
            text,
            entries,
            layers,
        })
    }

    /// The value that the file has for a setting, by its newer or an older key.
    pub fn stored(&self, setting: &Setting) -> Option<&str> {
        let mut names = setting.names();
        names.find_map(|name| self.value(setting, name))
    }

    fn value(&self, setting: &Setting, name: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|one| one.section == setting.section && one.key == name)?;
        let value = match setting.secrecy {
            Secrecy::Secret => entry.value.as_str(),
            _ => ini::strip_comment(&entry.value),
        };
        (!value.is_empty()).then_some(value)
    }

    /// Keys and values of a section whose keys are not fixed.
    pub fn open(&self, section: &str) -> Vec<(&str, &str)> {
        let entries = self.entries.iter().filter(|one| one.section == section);
        entries
            .map(|one| (one.key.as_str(), ini::strip_comment(&one.value)))
            .collect()
    }

    /// What sets a setting over the file: the environment or the command line.
    pub fn fixed(&self, setting: &Setting) -> Option<&ValueSource> {
        let source = self.layers.source(setting.section, setting.name);
        source.filter(|source| is_above_file(source))
    }

    /// The value in force of a setting, as it may be shown.
    pub fn in_force(&self, setting: &Setting) -> Option<String> {
        let text = self.layers.text(setting.section, setting.name)?;
        Some(masked(setting.secrecy, text))
    }

    /// The changes that set a setting, or, with an empty text, unset it under each of its keys.
    pub fn changes(&self, setting: &Setting, text: &str) -> Vec<Change> {
        let is_there = |name: &&str| self.value(setting, name).is_some();
        let change = |name: &str| Change {
            section: setting.section.to_owned(),
            key: name.to_owned(),
            value: Some(text.to_owned()),
        };
        if text.is_empty() {
            setting.names().filter(is_there).map(change).collect()
        } else {
            vec![change(setting.name)]
        }
    }

    /// Writes changes, all or none. What the file meant wrong before, outside of `section`, does not keep others from
    /// being saved.
    ///
    /// # Errors
    /// [`Unsaved`]; the file is then as it was.
    pub fn save(
        &self,
        sources: &Sources,
        section: &str,
        changes: &[Change],
    ) -> Result<(), Unsaved> {
        let text = changes
            .iter()
            .fold(self.text.clone(), |text, change| applied(&text, change));
        let before = faults(sources, &self.text);
        let known = |error: &ConfigError| {
            let said = error.to_string();
            before.iter().any(|before| before.to_string() == said)
        };
        let mut after = faults(sources, &text);
        after.retain(|error| is_of(error, section) || !known(error));
        if !after.is_empty() {
            return Err(Unsaved::Refused(after));
        }
        let _turn = writing();
        let path = sources.conf();
        if on_disk(&path).map_err(Unsaved::Io)? != self.text {
            return Err(Unsaved::Stale);
        }
        replace(&path, &text, None).map_err(Unsaved::Io)
    }
}

/// Why a text cannot be the value of a setting; `None` when it can. Never quotes a secret.
pub fn fault(setting: &Setting, text: &str) -> Option<String> {
    if text.contains(['\n', '\r']) {
        return Some("must be one line".to_owned());
    }
    if setting.secrecy == Secrecy::Secret || text.is_empty() {
        return None;
    }
    if ini::strip_comment(text) != text {
        let why =
            "must not have `#` or `;` at its beginning or after a blank: a comment begins there";
        return Some(why.to_owned());
    }
    if setting.kind == Kind::Text {
        return None;
    }
    fault_of(setting.kind, text)
}

/// Replaces a file; a crash leaves the old or the new one. Its mode is `mode`, else that of the old file, else only its
/// owner can read it.
///
/// # Errors
/// What the disk says.
pub fn replace(path: &Path, text: &str, mode: Option<u32>) -> io::Result<()> {
    // Through a link to the file it points to.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let old = fs::metadata(&path).map(|file| file.permissions().mode() & 0o777);
    let mode = mode.or(old.ok()).unwrap_or(PRIVATE);
    let new = path.with_extension("conf.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    // The new name lasts when the folder does.
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn writing() -> MutexGuard<'static, ()> {
    WRITING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn on_disk(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

fn with_text(sources: &Sources, text: &str) -> Sources {
    Sources {
        text: Some(text.to_owned()),
        ..sources.clone()
    }
}

/// Everything that is wrong with the settings, if the file had this text.
fn faults(sources: &Sources, text: &str) -> Vec<ConfigError> {
    match Config::load(&with_text(sources, text)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.0,
    }
}

fn is_of(error: &ConfigError, wanted: &str) -> bool {
    matches!(error, ConfigError::Value { section, .. } if section == wanted)
}

fn is_above_file(source: &ValueSource) -> bool {
    match source {
        ValueSource::Default | ValueSource::Services(_) | ValueSource::File(..) => false,
        ValueSource::Flaskenv(..) | ValueSource::Environment(_) | ValueSource::Flag => true,
    }
}

/// A text of the file with a change.
fn applied(text: &str, change: &Change) -> String {
    let Change {
        section,
        key,
        value,
    } = change;
    let setting = super::keys::find(section, key);
    let has_comments = setting.is_none_or(|setting| setting.secrecy != Secrecy::Secret);
    match value {
        None => ini::remove(text, section, key),
        Some(value) if has_comments => ini::set_beside_comment(text, section, key, value),
        Some(value) => ini::set(text, section, key, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn folder(text: &str) -> (tempfile::TempDir, Sources) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("instance")).unwrap();
        fs::write(dir.path().join("instance/codex.conf"), text).unwrap();
        let sources = Sources::new(dir.path());
        (dir, sources)
    }

    fn save(sources: &Sources, section: &str, key: &str, text: &str) -> Result<(), Unsaved> {
        let file = SettingsFile::read(sources).unwrap();
        let changes = file.changes(keys::find(section, key).unwrap(), text);
        file.save(sources, section, &changes)
    }

    fn text(sources: &Sources) -> String {
        fs::read_to_string(sources.conf()).unwrap()
    }

    #[test]
    fn saving_keeps_comments_order_and_unknown_keys() {
        let before = "# ours\n[psa.superops]\napi_key = x\n\n[freshservice]\n; note\n\
            domain = a.test  # the old one\napi_key = 50%off\n";
        let (_dir, sources) = folder(before);
        save(&sources, "freshservice", "domain", "b.test").unwrap();
        save(
            &sources,
            "freshservice",
            "api_key",
            "100%%(x)s # no comment",
        )
        .unwrap();
        let wanted = before
            .replace("a.test", "b.test")
            .replace("50%off", "100%%(x)s # no comment");
        assert_eq!(text(&sources), wanted);
        let file = SettingsFile::read(&sources).unwrap();
        let key = keys::find("freshservice", "api_key").unwrap();
        assert_eq!(file.stored(key), Some("100%%(x)s # no comment"));
    }

    #[test]
    fn modes_are_kept_and_new_files_private() {
        let (_dir, sources) = folder("");
        let mode = || fs::metadata(sources.conf()).unwrap().permissions().mode() & 0o777;
        fs::set_permissions(sources.conf(), fs::Permissions::from_mode(0o640)).unwrap();
        save(&sources, "psa", "default_provider", "freshservice").unwrap();
        assert_eq!(mode(), 0o640);
        fs::remove_file(sources.conf()).unwrap();
        save(&sources, "psa", "default_provider", "freshservice").unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn refused_and_stale_saves_write_nothing() {
        let (_dir, sources) = folder("[server]\nport = 1\n");
        let refused = save(&sources, "scheduler", "time_zone", "Mars/Olympus");
        assert!(matches!(refused, Err(Unsaved::Refused(errors)) if errors.len() == 1));
        let file = SettingsFile::read(&sources).unwrap();
        fs::write(sources.conf(), "[server]\nport = 2\n").unwrap();
        let change = file.changes(keys::find("server", "port").unwrap(), "3");
        let stale = file.save(&sources, "server", &change);
        assert!(matches!(stale, Err(Unsaved::Stale)));
        assert_eq!(text(&sources), "[server]\nport = 2\n");
    }

    #[test]
    fn other_faults_of_the_file_do_not_block() {
        let (_dir, sources) = folder("[server]\nprt = 1\n");
        save(&sources, "scheduler", "time_zone", "Europe/Berlin").unwrap();
        assert!(text(&sources).contains("time_zone = Europe/Berlin"));
    }

    #[test]
    fn unsetting_covers_older_keys() {
        let (_dir, sources) = folder("[datto]\napi_key = old\n");
        let key = keys::find("datto", "public_key").unwrap();
        assert_eq!(
            SettingsFile::read(&sources).unwrap().stored(key),
            Some("old")
        );
        save(&sources, "datto", "public_key", "").unwrap();
        assert_eq!(text(&sources), "[datto]\napi_key =\n");
    }

    #[test]
    fn faults_name_what_is_right_and_no_secret() {
        let of = |section: &str, key: &str, text: &str| {
            fault(keys::find(section, key).unwrap(), text).unwrap_or_default()
        };
        assert_eq!(of("server", "port", "5010"), "");
        assert!(of("server", "port", "70000").contains("a port number from 0 to 65535"));
        assert!(of("keycloak", "verify_ssl", "maybe").contains("true or false"));
        assert!(of("freshservice", "domain", "ftp://x").contains("http"));
        assert!(of("psa", "default_provider", "a # b").contains("comment"));
        assert!(!of("freshservice", "api_key", "hunter2\n").contains("hunter2"));
        assert_eq!(of("datto", "secret_udfs", "2,9"), "");
    }

    #[test]
    fn environment_and_flags_are_above_the_file() {
        let (_dir, sources) = folder("[server]\nport = 1\n");
        let sources = sources.set("server.port", "2");
        let file = SettingsFile::read(&sources).unwrap();
        let port = keys::find("server", "port").unwrap();
        assert_eq!(file.fixed(port), Some(&ValueSource::Flag));
        assert_eq!(
            (file.stored(port), file.in_force(port).as_deref()),
            (Some("1"), Some("2"))
        );
        assert_eq!(file.fixed(keys::find("server", "bind").unwrap()), None);
    }
}
