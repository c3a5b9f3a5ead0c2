//! Answers that are kept until one of the tables that they were made of has changed.
//!
//! An answer is kept when it is asked for a second time: most are never asked for again. Whoever asks while it is being
//! made waits for it, and then looks whether it is of a state of the database that is not older than the question.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue},
};
use codex_core::{
    Codex,
    store::{Reads, Revisions},
};
use moka::future::Cache;
use tokio::sync::MutexGuard;

use crate::http::request_id::Route;

/// Answers from this size on are kept.
const WORTH_KEEPING: usize = 8 * 1024;
/// Bytes of all answers that are kept.
const KEPT: u64 = 24 * 1024 * 1024;
/// How long an answer is kept at most: rows that somebody changes without Codex are not counted.
const LONGEST: Duration = Duration::from_secs(60);
/// How many questions are remembered, and for how long after they were last asked.
const QUESTIONS: u64 = 20_000;
const REMEMBERED: Duration = Duration::from_secs(600);
/// How long one waits for an answer that another has asked for; then it is made twice.
const WAIT_TIMEOUT: Duration = Duration::from_secs(10);

/// An answer that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its tag.
    pub tag: HeaderValue,
    /// Its body.
    pub body: Bytes,
    /// Its headers, without the tag.
    pub headers: HeaderMap,
    /// The route that made it.
    pub route: Option<Route>,
}

#[derive(Debug)]
struct Dated {
    answer: Kept,
    /// The tables that it was made of, as they were before it was made.
    reads: Reads,
    revisions: Revisions,
}

/// A question that was asked.
#[derive(Debug, Default)]
struct Question {
    times: AtomicU32,
    /// Whether its answer is too small, or of what is not counted.
    is_not_kept: AtomicBool,
    /// Whoever makes its answer.
    turn: tokio::sync::Mutex<()>,
}

/// The answers that are kept.
#[derive(Debug)]
pub struct Answers {
    kept: Cache<String, Arc<Dated>>,
    questions: Cache<String, Arc<Question>>,
}

/// An answer that is being made.
#[derive(Debug)]
pub struct Making {
    key: String,
    question: Arc<Question>,
    /// What was before it is made; `None` when it will not be kept.
    revisions: Option<Revisions>,
}

impl Answers {
    /// None yet.
    pub fn new() -> Self {
        let weigh = |key: &String, kept: &Arc<Dated>| {
            u32::try_from(key.len() + kept.answer.body.len()).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(KEPT).weigher(weigh);
        let questions = Cache::builder().max_capacity(QUESTIONS);
        Self {
            kept: kept.time_to_live(LONGEST).build(),
            questions: questions.time_to_idle(REMEMBERED).build(),
        }
    }

    /// Answers a question by `make`, unless the answer is here.
    ///
    /// `make` is given what [`Answers::keep`] wants.
    pub async fn answer<T>(
        &self,
        codex: &Codex,
        key: String,
        make: impl AsyncFnOnce(Making) -> T,
    ) -> Result<Kept, T> {
        if let Some(kept) = self.good(codex, &key).await {
            return Ok(kept);
        }
        let question = self
            .questions
            .get_with_by_ref(&key, async { Arc::default() });
        let question: Arc<Question> = question.await;
        let again = question.times.fetch_add(1, Ordering::Relaxed) > 0;
        let alone = question.alone().await;
        if alone.is_some()
            && again
            && let Some(kept) = self.good(codex, &key).await
        {
            return Ok(kept);
        }
        // Before anything is read for the answer: what is committed later makes it one of before.
        let may_be_kept = again && !question.is_not_kept.load(Ordering::Relaxed);
        let revisions = if may_be_kept {
            codex.revisions().await.ok()
        } else {
            None
        };
        let making = Making {
            key,
            question: question.clone(),
            revisions,
        };
        Err(make(making).await)
    }

    /// The kept answer to a question, if nothing that it was made of has changed.
    async fn good(&self, codex: &Codex, key: &str) -> Option<Kept> {
        let kept = self.kept.get(key).await?;
        let now = codex.revisions().await.ok()?;
        kept.revisions
            .same(&now, &kept.reads)
            .then(|| kept.answer.clone())
    }

    /// Keeps an answer that was made, if it is worth it.
    pub async fn keep(&self, making: Making, reads: Reads, answer: &Kept) {
        let Making {
            key,
            question,
            revisions,
        } = making;
        let is_kept = answer.body.len() >= WORTH_KEEPING && reads.are_counted();
        question.is_not_kept.store(!is_kept, Ordering::Relaxed);
        if let Some(revisions) = revisions.filter(|_| is_kept) {
            let dated = Dated {
                answer: answer.clone(),
                reads,
                revisions,
            };
            self.kept.insert(key, Arc::new(dated)).await;
        }
    }
}

impl Question {
    /// Waits until nobody else makes the answer; `None` where that is not worth it, or takes too long.
    async fn alone(&self) -> Option<MutexGuard<'_, ()>> {
        if self.is_not_kept.load(Ordering::Relaxed) {
            return None;
        }
        tokio::time::timeout(WAIT_TIMEOUT, self.turn.lock())
            .await
            .ok()
    }
}
