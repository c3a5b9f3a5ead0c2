//! codexd under systemd: a socket of the test in its place.

use std::{os::unix::net::UnixDatagram, time::Duration};

use codex_tests::{
    harness::{
        child::{become_codexd, codexd_in},
        database::TestDatabase,
    },
    on_sqlite,
    sim::core::Core,
};

const CHILD: &str = "systemd::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// Waits for a message; gives all of it, and passes over others.
fn message(socket: &UnixDatagram, begins: &str) -> anyhow::Result<String> {
    let mut text = [0; 1_000];
    loop {
        let length = socket.recv(&mut text)?;
        let text = String::from_utf8(text[..length].to_vec())?;
        if text.starts_with(begins) {
            return Ok(text);
        }
    }
}

async fn signal(name: &str, process: Option<u32>) -> anyhow::Result<()> {
    let command = format!("kill -{name} {}", process.unwrap_or_default());
    let mut shell = tokio::process::Command::new("sh");
    let sent = shell.args(["-c", &command]).status().await?;
    anyhow::ensure!(sent.success(), "{command}");
    Ok(())
}

on_sqlite! {
    async fn daemon_reports_ready_reloading_and_stopping(database: TestDatabase) -> TestResult {
        let core = Core::start().await?;
        let folder = database.folder();
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        std::fs::create_dir(folder.join("instance"))?;
        let conf = folder.join("instance/codex.conf");
        let settings = format!(
            "[database]\nconnection_string = {}\n[core]\nurl = {}\n[server]\nport = 0\n",
            database.url,
            core.url()
        );
        std::fs::write(&conf, settings)?;
        let env = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
        let mut child = codexd_in(CHILD, folder, &["serve".to_owned()], &env)?;
        let listening = tokio::task::spawn_blocking(move || {
            let first = message(&socket, "")?;
            let ready = message(&socket, "READY=1")?;
            let alive = message(&socket, "WATCHDOG=1")?;
            anyhow::Ok((socket, [first, ready, alive]))
        });
        let (socket, [first, ready, alive]) = listening.await??;
        assert!(first.starts_with("EXTEND_TIMEOUT_USEC="), "{first}");
        assert!(ready.contains("STATUS=Serving on http://127.0.0.1:"), "{ready}");
        assert_eq!(alive, "WATCHDOG=1");

        signal("HUP", child.id()).await?;
        let listening = tokio::task::spawn_blocking(move || {
            let reloading = message(&socket, "RELOADING=1")?;
            let ready = message(&socket, "READY=1")?;
            anyhow::Ok((socket, [reloading, ready]))
        });
        let (socket, [_, again]) = listening.await??;
        assert_eq!(again, ready);
        assert!(child.try_wait()?.is_none(), "SIGHUP does not end it");

        // Settings that cannot be used do not end it either.
        std::fs::write(&conf, "[server]\nprt = 1\n")?;
        signal("HUP", child.id()).await?;
        let listening = tokio::task::spawn_blocking(move || {
            message(&socket, "RELOADING=1")?;
            message(&socket, "READY=1")?;
            anyhow::Ok(socket)
        });
        let socket = listening.await??;
        signal("TERM", child.id()).await?;
        let stopping = tokio::task::spawn_blocking(move || message(&socket, "STOPPING=1"));
        stopping.await??;
        let ended = tokio::time::timeout(Duration::from_secs(20), child.wait()).await??;
        assert_eq!(ended.code(), Some(0));
        Ok(())
    }
}
