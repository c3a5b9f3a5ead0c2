use secrecy::ExposeSecret as _;

use super::*;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("instance")).unwrap();
        Self(dir)
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self
    }

    fn conf(self, text: &str) -> Self {
        self.file("instance/codex.conf", text)
    }

    fn sources(&self) -> Sources {
        Sources::new(self.0.path())
    }

    fn load(&self) -> Config {
        Config::load(&self.sources()).unwrap()
    }

    fn error(&self) -> String {
        Config::load(&self.sources()).unwrap_err().to_string()
    }

    fn shown(&self) -> String {
        Layers::read(&self.sources()).unwrap().to_string()
    }
}

#[test]
fn default_conf_and_the_list_of_keys_agree() {
    let listed: Vec<_> = keys::KEYS.iter().map(|k| (k.section, k.name)).collect();
    let entries = ini::parse(DEFAULT).unwrap();
    let documented: Vec<_> = entries
        .iter()
        .map(|e| (e.section.as_str(), e.key.as_str()))
        .collect();
    assert_eq!(listed, documented);
}

#[test]
fn nothing_configured_is_loopback_and_sqlite() {
    let dir = Dir::new();
    let config = dir.load();
    assert_eq!(config.server.bind.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 5010);
    assert!(config.server.docs_public);
    assert!(!config.upstream_write);
    assert!(config.freshservice.is_none() && config.datto.is_none());
    let url = config.database.url.expose_secret().to_owned();
    assert!(
        url.starts_with("sqlite://") && url.ends_with("instance/codex.db"),
        "{url}"
    );
}

#[test]
fn later_layers_win_and_say_so() {
    let dir = Dir::new()
        .conf("[server]\nport = 1\nbind = 0.0.0.0\nmax_connections = 1\nbody_limit = 1\n")
        .file(
            ".flaskenv",
            "CODEX_SERVER_PORT=2\nCODEX_SERVER_MAX_CONNECTIONS='2'\n",
        );
    let mut sources = dir.sources().set("server.body_limit", "4");
    sources
        .env
        .insert("CODEX_SERVER_MAX_CONNECTIONS".into(), "3".into());
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.server.bind.to_string(), "0.0.0.0");
    assert_eq!(config.server.port, 2);
    assert_eq!(config.server.max_connections, 3);
    assert_eq!(config.server.body_limit, 4);

    let shown = Layers::read(&sources).unwrap().to_string();
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_once("# ").unwrap().1.to_owned()
    };
    assert!(line("bind").ends_with("instance/codex.conf:3"));
    assert!(line("port").ends_with(".flaskenv CODEX_SERVER_PORT"));
    assert_eq!(
        line("max_connections"),
        "environment CODEX_SERVER_MAX_CONNECTIONS"
    );
    assert_eq!(line("body_limit"), "command line");
    assert_eq!(line("docs_public"), "default");
}

#[test]
fn names_of_today_are_read_from_the_environment() {
    let dir = Dir::new()
        .file("services.json", r#"{"core": {"url": "http://services:1"}}"#)
        .conf("");
    assert_eq!(dir.load().auth.core_url.as_str(), "http://services:1/");
    let dir = dir.file(
        ".flaskenv",
        "CORE_SERVICE_URL='http://core:1/x'\nLOG_LEVEL=WARNING\n",
    );
    let config = dir.load();
    assert_eq!(config.auth.core_url.as_str(), "http://core:1/x/");
    assert_eq!(config.logging.level, tracing::Level::WARN);
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn secrets_are_masked_wherever_values_are_shown() {
    let dir = Dir::new().conf(
        "[database]\nconnection_string = postgresql://u:hunter2@h:1/d?sslpassword=hunter2\n\
         [freshservice]\ndomain = d\napi_key = hunter2\n\
         [datto]\npublic_key = hunter2\nsecret_key = hunter2\n",
    );
    let shown = dir.shown();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("postgresql://u:***@h:1/d?***"), "{shown}");
    assert!(shown.contains("api_key = ***"));
    assert!(!format!("{:?}", dir.load()).contains("hunter2"));
    assert!(!format!("{:?}", Layers::read(&dir.sources()).unwrap()).contains("hunter2"));
}

#[test]
fn a_wrong_value_names_file_section_and_key() {
    for (conf, place, words) in [
        (
            "[server]\nport = many\n",
            "instance/codex.conf:2: [server] port:",
            "`many`",
        ),
        ("[server]\nbind = here\n", "[server] bind:", "IP address"),
        (
            "[server]\nbody_limit = 0\n",
            "[server] body_limit:",
            "above 0",
        ),
        (
            "[server]\ndocs_public = perhaps\n",
            "[server] docs_public:",
            "auto",
        ),
        (
            "[upstream]\nwrite = maybe\n",
            "[upstream] write:",
            "true nor false",
        ),
        (
            "[sync]\nmax_delete_percent = 101\n",
            "[sync] max_delete_percent:",
            "percentage",
        ),
        (
            "[health]\ndisk_degraded_percent = full\n",
            "[health] disk_degraded_percent:",
            "percentage",
        ),
        (
            "[datto]\nsecret_udfs = two\n",
            "[datto] secret_udfs:",
            "2,9",
        ),
        ("[core]\nurl = ftp://x\n", "[core] url:", "http"),
        ("[logging]\nlevel = LOUD\n", "[logging] level:", "`LOUD`"),
        (
            "[database]\nconnection_string = mysql://x\n",
            "[database] connection_string:",
            "sqlite://",
        ),
    ] {
        let error = Dir::new().conf(conf).error();
        assert!(error.contains(place) && error.contains(words), "{error}");
    }
}

#[test]
fn sections_with_free_keys_are_read_and_a_wrong_entry_is_named() {
    use codex_core::changes::resolve::Policy;
    let dir = Dir::new().conf(
        "[policies]\ncontact.job_title = source_wins\n[ticket_statuses]\n9 = waiting_customer ; ours\n",
    );
    let config = dir.load();
    assert_eq!(config.statuses.of(9).label, "Waiting on Customer");
    assert!(
        config
            .warnings
            .iter()
            .all(|text| !text.contains("policies"))
    );
    assert!(dir.shown().contains("contact.job_title = source_wins"));
    assert!(
        config
            .precedence
            .with_policy("contact", "name", Policy::SourceWins)
            .is_ok()
    );
    for (text, says) in [
        (
            "[policies]\ncontact.job_title = mine\n",
            "[policies] contact.job_title: `mine`",
        ),
        (
            "[policies]\ncontact.colour = source_wins\n",
            "[policies] contact.colour: a contact has no field",
        ),
        (
            "[policies]\nname = source_wins\n",
            "[policies] name: is no field",
        ),
        (
            "[policies]\ncompany.account_number = source_wins\n",
            "no sync may replace one",
        ),
        ("[ticket_statuses]\nopen = 2\n", "[ticket_statuses] open: "),
        ("[ticket_statuses]\n09 = b\n", "[ticket_statuses] 09: "),
        ("[ticket_statuses]\n9 = On Hold\n", "[ticket_statuses] 9: "),
    ] {
        let error = Dir::new().conf(text).error();
        assert!(
            error.contains(says) && error.contains("codex.conf:2"),
            "{error}"
        );
    }
}

#[test]
fn schedules_are_words_or_expressions_of_configured_vendors() {
    let vendor = "[freshservice]\ndomain = x.test\napi_key = k\n";
    let names = |text: &str| {
        let config = Dir::new()
            .conf(&format!("{vendor}[scheduler]\n{text}"))
            .load();
        let entries = config.scheduler.entries.iter();
        entries
            .map(|e| format!("{} {}", e.name(), e.cron()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(""),
        ["psa 0 2 * * *", "tickets */5 * * * *"],
        "no RMM is configured"
    );
    assert_eq!(names("sync_tickets_enabled = false\n"), ["psa 0 2 * * *"]);
    let own = "sync_freshservice_schedule = 15 */2 * * 1-5\nsync_tickets_schedule = hourly\n";
    assert_eq!(names(own), ["psa 15 */2 * * 1-5", "tickets 0 * * * *"]);
    assert!(Dir::new().load().scheduler.entries.is_empty());
    for (text, says) in [
        (
            "sync_psa_schedule = sometimes\n",
            "[scheduler] sync_psa_schedule: `sometimes`",
        ),
        (
            "time_zone = Middle/Earth\n",
            "[scheduler] time_zone: `Middle/Earth`",
        ),
        ("jitter_seconds = -1\n", "[scheduler] jitter_seconds: `-1`"),
    ] {
        let error = Dir::new().conf(&format!("[scheduler]\n{text}")).error();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_wrong_connection_string_is_not_repeated() {
    for value in [
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "hunter2",
    ] {
        let error = Dir::new()
            .conf(&format!("[database]\nconnection_string = {value}\n"))
            .error();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_placeholder_password_is_refused_with_the_remedy() {
    let conf = "[database]\nconnection_string = postgresql://u:CHANGE_ME@h/d\n";
    assert!(Dir::new().conf(conf).error().contains("codexd init"));
}

#[test]
fn an_unknown_key_warns_but_keys_of_helm_do_not() {
    let dir = Dir::new().file("services.json", "{}").conf(
        "[server]\ncolour = red\n[database]\ndb_host = h\n[scheduler]\nsync_psa_enabled = true\n\
         [integrations]\nx = y\n",
    );
    let warnings = dir.load().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("codex.conf:2: [server] colour"));
    assert!(warnings[1].contains("[integrations] x"));
}

#[test]
fn an_unknown_flag_is_an_error() {
    let sources = Dir::new().sources().set("server.colour", "red");
    let error = Config::load(&sources).unwrap_err().to_string();
    assert!(error.contains("command line: [server] colour"), "{error}");
}

#[test]
fn comments_end_values_but_not_secrets() {
    let dir = Dir::new().conf(
        "[server]\nport = 7 # lucky\n[freshservice]\ndomain = d.example ; ours\napi_key = a #b\n",
    );
    let config = dir.load();
    assert_eq!(config.server.port, 7);
    let freshservice = config.freshservice.unwrap();
    assert_eq!(freshservice.base_url.as_str(), "https://d.example/api/v2/");
    assert_eq!(freshservice.web_domain, "d.example");
    assert_eq!(freshservice.api_key.expose_secret(), "a #b");
}

#[test]
fn a_full_url_serves_as_domain() {
    let conf = "[freshservice]\ndomain = http://127.0.0.1:99\napi_key = k\n";
    let freshservice = Dir::new().conf(conf).load().freshservice.unwrap();
    assert_eq!(
        freshservice.base_url.as_str(),
        "http://127.0.0.1:99/api/v2/"
    );
}

#[test]
fn older_names_work_and_newer_ones_win() {
    let old = "[datto]\napi_key = old\napi_secret = s\n";
    let datto = Dir::new().conf(old).load().datto.unwrap();
    assert_eq!(datto.public_key.expose_secret(), "old");
    for conf in [
        "[datto]\npublic_key = new\napi_key = old\nsecret_key = s\n",
        "[datto]\napi_key = old\npublic_key = new\nsecret_key = s\n",
    ] {
        let datto = Dir::new().conf(conf).load().datto.unwrap();
        assert_eq!(datto.public_key.expose_secret(), "new");
    }
}

#[test]
fn samples_of_the_readme_are_not_credentials() {
    let conf = "[freshservice]\ndomain = your-domain.freshservice.com\n\
                api_key = YOUR_FRESHSERVICE_API_KEY\n\
                [datto]\npublic_key = YOUR_DATTO_PUBLIC_KEY\nsecret_key = YOUR_DATTO_SECRET_KEY\n";
    let config = Dir::new().conf(conf).load();
    assert!(config.freshservice.is_none() && config.datto.is_none());
}

#[test]
fn connection_strings_of_python_lose_their_driver() {
    let conf = "[database]\nconnection_string = postgresql+psycopg2://u:p%40@h:5/d\n";
    let config = Dir::new().conf(conf).load();
    assert_eq!(
        config.database.url.expose_secret(),
        "postgresql://u:p%40@h:5/d"
    );
}

#[test]
fn docs_are_closed_on_other_addresses_unless_opened() {
    let dir = Dir::new().conf("[server]\nbind = 0.0.0.0\n");
    assert!(!dir.load().server.docs_public);
    let dir = dir.conf("[server]\nbind = 0.0.0.0\ndocs_public = true\n");
    assert!(dir.load().server.docs_public);
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let error = Dir::new().conf("[a]\nhunter2\n").error();
    assert!(
        error.contains("instance/codex.conf:2:") && !error.contains("hunter2"),
        "{error}"
    );
    let error = Dir::new().file("services.json", "[").error();
    assert!(error.contains("services.json:1:"), "{error}");
}

#[test]
fn keycloak_is_read_from_the_names_of_today_and_the_backend_goes_first() {
    let dir = Dir::new();
    let keycloak = dir.load().keycloak;
    assert_eq!(keycloak.base_url.as_str(), "http://localhost:8080/");
    assert_eq!(keycloak.realm, "hivematrix");
    assert!(keycloak.client.is_none() && keycloak.verify_tls);
    let (realm, user, _) = keycloak.admin.unwrap();
    assert_eq!((realm.as_str(), user.as_str()), ("master", "admin"));

    let dir = dir.file(
        ".flaskenv",
        "KEYCLOAK_SERVER_URL=https://public/auth\nKEYCLOAK_REALM='other'\nKEYCLOAK_CLIENT_ID=codex\n\
         KEYCLOAK_CLIENT_SECRET=hunter2\nKEYCLOAK_ADMIN_USER=root\nKEYCLOAK_ADMIN_PASS=hunter3\n\
         VERIFY_SSL=False\n",
    );
    let keycloak = dir.load().keycloak;
    assert_eq!(keycloak.base_url.as_str(), "https://public/auth/");
    assert_eq!(
        (keycloak.realm.as_str(), keycloak.verify_tls),
        ("other", false)
    );
    let (id, secret) = keycloak.client.unwrap();
    assert_eq!((id.as_str(), secret.expose_secret()), ("codex", "hunter2"));
    let (_, user, password) = keycloak.admin.unwrap();
    assert_eq!(
        (user.as_str(), password.expose_secret()),
        ("root", "hunter3")
    );
    let shown = dir.shown();
    assert!(
        !shown.contains("hunter") && shown.contains("client_secret = ***"),
        "{shown}"
    );

    let sources = dir
        .sources()
        .set("keycloak.backend_url", "http://inside:8080");
    let keycloak = Config::load(&sources).unwrap().keycloak;
    assert_eq!(keycloak.base_url.as_str(), "http://inside:8080/");
}
