//! Values with their types, and what is said of wrong ones.

use secrecy::ExposeSecret as _;

use super::Dir;
use crate::config::{
    Config, Layers, keys,
    setting::{Kind, Setting},
};

#[test]
fn invalid_value_is_reported_with_file_section_and_key() {
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
            "`0` is not a number of bytes from 1 to 1073741824",
        ),
        (
            "[server]\ndocs_public = perhaps\n",
            "[server] docs_public:",
            "auto",
        ),
        (
            "[upstream]\nwrite = maybe\n",
            "[upstream] write:",
            "`maybe` is not true or false",
        ),
        (
            "[sync]\nmax_delete_percent = 101\n",
            "[sync] max_delete_percent:",
            "`101` is not a percentage from 0 to 100",
        ),
        (
            "[health]\ndisk_degraded_percent = full\n",
            "[health] disk_degraded_percent:",
            "percentage",
        ),
        (
            "[datto]\nsecret_udfs = two\n",
            "[datto] secret_udfs:",
            "separated by commas",
        ),
        ("[core]\nurl = ftp://x\n", "[core] url:", "http"),
        ("[logging]\nlevel = LOUD\n", "[logging] level:", "`LOUD`"),
        (
            "[telemetry]\nendpoint = collector\n",
            "[telemetry] endpoint:",
            "http",
        ),
        (
            "[webhooks]\nallowed_ips = 192.0.2.7, here\n",
            "[webhooks] allowed_ips:",
            "a list of IP addresses",
        ),
        (
            "[matching]\nmerge_score = 60\ncandidate_score = 61\n",
            "[matching] candidate_score:",
            "`61` is above merge_score (60)",
        ),
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

/// Credentials, so that every setting of the vendors is read.
const VENDORS: &str = "[freshservice]\ndomain = x.test\napi_key = k\n\
    [datto]\npublic_key = k\nsecret_key = k\n[keycloak]\nserver_url = http://x.test\n";

/// What is wrong when a setting has a value; empty when it may have it.
fn refusal(setting: &Setting, text: &str) -> String {
    let name = format!("{}.{}", setting.section, setting.name);
    let dir = Dir::new().conf(VENDORS);
    let loaded = Config::load(&dir.sources().set(name, text));
    loaded.map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn values_of_another_kind_are_refused_with_what_is_wanted() {
    for setting in keys::settings() {
        let (min, max) = match setting.kind {
            Kind::Text => continue,
            Kind::Number { min, max, .. } | Kind::Numbers { min, max } => (min, max),
            _ => (0, 0),
        };
        let mut wrong = vec!["a b".to_owned(), "99999999999999999999".to_owned()];
        if max > min {
            wrong.extend(min.checked_sub(1).map(|below| below.to_string()));
            wrong.extend(max.checked_add(1).map(|above| above.to_string()));
            for bound in [min, max] {
                let refused = refusal(setting, &bound.to_string());
                assert!(!refused.contains("` is not "), "{refused}");
            }
        }
        if setting.kind == Kind::Host {
            wrong.truncate(1);
        }
        for text in wrong {
            let wanted = format!("[{}] {}: ", setting.section, setting.name);
            let refused = refusal(setting, &text);
            assert!(refused.contains(&wanted), "{wanted}{text}: {refused}");
            if max > min {
                let wanted = format!("`{text}` is not {}", setting.kind);
                assert!(refused.contains(&wanted), "{wanted}: {refused}");
            }
        }
    }
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
fn faults_of_every_kind_are_reported_together() {
    let dir = Dir::new().conf(
        "[server]\nprt = 1\n[core\nport = many\n[freshservice]\ndomain = a b\nfirst_ticket_days = x\n\
         [keycloak]\nverify_ssl = perhaps\n[matching]\nmerge_score = 1\n[database]\nconnection_string = mysql://x\n\
         [scheduler]\nsync_psa_schedule = sometimes\n[logging]\nlevel = LOUD\n",
    );
    let error = dir.error();
    for says in [
        "[server] prt: there is no such setting; did you mean `port`?",
        "codex.conf:3: neither",
        "[server] port: `many`",
        "[freshservice] domain: ",
        "[freshservice] first_ticket_days: `x`",
        "[keycloak] verify_ssl: `perhaps`",
        "[matching] candidate_score: ",
        "[database] connection_string: must start with",
        "[scheduler] sync_psa_schedule: `sometimes`",
        "[logging] level: `LOUD`",
    ] {
        assert!(error.contains(says), "{says} in {error}");
    }
    assert!(error.starts_with("10 problems\n"), "{error}");
}

#[test]
fn settings_without_their_other_half_are_named() {
    let of = |text: &str| Layers::read(&Dir::new().conf(text).sources()).without_effect();
    assert_eq!(of(""), [""; 0]);
    assert_eq!(
        of("[freshservice]\ndomain = x.test\napi_key = YOUR_KEY\n[webhooks]\nenabled = yes\n"),
        [
            "[freshservice] domain has no effect: [freshservice] api_key is not set",
            "[webhooks] enabled has no effect: [webhooks] secret is not set",
        ]
    );
    assert_eq!(
        of("[datto]\nsecret_key = hunter2\n"),
        ["[datto] secret_key has no effect: [datto] public_key is not set"]
    );
}

#[test]
fn a_placeholder_password_is_refused_with_the_remedy() {
    let conf = "[database]\nconnection_string = postgresql://u:CHANGE_ME@h/d\n";
    assert!(Dir::new().conf(conf).error().contains("codexd init"));
}

#[test]
fn python_driver_is_removed_from_connection_strings() {
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
fn log_lines_are_json_unless_they_go_to_a_terminal() {
    assert_eq!(Dir::new().load().logging.json, None);
    let dir = Dir::new().file(".flaskenv", "ENABLE_JSON_LOGGING=true\n");
    assert_eq!(dir.load().logging.json, Some(true));
}

#[test]
fn sections_with_free_keys_are_read() {
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
            "[policies] name: must name a field",
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
fn schedules_are_words_or_expressions() {
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
