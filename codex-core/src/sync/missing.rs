//! What is no longer listed: gone is asked, not inferred (design 5).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
};

use sqlx::types::Json;

use super::{Incoming, UpstreamError, run::Run};
use crate::{
    Result,
    changes::{Resource, claims::Origin},
    jobs::ScopeResult,
};

/// How many are asked for between two proofs that the vendor answers truthfully.
const BATCH: usize = 20;

sql! {
    /// Live claims of a source, in order of their rows.
    LIVE = "select id, external_id, scope, missing_run from claims where source = $1 and kind = $2 \
        and gone_at is null and id > $3 order by id limit 5000";
    /// How many live claims a source has of a kind.
    COUNT = "select count(*) from claims where source = $1 and kind = $2 and gone_at is null";
    /// A deletion waits for a person.
    HOLD = "insert into sync_holds \
        (source, kind, scope, missing, total, external_ids, held_at, job_id) \
        values ($1, $2, $3, $4, $5, $6, $7, $8) \
        on conflict (source, kind, scope) do update set missing = excluded.missing, \
        total = excluded.total, external_ids = excluded.external_ids, job_id = excluded.job_id";
    /// A scope no longer lacks too much.
    UNHOLD = "delete from sync_holds where source = $1 and kind = $2 and scope = $3";
    /// Scopes that wait for a person.
    HELD = "select scope from sync_holds where source = $1 and kind = $2";
}

/// What the vendor says about one record by its id.
#[derive(Debug)]
pub enum Answer<R: Resource> {
    /// It is there, perhaps in another place than before.
    Present(Box<Incoming<R>>),
    /// The vendor says that it was deleted.
    Gone,
    /// There is no such id (404).
    Absent,
}

/// Answers what a vendor has under an id.
pub(crate) trait Directory<R: Resource>: Sync {
    /// Looks one record up.
    fn ask(
        &self,
        external_id: &str,
    ) -> impl Future<Output = Result<Answer<R>, UpstreamError>> + Send;
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct Live {
    id: i64,
    external_id: String,
    scope: String,
    missing_run: Option<String>,
}

/// How many live records of a kind a source has.
pub(crate) async fn live_count<R: Resource>(run: &Run) -> Result<i64> {
    let count = run
        .db
        .query(COUNT)
        .bind(run.source)
        .bind(R::KIND)
        .scalar()
        .await?;
    Ok(count.unwrap_or(0))
}

impl Run {
    /// Looks after everything that a certified scope should have shown and did not.
    ///
    /// `certified` are the scopes in which absence proves anything. Few missing records are asked
    /// for by id: found means a gap in the crawl or a move, deleted means gone, 404 means gone when a
    /// record known to be there answers just before and after, and again in the next run. Many are
    /// held for a person.
    pub(crate) async fn reconcile<R: Resource>(
        &mut self,
        certified: &HashSet<String>,
        directory: &impl Directory<R>,
    ) -> Result<()> {
        let held: Vec<String> = self
            .db
            .query(HELD)
            .bind(self.source)
            .bind(R::KIND)
            .scalars()
            .await?;
        let (missing, totals) = self.missing::<R>(certified).await?;
        for scope in held
            .iter()
            .filter(|scope| certified.contains(*scope) && !missing.contains_key(*scope))
        {
            self.unhold::<R>(scope).await?;
        }
        let mut to_ask = Vec::new();
        for (scope, rows) in missing {
            let total = totals.get(&scope).copied().unwrap_or(rows.len());
            self.counts::<R>().missing += rows.len() as u64;
            if self.guard.allows(rows.len(), total) {
                if held.contains(&scope) {
                    self.unhold::<R>(&scope).await?;
                }
                to_ask.extend(rows);
            } else {
                self.hold::<R>(&scope, &rows, total).await?;
            }
        }
        if to_ask.len() > self.guard.max_asked {
            self.issue(format!(
                "{} missing {} records: the first {} are asked for, the rest in later runs",
                to_ask.len(),
                R::KIND,
                self.guard.max_asked
            ));
            to_ask.truncate(self.guard.max_asked);
        }
        for batch in to_ask.chunks(BATCH) {
            self.ask_batch(batch, directory).await?;
        }
        Ok(())
    }

    /// Missing claims by scope, and how many live ones each scope has.
    async fn missing<R: Resource>(
        &self,
        certified: &HashSet<String>,
    ) -> Result<(BTreeMap<String, Vec<Live>>, HashMap<String, usize>)> {
        let (mut missing, mut totals) = (BTreeMap::<_, Vec<_>>::new(), HashMap::new());
        let mut after = 0;
        loop {
            let rows: Vec<Live> = self
                .db
                .query(LIVE)
                .bind(self.source)
                .bind(R::KIND)
                .bind(after)
                .all()
                .await?;
            let Some(last) = rows.last() else {
                return Ok((missing, totals));
            };
            after = last.id;
            for row in rows {
                *totals.entry(row.scope.clone()).or_insert(0) += 1;
                if certified.contains(&row.scope)
                    && !self.has_seen::<R>(&row.scope, &row.external_id)
                {
                    missing.entry(row.scope.clone()).or_default().push(row);
                }
            }
        }
    }

    /// Asks for records by id that an incremental pull came upon and did not find; see
    /// [`Run::reconcile`].
    pub(crate) async fn ask<R: Resource>(
        &mut self,
        external_ids: &[String],
        directory: &impl Directory<R>,
    ) -> Result<()> {
        if external_ids.is_empty() {
            return Ok(());
        }
        let most = external_ids.len().min(self.guard.max_asked);
        let mut q = self.db.query(
            "select id, external_id, scope, missing_run from claims where gone_at is null and source = ",
        );
        q.push_bind(self.source)
            .push(" and kind = ")
            .push_bind(R::KIND)
            .push(" and external_id in ")
            .push_list(external_ids[..most].iter().map(String::as_str));
        let rows: Vec<Live> = q.all().await?;
        self.counts::<R>().missing += rows.len() as u64;
        let listed = self.probe::<R>();
        if listed.is_none_or(|listed| external_ids.iter().any(|id| id == listed)) {
            self.probe_with_another::<R>(external_ids).await?;
        }
        for batch in rows.chunks(BATCH) {
            self.ask_batch(batch, directory).await?;
        }
        Ok(())
    }

    /// Takes a record that we hold for known to be there; when it is not found either, nothing is proved.
    async fn probe_with_another<R: Resource>(&mut self, missing: &[String]) -> Result<()> {
        let mut q = self.db.query(
            "select external_id from claims where gone_at is null and missing_run is null \
             and anchor and source = ",
        );
        q.push_bind(self.source)
            .push(" and kind = ")
            .push_bind(R::KIND)
            .push(" and external_id not in ")
            .push_list(missing.iter().map(String::as_str))
            .push(" order by id desc limit 1");
        let other: Option<String> = q.scalar().await?;
        self.set_probe::<R>(other);
        Ok(())
    }

    async fn ask_batch<R: Resource>(
        &mut self,
        batch: &[Live],
        directory: &impl Directory<R>,
    ) -> Result<()> {
        if !self.vendor_answers(directory).await? {
            return Ok(());
        }
        let (mut gone, mut absent, mut present) = (Vec::new(), Vec::new(), Vec::new());
        for row in batch {
            match directory.ask(&row.external_id).await {
                Ok(Answer::Present(item)) => present.push(Ok(*item)),
                Ok(Answer::Gone) => gone.push(row.external_id.clone()),
                Ok(Answer::Absent) => absent.push(row),
                // No access to one object says nothing about its life.
                Err(UpstreamError::Forbidden { resource, .. }) => {
                    self.issue(format!("{resource} may not be read; the record is kept"));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if !absent.is_empty() && !self.vendor_answers(directory).await? {
            absent.clear();
        }
        let (confirmed, first_time): (Vec<&Live>, Vec<&Live>) =
            absent.into_iter().partition(|row| {
                row.missing_run
                    .as_ref()
                    .is_some_and(|run| *run != self.job_id)
            });
        gone.extend(confirmed.into_iter().map(|row| row.external_id.clone()));
        if !present.is_empty() {
            self.page::<R>(Origin::Main(self.source), present).await?;
        }
        self.retire::<R>(&gone).await?;
        self.mark_missing(&first_time).await
    }

    /// Whether a record that was just listed is found by its id: a vendor that answers 404 to
    /// everything proves nothing.
    async fn vendor_answers<R: Resource>(&mut self, directory: &impl Directory<R>) -> Result<bool> {
        let Some(probe) = self.probe::<R>().map(str::to_owned) else {
            self.issue(format!(
                "no {} was listed, so none can be proved gone",
                R::KIND
            ));
            return Ok(false);
        };
        let answers = matches!(directory.ask(&probe).await?, Answer::Present(_));
        if !answers {
            self.issue(format!(
                "a {} that was just listed is not found by its id: nothing is deleted in this run",
                R::KIND
            ));
        }
        Ok(answers)
    }

    async fn mark_missing(&mut self, rows: &[&Live]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let mut tx = self.begin().await?;
        let mut q = tx.query("update claims set missing_since = coalesce(missing_since, ");
        q.push_bind(now)
            .push("), missing_run = ")
            .push_bind(self.job_id.as_str());
        q.push(" where id in ")
            .push_list(rows.iter().map(|row| row.id));
        q.execute().await?;
        self.end(tx).await
    }

    async fn hold<R: Resource>(&mut self, scope: &str, rows: &[Live], total: usize) -> Result<()> {
        self.counts::<R>().held += rows.len() as u64;
        let reason = format!(
            "{} of {total} {} records are missing: held for a person to decide",
            rows.len(),
            R::KIND
        );
        self.issue(format!("{scope}: {reason}"));
        self.scope(
            scope,
            ScopeResult {
                certified: true,
                seen: self.seen::<R>(scope) as u64,
                reason: Some(reason),
            },
        );
        let ids: Vec<&str> = rows.iter().map(|row| row.external_id.as_str()).collect();
        let mut tx = self.begin().await?;
        tx.query(HOLD)
            .bind(self.source)
            .bind(R::KIND)
            .bind(scope)
            .bind(i64::try_from(rows.len()).unwrap_or(i64::MAX))
            .bind(i64::try_from(total).unwrap_or(i64::MAX))
            .bind(Json(ids))
            .bind(self.clock.now())
            .bind(self.job_id.as_str())
            .execute()
            .await?;
        self.end(tx).await
    }

    async fn unhold<R: Resource>(&mut self, scope: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.query(UNHOLD)
            .bind(self.source)
            .bind(R::KIND)
            .bind(scope)
            .execute()
            .await?;
        self.end(tx).await
    }
}
