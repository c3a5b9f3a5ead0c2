//! How often each table was changed, as every process sees it; of the claims, those of each kind of record.
//!
//! A transaction that has changed rows counts up each table that it changed, as its last statement. The counts commit
//! with the changes, so that readers see both or neither. An answer is made of the tables that its statements
//! name ([`noting_reads`]). It is good for as long as their revisions are what they were *before* it was made: a
//! commit in between makes it one that is made once too often, never once too seldom.
//!
//! One row a table would be a lock that every writer of `PostgreSQL` holds until its commit, and two writers of two
//! tables would wait for each other. A sequence would be without locks, and no transaction: counted before the commit
//! an old answer is kept under the new number, counted after it a process that dies leaves an old one in force. The
//! largest number of a log does not do either, because transactions commit in another order than they take numbers.
//! Hence slots: a transaction counts up any slot of the table that nobody holds (`skip locked`), or adds one. The sum of
//! the slots rises by one with each commit, whatever their order, and there are no more slots than there were writers
//! at once. `SQLite` has one writer and needs one slot.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    future::Future,
    sync::{Arc, LazyLock},
};

use super::{Db, Engine, Sql, Tx};
use crate::{RecordKind, Result};

/// Tables that change all the time and are in no answer that is kept, or in none that is large.
const UNCOUNTED: [&str; 15] = [
    "change_log",
    "codex_database",
    "idempotency_keys",
    "idempotency_steps",
    "outbox",
    "revisions",
    "schedules",
    "seen",
    "sync_cursors",
    "sync_holds",
    "sync_jobs",
    "sync_leases",
    "upstream_budgets",
    "upstream_gates",
    "webhook_signatures",
];

/// What sources say of records of every kind is in one table, and nearly every change of a record changes it.
const CLAIMS: &str = "claims";

/// Tables that triggers keep, and the table whose change changes them.
const KEPT_BY_TRIGGERS: [(&str, &str); 2] = [
    ("search_words", "conversations"),
    ("search_descriptions", "ticket_details"),
];

sql! {
    /// The revision of every table.
    READ = "select kind, cast(sum(n) as bigint) from revisions group by kind";
}
/// Counts up tables; the list of them stands between the two parts.
const COUNT: Sql = Sql::Per {
    sqlite: "insert into revisions (kind, slot, n) ",
    pg: "update revisions r set n = r.n + 1 from (select k.kind, free.slot from (",
};
const COUNT_END: Sql = Sql::Per {
    sqlite: " on conflict (kind, slot) do update set n = revisions.n + 1",
    pg: ") k (kind) cross join lateral (select s.slot from revisions s where s.kind = k.kind \
         order by s.slot limit 1 for update skip locked) free) own \
         where r.kind = own.kind and r.slot = own.slot returning r.kind",
};
/// Adds slots where all were held. Nobody else has the number: it is random.
const ADD: &str = "insert into revisions (kind, slot, n) ";

tokio::task_local! {
    /// What the statements of this task read.
    static READS: RefCell<Reads>;
}

/// Tables that were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    tables: BTreeSet<&'static str>,
    /// Whether one of them is not counted, or a statement could not be read.
    beyond: bool,
}

/// Does some work, and tells what it read. What it leaves to other tasks is not its own.
pub async fn noting_reads<T>(work: impl Future<Output = T>) -> (T, Reads) {
    let noted = async {
        let done = work.await;
        (done, READS.with(RefCell::take))
    };
    READS.scope(RefCell::default(), noted).await
}

/// How often each table was changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revisions(Arc<BTreeMap<String, i64>>);

impl Revisions {
    /// Whether what was read at these revisions is the same at others.
    pub fn same(&self, other: &Self, reads: &Reads) -> bool {
        let mut tables = reads.tables.iter();
        !reads.beyond && tables.all(|table| self.0.get(*table) == other.0.get(*table))
    }
}

impl Reads {
    /// Whether it can be noticed that an answer made of this is out of date.
    pub fn are_counted(&self) -> bool {
        !self.beyond
    }
}

/// What the database consists of: every table, and the tables that a view stands for.
static SCHEMA: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(schema);

/// Read off the migrations, so that no table can be forgotten.
fn schema() -> HashMap<&'static str, Vec<&'static str>> {
    let mut schema: HashMap<&str, Vec<&str>> = HashMap::new();
    let texts = [Engine::Sqlite, Engine::Postgres]
        .map(|engine| Db::migrations(engine).map(|migration| migration.sql));
    let texts: Vec<&'static str> = texts.into_iter().flatten().collect();
    let statements = || texts.iter().flat_map(|text| text.split(';'));
    for statement in statements() {
        let words: Vec<&str> = words(statement).collect();
        for at in 0..words.len() {
            if let ["create", "table", name, ..] | ["create", "virtual", "table", name, ..] =
                &words[at..]
            {
                schema.insert(*name, vec![*name]);
            }
        }
    }
    for (kept, by) in KEPT_BY_TRIGGERS {
        schema.insert(kept, vec![by]);
    }
    for statement in statements() {
        let words: Vec<&str> = words(statement).collect();
        if let Some(at) = words.windows(2).position(|two| two == ["create", "view"]) {
            let tables = words[at + 3..].iter();
            let tables = tables.filter_map(|word| schema.get(word)).flatten();
            let tables = tables.copied().collect();
            schema.insert(words[at + 2], tables);
        }
    }
    schema
}

/// The words of a statement; texts in it are taken for words too, which does no harm.
fn words(sql: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    sql.split(ends).filter(|word| !word.is_empty())
}

/// What claims of a kind are counted as: claims are counted by the kind of their record, so that a change of a device is
/// none of a ticket's requester. A change that does not say its kind, or says another, is counted for the table, and is
/// a change of every kind.
fn claims_of(kind: &str) -> Option<&'static str> {
    let kind: RecordKind = kind.parse().ok()?;
    Some(kind.count_of_claims())
}

/// What the claims that a statement reads are counted as, where it gives the table a name and a condition for the kind
/// each time (`claims c ... and c.kind = 'contact'`); `None` for claims of any kind.
fn claims_read(sql: &str) -> Option<Vec<&'static str>> {
    let words: Vec<&str> = words(sql).collect();
    let places = (0..words.len()).filter(|at| words[*at] == CLAIMS);
    let counts = places.map(|at| {
        let condition = format!(" {}.kind = '", words.get(at + 1)?);
        let (_, rest) = sql.split_once(condition.as_str())?;
        claims_of(rest.split('\'').next()?)
    });
    counts.collect()
}

/// Notes what a statement reads, where somebody wants to know.
pub(super) fn note_read(sql: &str) {
    let note = |reads: &RefCell<Reads>| {
        let mut reads = reads.borrow_mut();
        // A statement without a table is one whose tables are not known.
        let mut is_known = false;
        for word in words(sql) {
            for table in SCHEMA.get(word).into_iter().flatten() {
                is_known = true;
                if UNCOUNTED.contains(table) {
                    reads.beyond = true;
                    continue;
                }
                reads.tables.insert(table);
                if *table == CLAIMS {
                    // A view does not show of which kind they are.
                    let counts = (word == CLAIMS).then(|| claims_read(sql)).flatten();
                    let all = || {
                        RecordKind::ALL
                            .iter()
                            .map(|kind| kind.count_of_claims())
                            .collect()
                    };
                    reads.tables.extend(counts.unwrap_or_else(all));
                }
            }
        }
        reads.beyond |= !is_known;
    };
    READS.try_with(note).ok();
}

/// Tables that a transaction has changed.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeSet<&'static str>);

/// What the table that a statement changes is counted as, if it changes one; `kind` says of which kind of record claims
/// are.
pub(super) fn written(sql: &str, kind: Option<&str>) -> Option<&'static str> {
    let mut words = words(sql);
    let mut first = words.next()?;
    if first == "with" {
        first = words.find(|word| ["insert", "update", "delete"].contains(word))?;
    }
    let table = match first {
        "insert" | "delete" => words.nth(1)?,
        "update" => words.next()?,
        _ => return None,
    };
    let table = SCHEMA.get(table)?.first().copied()?;
    if UNCOUNTED.contains(&table) {
        return None;
    }
    let of_kind = kind.filter(|_| table == CLAIMS).and_then(claims_of);
    Some(of_kind.unwrap_or(table))
}

impl Written {
    pub fn add(&mut self, table: &'static str) {
        self.0.insert(table);
    }
}

impl Tx {
    /// Counts up what was changed.
    pub(super) async fn count_changes(&mut self) -> Result<()> {
        let tables = std::mem::take(&mut self.written.0);
        if tables.is_empty() {
            return Ok(());
        }
        let engine = self.engine();
        let mut q = self.query(COUNT);
        q.push_upsert_rows(
            &tables,
            |table| **table,
            |row, table| {
                row.bind(*table);
                if engine == Engine::Sqlite {
                    row.bind(0_i64).bind(1_i64);
                }
            },
        );
        q.push_sql(COUNT_END);
        if engine == Engine::Sqlite {
            q.execute().await?;
            return Ok(());
        }
        let counted: Vec<String> = q.scalars().await?;
        let held: Vec<_> = tables
            .into_iter()
            .filter(|table| !counted.iter().any(|counted| counted == table))
            .collect();
        if held.is_empty() {
            return Ok(());
        }
        let mut q = self.query(ADD);
        q.push_rows(held, |row, table| {
            let slot = uuid::Uuid::new_v4().as_u64_pair().0 >> 1;
            row.bind(table)
                .bind(i64::try_from(slot).unwrap_or_default())
                .bind(1_i64);
        });
        q.execute().await?;
        Ok(())
    }
}

impl Db {
    /// How often each table was changed by now.
    ///
    /// # Errors
    /// [`crate::Error::Db`] when the database cannot be reached.
    pub async fn revisions(&self) -> Result<Revisions> {
        let rows: Vec<(String, i64)> = self.query(READ).all().await?;
        Ok(Revisions(Arc::new(rows.into_iter().collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_known_and_views_resolve_to_tables() {
        for table in ["companies", "tickets", "search_names", "asset_status"] {
            assert_eq!(SCHEMA[table], [table]);
        }
        assert!(SCHEMA["contact_company"].contains(&"contact_companies"));
        for table in UNCOUNTED {
            assert!(SCHEMA.contains_key(table), "{table}");
        }
    }

    #[test]
    fn trigger_tables_match_the_migrations() {
        for text in Db::migrations(Engine::Sqlite).map(|migration| migration.sql) {
            for trigger in text.split("create trigger").skip(1) {
                let words: Vec<&str> = words(trigger).collect();
                let on = words.iter().position(|word| *word == "on").unwrap();
                let into = words.windows(2).filter(|two| two[0] == "into");
                for kept in into.map(|two| two[1]).take(1) {
                    assert!(
                        KEPT_BY_TRIGGERS.contains(&(kept, words[on + 1])),
                        "{trigger}"
                    );
                }
            }
        }
    }

    #[test]
    fn written_table_is_read_from_the_statement() {
        assert_eq!(
            written("insert into companies (id) values (?)", None),
            Some("companies")
        );
        assert_eq!(
            written("delete from companies where id = $1", Some("asset")),
            Some("companies")
        );
        assert_eq!(
            written(
                "with new (id) as (select 1) insert into tickets (id) select id from new",
                None
            ),
            Some("tickets")
        );
        assert_eq!(written("update sync_leases set beat = 1", None), None);
        assert_eq!(written("select id from companies for update", None), None);
    }

    #[tokio::test]
    async fn claims_have_a_revision_per_record_kind() {
        for kind in RecordKind::ALL {
            let change = "update claims set gone_at = $1 where kind = $2";
            let count = Some(kind.count_of_claims());
            assert_eq!(written(change, Some(kind.name())), count);
            assert_eq!(written(change, None), Some(CLAIMS));
            assert_eq!(written(change, Some("another")), Some(CLAIMS));
        }
        let read = async |sql: &'static str| noting_reads(async { note_read(sql) }).await.1;
        let one = "select 1 from tickets t join claims q on q.id = t.id and q.kind = 'contact'";
        let counts: Vec<_> = read(one).await.tables.into_iter().collect();
        assert_eq!(counts, [CLAIMS, "claims of contact", "tickets"]);
        for any in [
            "select 1 from claims where kind = 'contact'",
            "select 1 from claims c where c.kind <> 'contact'",
            "select 1 from claims c join claims d on d.id = c.id and d.kind = 'contact'",
            "select 1 from claims",
        ] {
            let counts = read(any).await.tables;
            assert_eq!(counts.len(), 1 + RecordKind::ALL.len(), "{any}");
        }
    }

    #[tokio::test]
    async fn reads_of_counted_tables_are_noted() {
        let read = async |sql: &'static str| noting_reads(async { note_read(sql) }).await.1;
        let lists = read("select 1 from companies c join contact_company l on true").await;
        assert!(lists.are_counted());
        assert!(lists.tables.contains("companies") && lists.tables.contains("contact_companies"));
        assert!(!read("select at from sync_cursors").await.are_counted());
        assert!(!read("select random()").await.are_counted());
    }
}
