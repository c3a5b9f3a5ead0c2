//! What a term identifies: records of which an account number, serial number, host name, e-mail address, telephone
//! number or ticket number is the term.

use super::{Term, query};
use crate::{
    Result, assets, companies, contacts,
    fold::{IdentityKey, SearchKey},
    phone,
    records::SearchDef,
    scope::Scope,
    store::{Db, Q},
    tickets,
};

/// The most records of one identifier: host names such as `localhost` are not unique.
const MOST: i64 = 100;
/// What people write before the number of a ticket.
const BEFORE_NUMBERS: [&str; 3] = ["#", "inc-", "sr-"];

/// A record: number of its kind, and id.
pub(crate) type RecordKey = (i64, i64);

/// The condition that an arm of the statement adds, on a record `r`.
struct Arm<'t> {
    def: &'static SearchDef,
    /// Tables and condition; ends before the value.
    from: &'static str,
    value: Value<'t>,
    /// The condition that a record is of some companies; ends before the list of those.
    of_companies: (&'static str, &'static str),
}

enum Value<'t> {
    Text(&'t str),
    Fold(SearchKey),
    Identity(IdentityKey),
    Number(i64),
}

const OF_COMPANY: (&str, &str) = (" and r.company_id in ", "");

/// The records that a term identifies, of some kinds, as far as the caller sees them; each by an index. Two statements
/// at most.
pub(crate) async fn find(
    db: &Db,
    scope: &Scope,
    kinds: &[&'static SearchDef],
    text: &str,
) -> Result<Vec<RecordKey>> {
    // No record has the character NUL, and PostgreSQL refuses it.
    let text = text.trim();
    if text.contains('\0') {
        return Ok(Vec::new());
    }
    let is_wanted = |def: &SearchDef| kinds.iter().any(|kind| kind.number == def.number);
    let arms = arms(text).into_iter().filter(|arm| is_wanted(arm.def));
    let arms: Vec<Arm<'_>> = arms.collect();
    let mut found: Vec<RecordKey> = Vec::new();
    if !arms.is_empty() {
        let mut q = db.query("");
        for (place, arm) in arms.into_iter().enumerate() {
            q.push(if place == 0 { "" } else { " union all " });
            push(&mut q, scope, arm);
        }
        found = q.all().await?;
    }
    if let Some(digits) = phone::digits(text) {
        found.extend(by_phone(db, scope, kinds, &digits).await?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn arms(text: &str) -> Vec<Arm<'_>> {
    let asset = |from, value| Arm {
        def: &assets::query::SEARCH,
        from,
        value,
        of_companies: OF_COMPANY,
    };
    let company = |from| Arm {
        def: &companies::query::SEARCH,
        from,
        value: Value::Text(text),
        of_companies: (" and r.id in ", ""),
    };
    let mut arms = vec![
        company(" from companies r where r.deleted_at is null and r.account_number = "),
        // A number that it had before.
        company(
            " from account_aliases n join companies r on r.id = n.company_id \
             where r.deleted_at is null and n.account_number = ",
        ),
        asset(
            " from assets r where r.deleted_at is null and r.hostname_fold = ",
            Value::Fold(SearchKey::new(text)),
        ),
    ];
    arms.extend(assets::identifiers::serial_key(text).map(|key| {
        let from = " from assets r where r.deleted_at is null and r.serial_key = ";
        asset(from, Value::Identity(key))
    }));
    if text.contains('@') {
        arms.extend(IdentityKey::of(text).map(|key| Arm {
            def: &contacts::query::SEARCH,
            from: " from contacts r where r.deleted_at is null and r.email_key = ",
            value: Value::Identity(key),
            of_companies: (
                " and exists (select 1 from contact_company l where l.contact_id = r.id and l.company_id in ",
                ")",
            ),
        }));
    }
    arms.extend(ticket_number(text).map(|number| Arm {
        def: &tickets::query::SEARCH,
        from: " from tickets r where r.deleted_at is null and r.number = ",
        value: Value::Number(number),
        of_companies: OF_COMPANY,
    }));
    arms
}

fn push(q: &mut Q<'_>, scope: &Scope, arm: Arm<'_>) {
    q.push("select f.kind, f.id from (select cast(");
    q.push_bind(arm.def.number);
    q.push(" as bigint) as kind, r.id").push(arm.from);
    match arm.value {
        Value::Text(text) => q.push_bind(text),
        Value::Fold(key) => q.push_bind(key),
        Value::Identity(key) => q.push_bind(key),
        Value::Number(number) => q.push_bind(number),
    };
    if let Some(own) = scope.companies() {
        let (before, behind) = arm.of_companies;
        q.push(before).push_list(own.iter().copied()).push(behind);
    }
    q.push(" order by r.id limit ").push_bind(MOST).push(") f");
}

/// The number that a text is, with or without what people write before it.
fn ticket_number(text: &str) -> Option<i64> {
    let text = text.to_ascii_lowercase();
    let mut stripped = BEFORE_NUMBERS.iter();
    let number = stripped.find_map(|before| text.strip_prefix(before));
    let number = number.unwrap_or(&text).trim_start();
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number)
}

/// Companies and people with a telephone number: the index of names has the digits of each.
async fn by_phone(
    db: &Db,
    scope: &Scope,
    kinds: &[&'static SearchDef],
    digits: &str,
) -> Result<Vec<RecordKey>> {
    let have_numbers = [&companies::query::SEARCH, &contacts::query::SEARCH];
    let have_numbers = have_numbers.map(|def| def.number);
    let kinds = kinds.iter().copied();
    let kinds: Vec<&'static SearchDef> = kinds
        .filter(|def| have_numbers.contains(&def.number))
        .collect();
    let Some(term) = Term::new(phone::ending(digits)).filter(|_| !kinds.is_empty()) else {
        return Ok(Vec::new());
    };
    let named = query::names(db, scope, &kinds, &term).await?;
    let has = |text: &str| text.lines().any(|line| phone::same(line, digits));
    let found = named.items.into_iter().filter(|(.., text)| has(text));
    Ok(found.map(|(number, id, _)| (number, id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticket_numbers_are_read_as_people_write_them() {
        for text in ["4711", "#4711", "# 4711", "INC-4711", "sr-4711"] {
            assert_eq!(ticket_number(text), Some(4711), "{text}");
        }
        for text in ["", "#", "-4711", "+4711", "4711a", "99999999999999999999"] {
            assert_eq!(ticket_number(text), None, "{text}");
        }
    }
}
