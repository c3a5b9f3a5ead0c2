//! Departments, requesters and agents of Freshservice, and the users of Keycloak.

use chrono::{DateTime, Duration, Utc};
use codex_tests::sim::{
    World,
    gateway::PEOPLE,
    world::{department_id, tickets::sent},
};
use serde_json::{Value, json};

use super::names::{Company, login, person};

/// The place of the MSP itself among the companies, for the names of its staff.
const MSP: usize = 5_000;
const TITLES: [&str; 8] = [
    "Office Manager",
    "Accountant",
    "Project Manager",
    "Sales Representative",
    "Operations Manager",
    "Receptionist",
    "Controller",
    "Engineer",
];
const STAFF_TITLES: [&str; 4] = [
    "Service Desk Technician",
    "Field Technician",
    "Systems Engineer",
    "Service Manager",
];

/// A moment some days before `now`: `least` at least, spread by `n` over `range` days.
fn days_ago(now: DateTime<Utc>, n: usize, least: usize, range: usize) -> String {
    let days = least + n * 11 % range;
    sent(now - Duration::days(i64::try_from(days).unwrap_or(0)))
}

/// The account number of a department. One department has none: the demo assigns it.
pub(super) fn departments(world: &mut World, companies: &[Company]) {
    let now = world.now;
    for (n, (department, company)) in world.departments.iter_mut().zip(companies).enumerate() {
        let custom = &mut department["custom_fields"];
        if !custom["account_number"].is_null() {
            custom["account_number"] = json!((100_000 + n).to_string());
        }
        let number = n % 100;
        custom["company_main_number"] =
            json!(format!("+1 {} 555 01{number:02}", company.area_code));
        custom["company_start_date"] = json!(format!("{}-0{}-15", 1980 + n * 7 % 40, 1 + n % 9));
        custom["address"] = json!(company.address);
        department["name"] = json!(company.name);
        department["description"] = json!(format!("{}, {}", company.trade, company.city));
        department["domains"] = json!([company.domain]);
        department["created_at"] = json!(days_ago(now, n, 400, 1_500));
        department["updated_at"] = json!(days_ago(now, n, 1, 200));
    }
}

pub(super) fn requesters(world: &mut World, companies: &[Company]) {
    let now = world.now;
    for (n, requester) in world.requesters.iter_mut().enumerate() {
        let (at, place) = (n % companies.len(), n / companies.len());
        let company = &companies[at];
        let named = client().filter(|_| n == 0);
        let (first, last) = named.unwrap_or_else(|| person(at, place));
        requester["first_name"] = json!(first);
        requester["last_name"] = json!(last);
        if requester["primary_email"].is_string() {
            let address = format!("{}@{}", login(first, last), company.domain);
            requester["primary_email"] = json!(address);
        }
        requester["secondary_emails"] = json!([]);
        if requester["work_phone_number"].is_string() {
            let number = n % 10_000;
            let number = format!("+1 {} 555 {number:04}", company.area_code);
            requester["work_phone_number"] = json!(number);
        }
        requester["job_title"] = json!(TITLES[(n / 3) % TITLES.len()]);
        let departments = requester["department_ids"].as_array();
        if departments.is_some_and(|ids| ids.len() == 1) {
            requester["department_ids"] = json!([department_id(at)]);
        }
        if !requester["department_names"].is_null() {
            requester["department_names"] = json!([company.name]);
        }
        requester["created_at"] = json!(days_ago(now, n, 300, 1_200));
        requester["updated_at"] = json!(days_ago(now, n, 1, 250));
    }
}

/// Given and family name of the client who logs in: the first contact.
fn client() -> Option<(&'static str, &'static str)> {
    let client = PEOPLE.iter().find(|person| person.role == "client")?;
    client.name.split_once(' ')
}

/// Agents, and the people who log in: one for each role, and the agents.
pub(super) fn staff(world: &mut World) {
    let now = world.now;
    let name = |n: usize| {
        let (first, last) = person(MSP, n);
        (first, last, format!("{}@msp.example", login(first, last)))
    };
    for (n, agent) in world.agents.iter_mut().enumerate() {
        let (first, last, address) = name(n);
        agent["first_name"] = json!(first);
        agent["last_name"] = json!(last);
        agent["email"] = json!(address);
        agent["job_title"] = json!(STAFF_TITLES[n % STAFF_TITLES.len()]);
        agent["last_login_at"] = json!(sent(now - Duration::hours(3)));
        agent["last_active_at"] = json!(sent(now - Duration::minutes(20)));
    }
    let people = PEOPLE.len() + world.agents.len();
    let is_service = |user: &Value| user.get("serviceAccountClientId").is_some();
    let mut count = 0;
    world.users.retain(|user| {
        count += 1;
        is_service(user) || count <= people
    });
    let users = world.users.iter_mut().filter(|user| !is_service(user));
    for (n, user) in users.skip(PEOPLE.len()).enumerate() {
        let (first, last, address) = name(n);
        user["firstName"] = json!(first);
        user["lastName"] = json!(last);
        user["username"] = json!(login(first, last));
        user["email"] = json!(address);
    }
}
