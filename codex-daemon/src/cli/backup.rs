//! `codexd backup` and `codexd restore`

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use codex_core::{
    Codex,
    plural::count_of,
    store::backup::{self, BackupError, Manifest},
};
use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use secrecy::ExposeSecret as _;

use super::{
    UsageError,
    database::{file, require_folder, shown},
    load, output,
    progress::Progress,
    unfinished::{BESIDE, Unfinished, remove, with_ending},
    until_stopped, with_database,
};
use crate::config::{Config, Sources};

const BACKUP: &str = "\
Examples:
  codexd backup --to /var/backups/codex-2026-01-31.gz
  codexd backup --verify /var/backups/codex-2026-01-31.gz

Works while the daemon runs: all tables are read as of one moment. The file gets its name when it is complete. Only its
owner can read it, and an existing file is not overwritten. --verify restores it into a scratch database beside the
file, compares the count and the hash of every table, and removes the scratch database. A command that is killed leaves
a file `.NAME.PID.part` or `.NAME.PID.scratch`; the next one for the same file removes it.

A backup of one engine can be restored into the other. Settings and keys are not in it: keep instance/ as well.";

const RESTORE: &str = "\
Examples:
  codexd restore --from codex-2026-01-31.gz
  codexd restore --from codex-2026-01-31.gz --to postgresql://codex@localhost/codex_new

The database must be empty and the daemon stopped. The file is checked to its end before anything is written, and the
result is compared with it: everything is restored, or nothing. A backup of an older codexd is migrated. A SQLite file
keeps its owner and mode; root gives a new one the owner of its folder.";

/// Back up the database, or verify a backup
#[derive(Debug, clap::Args)]
#[command(after_help = BACKUP)]
pub(super) struct Backup {
    /// Write a backup to this new file
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Restore this backup into a scratch database and compare
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    verify: Option<PathBuf>,
    /// Print what the backup holds as JSON
    #[arg(long)]
    json: bool,
}

/// Restore a backup into an empty database
#[derive(Debug, clap::Args)]
#[command(after_help = RESTORE)]
pub(super) struct Restore {
    /// The backup
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The database, `sqlite://FILE` or `postgresql://USER@HOST/NAME`; the configured one when absent. The process list
    /// shows it: keep the password in PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL", value_parser = database_url)]
    to: Option<String>,
}

impl Backup {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        match (&self.to, &self.verify) {
            (Some(file), _) => {
                let config = load(sources)?;
                self.report("Wrote", file, &back_up(&config, file).await?)
            }
            (None, Some(file)) => self.report("Verified", file, &verify(file).await?),
            (None, None) => Err(UsageError::error(
                "name what to do: --to FILE or --verify FILE; see `codexd backup --help`",
            )),
        }
    }

    fn report(&self, done: &str, file: &Path, manifest: &Manifest) -> anyhow::Result<()> {
        if self.json {
            return output::json(manifest);
        }
        output::line(format_args!("{done} {}", summary(file, manifest)))?;
        Ok(())
    }
}

impl Restore {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut sources = sources.clone();
        let to = self.to.map(|url| (CONNECTION.to_owned(), url));
        sources.flags.extend(to);
        let config = load(&sources)?;
        require_folder(&config)?;
        let unusable = || format!("cannot restore {}", self.from.display());
        let manifest = inspect(&self.from).with_context(unusable)?;
        let progress = Progress::start("Restoring");
        let work = async {
            match file(&config) {
                Some(file) => restore_file(&self.from, &manifest, file).await,
                None => restore_server(&self.from, &manifest, &config).await,
            }
        };
        let done = until_stopped(work).await;
        progress.end();
        done.with_context(|| format!("cannot restore into {}", shown(&config)))?;
        let summary = summary(&self.from, &manifest);
        output::line(format_args!("Restored {summary} into {}", shown(&config)))?;
        Ok(())
    }
}

const CONNECTION: &str = "database.connection_string";

/// A database as `[database] connection_string` names it; a bare path is a `SQLite` file.
fn database_url(text: &str) -> Result<String, String> {
    let file = match text.split_once(':') {
        Some((scheme, rest)) if scheme.starts_with("postgres") && rest.starts_with("//") => {
            return Ok(text.to_owned());
        }
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some(_) => "",
        None => text,
    };
    if file.is_empty() {
        return Err("must be sqlite://FILE or postgresql://USER@HOST/NAME".to_owned());
    }
    Ok(format!("sqlite://{file}"))
}

/// A backup in one line.
fn summary(file: &Path, manifest: &Manifest) -> String {
    format!(
        "{}: {} in {}, schema {}, of {}",
        file.display(),
        count_of(manifest.rows(), "row"),
        count_of(manifest.tables.len(), "table"),
        manifest.migrations.last().copied().unwrap_or(0),
        manifest.created_at.format("%Y-%m-%d %H:%M:%S UTC")
    )
}

/// Writes a backup to a file that does not exist yet.
async fn back_up(config: &Config, to: &Path) -> anyhow::Result<Manifest> {
    ensure!(
        !to.exists(),
        "{} exists; name a new file, or remove it first",
        to.display()
    );
    let progress = Progress::start("Backing up");
    let done = with_database(config, false, async |codex: &Codex| {
        // A backup of nothing would be found out when it is needed.
        let applied = codex.db().applied_migrations().await?;
        ensure!(
            !applied.is_empty(),
            "the database has no tables of Codex; check [database] connection_string"
        );
        let begun = Unfinished::beside(to, "part")?;
        let manifest = async {
            let file = create(begun.path())?;
            let mut packed = GzEncoder::new(BufWriter::new(file), Compression::fast());
            let manifest = backup::write(codex.db(), codex.now(), &mut packed).await?;
            let file = packed
                .finish()?
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            anyhow::Ok(manifest)
        };
        let manifest = manifest
            .await
            .with_context(|| format!("cannot write {}", to.display()))?;
        begun.rename(to)?;
        Ok(manifest)
    });
    let done = done.await;
    progress.end();
    done
}

/// Restores a backup into a scratch database, which compares the result with the backup.
async fn verify(file: &Path) -> anyhow::Result<Manifest> {
    let unusable = || format!("cannot verify {}", file.display());
    let manifest = inspect(file).with_context(unusable)?;
    let progress = Progress::start("Verifying");
    let work = async {
        let scratch = Unfinished::beside(file, "scratch")?;
        fill(file, &manifest, scratch.path()).await
    };
    let done = until_stopped(work).await;
    progress.end();
    done.with_context(unusable)?;
    Ok(manifest)
}

/// Restores into a file beside the database, and renames it to the database when it is complete.
async fn restore_file(from: &Path, manifest: &Manifest, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let begun = Unfinished::beside(to, "restoring")?;
    refuse_taken(to).await?;
    fill(from, manifest, begun.path()).await?;
    begun.take_owner(to)?;
    File::open(begun.path())?.sync_all()?;
    // The daemon may have been started meanwhile.
    refuse_taken(to).await?;
    for beside in BESIDE {
        remove(&with_ending(to, beside))?;
    }
    begun.rename(to)
}

/// # Errors
/// When the file is there, and has rows or is in use.
async fn refuse_taken(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let codex = open(&url_of(file), false).await?;
    let vacant = async {
        backup::refuse_filled(codex.db()).await?;
        codex.db().require_exclusive().await?;
        anyhow::Ok(())
    };
    let vacant = vacant.await;
    codex.close().await;
    vacant
}

async fn restore_server(from: &Path, manifest: &Manifest, config: &Config) -> anyhow::Result<()> {
    let url = config.database.url.expose_secret();
    let codex = open(url, false).await?;
    let restored = async {
        codex.db().require_exclusive().await?;
        backup::restore(codex.db(), unpacked(from)?, manifest).await
    };
    let restored = restored.await;
    codex.close().await;
    restored?;
    open(url, true).await?.close().await;
    Ok(())
}

/// Fills a new `SQLite` file and migrates it.
async fn fill(from: &Path, manifest: &Manifest, to: &Path) -> anyhow::Result<()> {
    let url = url_of(to);
    let codex = open(&url, false).await?;
    let restored = async { backup::restore(codex.db(), unpacked(from)?, manifest).await };
    let restored = restored.await;
    codex.close().await;
    restored?;
    open(&url, true).await?.close().await;
    Ok(())
}

async fn open(url: &str, migrate: bool) -> codex_core::Result<Codex> {
    Codex::builder(url).migrate(migrate).open().await
}

fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// Reads a backup to its end.
fn inspect(file: &Path) -> backup::Result<Manifest> {
    backup::inspect(unpacked(file)?)
}

/// How a file of gzip begins (RFC 1952, 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

fn unpacked(file: &Path) -> backup::Result<BufReader<GzDecoder<BufReader<File>>>> {
    let file = File::open(file).map_err(BackupError::Io)?;
    let mut packed = BufReader::with_capacity(1 << 16, file);
    let beginning = packed.fill_buf().map_err(BackupError::Io)?;
    if !beginning.starts_with(&GZIP) {
        return Err(BackupError::Foreign);
    }
    Ok(BufReader::with_capacity(1 << 16, GzDecoder::new(packed)))
}

/// Creates a new file that only its owner can read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_read_from_urls_and_paths() {
        for (text, url) in [
            ("new.db", "sqlite://new.db"),
            ("sqlite:new.db", "sqlite://new.db"),
            ("sqlite:///var/new.db", "sqlite:///var/new.db"),
            (
                "postgresql://codex@localhost/new",
                "postgresql://codex@localhost/new",
            ),
        ] {
            assert_eq!(database_url(text).as_deref(), Ok(url));
        }
        for wrong in ["", "sqlite://", "mysql://x", "postgresql:new"] {
            assert!(
                database_url(wrong).unwrap_err().contains("sqlite://FILE"),
                "{wrong}"
            );
        }
    }
}
