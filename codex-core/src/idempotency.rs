//! Calls that are made once whatever happens on the way.
//!
//! A call with a key changes things in one transaction or in several: its steps. What came of a step is kept in the
//! step's own transaction. So a call that was cut, even with its process, left whole steps or nothing. Sent again, it
//! returns what came of the steps that were made, and makes the others. Of two that run at once, the one that
//! is second with a step gives up.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, Outcome, Result,
    codex::Codex,
    records::{Author, WriteSummary},
    store::Tx,
};

/// How long a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);
const RESULT: &str = "result of a call with a key";

sql! {
    /// What is known of a key.
    FIND = "select request, status, content_type, location, body from idempotency_keys \
        where actor = $1 and key = $2 and begun_at >= $3";
    /// What came of the steps of a call.
    STEPS = "select step, result from idempotency_steps \
        where actor = $1 and key = $2 and begun_at >= $3 and result is not null order by step";
    /// Takes a key for a call, unless another call has it.
    TAKE = "insert into idempotency_keys (actor, key, request, begun_at) values ($1, $2, $3, $4) \
        on conflict (actor, key) do update set begun_at = idempotency_keys.begun_at \
        where idempotency_keys.request = excluded.request and idempotency_keys.status is null";
    /// Begins a step, unless another has.
    BEGIN_STEP = "insert into idempotency_steps (actor, key, step, begun_at) values ($1, $2, $3, $4) \
        on conflict (actor, key, step) do nothing";
    /// Keeps what came of a step.
    END_STEP = "update idempotency_steps set result = $4 where actor = $1 and key = $2 and step = $3";
    /// Keeps an answer.
    ANSWER = "update idempotency_keys set status = $3, content_type = $4, location = $5, body = $6 \
        where actor = $1 and key = $2 and status is null";
    /// The steps of a call whose answer is kept.
    END_STEPS = "delete from idempotency_steps where actor = $1 and key = $2";
    /// Forgets old keys.
    FORGET = "delete from idempotency_keys where begun_at < $1";
    /// Forgets old steps.
    FORGET_STEPS = "delete from idempotency_steps where begun_at < $1";
}

tokio::task_local! {
    /// The call with a key that the current task makes.
    static CALL: Option<Arc<KeyedCall>>;
}

fn call() -> Option<Arc<KeyedCall>> {
    CALL.try_with(Clone::clone).ok().flatten()
}

/// Does some work of a call with a key that another try is to do again.
pub(crate) async fn unkeyed<T>(work: impl Future<Output = T>) -> T {
    CALL.scope(None, work).await
}

/// What is known of a call with a key.
#[derive(Debug, Clone)]
pub enum IdempotencyState {
    /// It has no answer yet: make it.
    New(Arc<KeyedCall>),
    /// It was made: this was the answer.
    Made(KeptAnswer),
    /// The key was used for another call.
    OtherRequest,
}

/// A call with a key, and what came of the steps of it that were made.
#[derive(Debug)]
pub struct KeyedCall {
    actor: String,
    key: String,
    request: String,
    done: HashMap<i64, String>,
    rival: AtomicBool,
    /// Whether old keys were forgotten with a step of it: once a call is enough.
    has_forgotten: AtomicBool,
}

impl KeyedCall {
    /// Makes the call. What its task changes is kept under the key; tasks of its own are not part of it.
    pub async fn run<T>(self: &Arc<Self>, work: impl Future<Output = T>) -> T {
        CALL.scope(Some(self.clone()), work).await
    }

    /// Whether the same call is made elsewhere at the same time, and was faster.
    pub fn has_rival(&self) -> bool {
        self.rival.load(Ordering::Relaxed)
    }

    /// Forgets old keys, which may be this one, unless a step of the call did.
    async fn forget_old(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<()> {
        if self.has_forgotten.load(Ordering::Relaxed) {
            return Ok(());
        }
        let old = now - REMEMBERED;
        tx.query(FORGET).bind(old).execute().await?;
        tx.query(FORGET_STEPS).bind(old).execute().await?;
        Ok(())
    }

    fn give_up<T>(&self) -> Result<T> {
        self.rival.store(true, Ordering::Relaxed);
        Err(Error::Busy("another call with this key is being made"))
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Its media type.
    pub content_type: Option<String>,
    /// Where what was made can be read.
    pub location: Option<String>,
    /// Its body.
    pub body: Vec<u8>,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    request: String,
    status: Option<i64>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

#[derive(Debug, sqlx::FromRow)]
struct Step {
    step: i64,
    result: String,
}

impl Codex {
    /// Looks a call with a key up; `request` says what it is, so that a key is not used for two things. Nothing is
    /// written: a call that changes nothing leaves its key free.
    pub async fn keyed_call(
        &self,
        actor: &str,
        key: &str,
        request: &str,
    ) -> Result<IdempotencyState> {
        let old = self.now() - REMEMBERED;
        let q = self.0.db.query(FIND).bind(actor).bind(key);
        let known: Option<Row> = q.bind(old).optional().await?;
        let mut done = HashMap::new();
        if let Some(row) = known {
            if row.request != request {
                return Ok(IdempotencyState::OtherRequest);
            }
            if let Some(status) = row.status.and_then(|status| u16::try_from(status).ok()) {
                return Ok(IdempotencyState::Made(KeptAnswer {
                    status,
                    content_type: row.content_type,
                    location: row.location,
                    body: row.body.unwrap_or_default(),
                }));
            }
            let q = self.0.db.query(STEPS).bind(actor).bind(key);
            let steps: Vec<Step> = q.bind(old).all().await?;
            done.extend(steps.into_iter().map(|step| (step.step, step.result)));
        }
        Ok(IdempotencyState::New(Arc::new(KeyedCall {
            actor: actor.to_owned(),
            key: key.to_owned(),
            request: request.to_owned(),
            done,
            rival: AtomicBool::new(false),
            has_forgotten: AtomicBool::new(false),
        })))
    }

    /// Keeps the answer of a call with a key.
    pub async fn keep_answer(&self, call: &KeyedCall, answer: KeptAnswer) -> Result<()> {
        let (now, actor, key) = (self.now(), call.actor.as_str(), call.key.as_str());
        let mut tx = self.0.db.begin().await?;
        call.forget_old(&mut tx, now).await?;
        let q = tx.query(TAKE).bind(actor).bind(key);
        let taken = q.bind(&*call.request).bind(now).execute().await?;
        if taken == 0 {
            // Another call has the key meanwhile, or the same one its answer.
            return tx.rollback().await;
        }
        let q = tx.query(ANSWER).bind(actor).bind(key);
        let q = q.bind(i64::from(answer.status));
        let q = q.bind_text(answer.content_type.as_deref());
        let q = q.bind_text(answer.location.as_deref());
        q.bind(answer.body).execute().await?;
        tx.query(END_STEPS).bind(actor).bind(key).execute().await?;
        tx.commit().await
    }

    /// Begins the transaction of a step of a call. Without a key it is a transaction like others.
    ///
    /// # Errors
    /// [`Error::Busy`] when the same call is being made elsewhere.
    pub(crate) async fn begin_step(&self, step: i64) -> Result<Tx> {
        let mut tx = self.0.db.begin().await?;
        let Some(call) = call() else { return Ok(tx) };
        let (now, actor, key) = (self.now(), call.actor.as_str(), call.key.as_str());
        call.forget_old(&mut tx, now).await?;
        let q = tx.query(TAKE).bind(actor).bind(key);
        let taken = q.bind(&*call.request).bind(now).execute().await?;
        let q = tx.query(BEGIN_STEP).bind(actor).bind(key);
        let begun = q.bind(step).bind(now).execute().await?;
        if taken == 0 || begun == 0 {
            return call.give_up();
        }
        Ok(tx)
    }

    /// Ends a step as [`Codex::conclude`] ends a change, and keeps what came of it.
    pub(crate) async fn conclude_step<T: Serialize + Sync>(
        mut tx: Tx,
        author: &Author,
        summary: WriteSummary,
        step: i64,
        result: T,
    ) -> Result<Outcome<T>> {
        keep_step(&mut tx, step, &result).await?;
        Self::conclude(tx, author, summary, result).await
    }
}

/// What came of a step that this call has made before.
pub(crate) fn step_done<T: DeserializeOwned>(step: i64) -> Result<Option<T>> {
    let Some(call) = call() else { return Ok(None) };
    let done = call.done.get(&step).map(|text| serde_json::from_str(text));
    done.transpose().map_err(corrupt)
}

/// Keeps what came of a step, in its own transaction.
pub(crate) async fn keep_step(
    tx: &mut Tx,
    step: i64,
    result: &(impl Serialize + Sync),
) -> Result<()> {
    let Some(call) = call() else { return Ok(()) };
    let result = serde_json::to_string(result).map_err(corrupt)?;
    let q = tx.query(END_STEP).bind(&*call.actor).bind(&*call.key);
    q.bind(step).bind(result).execute().await?;
    // With the step: one that is rolled back on its way has forgotten nothing.
    call.has_forgotten.store(true, Ordering::Relaxed);
    Ok(())
}

fn corrupt(source: serde_json::Error) -> Error {
    Error::Corrupt {
        what: RESULT.to_owned(),
        source: Some(source),
    }
}
