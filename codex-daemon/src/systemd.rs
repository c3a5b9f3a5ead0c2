//! Messages to systemd: the daemon is ready, reloads its settings, stops, or is alive.
//!
//! A message is one datagram (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>), which needs
//! no crate. Without systemd nothing is sent.

use std::{collections::BTreeMap, os::unix::net::UnixDatagram, sync::Arc, time::Duration};

use codex_core::panics::{self, Panicked};
use tokio_util::task::AbortOnDropHandle;

/// How often the start asks for more time, and for how much: a migration may take long.
const ASK: Duration = Duration::from_secs(20);
const MORE: Duration = Duration::from_secs(60);

/// Messages that are repeated until this is dropped.
type Repeated = AbortOnDropHandle<Result<(), Panicked>>;

/// The systemd that gets messages, if any.
#[derive(Debug, Clone, Default)]
pub struct Systemd {
    socket: Option<Arc<UnixDatagram>>,
    /// How often systemd wants a sign of life.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// The systemd that has started this process, by its environment.
    pub fn of(env: &BTreeMap<String, String>) -> Self {
        let Some(address) = env.get("NOTIFY_SOCKET") else {
            return Self::default();
        };
        let socket = match connect(address) {
            Ok(socket) => Some(Arc::new(socket)),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used; systemd is not notified");
                None
            }
        };
        // A child process inherits the variables, but they are for its parent.
        let own = std::process::id().to_string();
        let is_own = env.get("WATCHDOG_PID").is_none_or(|pid| *pid == own);
        let limit = env.get("WATCHDOG_USEC").filter(|_| is_own);
        let limit = limit.and_then(|limit| limit.parse().ok());
        Self {
            socket,
            watchdog: limit.map(Duration::from_micros),
        }
    }

    /// Sends a message such as `READY=1`; several parts are lines.
    pub fn send(&self, message: &str) {
        let Some(socket) = &self.socket else { return };
        if let Err(error) = socket.send(message.as_bytes()) {
            tracing::warn!(%error, message, "systemd cannot be notified");
        }
    }

    /// Asks for more time to start until this is dropped.
    pub fn starting(&self) -> Option<Repeated> {
        let message = format!("EXTEND_TIMEOUT_USEC={}", MORE.as_micros());
        self.socket.as_ref()?;
        Some(self.repeat(message, ASK))
    }

    /// Sends signs of life, twice as often as required, until this is dropped. A process that hangs sends none, and systemd
    /// restarts it.
    pub fn alive(&self) -> Option<Repeated> {
        let limit = self.watchdog?;
        self.socket.as_ref()?;
        Some(self.repeat("WATCHDOG=1".to_owned(), limit / 2))
    }

    fn repeat(&self, message: String, every: Duration) -> Repeated {
        let systemd = self.clone();
        let work = async move {
            loop {
                systemd.send(&message);
                tokio::time::sleep(every).await;
            }
        };
        AbortOnDropHandle::new(panics::spawn("systemd", work))
    }
}

/// A path, or a name in the abstract namespace of Linux behind `@`.
fn connect(address: &str) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    // A full queue must not stop the daemon.
    socket.set_nonblocking(true)?;
    match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
            socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        }
        _ => socket.connect(address)?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(own).collect()
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut text = [0; 200];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8(text[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn messages_reach_the_socket_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let timeout = Some(Duration::from_secs(5));
        socket.set_read_timeout(timeout).unwrap();
        let path = path.to_str().unwrap();
        let systemd = Systemd::of(&env(&[
            ("NOTIFY_SOCKET", path),
            ("WATCHDOG_USEC", "200000"),
        ]));
        systemd.send("READY=1");
        assert_eq!(received(&socket), "READY=1");
        let alive = systemd.alive().unwrap();
        for _ in 0..3 {
            let wait = tokio::time::sleep(Duration::from_millis(110));
            wait.await;
            assert_eq!(received(&socket), "WATCHDOG=1");
        }
        drop(alive);
        // The limit of another process is not ours.
        let of_parent = [
            ("NOTIFY_SOCKET", path),
            ("WATCHDOG_USEC", "200000"),
            ("WATCHDOG_PID", "1"),
        ];
        assert!(Systemd::of(&env(&of_parent)).alive().is_none());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn abstract_sockets_are_reached_too() {
        use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};
        let name = format!("codex-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        let named = format!("@{name}");
        Systemd::of(&env(&[("NOTIFY_SOCKET", &named)])).send("STOPPING=1");
        assert_eq!(received(&socket), "STOPPING=1");
    }

    #[tokio::test]
    async fn without_systemd_nothing_is_sent() {
        let systemd = Systemd::of(&BTreeMap::new());
        systemd.send("READY=1");
        assert!(systemd.alive().is_none() && systemd.starting().is_none());
        let gone = Systemd::of(&env(&[("NOTIFY_SOCKET", "/no/such/socket")]));
        gone.send("READY=1");
        assert!(gone.starting().is_none());
    }
}
