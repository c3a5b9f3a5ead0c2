//! Who is connected, and whose turn it is.
//!
//! A connection counts while it is open, a request while it is answered. Whoever says nothing gives its place to the
//! next: silence keeps nobody out. `/health` needs no turn, so that it is answered while everything else waits.

use std::{
    collections::HashMap,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{config::Server, http::forwarded::PeerAddress};

/// Connections beyond those whose requests are answered: probes of `/health`, and requests that wait.
const RESERVE: usize = 64;
/// Requests that wait for their turn; the rest of the reserve stays for probes.
const WAITING: usize = RESERVE / 2;
/// How long a request waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// How many milliseconds a connection is new.
const NEW: u64 = 1_000;
/// How many addresses are remembered before those without requests are forgotten.
const ADDRESSES: usize = 1_000;

/// Marks a request that got no turn.
#[derive(Debug, Clone, Copy)]
pub struct Overloaded;

/// Everybody who is connected. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    start: Instant,
    open: Mutex<Open>,
    most: usize,
    most_of_one: usize,
    turns: Arc<Semaphore>,
    turns_of_one: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
    waiting: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, (IpAddr, Arc<Activity>)>,
}

/// What a connection is doing.
#[derive(Debug, Default)]
pub struct Activity {
    requests: AtomicUsize,
    /// Whether it ever asked for anything.
    asked: AtomicBool,
    /// Whether an answer waits for its reader.
    unsent: AtomicBool,
    /// Whether a body was not read to its end.
    unread: AtomicBool,
    /// Milliseconds after the start, when its last request ended.
    since: AtomicU64,
    cut: CancellationToken,
}

impl Activity {
    /// Says whether an answer waits for its reader.
    pub fn set_unsent(&self, unsent: bool) {
        self.unsent.store(unsent, Ordering::Relaxed);
    }

    /// Says whether a body is still to be read.
    pub fn set_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    /// Whether a body was not read to its end.
    pub fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.requests.load(Ordering::Acquire) == 0 && !self.unsent.load(Ordering::Relaxed)
    }

    /// Which connection is closed first: one that has sent nothing for a while, then one that has sent requests before,
    /// then a new one; among equals the one that has been idle longest.
    fn rank(&self, now: u64) -> (u8, u64) {
        let since = self.since.load(Ordering::Relaxed);
        let rank = if self.asked.load(Ordering::Relaxed) {
            1
        } else if now.saturating_sub(since) > NEW {
            0
        } else {
            2
        };
        (rank, since)
    }
}

/// An open connection; dropped when it ends.
#[derive(Debug)]
pub struct Connection {
    all: Connections,
    id: u64,
    /// The other end.
    pub peer: PeerAddress,
    /// What it is doing.
    pub activity: Arc<Activity>,
}

impl Connection {
    /// Does the work of the connection, unless its place is given away.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.activity.cut.run_until_cancelled(work).await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().connections.remove(&self.id);
    }
}

impl Connections {
    /// Nobody yet; as many as the settings say.
    pub fn new(server: &Server) -> Self {
        Self(Arc::new(Inner {
            start: Instant::now(),
            open: Mutex::default(),
            most: server.max_connections,
            most_of_one: server.connections_per_address,
            turns: Arc::new(Semaphore::new(server.max_connections)),
            turns_of_one: Mutex::default(),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes a connection in; `None` when everybody who could give a place away is busy.
    pub fn admit(&self, peer: PeerAddress) -> Option<Connection> {
        let address = peer.0.to_canonical();
        let now = self.now();
        let mut open = self.open();
        let own = |(other, _): &&(IpAddr, Arc<Activity>)| *other == address;
        let of_one = open.connections.values().filter(own).count();
        // Many call through a proxy on this machine; their turns tell them apart.
        let most_of_one = if address.is_loopback() {
            self.0.most
        } else {
            self.0.most_of_one
        };
        if of_one >= most_of_one.saturating_add(RESERVE) {
            open.evict(Some(address), now)?;
        } else if open.connections.len() >= self.0.most.saturating_add(RESERVE) {
            open.evict(None, now)?;
        }
        let activity = Arc::new(Activity::default());
        activity.since.store(now, Ordering::Relaxed);
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, (address, activity.clone()));
        Some(Connection {
            all: self.clone(),
            id,
            peer,
            activity,
        })
    }

    /// Gives the place of an idle connection away; `false` when all are busy.
    pub fn make_room(&self) -> bool {
        let now = self.now();
        self.open().evict(None, now).is_some()
    }

    /// A request of a connection begins; it is over when what this gives is dropped.
    pub fn begin(&self, activity: &Arc<Activity>) -> Busy {
        activity.requests.fetch_add(1, Ordering::AcqRel);
        activity.asked.store(true, Ordering::Relaxed);
        Busy {
            all: self.clone(),
            activity: activity.clone(),
            turn: None,
        }
    }

    /// Waits for the turn of a request from an address; `None` when none comes within [`WAIT`].
    pub async fn turn(&self, address: IpAddr) -> Option<Turn> {
        let of_one = self.turns_of(address);
        let (own, all) = (of_one.clone(), self.0.turns.clone());
        if let (Ok(own), Ok(all)) = (own.try_acquire_owned(), all.try_acquire_owned()) {
            let permits = [own, all];
            return Some(Turn { _permits: permits });
        }
        let _place = self.0.waiting.clone().try_acquire_owned().ok()?;
        let all = self.0.turns.clone();
        let wait = async move {
            let own = of_one.acquire_owned().await.ok()?;
            let permits = [own, all.acquire_owned().await.ok()?];
            Some(Turn { _permits: permits })
        };
        tokio::time::timeout(WAIT, wait).await.ok().flatten()
    }

    fn turns_of(&self, address: IpAddr) -> Arc<Semaphore> {
        let most = self.0.most_of_one;
        let turns = self.0.turns_of_one.lock();
        let mut turns = turns.unwrap_or_else(PoisonError::into_inner);
        if turns.len() >= ADDRESSES {
            turns.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let new = || Arc::new(Semaphore::new(most));
        turns.entry(address).or_insert_with(new).clone()
    }
}

impl Open {
    /// Ends an idle connection, of an address or of anybody.
    fn evict(&mut self, of: Option<IpAddr>, now: u64) -> Option<()> {
        let open = self.connections.iter();
        let idle = open.filter(|(_, (address, activity))| {
            activity.is_idle() && of.is_none_or(|of| of == *address)
        });
        let first = idle.min_by_key(|(_, (_, activity))| activity.rank(now));
        let id = *first?.0;
        let (_, activity) = self.connections.remove(&id)?;
        activity.cut.cancel();
        Some(())
    }
}

/// The turn of a request.
#[derive(Debug)]
pub struct Turn {
    _permits: [OwnedSemaphorePermit; 2],
}

/// A request in progress.
#[derive(Debug)]
pub struct Busy {
    all: Connections,
    activity: Arc<Activity>,
    /// Its turn, unless it needs none.
    pub turn: Option<Turn>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let now = self.all.now();
        self.activity.since.store(now, Ordering::Relaxed);
        self.activity.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of an answer, whose request is in progress until it is sent.
#[derive(Debug)]
pub struct TrackedBody {
    body: Body,
    _busy: Busy,
}

impl TrackedBody {
    /// The body of the answer to a request.
    pub fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
