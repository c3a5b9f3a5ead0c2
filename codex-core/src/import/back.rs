//! The way back: what was written here since the import, for a return to the Flask service.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::types::Json;

use super::state::Import;
use crate::{
    RecordKind, Result,
    companies::Company,
    export::csv_file,
    records::{ChangeOp, Resource, Stored, Tracked, as_map},
    store::Db,
    tickets::Ticket,
};

/// Entries of a page.
const PAGE: i64 = 500;
const HEADER: [&str; 8] = [
    "change",
    "at",
    "actor",
    "record",
    "operation",
    "field",
    "before",
    "after",
];
/// The Flask service's table of each kind of record.
const TABLES: [(&str, &str); 11] = [
    ("company", "companies"),
    ("contact", "contacts"),
    ("asset", "assets"),
    ("ticket", "ticket_details"),
    ("location", "locations"),
    ("site_link", "rmm_site_links"),
    ("psa_agent", "psa_agents"),
    ("agent", "agents"),
    ("billing_plan", "billing_plans"),
    ("feature_option", "feature_options"),
    ("override", "company_feature_overrides"),
];

sql! {
    /// Changes behind one, without those of the import.
    CHANGES = "select id, at, kind, record_id, op, changes, actor from change_log \
        where id > $1 and actor <> 'source:import' order by id limit $2";
    /// Notes made here behind one.
    NOTES = "select n.id, t.number, n.created_at, coalesce(n.author_name, n.author), n.body from conversations n \
        join tickets t on t.id = n.ticket_id where n.source = 'manual' and n.created_at > $1 and n.id > $2 \
        order by n.id limit $3";
}

/// Lines of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackFile {
    /// The Flask service's table; a kind of record that it does not have has its own name.
    pub table: String,
    /// Lines of CSV; the first of a table is a header.
    pub lines: String,
}

#[derive(Debug, sqlx::FromRow)]
struct Entry {
    id: i64,
    at: DateTime<Utc>,
    kind: String,
    record_id: i64,
    op: String,
    changes: Json<Map<String, Value>>,
    actor: String,
}

/// Passes what was written here since the import to `take`, a page at a time.
pub(super) async fn back(
    db: &Db,
    import: &Import,
    mut take: impl FnMut(BackFile) -> Result<()>,
) -> Result<u64> {
    let (mut after, mut count) = (import.change_id.unwrap_or_default(), 0);
    let mut begun: BTreeSet<String> = BTreeSet::new();
    loop {
        let q = db.query(CHANGES).bind(after).bind(PAGE);
        let entries: Vec<Entry> = q.all().await?;
        let Some(last) = entries.last() else { break };
        after = last.id;
        count += entries.len() as u64;
        for file in files(db, entries).await? {
            take(with_header(&mut begun, file)?)?;
        }
    }
    count += notes(db, import, &mut begun, &mut take).await?;
    Ok(count)
}

fn with_header(begun: &mut BTreeSet<String>, mut file: BackFile) -> Result<BackFile> {
    if begun.insert(file.table.clone()) {
        let header = csv_file::texts(HEADER.into_iter())?;
        file.lines.insert_str(0, &header);
    }
    Ok(file)
}

/// The lines of a page of changes, by table.
async fn files(db: &Db, entries: Vec<Entry>) -> Result<Vec<BackFile>> {
    let mut by_kind: HashMap<String, Vec<Entry>> = HashMap::new();
    for entry in entries {
        by_kind.entry(entry.kind.clone()).or_default().push(entry);
    }
    let mut files = Vec::new();
    for (kind, entries) in by_kind {
        let new = entries
            .iter()
            .filter(|entry| entry.op == ChangeOp::Create.name())
            .map(|entry| entry.record_id)
            .collect();
        // An import itself is in the log too, and is no kind of record.
        let created = match kind.parse::<RecordKind>() {
            Ok(known) => by_kind!(known, R => fields::<R>(db, new).await?),
            Err(_) => HashMap::new(),
        };
        let names = names(db, &kind, &entries).await?;
        let mut lines = String::new();
        for entry in &entries {
            let name = names.get(&entry.record_id).cloned();
            let name = name.unwrap_or_else(|| entry.record_id.to_string());
            for line in entry_lines(entry, &name, created.get(&entry.record_id))? {
                lines.push_str(&line);
            }
        }
        let table = TABLES.iter().find(|(known, _)| *known == kind);
        files.push(BackFile {
            table: table.map_or(kind.clone(), |(_, table)| (*table).to_owned()),
            lines,
        });
    }
    files.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(files)
}

fn entry_lines(
    entry: &Entry,
    name: &str,
    created: Option<&Map<String, Value>>,
) -> Result<Vec<String>> {
    let fixed = [
        entry.id.to_string(),
        crate::times::text(entry.at),
        entry.actor.clone(),
        name.to_owned(),
        entry.op.clone(),
    ];
    let line = |field: &str, before: &Value, after: &Value| {
        let cells = fixed.iter().map(String::as_str);
        let (before, after) = (shown(before), shown(after));
        csv_file::texts(cells.chain([field, before.as_str(), after.as_str()]))
    };
    let none = Map::new();
    let created = created.unwrap_or(&none).iter();
    let created = created
        .filter(|(_, value)| !value.is_null())
        .map(|(field, value)| line(field, &Value::Null, value));
    let changed = entry.changes.0.iter().map(|(field, change)| {
        // A secret value is "changed" and nothing else.
        let of = |side: &str| change.get(side).unwrap_or(&Value::Null);
        line(field, of("before"), of("after"))
    });
    let lines: Result<Vec<String>> = created.chain(changed).collect();
    let lines = lines?;
    if lines.is_empty() {
        return Ok(vec![line("", &Value::Null, &Value::Null)?]);
    }
    Ok(lines)
}

/// A value as a cell.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The fields of new records: their entries in the log hold none.
async fn fields<R: Resource>(
    db: &Db,
    ids: BTreeSet<i64>,
) -> Result<HashMap<i64, Map<String, Value>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = db.query(R::Fields::SELECT);
    q.push(" where id in ").push_list(ids);
    let rows = q.all::<Stored<R::Fields>>().await?;
    let fields = rows
        .into_iter()
        .map(|row| Ok((row.id, as_map(&row.fields)?)));
    fields.collect()
}

/// What the Flask service calls records: account numbers and numbers of tickets; others have their ids.
async fn names(db: &Db, kind: &str, entries: &[Entry]) -> Result<HashMap<i64, String>> {
    let select = match kind {
        kind if kind == Company::KIND => {
            "select id, coalesce(account_number, name) from companies where id in "
        }
        kind if kind == Ticket::KIND => "select id, cast(number as text) from tickets where id in ",
        _ => return Ok(HashMap::new()),
    };
    let ids: BTreeSet<i64> = entries.iter().map(|entry| entry.record_id).collect();
    let mut q = db.query(select);
    q.push_list(ids);
    Ok(q.all::<(i64, String)>().await?.into_iter().collect())
}

type NoteRow = (
    i64,
    i64,
    Option<DateTime<Utc>>,
    Option<String>,
    Option<String>,
);

/// Notes on tickets: they are in no log.
async fn notes(
    db: &Db,
    import: &Import,
    begun: &mut BTreeSet<String>,
    take: &mut impl FnMut(BackFile) -> Result<()>,
) -> Result<u64> {
    let since = import.finished_at.unwrap_or(import.started_at);
    let (mut after, mut count) = (0, 0);
    loop {
        let q = db.query(NOTES).bind(since).bind(after).bind(PAGE);
        let rows: Vec<NoteRow> = q.all().await?;
        let Some(last) = rows.last() else { break };
        after = last.0;
        count += rows.len() as u64;
        let mut lines = String::new();
        for (_, number, at, author, body) in rows {
            let (number, at) = (number.to_string(), at.map(crate::times::text));
            let cells = [
                "",
                at.as_deref().unwrap_or_default(),
                author.as_deref().unwrap_or_default(),
                &number,
                "note",
                "notes",
                "",
                body.as_deref().unwrap_or_default(),
            ];
            lines.push_str(&csv_file::texts(cells.into_iter())?);
        }
        let file = BackFile {
            table: "ticket_details".to_owned(),
            lines,
        };
        take(with_header(begun, file)?)?;
    }
    Ok(count)
}
