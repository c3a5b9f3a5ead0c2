//! Connections that are closed with care.
//!
//! A server that closes while its client still sends resets the connection, and most clients then report a broken
//! pipe instead of the answer that refused them. So the server reports that it will send nothing more,
//! then reads and drops what still arrives for a while (RFC 9112, section 9.6).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tokio_io_timeout::TimeoutStream;

use crate::http::connections::Activity;

/// How much is thrown away, and for how long in all.
const MOST: usize = 256 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(10);
/// How long nothing may come before it is over.
const PAUSE: Duration = Duration::from_secs(2);

/// A connection.
#[derive(Debug)]
pub struct Lingering {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    activity: Arc<Activity>,
    closing: Option<Closing>,
}

#[derive(Debug)]
struct Closing {
    begun: Instant,
    pause: Pin<Box<Sleep>>,
    thrown_away: usize,
}

impl Lingering {
    /// A connection whose reader may stand still for so long.
    pub fn new(stream: TcpStream, stall: Duration, activity: Arc<Activity>) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(stall));
        Self {
            stream: Box::pin(stream),
            activity,
            closing: None,
        }
    }

    fn written<T>(&self, written: Poll<T>) -> Poll<T> {
        self.activity.set_unsent(written.is_pending());
        written
    }
}

impl AsyncRead for Lingering {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(context, into)
    }
}

impl AsyncWrite for Lingering {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write(context, bytes);
        self.written(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream.as_mut().poll_write_vectored(context, parts);
        self.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.closing.is_none() {
            ready!(this.stream.as_mut().poll_shutdown(context))?;
        }
        let closing = this.closing.get_or_insert_with(|| Closing {
            begun: Instant::now(),
            pause: Box::pin(tokio::time::sleep(PAUSE)),
            thrown_away: 0,
        });
        let mut space = [0; 16 * 1024];
        loop {
            let is_over = closing.thrown_away > MOST || closing.begun.elapsed() > LONGEST;
            if is_over || closing.pause.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut read = ReadBuf::new(&mut space);
            match this.stream.as_mut().poll_read(context, &mut read) {
                Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                    closing.thrown_away += read.filled().len();
                    let until = tokio::time::Instant::now() + PAUSE;
                    closing.pause.as_mut().reset(until);
                }
                // The client sent all it had to send, or hung up.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending if closing.thrown_away == 0 && !this.activity.is_unread() => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
