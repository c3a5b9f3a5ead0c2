//! `codexd init`

use std::{
    fs,
    io::{self, BufRead, IsTerminal as _, Write},
    path::Path,
};

use anyhow::{Context as _, ensure};
use codex_core::Codex;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{UsageError, output, progress::Progress};
use crate::config::{Sources, edit, ini};

const EXAMPLES: &str = "\
Examples:
  codexd init
  PGPASSWORD=$(cat password.txt) codexd init --headless --db-host localhost --db-port 5432 \\
      --db-name codex_db --db-user codex_user

--headless takes the password from the environment variable PGPASSWORD. Other users of the machine can read --db-password
in the process list. The connection is tested before anything is written. Other settings of the file stay as they are;
only its owner can read the file.";

/// The variable from which every client of PostgreSQL takes a password.
const PASSWORD: &str = "PGPASSWORD";

/// Connect to PostgreSQL, write instance/codex.conf, migrate
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// Ask nothing: take everything from the flags, and the password from PGPASSWORD
    #[arg(long)]
    headless: bool,
    /// Host of the database server
    #[arg(long, default_value = "localhost")]
    db_host: String,
    /// Port of the database server
    #[arg(long, default_value_t = 5432)]
    db_port: u16,
    /// Name of the database
    #[arg(long, default_value = "codex_db")]
    db_name: String,
    /// User of the database
    #[arg(long, default_value = "codex_user")]
    db_user: String,
    /// Password of the user, in place of PGPASSWORD; the process list shows it to other users of the machine
    #[arg(long, value_name = "PASSWORD")]
    db_password: Option<SecretString>,
}

impl Init {
    pub(super) async fn run(mut self, sources: &Sources) -> anyhow::Result<()> {
        let path = sources.conf();
        let codex = if self.headless {
            self.take_password(sources)?;
            self.connect().await?
        } else {
            if !io::stdin().is_terminal() {
                let message =
                    "there is no terminal to ask on; use --headless with the --db-... flags";
                return Err(UsageError::error(message));
            }
            self.ask_until_connected().await?
        };
        self.write(&path)?;
        output::line(format_args!("Wrote {}.", path.display()))?;
        let progress = Progress::start("Migrating the database");
        let migrated = codex.db().migrate().await;
        progress.end();
        migrated?;
        codex.close().await;
        output::line("The database is up to date. Start the daemon with `codexd serve`.")?;
        Ok(())
    }

    /// Takes the password of the environment when no flag has one.
    fn take_password(&mut self, sources: &Sources) -> anyhow::Result<()> {
        let of_environment = sources.env.get(PASSWORD).map(String::as_str);
        self.db_password = self.db_password.take().or(of_environment.map(Into::into));
        if self.db_password.is_none() {
            let message =
                format!("--headless needs the password; set {PASSWORD} in the environment");
            return Err(UsageError::error(message));
        }
        Ok(())
    }

    fn url(&self) -> anyhow::Result<Url> {
        let mut url = Url::parse("postgresql://localhost/")?;
        let refused = |()| UsageError::error("the user name or password cannot stand in a URL");
        url.set_host(Some(&self.db_host)).map_err(|_| {
            UsageError::error(format!("--db-host: `{}` is not a host name", self.db_host))
        })?;
        url.set_port(Some(self.db_port)).map_err(refused)?;
        url.set_path(&literal(&self.db_name));
        url.set_username(&literal(&self.db_user)).map_err(refused)?;
        if let Some(password) = &self.db_password {
            url.set_password(Some(&literal(password.expose_secret())))
                .map_err(refused)?;
        }
        Ok(url)
    }

    async fn connect(&self) -> anyhow::Result<Codex> {
        let url = self.url()?;
        let progress = Progress::start("Connecting");
        let opened = Codex::builder(url.as_str()).migrate(false).open().await;
        progress.end();
        let codex = opened.with_context(|| {
            let (user, host, port, name) =
                (&self.db_user, &self.db_host, self.db_port, &self.db_name);
            format!("cannot connect to database {name} on {host} port {port} as {user}")
        })?;
        // Before its address is written to the settings.
        codex.db().schema_state().await?.refuse_unknown()?;
        Ok(codex)
    }

    async fn ask_until_connected(&mut self) -> anyhow::Result<Codex> {
        loop {
            self.ask(&mut io::stdin().lock(), &mut io::stderr())?;
            self.db_password = Some(rpassword::prompt_password("Password: ")?.into());
            match self.connect().await {
                Ok(codex) => return Ok(codex),
                Err(error) => {
                    let why = crate::http::problem::chain(&*error);
                    output::error_line(format_args!(
                        "{why}\nPlease try again, or stop with Ctrl-C.\n"
                    ));
                }
            }
        }
    }

    /// Asks for everything but the password; an empty answer keeps what is offered.
    fn ask(&mut self, input: &mut impl BufRead, output: &mut impl Write) -> anyhow::Result<()> {
        let mut prompt = |what: &str, offered: &str| -> anyhow::Result<String> {
            write!(output, "{what} [{offered}]: ")?;
            output.flush()?;
            let mut line = String::new();
            ensure!(input.read_line(&mut line)? > 0, "the input ended");
            let answer = line.trim();
            Ok(if answer.is_empty() { offered } else { answer }.to_owned())
        };
        self.db_host = prompt("Database host", &self.db_host)?;
        let port = prompt("Port", &self.db_port.to_string())?;
        self.db_port = port
            .parse()
            .with_context(|| format!("`{port}` is not a port number"))?;
        self.db_name = prompt("Database name", &self.db_name)?;
        self.db_user = prompt("User", &self.db_user)?;
        Ok(())
    }

    /// Changes the file's database settings and nothing else (contract 4.1: Helm and older tools read
    /// `database_credentials`).
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        let before = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let url = self.url()?;
        let port = self.db_port.to_string();
        let settings = [
            ("database", "connection_string", url.as_str()),
            ("database_credentials", "db_host", &self.db_host),
            ("database_credentials", "db_port", &port),
            ("database_credentials", "db_name", &self.db_name),
            ("database_credentials", "db_user", &self.db_user),
        ];
        for (_, key, value) in settings {
            if value.contains(['\n', '\r']) {
                return Err(UsageError::error(format!("{key} must be one line")));
            }
        }
        let after = settings.iter().fold(before, |text, (section, key, value)| {
            ini::set(&text, section, key, value)
        });
        edit::replace(path, &after, Some(0o600))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A text that stands for itself in a part of a URL: `url` encodes all but the percent sign, which it
/// takes for an encoding that is there already.
fn literal(text: &str) -> String {
    text.replace('%', "%25")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Config;

    fn init(password: &str) -> Init {
        Init {
            headless: true,
            db_host: "db.example".into(),
            db_port: 5433,
            db_name: "codex_db".into(),
            db_user: "codex_user".into(),
            db_password: Some(password.into()),
        }
    }

    #[test]
    fn config_file_keeps_other_settings_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("instance/codex.conf");
        fs::create_dir(path.parent().unwrap()).unwrap();
        let before = "# ours\n[datto]\npublic_key = p ; q\n\n[database]\nconnection_string = old\n";
        fs::write(&path, before).unwrap();
        init("a%b/c@d:e#f g").write(&path).unwrap();
        let after = fs::read_to_string(&path).unwrap();
        assert!(
            after.starts_with("# ours\n[datto]\npublic_key = p ; q\n"),
            "{after}"
        );
        assert!(
            !after.contains("old") && after.contains("db_port = 5433"),
            "{after}"
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let config = Config::load(&Sources::new(dir.path())).unwrap();
        let url = Url::parse(config.database.url.expose_secret()).unwrap();
        assert_eq!(url.password(), Some("a%25b%2Fc%40d%3Ae%23f%20g"));
        assert_eq!(
            (url.host_str(), url.port()),
            (Some("db.example"), Some(5433))
        );
    }

    #[test]
    fn empty_answer_keeps_the_default() {
        let mut init = init("p");
        let mut output = Vec::new();
        init.ask(&mut "\n99\nmine\n\n".as_bytes(), &mut output)
            .unwrap();
        let got = (init.db_host.as_str(), init.db_port, init.db_name.as_str());
        assert_eq!(got, ("db.example", 99, "mine"));
        assert!(String::from_utf8(output).unwrap().contains("Port [5433]: "));
        assert!(init.ask(&mut "".as_bytes(), &mut Vec::new()).is_err());
    }

    #[test]
    fn headless_password_comes_from_the_environment_unless_given() {
        let mut sources = Sources::new(".");
        let mut without = init("p");
        without.db_password = None;
        let error = without.take_password(&sources).unwrap_err();
        assert!(
            error.is::<UsageError>() && error.to_string().contains(PASSWORD),
            "{error}"
        );
        sources.env.insert(PASSWORD.into(), "hunter2".into());
        without.take_password(&sources).unwrap();
        assert_eq!(without.url().unwrap().password(), Some("hunter2"));
        let mut given = init("p");
        given.take_password(&sources).unwrap();
        assert_eq!(given.url().unwrap().password(), Some("p"));
    }

    #[tokio::test]
    async fn failed_connection_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut init = init("hunter2");
        // A port that was free a moment ago: nobody listens there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        (init.db_host, init.db_port) = ("127.0.0.1".into(), listener.local_addr().unwrap().port());
        drop(listener);
        let error = init.run(&Sources::new(dir.path())).await.unwrap_err();
        let text = format!("{error:#}");
        assert!(
            text.contains("codex_db on 127.0.0.1") && !text.contains("hunter2"),
            "{text}"
        );
        assert!(!dir.path().join("instance").exists());
    }
}
