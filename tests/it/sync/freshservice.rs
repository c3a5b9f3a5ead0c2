//! Syncs of Freshservice's departments, requesters and agents.

use codex_core::{
    Scope,
    jobs::JobStatus,
    sync::{SyncKind, SyncPlan},
};
use codex_tests::{
    harness::{
        bench::{LargeBench, TestBench},
        database::TestDatabase,
    },
    on_each_engine,
    sim::{
        Size, World, freshservice,
        world::{department_id, requester_id},
    },
};
use serde_json::{Value, json};

use super::tiny_bench;

/// Companies of a Freshservice contact.
const LINKS: &str = "select count(*) from contact_company l join claims c on c.kind = 'contact' \
    and c.record_id = l.contact_id where c.source = 'freshservice' and c.external_id = $1";

on_each_engine! {
    /// Trap 14.
    async fn contact_is_linked_when_its_company_arrives_later(bench: LargeBench) -> TestResult {
        let late = bench.world.lock().departments.remove(3);
        bench.sync(SyncKind::Psa).await?;
        assert!(bench.codex.company(&Scope::system(), "100003").await?.is_none());
        bench.world.lock().departments.push(late);
        bench.sync(SyncKind::Psa).await?;
        let company = bench.codex.company(&Scope::system(), "100003").await?.unwrap();
        assert!(bench.codex.company_contacts(&Scope::system(), company.id).await?.len() > 20);
        Ok(())
    }

    /// Traps 15 and 16. A requester who becomes an agent is not a missing contact.
    async fn contact_may_have_many_companies_or_none(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let converted = {
            let mut world = bench.world.lock();
            world.requesters[1]["department_ids"] = json!([department_id(1), department_id(2), department_id(3)]);
            world.requesters[2]["department_ids"] = json!(null);
            let id = world.requesters[4]["id"].as_i64().unwrap();
            world.convert_to_agent(id).unwrap();
            id
        };
        let job = bench.sync(SyncKind::Psa).await?;
        let links = |place: usize| {
            let id = bench.world.lock().requesters[place]["id"].as_i64().unwrap();
            bench.db().query(LINKS).bind(id.to_string())
        };
        assert_eq!(links(1).scalar::<i64>().await?, Some(3));
        assert_eq!(links(2).scalar::<i64>().await?, Some(0));
        assert_eq!(job.report.counts["contact"].deleted, 0, "a first 404 proves nothing");
        assert_eq!(bench.live("psa_agents").await?, 6);
        let agent = "select count(*) from psa_agents where external_id = $1 and deleted_at is null";
        assert_eq!(bench.db().query(agent).bind(converted).scalar::<i64>().await?, Some(1));
        Ok(())
    }

    async fn unreadable_department_id_removes_no_link(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        let system = Scope::system();
        let linked = async |departments: &Value| -> anyhow::Result<Option<i64>> {
            bench.world.lock().requesters[0]["department_ids"] = departments.clone();
            let job = bench.sync(SyncKind::Psa).await?;
            let odd = departments.to_string().contains("{}");
            let reported = job.report.issues.iter().filter(|issue| issue.contains("`department_ids`"));
            assert_eq!(reported.count(), usize::from(odd), "{departments}: {:?}", job.report.issues);
            Ok(bench.db().query(LINKS).bind(requester_id(0).to_string()).scalar().await?)
        };
        let [one, two, three] = [0, 1, 2].map(department_id);
        // A new contact gets the company that can be read.
        assert_eq!(linked(&json!([one, {}])).await?, Some(1));
        assert_eq!(linked(&json!([one, two])).await?, Some(2));
        assert_eq!(linked(&json!([one, {}])).await?, Some(2), "the other may be the one that cannot be read");
        assert_eq!(linked(&json!([{}])).await?, Some(2));
        // A plan does the same.
        bench.world.lock().requesters[0]["department_ids"] = json!([three, {}]);
        let plan = bench.codex.plan_sync(&system, SyncKind::Psa).await?;
        let plan = SyncPlan::from_file(&plan.to_file()?)?;
        let job = bench.codex.apply_plan(&system, plan).await?;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        assert_eq!(linked(&json!([three, {}])).await?, Some(3));
        assert_eq!(linked(&json!([two])).await?, Some(1), "a list without an odd element is all there is");
        Ok(())
    }

    /// The others are kept.
    async fn unreadable_list_elements_are_reported(database: TestDatabase) -> TestResult {
        let bench = tiny_bench(database).await?;
        {
            let mut world = bench.world.lock();
            world.agents[0]["member_of"] = json!([5, {}]);
            world.departments[0]["domains"] = json!(["acme.example", {}]);
            world.requesters[0]["secondary_emails"] = json!([true, "other@acme.example"]);
            world.tickets[4].body.insert("tags".into(), json!(["vip", [], "late"]));
        }
        let psa = bench.sync(SyncKind::Psa).await?.report;
        let tickets = bench.sync(SyncKind::Tickets).await?.report;
        for (report, list) in [
            (&psa, "member_of"), (&psa, "domains"), (&psa, "secondary_emails"), (&tickets, "tags"),
        ] {
            let reported = report.issues.iter().filter(|issue| issue.contains(&format!("`{list}` holds something")));
            assert_eq!(reported.count(), 1, "{list}: {:?}", report.issues);
        }
        for (sql, kept) in [
            ("select cast(group_ids as text) from psa_agents order by external_id limit 1", json!([5])),
            ("select cast(domains as text) from companies order by external_id limit 1", json!(["acme.example"])),
            ("select cast(secondary_emails as text) from contacts order by external_id limit 1", json!(["other@acme.example"])),
            ("select cast(tags as text) from tickets where number = 5", json!(["vip", "late"])),
        ] {
            let text: Option<String> = bench.db().query(sql).scalar().await?;
            let read: Value = serde_json::from_str(&text.unwrap_or_default())?;
            assert_eq!(read, kept, "{sql}");
        }
        Ok(())
    }

    /// Trap 19.
    async fn inactive_people_stay_and_are_marked(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        {
            let mut world = bench.world.lock();
            world.requesters[3]["active"] = json!(false);
            world.agents[0]["active"] = json!(false);
        }
        let inactive = "select (select count(*) from contacts where not active and deleted_at is null) \
                        + (select count(*) from psa_agents where not active and deleted_at is null)";
        let before = bench.count(inactive).await?;
        let (contacts, agents) = (bench.live("contacts").await?, bench.live("psa_agents").await?);
        bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.count(inactive).await?, before + 2);
        assert_eq!((bench.live("contacts").await?, bench.live("psa_agents").await?), (contacts, agents));
        Ok(())
    }

    /// Trap 31.
    async fn null_list_is_an_empty_list(bench: TestBench) -> TestResult {
        bench.world.lock().departments[1]["domains"] = json!(null);
        bench.world.lock().requesters[1]["secondary_emails"] = json!(null);
        let job = bench.sync(SyncKind::Psa).await?;
        assert_eq!((job.report.counts["company"].failed, job.report.counts["contact"].failed), (0, 0));
        let company = bench.codex.company(&Scope::system(), "100001").await?.unwrap();
        assert!(company.fields.domains.0.is_empty());
        Ok(())
    }

    /// Trap 16a.
    async fn upstream_links_follow_the_vendor(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let system = Scope::system();
        bench.world.lock().requesters[1]["department_ids"] = json!([department_id(2)]);
        bench.sync(SyncKind::Psa).await?;
        let name = bench.world.lock().requesters[1]["primary_email"].clone();
        for (account, expected) in [("100001", false), ("100002", true)] {
            let company = bench.codex.company(&system, account).await?.unwrap();
            let contacts = bench.codex.company_contacts(&system, company.id).await?;
            let there = contacts.iter().any(|contact| contact.fields.email.as_deref() == name.as_str());
            assert_eq!(there, expected, "{account}");
        }
        Ok(())
    }

    /// Trap 17.
    async fn contact_that_loses_its_email_is_kept(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.world.lock().requesters[1]["primary_email"] = json!(null);
        let job = bench.sync(SyncKind::Psa).await?;
        assert_eq!(job.report.counts["contact"].updated, 1);
        assert_eq!(bench.live("contacts").await?, 2_000);
        Ok(())
    }

    /// Trap 18.
    async fn contacts_with_the_same_email_stay_separate(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let shared = "select count(*) from contacts where email = 'shared@client.example'";
        assert!(bench.count(shared).await? > 1);
        Ok(())
    }

    /// Trap 21. Its first holder keeps it.
    async fn taken_account_number_is_reported(bench: TestBench) -> TestResult {
        let job = bench.sync(SyncKind::Psa).await?;
        assert!(job.report.issues.iter().any(|issue| issue.contains("100005")), "{:?}", job.report.issues);
        let company = bench.codex.company(&Scope::system(), "100005").await?.unwrap();
        assert_eq!(company.fields.external_id, Some(department_id(5)));
        assert_eq!(bench.live("companies").await?, 50);
        Ok(())
    }

    async fn sync_never_renumbers_a_company(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.world.lock().departments[1]["custom_fields"]["account_number"] = json!(777_777);
        let job = bench.sync(SyncKind::Psa).await?;
        assert!(bench.codex.company(&Scope::system(), "100001").await?.is_some());
        assert!(bench.codex.company(&Scope::system(), "777777").await?.is_none());
        assert!(job.report.issues.iter().any(|issue| issue.contains("777777")), "{:?}", job.report.issues);
        Ok(())
    }

    /// Trap 22.
    async fn renamed_department_is_the_same_company(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let id = bench.codex.company(&Scope::system(), "100001").await?.unwrap().id;
        bench.world.lock().departments[1]["name"] = json!("Renamed");
        bench.sync(SyncKind::Psa).await?;
        let company = bench.codex.company(&Scope::system(), "100001").await?.unwrap();
        assert_eq!((company.id, company.fields.name.as_str()), (id, "Renamed"));
        Ok(())
    }

    /// A requester who returns has the same id.
    async fn deleted_requester_goes_after_two_runs(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let id = bench.count("select id from contacts where email = 'person1@client1.example'").await?;
        let gone = bench.world.lock().requesters.remove(1);
        let first = bench.sync(SyncKind::Psa).await?;
        assert_eq!(first.report.counts["contact"].missing, 1);
        assert_eq!(bench.live("contacts").await?, 2_000, "one 404 is not enough");
        let second = bench.sync(SyncKind::Psa).await?;
        assert_eq!(second.report.counts["contact"].deleted, 1);
        assert_eq!(bench.live("contacts").await?, 1_999);
        bench.world.lock().requesters.push(gone);
        let third = bench.sync(SyncKind::Psa).await?;
        assert_eq!(third.report.counts["contact"].restored, 1);
        let again = bench
            .count("select id from contacts where email = 'person1@client1.example' and deleted_at is null")
            .await?;
        assert_eq!(again, id);
        Ok(())
    }

    /// Trap 5.
    async fn requester_missing_from_the_list_is_found_by_id(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        // On the last page only, so that the list is still whole by its own word.
        bench.freshservice.faults().add(
            "/api/v2/requesters",
            codex_tests::sim::fault::When::Page(20),
            codex_tests::sim::fault::FaultKind::Truncated,
        );
        let job = bench.sync(SyncKind::Psa).await?;
        assert_eq!(job.report.counts["contact"].missing, 34);
        assert_eq!(job.report.counts["contact"].deleted, 0);
        assert_eq!(bench.live("contacts").await?, 2_000);
        // The list comes by first name: its last requester is among those that left it.
        let world = bench.world.lock();
        let last = (0..2_000).max_by_key(|n| world.requesters[*n]["first_name"].as_str()).unwrap();
        assert!(bench.freshservice.calls(&format!("requesters/{}", requester_id(last))) > 0);
        Ok(())
    }

    /// Trap 71.
    async fn more_than_ten_percent_missing_is_held(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.world.lock().requesters.truncate(1_700);
        for _ in 0..3 {
            let job = bench.sync(SyncKind::Psa).await?;
            assert_eq!(job.report.counts["contact"].held, 300);
        }
        assert_eq!(bench.live("contacts").await?, 2_000);
        assert_eq!(bench.count("select missing from sync_holds").await?, 300);
        Ok(())
    }
}

/// A bench on the MSP edition, which wraps and types its answers differently.
struct Msp(TestBench);

impl Msp {
    async fn on(database: codex_tests::harness::database::TestDatabase) -> anyhow::Result<Self> {
        let options = freshservice::Options {
            limits: false,
            msp_mode: true,
            agents_me: false,
            ..Default::default()
        };
        let world = World::generate(Size::Tiny, 1);
        Ok(Self(
            TestBench::with(
                database,
                world,
                options,
                codex_tests::sim::datto::Options::default(),
            )
            .await?,
        ))
    }
}

on_each_engine! {
    /// Trap 35.
    async fn msp_edition_spelling_is_read(msp: Msp) -> TestResult {
        msp.0.sync(SyncKind::Psa).await?;
        assert_eq!(msp.0.live("companies").await?, 3);
        assert_eq!(msp.0.live("contacts").await?, 12);
        Ok(())
    }
}
