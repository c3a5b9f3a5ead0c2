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
        Layers::read(&self.sources()).to_string()
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

    let shown = Layers::read(&sources).to_string();
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
    assert!(!format!("{:?}", Layers::read(&dir.sources())).contains("hunter2"));
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
    use codex_core::records::resolve::Policy;
    let dir = Dir::new().conf(
        "[policies]\ncontact.job_title = source_wins\n[ticket_statuses]\n9 = waiting_customer ; ours\n",
    );
    let config = dir.load();
    assert_eq!(config.statuses.of(9).label, "Waiting on Customer");
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
fn unknown_settings_name_the_nearest() {
    for (conf, says) in [
        (
            "[server]\nprt = 1\n",
            "codex.conf:2: [server] prt: there is no such setting; did you mean `port`?",
        ),
        (
            "[sever]\nport = 1\n",
            "[sever] port: there is no such section; did you mean [server] port?",
        ),
        (
            "[polices]\ncompany.name = source_wins\n",
            "did you mean [policies]?",
        ),
        (
            "[server]\nlevel = INFO\n",
            "[server] level: there is no such setting; did you mean [logging] level?",
        ),
        (
            "[server]\ncolour = red\n",
            "[server] colour: there is no such setting; `codexd config` lists them all",
        ),
        (
            "[garden]\ncolour = red\n",
            "[garden] colour: there is no such section; `codexd config` lists them all",
        ),
    ] {
        let error = Dir::new().conf(conf).error();
        assert!(error.contains(says), "{error}");
    }
    let flag = Dir::new().sources().set("server.prt", "1");
    let error = Config::load(&flag).unwrap_err().to_string();
    assert_eq!(
        error,
        "command line: [server] prt: there is no such setting; did you mean `port`?"
    );
}

#[test]
fn unknown_variables_of_ours_name_the_nearest() {
    for (variable, says) in [
        ("CODEX_SERVER_PRT", "did you mean CODEX_SERVER_PORT?"),
        ("CODEX_SEVER_PORT", "did you mean CODEX_SERVER_PORT?"),
        ("CODEX_SERVER_COLOUR", "`codexd config` lists them all"),
        ("CODEX_NONSENSE", "`codexd config` lists them all"),
    ] {
        let mut sources = Dir::new().sources();
        sources.env.insert(variable.into(), "1".into());
        let error = Config::load(&sources).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("environment {variable}: there is no such setting; {says}")
        );
        let error = Dir::new()
            .file(".flaskenv", &format!("{variable}=1\n"))
            .error();
        assert!(
            error.contains(&format!(".flaskenv {variable}: ")),
            "{error}"
        );
    }
}

#[test]
fn variables_of_other_programs_are_accepted() {
    let dir = Dir::new().file(
        ".flaskenv",
        "FLASK_APP=run.py\nFLASK_ENV=production\nSECRET_KEY=x\nHELM_SERVICE_URL=http://h\nDB_HOST=h\n\
         ENVIRONMENT=production\nNEXUS_SERVICE_URL=http://n\nCODEX_SKIP_SCHEDULER=1\n",
    );
    let mut sources = dir.sources();
    // Kubernetes sets these in every container beside a service named `codex`.
    for name in [
        "CODEX_SERVICE_HOST",
        "CODEX_SERVICE_PORT",
        "CODEX_PORT_5010_TCP",
        "CODEX_TEST_POSTGRES",
    ] {
        sources.env.insert(name.into(), "x".into());
    }
    assert!(Config::load(&sources).is_ok());
    let shown = Layers::read(&sources).to_string();
    let unused = shown.split_once("# Not used by codexd").unwrap().1;
    assert!(
        unused.contains(".flaskenv CODEX_SKIP_SCHEDULER"),
        "{unused}"
    );
    assert!(!unused.contains("CODEX_SERVICE_HOST"), "{unused}");
}

/// Every section and key that the Flask service and Helm write or read.
#[test]
fn files_of_the_flask_service_load_and_unused_keys_are_listed() {
    let dir = Dir::new().conf(
        "[database]\nconnection_string = postgresql://u:p@h:1/d\ndb_host = h\ndb_port = 1\ndb_name = d\ndb_user = u\n\
         [database_credentials]\ndb_host = h\ndb_port = 1\ndb_user = u\ndb_name = d\ndb_dbname = d\n\
         [freshservice]\ndomain = d\napi_key = k\nweb_domain = w\n\
         [datto]\napi_endpoint = https://d\npublic_key = p\nsecret_key = s\napi_key = p\napi_secret = s\n\
         [psa]\ndefault_provider = freshservice\nenabled_providers = freshservice\n\
         [psa.superops]\napi_url = u\napi_key = hunter2\n\
         [superops]\nhelpdesk_group_id = 1\nprofessional_services_group_id = 2\n\
         [rmm]\ndefault_provider = datto\n\
         [webhooks]\nenabled = false\nsecret = s\nallowed_ips =\nlog_payloads = false\n\
         [integrations]\nfreshservice_api_key = hunter2\n\
         [scheduler]\nsync_freshservice_enabled = true\nsync_datto_enabled = true\nsync_psa_enabled = true\n\
         sync_rmm_enabled = true\nsync_tickets_enabled = true\nsync_freshservice_schedule = daily\n\
         sync_datto_schedule = daily\nsync_psa_schedule = daily\nsync_rmm_schedule = daily\n\
         sync_tickets_schedule = frequent\nsync_run_on_startup = false\n",
    );
    dir.load();
    let shown = dir.shown();
    let unused = shown.split_once("# Not used by codexd").unwrap().1;
    for setting in [
        "[database] db_host",
        "[psa] enabled_providers",
        "[superops] helpdesk_group_id",
        "codex.conf:28: [psa.superops] api_key",
    ] {
        assert!(unused.contains(setting), "{unused}");
    }
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn all_problems_are_reported_at_once() {
    let dir = Dir::new()
        .conf("[server]\nport = many\nbody_limit = 0\ncolour = red\n[policies]\nname = source_wins\nx = y\n")
        .file(".flaskenv", "CODEX_SERVER_PRT=1\nCODEX_SERVER_BIND=here\n");
    let error = dir.error();
    assert!(error.starts_with("7 problems\n"), "{error}");
    for says in [
        "[server] port: `many`",
        "[server] body_limit: `0`",
        "[server] colour: there is no such setting",
        "[policies] name: ",
        "[policies] x: ",
        "CODEX_SERVER_PRT: there is no such setting",
        "[server] bind: `here`",
    ] {
        assert!(error.contains(says), "{says} in {error}");
    }
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let dir = Dir::new();
    let named = |file: &str| Sources {
        file: Some(dir.0.path().join(file)),
        ..dir.sources()
    };
    let error = Config::load(&named("nope.conf")).unwrap_err().to_string();
    assert!(
        error.ends_with("nope.conf: there is no such file"),
        "{error}"
    );
    std::fs::write(dir.0.path().join("here.conf"), "[server]\nport = 7\n").unwrap();
    assert_eq!(Config::load(&named("here.conf")).unwrap().server.port, 7);
    // The usual place may be empty.
    dir.load();
}

#[test]
fn passwords_in_any_url_are_masked() {
    let urls = [
        ("core.url", "http://user:hunter2@core:1/"),
        ("keycloak.server_url", "http://user:hunter2@keycloak:1/auth"),
        ("keycloak.backend_url", "http://user:hunter2@backend:1/"),
        ("datto.api_endpoint", "https://user:hunter2@datto/"),
        ("freshservice.domain", "user:hunter2@fresh.test"),
        (
            "freshservice.web_domain",
            "https://user:hunter2@fresh.test/?key=hunter2",
        ),
        ("freshservice.api_key", "k"),
        ("datto.public_key", "k"),
        ("datto.secret_key", "k"),
    ];
    let dir = Dir::new();
    let sources = urls
        .iter()
        .fold(dir.sources(), |s, (key, url)| s.set(*key, *url));
    let shown = Layers::read(&sources).to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("url = http://user:***@core:1/"), "{shown}");
    let config = Config::load(&sources).unwrap();
    assert_eq!(
        config.auth.core_url.password(),
        Some("hunter2"),
        "it is used all the same"
    );
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2"), "{debug}");
    for key in ["core.url", "keycloak.server_url", "datto.api_endpoint"] {
        let wrong = dir.sources().set(key, "ftp://user:hunter2@host/");
        let error = Config::load(&wrong).unwrap_err().to_string();
        assert!(error.contains("ftp://user:***@host/"), "{error}");
    }
}

#[test]
fn every_url_setting_is_masked() {
    for key in keys::KEYS {
        let url = ["url", "domain", "endpoint", "connection_string"]
            .iter()
            .any(|word| key.name.ends_with(word));
        assert_eq!(
            url,
            matches!(
                key.secrecy,
                keys::Secrecy::Address | keys::Secrecy::Connection
            ),
            "{}",
            key.dotted()
        );
    }
}

#[test]
fn log_lines_are_json_unless_they_go_to_a_terminal() {
    assert_eq!(Dir::new().load().logging.json, None);
    let dir = Dir::new().file(".flaskenv", "ENABLE_JSON_LOGGING=true\n");
    assert_eq!(dir.load().logging.json, Some(true));
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
    assert_eq!(freshservice.site, "https://d.example");
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
    assert!(dir.load().keycloak.is_none(), "nobody said where it is");
    let named = dir
        .sources()
        .set("keycloak.server_url", "http://localhost:8080");
    let keycloak = Config::load(&named).unwrap().keycloak.unwrap();
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
    let keycloak = dir.load().keycloak.unwrap();
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
    let keycloak = Config::load(&sources).unwrap().keycloak.unwrap();
    assert_eq!(keycloak.base_url.as_str(), "http://inside:8080/");
}
