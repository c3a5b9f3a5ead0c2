//! Settings and variables that are not ours, or misspelled.

use super::Dir;
use crate::config::{Config, Layers};

#[test]
fn unknown_settings_suggest_the_nearest() {
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
fn unknown_codex_variables_suggest_the_nearest() {
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
