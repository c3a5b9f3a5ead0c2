//! What is no longer listed: gone is asked, not inferred.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
};

use chrono::Duration;
use uuid::Uuid;

use super::run::Run;
use crate::{
    Result,
    holds::{self, Hold, HoldStatus},
    jobs::ScopeResult,
    json_columns::List,
    plural::{agree, count_of},
    records::{Resource, SourceRecord, claims::ClaimSource},
    sync::{PlannedHold, UpstreamError},
};

/// How many are asked for between two proofs that the vendor answers truthfully.
const BATCH: usize = 20;

sql! {
    /// Live claims of a source, in order of their rows.
    LIVE = "select id, external_id, scope, missing_run from claims where source = $1 and kind = $2 \
        and gone_at is null and id > $3 order by id limit 5000";
    /// How many live claims a source has of a kind.
    COUNT = "select count(*) from claims where source = $1 and kind = $2 and gone_at is null";
}

/// What the vendor says about one record by its id.
#[derive(Debug)]
pub enum Lookup<R: Resource> {
    /// It is there, perhaps in another place than before.
    Present(Box<SourceRecord<R>>),
    /// The vendor says that it was deleted.
    Gone,
    /// There is no such id (404).
    Absent,
}

/// Answers what a vendor has under an id.
pub trait Directory<R: Resource>: Sync {
    /// Looks one record up.
    fn ask(
        &self,
        external_id: &str,
    ) -> impl Future<Output = Result<Lookup<R>, UpstreamError>> + Send;
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
    pub async fn reconcile<R: Resource>(
        &mut self,
        certified: &HashSet<String>,
        directory: &impl Directory<R>,
    ) -> Result<()> {
        let open = holds::query::open(&self.db, self.source, R::KIND).await?;
        let (missing, totals) = self.missing::<R>(certified).await?;
        for hold in &open {
            if certified.contains(&hold.scope) && !missing.contains_key(&hold.scope) {
                self.unhold(hold).await?;
            }
        }
        let mut to_ask = Vec::new();
        for (scope, rows) in missing {
            let total = totals.get(&scope).copied().unwrap_or(rows.len());
            self.counts::<R>().missing += rows.len() as u64;
            let hold = open.iter().find(|hold| hold.scope == scope);
            if self.guard.allows(rows.len(), total) {
                if let Some(hold) = hold {
                    self.unhold(hold).await?;
                }
                to_ask.extend(rows);
            } else {
                self.hold::<R>(&scope, &rows, total, hold).await?;
            }
        }
        if to_ask.len() > self.guard.max_asked {
            let (most, kind) = (self.guard.max_asked, R::KIND);
            self.issue(format!(
                "{}: the first {most} {} asked for, the rest in later runs",
                count_of(to_ask.len(), &format!("missing {kind} record")),
                agree(most, "is", "are")
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

    /// Asks by id for records that an incremental sync refers to and did not find; see [`Run::reconcile`].
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
                Ok(Lookup::Present(item)) => present.push(Ok(*item)),
                Ok(Lookup::Gone) => gone.push(row.external_id.clone()),
                Ok(Lookup::Absent) => absent.push(row),
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
            self.page::<R>(ClaimSource::Main(self.source), present)
                .await?;
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
                R::RECORD_KIND.in_words()
            ));
            return Ok(false);
        };
        let answers = matches!(directory.ask(&probe).await?, Lookup::Present(_));
        if !answers {
            self.issue(format!(
                "{} that was just listed is not found by its id: nothing is deleted in this run",
                R::RECORD_KIND.with_article()
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

    /// Holds a deletion for a person; one who has kept the same records or more is not asked again.
    async fn hold<R: Resource>(
        &mut self,
        scope: &str,
        rows: &[Live],
        total: usize,
        open: Option<&Hold>,
    ) -> Result<()> {
        self.counts::<R>().held += rows.len() as u64;
        let ids: Vec<String> = rows.iter().map(|row| row.external_id.clone()).collect();
        let kept = open.is_some_and(|hold| {
            let known: HashSet<&String> = hold.external_ids.0.iter().collect();
            hold.status == HoldStatus::Rejected && ids.iter().all(|id| known.contains(id))
        });
        let missing = rows.len();
        let what = format!(
            "{missing} of {} {} missing",
            count_of(total, &format!("{} record", R::KIND)),
            agree(missing, "is", "are")
        );
        let reason = if kept {
            format!("{what}: kept, as a person decided")
        } else {
            format!("{what}: held for a person to decide")
        };
        if !kept {
            self.issue(format!("{scope}: {reason}"));
        }
        self.scope(
            scope,
            ScopeResult {
                certified: true,
                seen: self.seen::<R>(scope) as u64,
                reason: Some(reason),
            },
        );
        if kept {
            return Ok(());
        }
        if self.dry() {
            self.plan.holds.push(PlannedHold {
                kind: R::KIND.to_owned(),
                scope: scope.to_owned(),
                total,
                external_ids: ids,
            });
            return Ok(());
        }
        let now = self.clock.now();
        let waiting = open.filter(|hold| hold.status == HoldStatus::Held && hold.expires_at > now);
        let found = Hold {
            id: waiting.map_or_else(|| Uuid::new_v4().to_string(), |hold| hold.id.clone()),
            source: self.source.to_owned(),
            kind: R::RECORD_KIND,
            scope: scope.to_owned(),
            status: HoldStatus::Held,
            missing: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            total: i64::try_from(total).unwrap_or(i64::MAX),
            external_ids: List(ids),
            held_at: now,
            expires_at: now + Duration::days(i64::from(self.guard.hold_days)),
            job_id: self.job_id.clone(),
            decided_at: None,
            decided_by: None,
        };
        let mut tx = self.begin().await?;
        if waiting.is_some() {
            holds::query::refresh(&mut tx, &found).await?;
        } else {
            holds::query::expire(&mut tx, now).await?;
            if let Some(rejected) = open.filter(|hold| hold.status == HoldStatus::Rejected) {
                holds::query::close(&mut tx, &rejected.id).await?;
            }
            holds::query::insert(&mut tx, &found).await?;
        }
        self.end(tx).await
    }

    async fn unhold(&mut self, hold: &Hold) -> Result<()> {
        let mut tx = self.begin().await?;
        holds::query::close(&mut tx, &hold.id).await?;
        self.end(tx).await
    }
}
