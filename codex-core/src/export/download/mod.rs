//! Answers that are too big to hold: made as they are read, in pieces, without a snapshot that a slow reader
//! would hold open.

mod service;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures::Stream;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinHandle,
};

use crate::{
    Error, Result,
    panics::{Panicked, joined},
};

/// What is sent at once.
const PIECE: usize = 64 * 1024;

/// How downloads share a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downloads {
    /// How many of everything are made at once: each keeps a connection and a core busy.
    pub at_once: usize,
    /// How many of one company are made at once, beside those of everything.
    pub of_companies: usize,
    /// How long one waits for its turn.
    pub wait_timeout: Duration,
    /// How long a reader may take nothing.
    pub stall: Duration,
}

impl Default for Downloads {
    fn default() -> Self {
        Self {
            at_once: 2,
            of_companies: 8,
            // Nexus gives up after 30 seconds without a byte (consumers 3).
            wait_timeout: Duration::from_secs(20),
            stall: Duration::from_secs(30),
        }
    }
}

/// How much a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// Everything of a kind, or of all companies.
    Everything,
    /// What one company has.
    Company,
    /// No more than an answer that is held: it needs no turn.
    Page,
}

/// The turns of a [`crate::Codex`].
#[derive(Debug)]
pub(crate) struct DownloadLimits {
    rules: Downloads,
    everything: Arc<Semaphore>,
    company: Arc<Semaphore>,
}

impl DownloadLimits {
    pub fn new(rules: Downloads) -> Self {
        Self {
            rules,
            everything: Arc::new(Semaphore::new(rules.at_once)),
            company: Arc::new(Semaphore::new(rules.of_companies)),
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Error::Busy`] when others take too long.
    async fn wait(&self, size: Size) -> Result<Option<OwnedSemaphorePermit>> {
        let turns = match size {
            Size::Everything => &self.everything,
            Size::Company => &self.company,
            Size::Page => return Ok(None),
        };
        let busy = || Error::Busy("too many downloads at once");
        let turn = Arc::clone(turns).acquire_owned();
        let turn = tokio::time::timeout(self.rules.wait_timeout, turn).await;
        turn.map_err(|_| busy())?.map(Some).map_err(|_| busy())
    }
}

/// An answer in pieces. Dropping it ends the work.
#[derive(Debug)]
pub struct Download {
    pieces: mpsc::Receiver<Vec<u8>>,
    /// Set when the last piece was sent. Whoever stops before, by an error, a panic or the end of the process,
    /// does not set it: a part is never taken for the whole.
    whole: Arc<AtomicBool>,
    ended: bool,
}

impl Stream for Download {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(cx));
        self.ended = piece.is_none();
        let broken = self.ended && !self.whole.load(Ordering::Acquire);
        let error = broken.then(|| {
            Err(Error::Sync {
                message: "the download broke off".into(),
            })
        });
        Poll::Ready(piece.map(Ok).or(error))
    }
}

/// Where the pieces go.
#[derive(Debug)]
pub(crate) struct Sink {
    pieces: mpsc::Sender<Vec<u8>>,
    buffer: Vec<u8>,
    stall: Duration,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Sink {
    /// Adds text.
    pub fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Adds a value as JSON.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.buffer, value).map_err(|source| Error::Corrupt {
            what: "record".into(),
            source: Some(source),
        })
    }

    /// Sends what has gathered, once it is worth it.
    ///
    /// # Errors
    /// [`Error::Sync`] when nobody reads any more.
    pub async fn flow(&mut self) -> Result<()> {
        if self.buffer.len() < PIECE {
            return Ok(());
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<()> {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE * 2));
        if piece.is_empty() {
            return Ok(());
        }
        let sent = self.pieces.send_timeout(piece, self.stall).await;
        sent.map_err(|_| Error::Sync {
            message: "the reader of a download is gone or stands still".into(),
        })
    }
}

/// What is read for a download while it writes what was read before, so that two cores work: no more than two parts
/// wait.
#[derive(Debug)]
pub(crate) struct Parts<T> {
    parts: mpsc::Receiver<T>,
    reader: JoinHandle<Result<Result<()>, Panicked>>,
}

impl<T> Drop for Parts<T> {
    /// Nobody waits for a statement whose rows nobody wants.
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Where a reader puts what it read.
#[derive(Debug)]
pub(crate) struct Ahead<T>(mpsc::Sender<T>);

impl<T> Parts<T> {
    /// The next part; `None` when all were read.
    ///
    /// # Errors
    /// What the reader ended with.
    pub async fn next(&mut self) -> Result<Option<T>> {
        if let Some(part) = self.parts.recv().await {
            return Ok(Some(part));
        }
        // A reader that panicked has not read everything.
        joined("download reader", (&mut self.reader).await)??;
        Ok(None)
    }
}

impl<T> Ahead<T> {
    /// Waits until the part before is taken.
    ///
    /// # Errors
    /// [`Error::Sync`] when nobody wants any more.
    pub async fn put(&self, part: T) -> Result<()> {
        self.0.send(part).await.map_err(|_| Error::Sync {
            message: "nobody wants what is read".into(),
        })
    }
}
