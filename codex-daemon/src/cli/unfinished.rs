//! Files that get their name when they are complete.

use std::{
    fs::{self, File},
    io, iter,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process,
};

use anyhow::Context as _;
use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

/// An unfinished file. It and the files of `SQLite` beside it are removed when this is dropped.
#[derive(Debug)]
pub(super) struct Unfinished(PathBuf);

impl Unfinished {
    /// In the same folder as `path`, so that it can be renamed to that. Removes what killed processes have left there.
    ///
    /// # Errors
    /// When `path` names no file.
    pub(super) fn beside(path: &Path, ending: &str) -> anyhow::Result<Self> {
        let name = path
            .file_name()
            .with_context(|| format!("{} names no file", path.display()))?;
        let beginning = format!(".{}.", name.to_string_lossy());
        let of = |pid: u32| path.with_file_name(format!("{beginning}{pid}.{ending}"));
        for entry in fs::read_dir(folder_of(path))
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name();
            let pid: Option<u32> = name.to_str().and_then(|name| {
                let rest = name.strip_prefix(&beginning)?;
                rest.strip_suffix(ending)?.strip_suffix('.')?.parse().ok()
            });
            if let Some(pid) = pid.filter(|pid| !is_alive(*pid)) {
                drop(Self(of(pid)));
            }
        }
        Ok(Self(of(process::id())))
    }

    /// Where it is until it gets its name.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives the file the owner and the mode of the file that it replaces. A new file of root's gets the owner of its
    /// folder: the daemon, which is not root, must be able to open it.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(super) fn take_owner(&self, to: &Path) -> anyhow::Result<()> {
        let own = fs::metadata(&self.0)?;
        let model = match fs::metadata(to) {
            Ok(replaced) => {
                fs::set_permissions(&self.0, replaced.permissions())?;
                replaced
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && own.uid() == 0 => {
                fs::metadata(folder_of(to))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let (user, group) = (model.uid(), model.gid());
        if (own.uid(), own.gid()) == (user, group) {
            return Ok(());
        }
        chown(&self.0, Some(user), Some(group)).with_context(|| {
            let to = to.display();
            format!(
                "cannot give {to} the owner {user}:{group}; run the command as that user or as root"
            )
        })
    }

    /// Gives the file its name. It keeps it after a power failure.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(super) fn rename(self, to: &Path) -> anyhow::Result<()> {
        let renamed = fs::rename(&self.0, to);
        renamed.with_context(|| format!("cannot create {}", to.display()))?;
        File::open(folder_of(to))?.sync_all()?;
        Ok(())
    }
}

/// What `SQLite` has beside a database: the write-ahead log, its index, and a journal that a killed process has left.
pub(super) const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Drop for Unfinished {
    fn drop(&mut self) {
        for ending in iter::once("").chain(BESIDE) {
            if let Err(error) = remove(&with_ending(&self.0, ending)) {
                tracing::warn!(%error, "{} could not be removed", self.0.display());
            }
        }
    }
}

/// A path with more text at its end.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Removes a file, if there is one.
///
/// # Errors
/// When the file system refuses.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether another process with this number runs. This one has nothing unfinished when it begins.
fn is_alive(pid: u32) -> bool {
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid != process::id()
        && number.is_some_and(|number| test_kill_process(number) != Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The number of a process that has ended.
    fn dead() -> u32 {
        let mut child = process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id()
    }

    #[test]
    fn remains_of_killed_processes_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (dead, parent) = (dead(), std::os::unix::process::parent_id());
        let file = |name: String| {
            let path = dir.path().join(name);
            fs::write(&path, "").unwrap();
            path
        };
        let remains = [
            file(format!(".one.gz.{dead}.part")),
            file(format!(".one.gz.{dead}.part-wal")),
            file(format!(".one.gz.{}.part", process::id())),
        ];
        let others = [
            file(format!(".one.gz.{parent}.part")),
            file(format!(".two.gz.{dead}.part")),
            file(".one.gz.old.part".to_owned()),
            file("one.gz".to_owned()),
        ];
        let begun = Unfinished::beside(&dir.path().join("one.gz"), "part").unwrap();
        assert!(remains.iter().all(|path| !path.exists()));
        assert!(others.iter().all(|path| path.exists()));
        fs::write(begun.path(), "new").unwrap();
        begun.rename(&others[3]).unwrap();
        assert_eq!(fs::read_to_string(&others[3]).unwrap(), "new");
    }

    #[test]
    fn replaced_file_keeps_its_owner_and_mode() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("codex.db");
        let owner = |path: &Path| {
            let file = fs::metadata(path).unwrap();
            (file.uid(), file.gid(), file.mode() & 0o777)
        };
        let begun = || {
            let begun = Unfinished::beside(&to, "restoring").unwrap();
            fs::write(begun.path(), "new").unwrap();
            fs::set_permissions(begun.path(), fs::Permissions::from_mode(0o644)).unwrap();
            begun
        };
        let is_root = owner(dir.path()).0 == 0;
        // Only root can give files away.
        if is_root {
            chown(dir.path(), Some(1234), Some(1235)).unwrap();
        }
        let new = begun();
        new.take_owner(&to).unwrap();
        let (user, group, _) = owner(dir.path());
        assert_eq!(owner(new.path()), (user, group, 0o644));
        drop(new);

        fs::write(&to, "").unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o640)).unwrap();
        if is_root {
            chown(&to, Some(1236), Some(1237)).unwrap();
        }
        let new = begun();
        new.take_owner(&to).unwrap();
        assert_eq!(owner(new.path()), owner(&to));
        new.rename(&to).unwrap();
        assert_eq!(owner(&to).2, 0o640);
    }
}
