//! The import through [`Codex`].

mod ticket_ids;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{
    BackFile, Comparison, Import, ImportOptions, ImportReport, ImportState, Table, TableReport,
    back,
    flaws::Flaw,
    run::{Importer, Target},
    source::Source,
    state,
    verify::Verifier,
};
use crate::{
    Error, Result, Scope, codex::Codex, masked::masked_url, plural::count_of, records::Author,
    store::snapshot::ScratchFolder, tickets::query::statuses,
};

pub(super) use ticket_ids::STATEMENTS;

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
    /// How many tables are imported.
    pub tables_done: usize,
    /// The table that is next, or at work; `None` when all are imported.
    pub current: Option<String>,
    /// Imported records that no source has stated yet, by kind.
    pub without_source: Vec<(String, i64)>,
}

impl ImportStatus {
    /// How far an import is that is not finished, such as `3 of 17 tables; assets: 500 rows`.
    pub fn progress(&self) -> Option<String> {
        let current = self.current.as_ref()?;
        let mut tables = self.report.tables.iter();
        let table = tables.find(|(name, _)| name == current);
        let rows = table.map_or(0, |(_, table)| table.read);
        Some(format!(
            "{} of {}; {current}: {}",
            self.tables_done,
            count_of(Table::ALL.len(), "table"),
            count_of(rows, "row")
        ))
    }
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

/// # Errors
/// [`Error::Conflict`] for another database than that of the import.
fn require_source(import: &Import, options: &ImportOptions) -> Result<()> {
    if import.source == masked_url(&options.from) {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "this database holds an import of {}; continue that one, or import into another database",
        import.source
    )))
}

/// # Errors
/// [`Error::Conflict`] for another generation than that of the import.
fn require_layout(import: &Import, source: &Source) -> Result<()> {
    let layout = source.layout.generation.name();
    if layout == import.layout {
        return Ok(());
    }
    Err(Error::conflict(format!(
        "the import was begun with the {} generation of the schema, now it is the {layout} one",
        import.layout
    )))
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
        let tables = state::tables(db).await?;
        let current = tables.iter().find(|(_, progress)| !progress.done);
        let current = current.map(|(table, _)| table.name().to_owned());
        let tables_done = tables.iter().filter(|(_, progress)| progress.done).count();
        let report = state::report(tables, &import.layout);
        let without_source = db.query(state::WITHOUT_SOURCE).all().await?;
        Ok(Some(ImportStatus {
            import,
            report,
            tables_done,
            current,
            without_source,
        }))
    }

    /// Imports the Flask service's database into this one, which must be new, or continues an interrupted import of the
    /// same database. Warnings that were not accepted end it before anything is written.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a database that cannot be imported from, [`Error::Conflict`] for a database that is
    /// in use or served, an import of another database, or one that another process runs; [`Error::Forbidden`].
    pub async fn run_import(
        &self,
        scope: &Scope,
        options: &ImportOptions,
        mut progress: impl FnMut(Table, &TableReport),
    ) -> Result<ImportOutcome> {
        scope.require_admin(IMPORTING)?;
        let db = &self.0.db;
        let mut options = options.clone();
        let mut author = Author::new(ACTOR, self.now());
        author.reason = Some(REASON.to_owned());
        let (import, mut importer) = if let Some(import) = state::find(db).await? {
            require_source(&import, &options)?;
            if import.state != ImportState::Running {
                let report = state::report(state::tables(db).await?, &import.layout);
                return Ok(ImportOutcome::DoneBefore(report));
            }
            if options.time_zone.is_none() {
                let zone = import.time_zone.as_deref();
                options.time_zone = zone.and_then(|zone| zone.parse().ok());
            }
            db.require_exclusive().await?;
            let importer = Importer::open(&options).await?;
            require_layout(&import, &importer.source)?;
            (import, importer)
        } else {
            // Before the old database is read, which may take minutes.
            db.require_exclusive().await?;
            if state::is_used(db).await? {
                return Err(Error::conflict(
                    "this database has records already; import into a new one",
                ));
            }
            let mut importer = Importer::open(&options).await?;
            let report = importer.run(|_, _| {}).await?;
            let mut open = report.warnings();
            open.retain(|code, _| !options.accepted.contains(*code));
            if !open.is_empty() {
                return Ok(ImportOutcome::NotAccepted(report, open));
            }
            (self.begin_import(&options, report.layout).await?, importer)
        };
        importer.target = Some(Target {
            db,
            author: &author,
            precedence: &self.0.precedence,
        });
        let report = importer.run(&mut progress).await?;
        importer.raise_ids(db).await?;
        let newest: Option<i64> = db.query(state::NEWEST_CHANGE).scalar().await?;
        let finished = Some((self.now(), newest.unwrap_or_default()));
        self.set_import_state(&import, ImportState::Imported, finished)
            .await?;
        Ok(ImportOutcome::Done(report))
    }

    async fn set_import_state(
        &self,
        import: &Import,
        state: ImportState,
        finished: Option<(DateTime<Utc>, i64)>,
    ) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        state::set_state(&mut tx, import, state, finished).await?;
        tx.commit().await
    }

    /// Notes that an import runs, which keeps a daemon from starting, and then makes sure that none was started before.
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
        if let Err(error) = self.0.db.require_exclusive().await {
            let mut tx = self.0.db.begin().await?;
            state::withdraw(&mut tx, &import).await?;
            tx.commit().await?;
            return Err(error);
        }
        Ok(import)
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
        require_source(&import, options)?;
        require_layout(&import, &Source::open(&options.from).await?)?;
        let db = &self.0.db;
        db.require_exclusive().await?;
        self.set_import_state(&import, ImportState::Running, None)
            .await?;
        if let Err(error) = db.require_exclusive().await {
            self.set_import_state(&import, import.state, None).await?;
            return Err(error);
        }
        let mut tx = db.begin().await?;
        state::redo(&mut tx, table).await?;
        tx.commit().await?;
        self.run_import(scope, options, progress).await
    }

    async fn existing_import(&self) -> Result<Import> {
        let import = state::find(&self.0.db).await?;
        import.ok_or_else(|| Error::conflict(super::NOTHING_IMPORTED))
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
        let importer = Importer::open(&options).await?;
        let comparison = Verifier::new(importer, db, &import, known)
            .run(progress)
            .await?;
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
                "an import differs from its source; `codexd import verify` shows the differences, with --accept-differences it accepts them",
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
    let folder = ScratchFolder::create()?;
    let url = format!("sqlite://{}", folder.path().join("scratch.db").display());
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
