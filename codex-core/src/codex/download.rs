//! Answers that are too big to hold: made as they are read, in pieces, without a snapshot that a slow reader
//! would hold open.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::Stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Codex;
use crate::{Error, Result};

/// How many are made at once: each keeps a connection and a core busy.
pub(super) const AT_ONCE: usize = 2;
/// How long one waits for its turn; Nexus gives up after 30 seconds without a byte (consumers 3).
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a reader may take nothing.
const STALL: Duration = Duration::from_secs(30);
/// What is sent at once.
const PIECE: usize = 64 * 1024;

/// An answer in pieces. Dropping it ends the work.
#[derive(Debug)]
pub struct Download(mpsc::Receiver<Result<Vec<u8>>>);

impl Stream for Download {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Where the pieces go.
#[derive(Debug)]
pub(super) struct Sink {
    pieces: mpsc::Sender<Result<Vec<u8>>>,
    buffer: Vec<u8>,
    _turn: OwnedSemaphorePermit,
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
        let sent = self.pieces.send_timeout(Ok(piece), STALL).await;
        sent.map_err(|_| Error::Sync {
            message: "the reader of a download is gone or stands still".into(),
        })
    }
}

impl Codex {
    /// Begins a download that `work` fills.
    ///
    /// # Errors
    /// [`Error::Busy`] when others take too long.
    pub(super) async fn download<F, W>(&self, work: F) -> Result<Download>
    where
        F: FnOnce(Codex, Sink) -> W + Send + 'static,
        W: Future<Output = Result<Sink>> + Send,
    {
        let turn = Arc::clone(&self.0.downloads).acquire_owned();
        let busy = || Error::Busy("too many downloads at once");
        let turn = tokio::time::timeout(PATIENCE, turn).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let (pieces, receiver) = mpsc::channel(2);
        let sink = Sink {
            pieces: pieces.clone(),
            buffer: Vec::with_capacity(PIECE * 2),
            _turn: turn,
        };
        let codex = self.clone();
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            let work = async {
                let mut sink = work(codex, sink).await?;
                sink.flush().await
            };
            let done = tokio::select! {
                done = work => done,
                () = stop.cancelled() => Err(Error::Busy("Codex is stopping")),
            };
            if let Err(error) = done {
                tracing::warn!(error = error.chain(), "A download ended early");
                // The reader must see that the answer is not whole.
                drop(pieces.try_send(Err(error)));
            }
        });
        Ok(Download(receiver))
    }
}

/// The turns of a new [`Codex`].
pub(super) fn turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(AT_ONCE))
}
