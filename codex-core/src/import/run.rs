//! The import of all tables: page by page, each in a transaction with its checkpoint.

use std::collections::{BTreeSet, HashMap};

use super::{
    ImportOptions,
    cells::Cells,
    facts::Facts,
    flaws::Flaw,
    map::{assets, companies, people, plans, tickets},
    report::{ImportReport, TableReport},
    source::{OldRow, PAGE, Source},
    state,
    tables::Table,
    write::{Batch, Writer},
};
use crate::{
    Error, Result,
    jobs::{Job, JobReport, JobStatus, SyncKind},
    records::{Author, resolve::Precedence},
    store::{Db, Engine, snapshot::Key},
    tickets::status::{Statuses, label_of},
};

/// What an imported job says that never ended.
const UNFINISHED: &str = "the Flask service never ended this job";

sql! {
    /// Companies by their numbers.
    COMPANIES = "select account_number, id from companies where account_number is not null";
    /// Lets the planner know what has grown.
    LOOK_AGAIN = {
        sqlite: "pragma optimize",
        pg: "analyze",
    };
}

/// Where rows go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'t> {
    pub db: &'t Db,
    pub author: &'t Author,
    pub precedence: &'t Precedence,
}

/// Reads all tables, and writes them where there is a target.
#[derive(Debug)]
pub(super) struct Importer<'t> {
    pub source: Source,
    pub facts: Facts,
    /// Without one, rows are counted and not written.
    pub target: Option<Target<'t>>,
    labels: Vec<(i64, String)>,
}

impl Importer<'_> {
    /// Opens the source and reads what rows refer to.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for another database than the Flask service's, or a role that may change it.
    pub async fn open(options: &ImportOptions) -> Result<Self> {
        let mut source = Source::open(&options.from).await?;
        if !options.allow_writing_role
            && let Some(table) = source.writable_table().await?
        {
            return Err(Error::Unsupported(format!(
                "the role of --from may change `{table}`; import with a role that can only read, \
                 or give --allow-writing-role"
            )));
        }
        let labels = labels(&mut source, &options.statuses).await?;
        let statuses = options.statuses.clone().with_labels(labels.clone());
        let secret = options.secret_udfs.clone();
        let facts = Facts::load(&mut source, options.time_zone, statuses, secret).await?;
        Ok(Self {
            source,
            facts,
            target: None,
            labels,
        })
    }

    /// Imports every table that is not imported yet.
    ///
    /// # Errors
    /// [`Error::Db`], and [`Error::Conflict`] when another process imports too or a table does not balance.
    pub async fn run(
        &mut self,
        mut progress: impl FnMut(Table, &TableReport),
    ) -> Result<ImportReport> {
        self.save_labels().await?;
        let mut report = ImportReport {
            layout: self.source.layout.generation.name().to_owned(),
            tables: Vec::new(),
        };
        for table in Table::ALL {
            if table == Table::Contacts {
                // Every other table refers to companies.
                self.facts.rows = self.companies().await?;
            }
            let done = self.table(table, &mut progress).await?;
            if !done.balances() {
                return Err(Error::conflict(format!(
                    "`{}` does not balance: {} rows read, {} imported, {} merged, {} left out",
                    table.name(),
                    done.read,
                    done.imported,
                    done.merged,
                    done.skipped.values().sum::<u64>()
                )));
            }
            report.tables.push((table.name().to_owned(), done));
        }
        Ok(report)
    }

    async fn companies(&self) -> Result<HashMap<String, i64>> {
        let Some(target) = self.target else {
            return Ok(HashMap::new());
        };
        let rows: Vec<(String, i64)> = target.db.query(COMPANIES).all().await?;
        Ok(rows.into_iter().collect())
    }

    async fn save_labels(&self) -> Result<()> {
        let Some(target) = self.target else {
            return Ok(());
        };
        let mut tx = target.db.begin().await?;
        let mut writer = Writer {
            tx: &mut tx,
            author: target.author,
            precedence: target.precedence,
        };
        writer.labels(self.facts.psa, &self.labels).await?;
        tx.commit().await
    }

    async fn table(
        &mut self,
        table: Table,
        progress: &mut impl FnMut(Table, &TableReport),
    ) -> Result<TableReport> {
        let (mut after, mut report) = (None, TableReport::default());
        if let Some(target) = self.target {
            let tables = state::tables(target.db).await?;
            if let Some((_, known)) = tables.into_iter().find(|(one, _)| *one == table) {
                if known.done {
                    return Ok(known.report.0);
                }
                after = known.key();
                report = known.report.0;
            }
        }
        let reading = table.reading(&self.source.layout);
        let is_whole = after.is_none();
        loop {
            let rows = self.source.page(&reading, after.as_deref()).await?;
            let is_last = rows.len() < PAGE;
            let mut part = TableReport {
                read: rows.len() as u64,
                ..TableReport::default()
            };
            let batch = self.map(table, &rows, &mut part).await?;
            if is_last {
                let nameless = self.source.without_key(&reading).await?;
                part.read += nameless;
                for _ in 0..nameless {
                    part.skip(Flaw::KeyMissing, "null");
                }
            }
            let key = rows.last().map(|row| row.key.clone());
            let next = key.or_else(|| after.clone());
            if let Some(target) = self.target {
                let mut tx = target.db.begin().await?;
                let mut writer = Writer {
                    tx: &mut tx,
                    author: target.author,
                    precedence: target.precedence,
                };
                writer.write(batch, &mut part).await?;
                report.add(part);
                let keys = (after.as_deref(), next.as_deref());
                state::advance(&mut tx, table, keys, is_last, &report).await?;
                tx.commit().await?;
            } else {
                part.imported += batch.len() as u64;
                report.add(part);
            }
            progress(table, &report);
            after = next;
            if is_last {
                break;
            }
        }
        // A snapshot does not change; only an import that goes on reads a later one.
        let rows = self.source.count(table.name()).await?;
        if is_whole && report.read != rows {
            return Err(Error::conflict(format!(
                "`{}` has {rows} rows, and {} were read: its key is not unique",
                table.name(),
                report.read
            )));
        }
        if let Some(target) = self.target
            && matches!(table, Table::Companies | Table::Contacts | Table::Tickets)
        {
            let mut tx = target.db.begin().await?;
            tx.query(LOOK_AGAIN).execute().await?;
            tx.commit().await?;
            target.db.renew_readers();
        }
        Ok(report)
    }

    async fn map(
        &mut self,
        table: Table,
        rows: &[OldRow],
        report: &mut TableReport,
    ) -> Result<Batch> {
        if table == Table::Contacts {
            return self.contacts(rows, report).await;
        }
        let facts = &self.facts;
        let rows_of = rows.iter();
        Ok(match table {
            Table::Companies => {
                let all = rows_of.map(|row| companies::company(row, facts, report));
                Batch::Companies(all.collect())
            }
            Table::ContactCompanies => Batch::ContactCompanies(
                rows_of
                    .filter_map(|row| contact_company(row, facts, report))
                    .collect(),
            ),
            Table::Sites | Table::FirstSites => {
                let is_first = table == Table::FirstSites;
                let all = rows_of.filter_map(|row| companies::site(row, facts, is_first, report));
                Batch::Sites(all.collect())
            }
            Table::Assets => {
                let all = rows_of.map(|row| assets::asset(row, facts, report));
                Batch::Assets(all.collect())
            }
            Table::AssetContacts => Batch::AssetContacts(
                rows_of
                    .filter_map(|row| asset_contact(row, facts, report))
                    .collect(),
            ),
            Table::Locations => {
                let all = rows_of.filter_map(|row| companies::location(row, facts, report));
                Batch::Locations(all.collect())
            }
            Table::Overrides => {
                let all = rows_of.filter_map(|row| companies::override_of(row, facts, report));
                Batch::Overrides(all.collect())
            }
            Table::PsaAgents => {
                let all = rows_of.filter_map(|row| people::psa_agent(row, facts, report));
                Batch::PsaAgents(all.collect())
            }
            Table::Agents => {
                let all = rows_of.map(|row| people::agent(row, facts, report));
                Batch::Agents(all.collect())
            }
            Table::Plans => {
                let all = rows_of.filter_map(|row| plans::plan(row, facts, report));
                Batch::Plans(all.collect())
            }
            Table::Options => {
                let all = rows_of.filter_map(|row| plans::option(row, facts, report));
                Batch::Options(all.collect())
            }
            Table::Features => {
                for row in rows_of {
                    plans::feature(row, facts, report);
                }
                Batch::Counted
            }
            Table::Labels => {
                for row in rows_of {
                    report.skip(Flaw::LabelBuiltIn, &row.name());
                }
                Batch::Counted
            }
            Table::Tickets => {
                let all = rows_of.filter_map(|row| tickets::ticket(row, facts, report));
                Batch::Tickets(all.collect())
            }
            Table::Jobs => {
                let all = rows_of.filter_map(|row| job(row, facts, report));
                Batch::Jobs(all.collect())
            }
            Table::Contacts => Batch::Counted,
        })
    }

    /// Contacts with the companies that the Flask service linked them with.
    async fn contacts(&mut self, rows: &[OldRow], report: &mut TableReport) -> Result<Batch> {
        let id = |row: Option<&OldRow>| match row.and_then(|row| row.key.first()) {
            Some(Key::Int(id)) => *id,
            _ => 0,
        };
        let links = Table::ContactCompanies.reading(&self.source.layout);
        let range = (id(rows.first()), id(rows.last()));
        let mut numbers: HashMap<i64, BTreeSet<String>> = HashMap::new();
        for link in self.source.between(&links, range.0, range.1).await? {
            if let (Some(Key::Int(contact)), Some(number)) =
                (link.key.first(), link.get("company_account_number"))
            {
                let of_contact = numbers.entry(*contact).or_default();
                of_contact.insert(number.trim().to_owned());
            }
        }
        let none = BTreeSet::new();
        let all = rows.iter().map(|row| {
            let own = numbers.get(&id(Some(row))).unwrap_or(&none);
            people::contact(row, own, &self.facts, report)
        });
        Ok(Batch::Contacts(all.collect()))
    }

    /// Sets the ids of new records above those that either side has given.
    pub async fn raise_ids(&mut self, db: &Db) -> Result<()> {
        for table in Table::ALL {
            let Some(ours) = table.kept_ids() else {
                continue;
            };
            let ids = self.source.last_id(table.name()).await?;
            let mut q = db.query("select coalesce(max(id), 0) from ");
            q.push(ours);
            let floor = ids.max(q.scalar::<i64>().await?.unwrap_or_default());
            if floor < 1 {
                continue;
            }
            let mut tx = db.begin().await?;
            tx.query(state::FLOOR)
                .bind(ours)
                .bind(floor)
                .execute()
                .await?;
            if db.engine() == Engine::Postgres {
                let mut q = tx.query("select setval('");
                q.push(ours)
                    .push("_id_seq', greatest(")
                    .push_bind(floor)
                    .push(", (select last_value from ")
                    .push(ours)
                    .push("_id_seq)))");
                q.scalar::<i64>().await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

/// The words that the Flask service has for status numbers of the account's own, as labels.
async fn labels(source: &mut Source, statuses: &Statuses) -> Result<Vec<(i64, String)>> {
    if !source.layout.has("ticket_details", "status_id") {
        return Ok(Vec::new());
    }
    let columns: &[&[&str]] = &[&["status_id"], &["status"]];
    let mut labels: Vec<(i64, String)> = Vec::new();
    for row in source.distinct("ticket_details", columns).await? {
        let mut row = row.into_iter();
        let (Some(Some(id)), Some(Some(word))) = (row.next(), row.next()) else {
            continue;
        };
        let Ok(id) = id.parse::<i64>() else { continue };
        let is_known = statuses.of(id).word != format!("status_{id}");
        let is_gone = tickets::GONE.contains(&word.as_str());
        if !is_known && !is_gone && !labels.iter().any(|(known, _)| *known == id) {
            labels.push((id, label_of(&word)));
        }
    }
    labels.sort_unstable();
    Ok(labels)
}

/// The numbers in the key of a link.
fn int(row: &OldRow, place: usize) -> Option<i64> {
    match row.key.get(place) {
        Some(Key::Int(id)) => Some(*id),
        _ => None,
    }
}

fn contact_company(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<(i64, i64, String)> {
    let number = row.get("company_account_number").unwrap_or_default();
    let contact = int(row, 0).filter(|id| facts.contacts.contains(id));
    if let (Some(contact), Some(_)) = (contact, facts.company(number)) {
        let company = facts.row(number).unwrap_or_default();
        Some((contact, company, row.name()))
    } else {
        report.skip(Flaw::LinkOrphaned, &row.name());
        None
    }
}

fn asset_contact(
    row: &OldRow,
    facts: &Facts,
    report: &mut TableReport,
) -> Option<(i64, i64, String)> {
    let asset = int(row, 0).filter(|id| facts.assets.contains(id));
    let contact = int(row, 1).filter(|id| facts.contacts.contains(id));
    if let (Some(asset), Some(contact)) = (asset, contact) {
        Some((asset, contact, row.name()))
    } else {
        report.skip(Flaw::LinkOrphaned, &row.name());
        None
    }
}

/// A sync job; `None` for one without a readable start.
pub(super) fn job(row: &OldRow, facts: &Facts, report: &mut TableReport) -> Option<Job> {
    let key = row.name();
    let mut cells = Cells::new(row, report, facts.zone);
    // The first generation noted local times, the second UTC with an offset (contract 1.2.H).
    let started_at = cells.local_time("started_at");
    let completed_at = cells.local_time("completed_at");
    let success = cells.flag("success");
    let word = cells.text("status").unwrap_or_default();
    let status = match word.trim() {
        "completed" => JobStatus::Completed,
        "failed" => JobStatus::Failed,
        _ => {
            cells.flaw(Flaw::JobUnfinished);
            JobStatus::Failed
        }
    };
    let is_unfinished = word.trim() != "completed" && word.trim() != "failed";
    let stored = cells.text("script").unwrap_or_default();
    let (provider, sync_type) = (cells.text("provider"), cells.text("sync_type"));
    let error = cells.text("error");
    let output = cells.text("output");
    let Some(started_at) = started_at else {
        report.skip(Flaw::TimeUnreadable, &key);
        return None;
    };
    // The first generation has one word for what is a script and a type today.
    let kind = stored
        .parse::<SyncKind>()
        .ok()
        .filter(|_| sync_type.is_none());
    let (script, sync_type) = match kind {
        Some(kind) => (
            kind.script().to_owned(),
            kind.sync_type().map(str::to_owned),
        ),
        None => (stored, sync_type),
    };
    let provider = provider.or_else(|| match kind? {
        SyncKind::Psa | SyncKind::Tickets => Some(facts.psa.to_owned()),
        SyncKind::Rmm => Some(facts.rmm.to_owned()),
        _ => None,
    });
    Some(Job {
        id: key,
        script,
        provider,
        sync_type,
        status,
        started_at,
        completed_at: completed_at.or(is_unfinished.then_some(started_at)),
        output,
        error: if is_unfinished {
            Some(error.unwrap_or_else(|| UNFINISHED.to_owned()))
        } else {
            error
        },
        success: success.or(Some(status == JobStatus::Completed)),
        report: JobReport::default(),
        started_by: None,
    })
}
