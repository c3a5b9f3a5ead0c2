//! Answers that are too big to hold: made as they are read, in pieces, without a snapshot that a slow reader
//! would hold open.

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
    codex::Codex,
    panics::{Panicked, joined, spawn_on},
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

/// The turns of a [`Codex`].
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

impl Codex {
    /// Begins to read for a download. The reader ends when the parts are dropped.
    pub(crate) fn read_ahead<T, F, W>(&self, read: F) -> Parts<T>
    where
        T: Send + 'static,
        F: FnOnce(Codex, Ahead<T>) -> W + Send + 'static,
        W: Future<Output = Result<()>> + Send,
    {
        let (sender, parts) = mpsc::channel(1);
        let codex = self.clone();
        let reader = spawn_on(&self.0.tasks, "download reader", async move {
            read(codex, Ahead(sender)).await
        });
        Parts { parts, reader }
    }

    /// Begins a download that `work` fills.
    ///
    /// # Errors
    /// [`Error::Busy`] when others take too long.
    pub(crate) async fn download<F, W>(&self, size: Size, work: F) -> Result<Download>
    where
        F: FnOnce(Codex, Sink) -> W + Send + 'static,
        W: Future<Output = Result<Sink>> + Send,
    {
        let turn = self.0.downloads.wait(size).await?;
        let (pieces, receiver) = mpsc::channel(2);
        let whole = Arc::new(AtomicBool::new(false));
        let sink = Sink {
            pieces,
            buffer: Vec::with_capacity(PIECE * 2),
            stall: self.0.downloads.rules.stall,
            _turn: turn,
        };
        let codex = self.clone();
        let (stop, said) = (self.0.stop.clone(), whole.clone());
        spawn_on(&self.0.tasks, "download", async move {
            let work = async {
                let mut sink = work(codex, sink).await?;
                sink.flush().await?;
                // Before the sink is dropped, which ends the download.
                said.store(true, Ordering::Release);
                Ok(())
            };
            let done: Result<()> = tokio::select! {
                done = work => done,
                () = stop.cancelled() => Err(Error::Busy("Codex is stopping")),
            };
            if let Err(error) = done {
                tracing::warn!(error = error.chain(), "A download ended early");
            }
        });
        Ok(Download {
            pieces: receiver,
            whole,
            ended: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    async fn codex() -> (tempfile::TempDir, Codex) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        (folder, codex)
    }

    async fn read(work: impl FnOnce(Sink) -> Result<Sink> + Send + 'static) -> (Vec<u8>, bool) {
        let (_folder, codex) = codex().await;
        let download = codex.download(Size::Everything, async move |_, sink| work(sink));
        let mut download = download.await.unwrap();
        let (mut all, mut broken) = (Vec::new(), false);
        while let Some(piece) = download.next().await {
            match piece {
                Ok(piece) => all.extend(piece),
                Err(_) => broken = true,
            }
        }
        (all, broken)
    }

    #[tokio::test]
    async fn a_download_is_whole_or_says_that_it_is_not() {
        let whole = |mut sink: Sink| {
            sink.text("all");
            Ok(sink)
        };
        assert_eq!(read(whole).await, (b"all".to_vec(), false));
        let failing = |_| Err(Error::Busy("no"));
        assert_eq!(read(failing).await, (Vec::new(), true));
        let panicking = |_| panic!("on purpose");
        assert_eq!(read(panicking).await, (Vec::new(), true));
    }

    /// A download that goes on for as long as somebody reads.
    async fn endless(codex: &Codex, size: Size) -> Result<Download> {
        let work = async |_, mut sink: Sink| loop {
            sink.text(&"x".repeat(PIECE));
            sink.flow().await?;
        };
        codex.download(size, work).await
    }

    async fn impatient(stall: Duration) -> (tempfile::TempDir, Codex) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let rules = Downloads {
            at_once: 2,
            of_companies: 1,
            wait_timeout: Duration::from_millis(200),
            stall,
        };
        let builder = Codex::builder(file.to_str().unwrap()).downloads(rules);
        (folder, builder.open().await.unwrap())
    }

    #[tokio::test]
    async fn each_size_has_turns_of_its_own_and_a_page_needs_none() {
        let (_folder, codex) = impatient(Duration::from_secs(600)).await;
        let _one = endless(&codex, Size::Everything).await.unwrap();
        let two = endless(&codex, Size::Everything).await.unwrap();
        let third = endless(&codex, Size::Everything).await;
        assert!(matches!(third, Err(Error::Busy(_))), "{third:?}");
        let _company = endless(&codex, Size::Company).await.unwrap();
        let second = endless(&codex, Size::Company).await;
        assert!(matches!(second, Err(Error::Busy(_))), "{second:?}");
        for _ in 0..10 {
            endless(&codex, Size::Page).await.unwrap();
        }
        drop(two);
        endless(&codex, Size::Everything).await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_stands_still_loses_its_turn_and_a_slow_one_does_not() {
        let (_folder, codex) = impatient(Duration::from_millis(300)).await;
        let still = endless(&codex, Size::Company).await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        let mut slow = endless(&codex, Size::Company).await.unwrap();
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(matches!(slow.next().await, Some(Ok(_))));
        }
        let mut still: Vec<_> = still.collect().await;
        assert!(matches!(still.pop(), Some(Err(Error::Sync { .. }))));
    }

    #[tokio::test]
    async fn what_is_read_ahead_is_whole_or_an_error() {
        let (_folder, codex) = codex().await;
        let collect = async |mut parts: Parts<i32>| {
            let mut all = Vec::new();
            while let Some(part) = parts.next().await? {
                all.push(part);
            }
            Result::Ok(all)
        };
        let whole = codex.read_ahead(async |_, ahead| {
            ahead.put(1).await?;
            ahead.put(2).await
        });
        assert_eq!(collect(whole).await.unwrap(), [1, 2]);
        let failing = codex.read_ahead(async |_, ahead: Ahead<i32>| {
            ahead.put(1).await?;
            Err(Error::Busy("no"))
        });
        assert!(matches!(collect(failing).await, Err(Error::Busy("no"))));
        let panicking = codex.read_ahead(async |_, ahead: Ahead<i32>| {
            ahead.put(1).await?;
            panic!("on purpose")
        });
        assert!(matches!(collect(panicking).await, Err(Error::Sync { .. })));
    }

    #[tokio::test]
    async fn nobody_reads_on_for_parts_that_are_dropped() {
        let (_folder, codex) = codex().await;
        let (running, mut ended) = tokio::sync::mpsc::channel::<()>(1);
        let mut parts = codex.read_ahead(async move |_, ahead| {
            let _running = running;
            ahead.put(1).await?;
            std::future::pending().await
        });
        assert_eq!(parts.next().await.unwrap(), Some(1));
        drop(parts);
        let ended = tokio::time::timeout(Duration::from_secs(10), ended.recv());
        assert_eq!(ended.await.expect("the reader goes on"), None);
    }
}
