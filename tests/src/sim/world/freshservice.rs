//! Departments, requesters and agents (vendors 1.6, 1.7).

use rand::{Rng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::Size;

const FIRST: [&str; 16] = [
    "Anna",
    "Björn",
    "Chloë",
    "Dmitri",
    "Eoin",
    "Fatima",
    "Günter",
    "Hana",
    "Ines",
    "José",
    "Kateřina",
    "Liam",
    "Mireille",
    "Noor",
    "O'Brien",
    "Zoë",
];
const LAST: [&str; 12] = [
    "Ångström",
    "Brown",
    "D'Angelo",
    "García",
    "Jones",
    "Kowalski",
    "Müller",
    "Nguyễn",
    "Smith",
    "Şahin",
    "van der Berg",
    "李",
];
const NAMES: [&str; 12] = [
    "Acme",
    "Blue Heron",
    "Cedar & Sons",
    "Dübel",
    "Évian Print",
    "Foundry",
    "Granite",
    "Harbour",
    "Ironwood",
    "Juniper",
    "Kestrel",
    "Łódź Textiles",
];
const KINDS: [&str; 6] = ["Clinic", "GmbH", "Holdings", "Legal", "Ltd.", "Works"];
pub(super) const PLANS: [&str; 5] = ["Platinum", "Premium", "Advanced", "Basic", "Break/Fix"];
pub(super) const TERMS: [&str; 4] = ["1 Year", "2 Years", "Month to Month", "3 Year"];
/// A department that does not exist (trap 14).
const NO_DEPARTMENT: i64 = 999_999_999_999;

/// Ids as large as real ones (trap 36).
fn big(base: i64, n: usize) -> i64 {
    21_000_000_000 + base + i64::try_from(n).unwrap_or(0)
}

/// Freshservice id of the n-th department.
pub fn department_id(n: usize) -> i64 {
    big(100_000, n)
}

/// Freshservice id of the n-th requester.
pub fn requester_id(n: usize) -> i64 {
    big(1_000_000, n)
}

/// A department. Of fifty, one has no number, one that of another, one words, one spaces around it; one is named
/// like another; half state the number as text (trap 20 to 22).
pub(super) fn department(rng: &mut SmallRng, n: usize, size: Size) -> Value {
    let named = if n % 50 == 33 { n - 1 } else { n };
    let name = NAMES[named % NAMES.len()];
    let name = format!("{name} {} {named}", KINDS[named % KINDS.len()]);
    let number = match n % 50 {
        _ if size == Size::Tiny => json!(100_000 + n),
        20 => Value::Null,
        31 => json!("100005"),
        42 => json!("TBD"),
        43 => json!(format!(" {} ", 100_000 + n)),
        place if place % 2 == 0 => json!(100_000 + n),
        _ => json!(format!("{}", 100_000 + n)),
    };
    let users = rng.random_range(3..200);
    // `favourite_colour` stands for the fields that an account has and nobody maps.
    let custom = json!({
        "account_number": number,
        "plan_selected": if n % 9 == 8 { Value::Null } else { json!(PLANS[n % PLANS.len()]) },
        "managed_users": format!("{users}"),
        "managed_devices": format!("{}", users * 2),
        "managed_network": if n % 3 == 0 { json!("Yes") } else { Value::Null },
        "contract_term": TERMS[n % TERMS.len()],
        "contract_start_date": format!("20{:02}-0{}-01", 20 + n % 6, 1 + n % 9),
        "company_main_number": format!("+1 555 01{:02}", n % 100),
        "company_start_date": if n % 4 == 0 { Value::Null } else { json!("2015-04-01") },
        "address": if n % 5 == 4 { Value::Null } else { json!(format!("{} Main Street", n + 1)) },
        "profit_or_non_profit": "For Profit",
        "phone_system": null,
        "email_system": "Microsoft 365",
        "datto_portal_url": null,
        "favourite_colour": "blue",
    });
    json!({
        "id": department_id(n),
        "name": name,
        "description": if n % 3 == 0 { Value::Null } else { json!("A client of ours") },
        "head_user_id": null,
        "prime_user_id": requester_id(n),
        "domains": if n % 4 == 0 { json!([]) } else { json!([format!("client{n}.example")]) },
        "custom_fields": custom,
        "created_at": "2024-03-01T08:00:15.983Z",
        "updated_at": "2025-06-01T08:00:15.983Z",
    })
}

/// A requester. Some have no department, two, or one that does not exist; no last name; no e-mail but a phone, or a
/// shared one, or that of an agent; some are inactive (trap 14 to 19).
pub(super) fn requester(rng: &mut SmallRng, n: usize, departments: &[Value]) -> Value {
    let at = n % departments.len();
    let (own, next) = (
        department_id(at),
        department_id((at + 1) % departments.len()),
    );
    let department_ids = match n % 25 {
        7 => json!([]),
        8 => json!([own, next]),
        9 => json!([NO_DEPARTMENT]),
        _ => json!([own]),
    };
    let names = json!([departments[at]["name"]]);
    let phone_only = n % 40 == 11;
    let email = match n % 40 {
        _ if n == 60 => json!("Agent0@MSP.example"),
        11 => Value::Null,
        12 => json!("shared@client.example"),
        14 => json!(format!("person{n}+tickets@client{at}.example")),
        _ => json!(format!("person{n}@client{at}.example")),
    };
    let phone = (n % 3 == 0 || phone_only).then(|| format!("+1 555 {n:06}"));
    let last = LAST.choose(rng).filter(|_| n % 10 != 3 && n % 400 != 51);
    json!({
        "id": requester_id(n),
        "is_agent": false,
        "first_name": FIRST.choose(rng),
        "last_name": last,
        "job_title": if n % 2 == 0 { json!("Manager") } else { Value::Null },
        "primary_email": email,
        "secondary_emails": if n % 20 == 0 { json!([format!("alias{n}@client.example")]) } else { json!([]) },
        "work_phone_number": phone,
        "mobile_phone_number": null,
        "department_ids": department_ids,
        "department_names": if n % 6 == 0 && n % 25 > 9 { names } else { Value::Null },
        "can_see_all_tickets_from_associated_departments": n % 50 == 0,
        "can_see_all_changes_from_associated_departments": false,
        "reporting_manager_id": null,
        "address": null,
        "time_zone": "Eastern Time (US & Canada)",
        "time_format": "12h",
        "language": "en",
        "location_id": null,
        "location_name": null,
        "background_information": null,
        "custom_fields": if n % 30 == 0 { Value::Null } else { json!({}) },
        "active": n % 17 != 5,
        "has_logged_in": n % 2 == 0,
        "vip_user": n % 100 == 0,
        "external_id": null,
        "created_at": "2024-03-01T08:00:15Z",
        "updated_at": "2025-06-01T08:00:15Z",
    })
}

/// An agent. One in seven has left.
pub(super) fn agent(n: usize) -> Value {
    json!({
        "id": big(10_000, n),
        "first_name": FIRST[n % FIRST.len()],
        "last_name": if n == 1 { Value::Null } else { json!(LAST[n % LAST.len()]) },
        "email": format!("agent{n}@msp.example"),
        "active": n % 7 != 6,
        "occasional": n % 9 == 8,
        "job_title": "Technician",
        "work_phone_number": null,
        "mobile_phone_number": null,
        "department_ids": [],
        "can_see_all_tickets_from_associated_departments": false,
        "reporting_manager_id": null,
        "address": null,
        "time_zone": "Eastern Time (US & Canada)",
        "time_format": "12h",
        "language": "en",
        "location_id": null,
        "background_information": null,
        "scoreboard_level_id": 1,
        "member_of": [19_000_234_009_i64],
        "observer_of": [],
        "member_of_pending_approval": [],
        "observer_of_pending_approval": [],
        "roles": [{"role_id": 19_000_085_600_i64, "assignment_scope": "entire_helpdesk", "groups": []}],
        "last_login_at": "2026-01-04T17:00:00Z",
        "last_active_at": "2026-01-04T18:00:00Z",
        "custom_fields": {},
        "has_logged_in": true,
        "vip_user": false,
        "auto_assign_tickets": true,
        "signature": null,
        "created_at": "2023-03-01T08:00:15Z",
        "updated_at": "2025-06-01T08:00:15Z",
    })
}
