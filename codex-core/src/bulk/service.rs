//! Writing many records with one call.

mod selected;

use std::{
    collections::{HashMap, HashSet},
    iter,
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Assets, BulkRows, Companies, Contacts,
    write::{BulkRecord, WritePlan},
};
use crate::{
    Error, Fault, Outcome, PlannedChanges, Result, Scope,
    assets::{Asset, wire::AssetBulkIn},
    bulk::{BulkAction, BulkOut, BulkStatus},
    claims::{changes::changes_out, query::ACCOUNT_NUMBERS},
    codex::Codex,
    companies::{Company, CompanyIn},
    contacts::{Contact, wire::ContactBulkIn},
    idempotency::{keep_step, step_done},
    records::{Author, ChangeOut, Resource as _, live},
};

/// The most rows of an all-or-nothing change. With more, the transaction would make others wait too long.
pub const MAX_TOGETHER: usize = 1_000;
/// The most rows of one call.
const MAX_ROWS: usize = 10_000;
/// Rows of one transaction: others must not wait long behind it.
const CHUNK: usize = 250;

impl Codex {
    /// Creates or updates many companies, by account number; a row without one is a new company.
    ///
    /// With `atomic` all rows are written or none; otherwise each row by itself. Either way the answer has the
    /// result of each row.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many rows, [`Error::Unprocessable`] with the faults of all rows when
    /// `atomic`, [`Error::Forbidden`].
    pub async fn bulk_write_companies(
        &self,
        scope: &Scope,
        author: &Author,
        action: BulkAction,
        atomic: bool,
        rows: BulkRows<CompanyIn>,
    ) -> Result<Outcome<BulkOut>> {
        scope.require(Company::WRITTEN_BY, "changing companies")?;
        let companies = Companies::among(&rows.rows);
        self.bulk_write(author, companies, action, atomic, part(atomic), rows.rows)
            .await
    }

    /// Creates or updates many contacts, by id. With `upsert` a row without an id updates the only contact with its
    /// e-mail address, if there is one.
    ///
    /// # Errors
    /// As [`Codex::bulk_write_companies`].
    pub async fn bulk_write_contacts(
        &self,
        scope: &Scope,
        author: &Author,
        action: BulkAction,
        atomic: bool,
        rows: BulkRows<ContactBulkIn>,
    ) -> Result<Outcome<BulkOut>> {
        scope.require(Contact::WRITTEN_BY, "changing contacts")?;
        let kind = Contacts::default();
        self.bulk_write(author, kind, action, atomic, part(atomic), rows.rows)
            .await
    }

    /// Creates or updates many assets, by id. With `upsert` a row without an id updates the only asset with its device
    /// uid or, if the row has none, with its serial number.
    ///
    /// # Errors
    /// As [`Codex::bulk_write_companies`].
    pub async fn bulk_write_assets(
        &self,
        scope: &Scope,
        author: &Author,
        action: BulkAction,
        atomic: bool,
        rows: BulkRows<AssetBulkIn>,
    ) -> Result<Outcome<BulkOut>> {
        scope.require(Asset::WRITTEN_BY, "changing assets")?;
        let kind = Assets::default();
        self.bulk_write(author, kind, action, atomic, part(atomic), rows.rows)
            .await
    }

    /// Writes rows in transactions of `part` rows.
    async fn bulk_write<K: BulkRecord>(
        &self,
        author: &Author,
        mut kind: K,
        action: BulkAction,
        atomic: bool,
        part: usize,
        rows: Vec<Value>,
    ) -> Result<Outcome<BulkOut>> {
        let most = if atomic { MAX_TOGETHER } else { MAX_ROWS };
        if rows.len() > most {
            let sent = rows.len();
            let message = format!("at most {most} rows at once in this mode, {sent} were sent");
            return Err(Error::invalid("body", message));
        }
        let mut out = BulkOut::new(rows.len());
        let mut bodies = Vec::with_capacity(rows.len());
        for (index, row) in rows.into_iter().enumerate() {
            match row {
                Value::Object(body) => bodies.push((index, body)),
                _ => out.fail(index, vec![Fault::of_all("must be an object")]),
            }
        }
        let mut met = HashSet::new();
        let mut changes = Vec::new();
        while !bodies.is_empty() {
            let rest = bodies.split_off(part.min(bodies.len()));
            let rows = std::mem::replace(&mut bodies, rest);
            let indices: Vec<usize> = rows.iter().map(|(index, _)| *index).collect();
            if let Some(done) = step_done::<StepResult>(step_of(&indices))? {
                done.report(&mut met, &mut out);
                continue;
            }
            let written =
                self.write_rows(author, &mut kind, action, atomic, rows, &mut met, &mut out);
            match written.await {
                Ok(foreseen) => changes.extend(foreseen),
                // Somebody else was faster with a key: of these rows none was written.
                Err(error)
                    if !atomic && (error.is_taken() || matches!(error, Error::Conflict { .. })) =>
                {
                    let detail = "somebody else took a key of this part of the rows meanwhile";
                    out.fail_all(indices, &Fault::at(K::KEY, detail));
                }
                // The rows that were written before must be reported.
                Err(error) if !atomic && out.created + out.updated > 0 => {
                    tracing::error!(error = error.chain(), "A bulk write broke off");
                    let detail = "may not have been written: the database failed";
                    let rest = bodies.drain(..).map(|(index, _)| index);
                    out.fail_all(indices.into_iter().chain(rest), &Fault::of_all(detail));
                }
                Err(error) => return Err(error),
            }
        }
        if atomic && out.failed > 0 {
            return Err(Error::Unprocessable(out.faults()));
        }
        if author.dry_run {
            return Ok(Outcome::Planned(PlannedChanges {
                changes,
                rows: Some(out.foreseen()),
            }));
        }
        Ok(Outcome::Applied(out))
    }

    /// Writes some rows in O(1) statements, in one transaction, and notes what became of them; of a dry run it
    /// returns the changes.
    #[expect(clippy::too_many_arguments, reason = "it is the body of one loop")]
    async fn write_rows<K: BulkRecord>(
        &self,
        author: &Author,
        kind: &mut K,
        action: BulkAction,
        atomic: bool,
        rows: Vec<(usize, Map<String, Value>)>,
        met: &mut HashSet<i64>,
        out: &mut BulkOut,
    ) -> Result<Vec<ChangeOut>> {
        let indices: Vec<usize> = rows.iter().map(|(index, _)| *index).collect();
        let step = step_of(&indices);
        let mut tx = self.begin_step(step).await?;
        let plan = WritePlan::new(&mut tx, kind, action, rows, met, out).await?;
        if atomic && out.failed > 0 {
            return Ok(Vec::new());
        }
        let (mut links, mut done) = (HashMap::new(), Vec::new());
        let (mut fields, mut new) = (Vec::new(), Vec::new());
        for (index, (stated, more)) in plan.new {
            fields.push(stated);
            new.push((index, more));
        }
        let mut edits = HashMap::with_capacity(plan.edits.len());
        let mut edited = HashMap::with_capacity(plan.edits.len());
        for (id, (index, (stated, more))) in plan.edits {
            edits.insert(id, stated);
            edited.insert(id, (index, more));
        }
        let mut writer = self.writer(&mut tx, author);
        let (ids, mut summary) = writer.create::<K::Record>(fields).await?;
        let (found, corrected) = writer.edit_all::<K::Record>(edits).await?;
        summary.add(corrected);
        let of_found = found
            .into_iter()
            .filter_map(|id| Some((id, edited.remove(&id)?)));
        let updated = of_found.map(|(id, row)| (id, row, BulkStatus::Updated));
        let created = ids.into_iter().zip(new);
        let created = created.map(|(id, row)| (id, row, BulkStatus::Created));
        for (id, (index, more), status) in updated.collect::<Vec<_>>().into_iter().chain(created) {
            done.push((index, id, K::account_number(&more), status));
            links.insert(id, more);
        }
        for (index, _) in edited.into_values() {
            out.fail(index, vec![Fault::at(K::KEY, "was deleted meanwhile")]);
        }
        if atomic && out.failed > 0 {
            return Ok(Vec::new());
        }
        summary.add(K::link(&mut tx, author, links).await?);
        let part = StepResult {
            done,
            failed: out.failed_among(&indices),
        };
        let mut changes = Vec::new();
        if author.dry_run {
            changes = changes_out(tx.query(ACCOUNT_NUMBERS), summary.changes).await?;
            tx.rollback().await?;
        } else {
            keep_step(&mut tx, step, &part).await?;
            tx.commit().await?;
        }
        part.report(met, out);
        Ok(changes)
    }

    /// Makes one record and what hangs on it; gives its id.
    pub(crate) async fn make<K: BulkRecord>(
        &self,
        author: &Author,
        mut kind: K,
        body: Map<String, Value>,
    ) -> Result<Outcome<i64>> {
        if let Some(id) = step_done(0)? {
            return Ok(Outcome::Applied(id));
        }
        let mut tx = self.begin_step(0).await?;
        let (fields, links) = only(kind.read(&mut tx, vec![(body, None)]).await?)?;
        let mut writer = self.writer(&mut tx, author);
        let (ids, mut summary) = writer.create::<K::Record>(vec![fields]).await?;
        let id = ids.first().copied().unwrap_or_default();
        summary.add(K::link(&mut tx, author, HashMap::from([(id, links)])).await?);
        Self::conclude_step(tx, author, summary, 0, id).await
    }

    /// Corrects one record and what hangs on it; `None` when there is no such live record.
    pub(crate) async fn correct<K: BulkRecord>(
        &self,
        author: &Author,
        mut kind: K,
        id: i64,
        body: Map<String, Value>,
    ) -> Result<Option<Outcome>> {
        let mut tx = self.0.db.begin().await?;
        let read = only(kind.read(&mut tx, vec![(body, Some(id))]).await?);
        // Whether there is such a record is judged before what is said of it.
        if read.is_err() && live::<K::Record>(&mut tx, iter::once(id)).await?.is_empty() {
            return Ok(None);
        }
        let (fields, links) = read?;
        let mut writer = self.writer(&mut tx, author);
        let Some(mut summary) = writer.edit::<K::Record>(id, fields).await? else {
            return Ok(None);
        };
        summary.add(K::link(&mut tx, author, HashMap::from([(id, links)])).await?);
        Self::conclude(tx, author, summary, ()).await.map(Some)
    }
}

/// Rows of one transaction of a call.
fn part(atomic: bool) -> usize {
    if atomic { MAX_TOGETHER } else { CHUNK }
}

fn only<T>(read: Vec<Result<T>>) -> Result<T> {
    let first = read.into_iter().next();
    first.unwrap_or_else(|| Err(Error::invalid("body", "states no field")))
}

/// Rows are written in steps that are named by their first row.
fn step_of(indices: &[usize]) -> i64 {
    let first = indices.first().copied().unwrap_or_default();
    i64::try_from(first).unwrap_or(i64::MAX)
}

/// What became of some rows.
#[derive(Debug, Serialize, Deserialize)]
struct StepResult {
    /// Row, id, account number.
    done: Vec<(usize, i64, Option<String>, BulkStatus)>,
    failed: Vec<(usize, Vec<Fault>)>,
}

impl StepResult {
    fn report(self, met: &mut HashSet<i64>, out: &mut BulkOut) {
        for (index, errors) in self.failed {
            out.fail(index, errors);
        }
        for (index, id, account_number, status) in self.done {
            met.insert(id);
            out.done(index, id, account_number, status);
        }
    }
}
