//! The import through [`Codex`].

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use sqlx::types::Json;

use super::{
    BackFile, Comparison, Import, ImportOptions, ImportReport, ImportState, Table, TableReport,
    back, check,
    flaws::Flaw,
    run::{Importer, Target},
    source::Source,
    state,
    verify::Verifier,
};
use crate::{
    Error, Result, Scope, codex::Codex, masked::masked_url, records::Author,
    tickets::query::statuses,
};

const IMPORTING: &str = "importing a database";
const ACTOR: &str = "source:import";
const REASON: &str = "import of the Flask service's database";

/// How an import ended.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportOutcome {
    /// Every table is imported.
    Done(ImportReport),
    /// It was done before.
    DoneBefore(ImportReport),
    /// Nothing was written: these warnings were not accepted, each with how many rows have it.
    NotAccepted(ImportReport, BTreeMap<&'static str, u64>),
}

/// The state of an import, with the report of its tables.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportStatus {
    /// The import.
    pub import: Import,
    /// By table.
    pub report: ImportReport,
    /// Imported records that no source has stated yet, by kind.
    pub without_source: Vec<(String, i64)>,
}

/// The result of an import into a scratch database.
#[derive(Debug, Clone, PartialEq)]
pub struct DryRun {
    /// By table.
    pub report: ImportReport,
    /// The two sides.
    pub comparison: Comparison,
    /// How long the import took.
    pub took: Duration,
    /// How long the comparison took.
    pub compared_in: Duration,
}

impl Codex {
    /// The state of the import of this database; `None` when nothing was imported.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators and services.
    pub async fn import_status(&self, scope: &Scope) -> Result<Option<ImportStatus>> {
        scope.require_admin("reading the state of an import")?;
        let db = &self.0.db;
        let Some(import) = state::find(db).await? else {
            return Ok(None);
        };
        let report = state::report(db, &import.layout).await?;
        let without_source = db.query(state::WITHOUT_SOURCE).all().await?;
        Ok(Some(ImportStatus {
            import,
            report,
            without_source,
        }))
    }

    /// Imports the Flask service's database into this one, which must be new, or continues an interrupted import of the
    /// same database. Warnings that were not accepted end it before anything is written.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a database that cannot be imported from, [`Error::Conflict`] for a database that is
    /// in use, an import of another database, or one that another process runs; [`Error::Forbidden`].
    pub async fn run_import(
        &self,
        scope: &Scope,
        options: &ImportOptions,
        mut progress: impl FnMut(Table, &TableReport),
    ) -> Result<ImportOutcome> {
        scope.require_admin(IMPORTING)?;
        let db = &self.0.db;
        let mut options = options.clone();
        let import = if let Some(import) = state::find(db).await? {
            self.require_same(&import, &options).await?;
            if import.state != ImportState::Running {
                let report = state::report(db, &import.layout).await?;
                return Ok(ImportOutcome::DoneBefore(report));
            }
            if options.time_zone.is_none() {
                let zone = import.time_zone.as_deref();
                options.time_zone = zone.and_then(|zone| zone.parse().ok());
            }
            import
        } else {
            if state::is_used(db).await? {
                return Err(Error::conflict(
                    "this database is in use; import into a new one",
                ));
            }
            let report = check(&options, |_, _| {}).await?;
            let mut open = report.warnings();
            open.retain(|code, _| !options.accepted.contains(*code));
            if !open.is_empty() {
                return Ok(ImportOutcome::NotAccepted(report, open));
            }
            self.begin_import(&options, report.layout).await?
        };
        let mut author = Author::new(ACTOR, self.now());
        author.reason = Some(REASON.to_owned());
        let target = Target {
            db,
            author: &author,
            precedence: &self.0.precedence,
        };
        let mut importer = Importer::open(&options, Some(target)).await?;
        let report = importer.run(&mut progress).await?;
        importer.raise_ids(db).await?;
        let newest: Option<i64> = db.query(state::NEWEST_CHANGE).scalar().await?;
        let mut tx = db.begin().await?;
        let finished = Some((self.now(), newest.unwrap_or_default()));
        state::set_state(&mut tx, &import, ImportState::Imported, finished).await?;
        tx.commit().await?;
        Ok(ImportOutcome::Done(report))
    }

    async fn begin_import(&self, options: &ImportOptions, layout: String) -> Result<Import> {
        let import = Import {
            id: uuid::Uuid::new_v4().to_string(),
            source: masked_url(&options.from),
            layout,
            time_zone: options.time_zone.map(|zone| zone.name().to_owned()),
            accepted: options.accepted.clone(),
            state: ImportState::Running,
            started_at: self.now(),
            finished_at: None,
            compared_at: None,
            comparison: None,
            change_id: None,
        };
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock("import").await?;
        state::begin(&mut tx, &import).await.map_err(|error| {
            if error.is_taken() {
                Error::conflict("another process has begun an import; wait until it has ended")
            } else {
                error
            }
        })?;
        tx.commit().await?;
        Ok(import)
    }

    /// # Errors
    /// [`Error::Conflict`] for an import from another database, or of another generation.
    async fn require_same(&self, import: &Import, options: &ImportOptions) -> Result<()> {
        if import.source != masked_url(&options.from) {
            return Err(Error::conflict(format!(
                "this database holds an import of {}; continue that one, or import into another database",
                import.source
            )));
        }
        let source = Source::open(&options.from).await?;
        let layout = source.layout.generation.name();
        if layout != import.layout {
            return Err(Error::conflict(format!(
                "the import was begun with the {} generation of the schema, now it is the {layout} one",
                import.layout
            )));
        }
        Ok(())
    }

    /// Imports one table again, after it was corrected in the old database.
    ///
    /// # Errors
    /// As [`Codex::run_import`]; [`Error::Conflict`] when nothing was imported yet.
    pub async fn redo_import(
        &self,
        scope: &Scope,
        options: &ImportOptions,
        table: Table,
        progress: impl FnMut(Table, &TableReport),
    ) -> Result<ImportOutcome> {
        scope.require_admin(IMPORTING)?;
        let import = self.existing_import().await?;
        self.require_same(&import, options).await?;
        let mut tx = self.0.db.begin().await?;
        state::redo(&mut tx, table).await?;
        state::set_state(&mut tx, &import, ImportState::Running, None).await?;
        tx.commit().await?;
        self.run_import(scope, options, progress).await
    }

    async fn existing_import(&self) -> Result<Import> {
        let import = state::find(&self.0.db).await?;
        import.ok_or_else(|| Error::conflict("nothing was imported into this database"))
    }

    /// Compares the old database with this one: counts, what the REST APIs say of every record, and every company's
    /// bill. With `keep` the result is kept, and decides whether this database may serve.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the import is not finished, [`Error::Unsupported`], [`Error::Forbidden`].
    pub async fn verify_import(
        &self,
        scope: &Scope,
        options: &ImportOptions,
        keep: bool,
        progress: impl FnMut(Table),
    ) -> Result<Comparison> {
        scope.require_admin("comparing an import")?;
        let import = self.existing_import().await?;
        if import.state == ImportState::Running {
            return Err(Error::conflict(
                "the import is not finished: `codexd import run` continues it",
            ));
        }
        let mut options = options.clone();
        if options.time_zone.is_none() {
            let zone = import.time_zone.as_deref();
            options.time_zone = zone.and_then(|zone| zone.parse().ok());
        }
        let db = &self.0.db;
        let known = statuses(db, &self.0.statuses).await?;
        let importer = Importer::open(&options, None).await?;
        let comparison = Verifier::new(importer, db, known).run(progress).await?;
        if keep {
            // Once work goes on here the two sides differ, and this one must start again all the same.
            let is_clean = comparison.is_clean() || self.is_at_work(&import).await?;
            let state = if is_clean {
                ImportState::Verified
            } else {
                ImportState::Differs
            };
            self.keep_comparison(&import, state, &comparison).await?;
        }
        Ok(comparison)
    }

    /// Whether something was written here after the import was verified.
    async fn is_at_work(&self, import: &Import) -> Result<bool> {
        let newest: Option<i64> = self.0.db.query(state::NEWEST_CHANGE).scalar().await?;
        Ok(import.state == ImportState::Verified && newest > import.change_id)
    }

    async fn keep_comparison(
        &self,
        import: &Import,
        state: ImportState,
        comparison: &Comparison,
    ) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        tx.query(state::SET_COMPARISON)
            .bind(import.id.as_str())
            .bind(state)
            .bind(self.now())
            .bind(Json(comparison))
            .execute()
            .await?;
        tx.commit().await
    }

    /// Accepts the differences of the last comparison, so that this database may serve.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the two sides were not compared yet.
    pub async fn accept_import(&self, scope: &Scope) -> Result<Import> {
        scope.require_admin("accepting an import")?;
        let import = self.existing_import().await?;
        let Some(comparison) = &import.comparison else {
            return Err(Error::conflict(
                "the two sides were not compared yet; run `codexd import verify`",
            ));
        };
        self.keep_comparison(&import, ImportState::Verified, comparison)
            .await?;
        self.existing_import().await
    }

    /// Whether an import keeps this database from serving, and why.
    ///
    /// # Errors
    /// [`Error::Db`].
    pub async fn unfinished_import(&self) -> Result<Option<&'static str>> {
        let import = state::find(&self.0.db).await?;
        Ok(match import.map(|import| import.state) {
            None | Some(ImportState::Verified) => None,
            Some(ImportState::Running) => {
                Some("an import is not finished; `codexd import run` continues it")
            }
            Some(ImportState::Imported) => {
                Some("an import was not verified yet; run `codexd import verify`")
            }
            Some(ImportState::Differs) => Some(
                "an import differs from its source; `codexd import verify` shows the differences, with --accept it accepts them",
            ),
        })
    }

    /// Passes what was written here since the import to `take`, as lines of CSV by table; gives how many changes and
    /// notes there are.
    ///
    /// # Errors
    /// [`Error::Conflict`] when nothing was imported, [`Error::Forbidden`], and what `take` returns.
    pub async fn changes_since_import(
        &self,
        scope: &Scope,
        take: impl FnMut(BackFile) -> Result<()>,
    ) -> Result<u64> {
        scope.require_admin("listing changes since an import")?;
        let import = self.existing_import().await?;
        back::back(&self.0.db, &import, take).await
    }
}

/// Imports into a scratch database and compares: predicts how long an import takes and what a comparison finds. All
/// warnings count as accepted.
///
/// # Errors
/// As [`Codex::run_import`] and [`Codex::verify_import`].
pub async fn dry_run(options: &ImportOptions, mut progress: impl FnMut(Table)) -> Result<DryRun> {
    let folder = ScratchFolder::new();
    let url = format!("sqlite://{}", folder.0.join("scratch.db").display());
    let codex = Codex::builder(url)
        .statuses(options.statuses.clone())
        .open()
        .await?;
    let done = scratch_import(&codex, options, &mut progress).await;
    codex.close().await;
    done
}

async fn scratch_import(
    codex: &Codex,
    options: &ImportOptions,
    progress: &mut impl FnMut(Table),
) -> Result<DryRun> {
    let scope = Scope::system();
    let mut accepting = options.clone();
    let codes = Flaw::ALL.iter().map(|flaw| flaw.code().to_owned());
    accepting.accepted.extend(codes);
    let begun = Instant::now();
    let outcome = codex
        .run_import(&scope, &accepting, |table, _| progress(table))
        .await?;
    let took = begun.elapsed();
    let (ImportOutcome::Done(report)
    | ImportOutcome::DoneBefore(report)
    | ImportOutcome::NotAccepted(report, _)) = outcome;
    let begun = Instant::now();
    let comparison = codex
        .verify_import(&scope, options, false, progress)
        .await?;
    Ok(DryRun {
        report,
        comparison,
        took,
        compared_in: begun.elapsed(),
    })
}

/// A folder that is removed when this is dropped.
struct ScratchFolder(PathBuf);

impl ScratchFolder {
    fn new() -> Self {
        let name = format!("codex-import-{}", uuid::Uuid::new_v4());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
