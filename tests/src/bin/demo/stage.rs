//! Everything that the demo starts.

use std::{io, path::PathBuf};

use anyhow::Context as _;
use codex_core::{
    Codex,
    clock::{Clock as _, SystemClock},
    schedule::Entry,
};
use codex_daemon::app::{self, Running};
use codex_tests::{
    harness::app::config,
    sim::{
        SharedWorld, Size, World,
        core::{Core, user_claims},
        datto::{self, Datto},
        freshservice::{self, Freshservice},
        gateway::{Gateway, Options},
        keycloak::{self, Keycloak},
        world::user_id,
    },
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use super::plausible::make_plausible;

/// Where Codex, Core and the gateway listen when nobody else does: the first two as in a HiveMatrix installation.
const CODEX_PORT: u16 = 5010;
const CORE_PORT: u16 = 5000;
const GATEWAY_PORT: u16 = 8000;
/// How long the token for curl is good for: longer than anybody tries a demo.
const TOKEN_SECONDS: i64 = 24 * 3600;
/// The place of the realm's client user.
const CLIENT: usize = 3;

/// The daemon with everybody around it.
#[derive(Debug)]
pub struct Stage {
    pub core: Core,
    pub gateway: Gateway,
    /// An administrator's token, and the file that it is in.
    pub token: String,
    pub token_file: PathBuf,
    pub database: String,
    world: SharedWorld,
    codex: Codex,
    running: Running,
    outbox: JoinHandle<()>,
    schedule: Vec<Entry>,
    _vendors: (Freshservice, Datto, Keycloak),
    _folder: TempDir,
}

impl Stage {
    /// Starts everybody. The world is new; nothing is synced yet.
    pub async fn start(size: Size, database: Option<String>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let own = || format!("sqlite://{}", folder.path().join("codex.db").display());
        let database = database.unwrap_or_else(own);
        let mut world = World::generate_at(size, 7, SystemClock.now());
        make_plausible(&mut world);
        let client_email = give_client_a_company(&mut world);
        let world = SharedWorld::new(world);
        // Limits off: with them on, a first sync of a large account takes the minutes that it takes.
        let fresh_options = freshservice::Options {
            limits: false,
            ..Default::default()
        };
        let datto_options = datto::Options {
            limits: false,
            ..Default::default()
        };
        let fresh = Freshservice::start(world.clone(), fresh_options).await?;
        let rmm = Datto::start(world.clone(), datto_options).await?;
        let users = Keycloak::start(world.clone(), keycloak::Options::default()).await?;
        let core = Core::start_on(listen(CORE_PORT).await?)?;
        let config = config(
            folder.path(),
            &database,
            &core,
            &fresh,
            &rmm,
            &users,
            &[("upstream.write", "true")],
        )?;
        let schedule = config.scheduler.entries.clone();
        let codex = app::open(&config, true)
            .await
            .context("the database cannot be opened")?;
        let running = app::start_on(listen(CODEX_PORT).await?, config, codex.clone())?;
        let outbox = {
            let codex = codex.clone();
            tokio::spawn(async move { codex.keep_outbox().await })
        };
        let options = Options {
            client_email,
            ..Options::before(running.url())
        };
        let gateway = Gateway::start_on(listen(GATEWAY_PORT).await?, options, &core)?;
        let token = admin_token(&core);
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, &token)?;
        Ok(Self {
            core,
            gateway,
            token,
            token_file,
            database,
            world,
            codex,
            running,
            outbox,
            schedule,
            _vendors: (fresh, rmm, users),
            _folder: folder,
        })
    }

    /// Codex's address.
    pub fn codex_url(&self) -> String {
        self.running.url()
    }

    /// Starts syncs by the schedule of the settings, until Codex is closed.
    pub fn keep_schedule(&self) -> JoinHandle<()> {
        let (codex, schedule) = (self.codex.clone(), self.schedule.clone());
        tokio::spawn(async move { codex.keep_schedule(schedule, false).await })
    }

    /// Makes the PSA forget every fifth contact: so many at once that Codex holds their deletion.
    pub fn lose_contacts(&self) {
        let mut world = self.world.lock();
        let kept = world.requesters.len() - world.requesters.len() / 5;
        world.requesters.truncate(kept);
    }

    /// Ends everybody, the browsers first: their event streams would hold the daemon.
    pub async fn stop(self) {
        drop(self.gateway);
        self.running.shutdown().await;
        self.codex.close().await;
        if self.outbox.await.is_err() {
            eprintln!("The outbox ended in disorder.");
        }
    }
}

/// The port, or a free one when it is taken.
async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(("127.0.0.1", port)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind("127.0.0.1:0").await
        }
        listener => listener,
    }
}

/// Gives the realm's client user the e-mail address of a contact: a client sees the company of the contact with the
/// address of the login.
fn give_client_a_company(world: &mut World) -> Option<String> {
    let contact = world.requesters.first()?;
    let email = contact["primary_email"].as_str()?.to_owned();
    let user = world.user_mut(&user_id(CLIENT))?;
    user["email"] = json!(email);
    Some(email)
}

fn admin_token(core: &Core) -> String {
    let mut claims = user_claims("admin", "admin@msp.example");
    let issued = claims["iat"].as_i64().unwrap_or_default();
    claims["exp"] = json!(issued + TOKEN_SECONDS);
    core.token_with(&claims)
}
