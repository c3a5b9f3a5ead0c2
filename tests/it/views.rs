//! Saved views: who sees and changes them, and what their query may hold.

use codex_client::{Client, Edit, ListOptions, Op, Patch, TokenSource, ViewAudience, ViewIn};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
    sim::core::user_claims,
};
use serde_json::json;

fn view(name: &str, query: &str) -> ViewIn {
    ViewIn {
        name: name.into(),
        resource: "assets".into(),
        query: query.into(),
        ..ViewIn::default()
    }
}

fn shared(name: &str) -> ViewIn {
    ViewIn {
        audience: "shared".into(),
        ..view(name, "online=false")
    }
}

fn default_of(role: &str) -> ViewIn {
    ViewIn {
        audience: "role_default".into(),
        role: role.into(),
        ..view(role, "online=true")
    }
}

/// A client of a person with a Keycloak id of their own.
fn person(app: &TestApp, role: &str, sub: &str) -> anyhow::Result<Client> {
    let mut claims = user_claims(role, &format!("{sub}@msp.example"));
    claims["sub"] = json!(sub);
    let token = TokenSource::fixed(app.core.key.sign(&claims)?);
    Ok(Client::new(&app.url(), token)?)
}

async fn names(client: &Client) -> anyhow::Result<Vec<String>> {
    let views = client.views().list(&ListOptions::default()).await?;
    Ok(views.items.into_iter().map(|view| view.name).collect())
}

async fn refused<T: 'static>(call: Edit<T>) -> Option<u16> {
    call.await.err().and_then(|error| error.status())
}

on_each_engine! {
    async fn views_are_seen_by_their_audience_alone(app: TestApp) -> TestResult {
        let (ann, ben) = (person(&app, "technician", "ann")?, person(&app, "technician", "ben")?);
        let own = ann.views().create(&view("Mine", "q=pc&sort=-last_seen")).await?;
        assert_eq!((own.audience, own.owner.as_str()), (ViewAudience::Personal, "ann"));
        assert_eq!(own.query, "q=pc&sort=-last_seen");
        ann.views().create(&shared("Ours")).await?;
        assert_eq!(names(&ann).await?, ["Mine", "Ours"]);
        assert_eq!(names(&ben).await?, ["Ours"]);
        // Answers of one role are not kept for another person of it.
        assert_eq!(names(&ann).await?, ["Mine", "Ours"]);
        assert_eq!(ben.views().get(own.id).await.unwrap_err().status(), Some(404));
        assert_eq!(refused(ben.views().update(own.id, &view("His", ""))).await, Some(404));
        assert_eq!(refused(ben.views().delete(own.id)).await, Some(404));
        let of_contacts = ListOptions::default().with("resource", Op::Eq, "contacts");
        assert!(ann.views().list(&of_contacts).await?.items.is_empty());
        let customer = client(&app, "client")?;
        assert_eq!(customer.views().list(&ListOptions::default()).await.unwrap_err().status(), Some(403));
        Ok(())
    }

    async fn audience_decides_who_may_change_a_view(app: TestApp) -> TestResult {
        let (admin, tech, billing) = (client(&app, "admin")?, client(&app, "technician")?, client(&app, "billing")?);
        assert_eq!(billing.views().create(&shared("No")).await.unwrap_err().status(), Some(403));
        assert_eq!(tech.views().create(&default_of("technician")).await.unwrap_err().status(), Some(403));
        let ours = tech.views().create(&shared("Ours")).await?;
        assert_eq!(refused(billing.views().update(ours.id, &view("His", ""))).await, Some(403));
        let renamed = ViewIn { name: "All of ours".into(), ..ViewIn::default() };
        assert_eq!(admin.views().update(ours.id, &renamed).await?.name, "All of ours");
        let first = admin.views().create(&default_of("technician")).await?;
        let second = admin.views().create(&default_of("technician")).await.unwrap_err();
        assert_eq!(second.status(), Some(409));
        assert!(second.to_string().contains(&format!("view {} is what", first.id)), "{second}");
        // Another list has a default of its own.
        let of_contacts = ViewIn { resource: "contacts".into(), query: Patch::Null, ..default_of("technician") };
        admin.views().create(&of_contacts).await?;
        let plain = ViewIn { audience: "shared".into(), role: Patch::Null, ..ViewIn::default() };
        let plain = admin.views().update(first.id, &plain).await?;
        assert_eq!((plain.audience, plain.role), (ViewAudience::Shared, None));
        admin.views().create(&default_of("technician")).await?;
        Ok(())
    }

    async fn faults_of_a_view_name_their_members(app: TestApp) -> TestResult {
        let tech = client(&app, "technician")?;
        for (sent, pointer, says) in [
            (view("", ""), "/name", "must not be empty"),
            (ViewIn { resource: "planets".into(), ..view("a", "") }, "/resource", "must be one of assets"),
            (view("a", "hostnam__contains=a"), "/query", "did you mean `hostname__contains`?"),
            (view("a", "cursor=61"), "/query", "unknown parameter `cursor`"),
            (view("a", "sort=colour"), "/query", "no order by `colour`"),
            (ViewIn { role: "admin".into(), ..view("a", "") }, "/role", "role_default"),
            (ViewIn { audience: "role_default".into(), ..view("a", "") }, "/role", "is required"),
        ] {
            let refused = tech.views().create(&sent).await.unwrap_err();
            let reported: Vec<_> = refused.faults().iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
            assert!(reported.iter().any(|(at, detail)| *at == pointer && detail.contains(says)), "{reported:?}");
        }
        let own = tech.views().create(&view("Mine", "")).await?;
        let moved = ViewIn { resource: "contacts".into(), ..ViewIn::default() };
        let refused = tech.views().update(own.id, &moved).await.unwrap_err();
        assert_eq!(refused.faults()[0].pointer, "/resource");
        Ok(())
    }

    async fn changes_of_views_follow_the_rules_of_records(app: TestApp) -> TestResult {
        let (tech, admin) = (client(&app, "technician")?, client(&app, "admin")?);
        let reported = tech.views().create(&view("Mine", "")).dry_run().await?;
        assert_eq!(reported.changes[0].fields["name"]["after"], "Mine");
        assert!(names(&tech).await?.is_empty());
        let own = tech.views().create(&view("Mine", "")).idempotency_key("once").await?;
        let again = tech.views().create(&view("Mine", "")).idempotency_key("once").await?;
        assert_eq!((own.id, names(&tech).await?.len()), (again.id, 1));
        let read = tech.views().get(own.id).tagged().await?;
        tech.views().update(own.id, &view("Renamed", "q=a")).if_match(&read.etag).await?;
        assert_eq!(refused(tech.views().delete(own.id).if_match(&read.etag)).await, Some(412));
        tech.views().delete(own.id).await?;
        assert!(names(&tech).await?.is_empty());
        assert_eq!(tech.deleted().restore("view", own.id).await.unwrap_err().status(), Some(403));
        admin.deleted().restore("view", own.id).await?;
        assert_eq!(names(&tech).await?, ["Renamed"]);
        Ok(())
    }
}
