//! Making downloads: one task reads, another writes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc;

use super::{Ahead, Download, PIECE, Parts, Sink, Size};
use crate::{Error, Result, codex::Codex, panics::spawn_on};

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
    use std::time::Duration;

    use futures::StreamExt as _;

    use super::*;
    use crate::export::Downloads;

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
    async fn download_is_complete_or_ends_with_an_error() {
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
    async fn each_download_size_has_its_own_limit() {
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
    async fn stalled_readers_lose_their_turn_and_slow_ones_do_not() {
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
    async fn read_ahead_is_complete_or_an_error() {
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
    async fn read_ahead_stops_when_its_receiver_is_dropped() {
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
