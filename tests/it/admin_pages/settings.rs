//! Settings that are changed in forms: the file, what is in force, what is refused.

use std::path::PathBuf;

use codex_tests::{harness::app::TestApp, on_sqlite};
use serde_json::json;

use super::{Browser, form};

const FORM: &str = "/admin/settings/webhooks";
const FILE: &str = "# ours\n[webhooks]\n; on purpose\nsecret = hun%ter2 # whole\nenabled = false  ; not yet\n\n\
    [psa.superops]\napi_key = 100%\n";

fn conf(app: &TestApp) -> PathBuf {
    app.folder().join("instance/codex.conf")
}

/// Writes the settings file as a person would.
fn write(app: &TestApp, text: &str) -> anyhow::Result<()> {
    std::fs::create_dir_all(app.folder().join("instance"))?;
    Ok(std::fs::write(conf(app), text)?)
}

fn text(app: &TestApp) -> String {
    std::fs::read_to_string(conf(app)).unwrap_or_default()
}

on_sqlite! {
    async fn saved_settings_keep_the_file_and_take_effect(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page(FORM).await?;
        assert!(!html.contains("hun%ter2") && html.contains("placeholder=\"stored\""), "{html}");
        let mut sent = form(&html);
        assert_eq!(admin.done(FORM, &sent).await?, format!("{FORM}?done=unchanged"));
        assert_eq!(text(&app), FILE);

        sent.insert("enabled".into(), "true".into());
        assert_eq!(admin.done(FORM, &sent).await?, format!("{FORM}?done=saved"));
        assert_eq!(text(&app), FILE.replace("enabled = false", "enabled = true"));
        let health = app.json("/webhooks/health").await?;
        assert_eq!((&health["webhooks_enabled"], &health["secret_configured"]), (&json!(true), &json!(true)));
        assert!(admin.page(&format!("{FORM}?done=saved")).await?.contains("The settings were saved."));
        Ok(())
    }

    async fn secrets_are_kept_replaced_and_cleared(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        let admin = Browser::new(&app, "admin")?;
        let mut sent = form(&admin.page(FORM).await?);
        sent.insert("secret".into(), "new%(x)s;".into());
        admin.done(FORM, &sent).await?;
        assert!(text(&app).contains("\nsecret = new%(x)s;\n"), "{}", text(&app));
        // The old form does not know of the new secret.
        sent.extend(admin.members(&[]).await?);
        let (status, html) = admin.refused(FORM, &sent).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Changed meanwhile to: another secret") && !html.contains("new%"), "{html}");

        let mut sent = form(&admin.page(FORM).await?);
        sent.insert("clear.secret".into(), "on".into());
        admin.done(FORM, &sent).await?;
        assert!(text(&app).contains("\nsecret =\n"), "{}", text(&app));
        assert_eq!(app.json("/webhooks/health").await?["secret_configured"], json!(false));
        Ok(())
    }

    async fn stale_forms_are_refused_with_both_values(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        let admin = Browser::new(&app, "admin")?;
        let mut sent = form(&admin.page(FORM).await?);
        sent.insert("allowed_ips".into(), "10.0.0.1".into());
        let theirs = FILE.replace("enabled = false", "allowed_ips = 10.0.0.2\nenabled = false");
        write(&app, &theirs)?;
        let (status, html) = admin.refused(FORM, &sent).await?;
        assert_eq!(status, 412);
        assert!(html.contains("Changed meanwhile to: 10.0.0.2"), "{html}");
        assert_eq!(text(&app), theirs);
        let again = form(&html);
        assert_eq!(again["allowed_ips"], "10.0.0.1");
        admin.done(FORM, &again).await?;
        assert_eq!(text(&app), theirs.replace("10.0.0.2", "10.0.0.1"));
        Ok(())
    }

    async fn bad_values_are_refused_and_kept_in_the_form(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        let admin = Browser::new(&app, "admin")?;
        let path = "/admin/settings/scheduler";
        let mut sent = form(&admin.page(path).await?);
        sent.insert("jitter_seconds".into(), "soon".into());
        let (status, html) = admin.refused(path, &sent).await?;
        assert_eq!((status, form(&html)["jitter_seconds"].as_str()), (422, "soon"));
        assert!(html.contains("is not a number of seconds from 0 to 3600"), "{html}");
        sent.insert("jitter_seconds".into(), "1".into());
        sent.insert("time_zone".into(), "Mars/Olympus".into());
        let (status, html) = admin.refused(path, &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("is not a time zone such as Europe/Berlin"), "{html}");
        assert_eq!(text(&app), FILE);

        let path = "/admin/settings/policies";
        let mut sent = form(&admin.page(path).await?);
        sent.insert("lines".into(), "contact.job_title = whoever".into());
        let (status, html) = admin.refused(path, &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("is none of manual_wins"), "{html}");
        sent.insert("lines".into(), "contact.job_title = source_wins".into());
        admin.done(path, &sent).await?;
        assert!(text(&app).ends_with("\n[policies]\ncontact.job_title = source_wins\n"), "{}", text(&app));
        let mut sent = form(&admin.page(path).await?);
        sent.insert("lines".into(), String::new());
        admin.done(path, &sent).await?;
        assert!(!text(&app).contains("job_title"), "{}", text(&app));
        Ok(())
    }

    async fn settings_of_the_command_line_are_read_only(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page("/admin/settings/freshservice").await?;
        assert!(html.contains("(set by command line)") && !html.contains("id=\"field-domain\""), "{html}");
        assert!(html.contains("*** (set by command line)"), "{html}");
        let mut sent = form(&html);
        sent.insert("domain".into(), "other.test".into());
        admin.done("/admin/settings/freshservice", &sent).await?;
        let sent = admin.members(&[("fs_domain", "other.test")]).await?;
        let (status, html) = admin.refused("/admin/update-freshservice", &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("set by command line"), "{html}");
        assert_eq!(text(&app), "");
        Ok(())
    }

    async fn forms_of_the_flask_service_are_served(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        let admin = Browser::new(&app, "admin")?;
        let url = "https://api.superops.test/%7Eme";
        let sent = admin.members(&[("superops_api_url", url), ("superops_api_key", "")]).await?;
        let answer = admin.send("/admin/update-superops", &sent).await?;
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str()?), (302, "/admin/?done=saved"));
        assert_eq!(text(&app), format!("{FILE}api_url = {url}\n"));

        let sent = admin.members(&[("default_provider", "superops")]).await?;
        assert_eq!(admin.done("/admin/update-rmm-provider", &sent).await?, "/admin/?done=saved");
        assert_eq!(app.codex.providers().rmm, "superops");
        let sent = admin.members(&[("default_provider", "nable")]).await?;
        let (status, html) = admin.refused("/admin/update-psa-provider", &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("freshservice or superops"), "{html}");
        let sent = admin.members(&[]).await?;
        assert_eq!(admin.done("/admin/update-datto", &sent).await?, "/admin/?done=unchanged");
        Ok(())
    }

    async fn only_administrators_with_a_token_of_a_page_save(app: TestApp) -> TestResult {
        write(&app, FILE)?;
        for level in ["technician", "billing", "client"] {
            let browser = Browser::new(&app, level)?;
            for path in ["/admin/", FORM, "/admin/clear/all", "/agents", "/agents/new"] {
                assert_eq!(browser.open(path).await?.0, 403, "{level} {path}");
            }
            assert_eq!(browser.refused(FORM, &[].into()).await?.0, 403, "{level}");
        }
        let admin = Browser::new(&app, "admin")?;
        let mut sent = form(&admin.page(FORM).await?);
        sent.insert("enabled".into(), "true".into());
        sent.remove("csrf_token");
        assert_eq!(admin.refused(FORM, &sent).await?.0, 403);
        assert_eq!(text(&app), FILE);
        assert_eq!(admin.open("/admin/settings/nothing").await?.0, 404);
        assert_eq!(admin.open("/admin/?page=2").await?.0, 400);
        Ok(())
    }
}
