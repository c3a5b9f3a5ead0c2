//! Tests of addresses of lists.

use axum::http::HeaderMap;
use codex_core::companies::query::LISTING;

use super::*;

fn read(query: &str) -> Result<Asked, Problem> {
    let uri = format!("/companies/?{query}").parse().unwrap();
    ListAddress::read("/companies/", &uri, &LISTING)
}

fn companies() -> ViewedList {
    ViewedList {
        list: ListedResource::Companies,
        path: "/companies/",
        listing: &LISTING,
        columns: vec!["name", "tags"],
        has_all: false,
    }
}

fn href(query: &str) -> String {
    let at = Forwarded::of(&HeaderMap::new());
    match read(query).unwrap() {
        Asked::List(address) | Asked::Elsewhere(address) => address.href(&at),
    }
}

#[test]
fn addresses_are_read_and_written_alike() {
    for query in [
        "",
        "q=acme",
        "sort=-name&cursor=313a3d61",
        "total=true&name__contains=a%26b",
    ] {
        assert!(matches!(read(query), Ok(Asked::List(_))), "{query}");
        let wanted = format!("/companies/?{query}");
        assert_eq!(href(query), wanted.trim_end_matches('?'));
    }
}

#[test]
fn filter_form_leads_to_the_address_of_its_list() {
    let sent = "q=&sort=name&name__contains=a&field=email_system&op=contains&value=365";
    assert!(matches!(read(sent), Ok(Asked::Elsewhere(_))));
    let wanted = "/companies/?sort=name&name__contains=a&email_system__contains=365";
    assert_eq!(href(sent), wanted);
    assert_eq!(href("field=&op=eq&value="), "/companies/");
    // A filter of the same parameter is replaced.
    let again = "name__contains=a&field=name&op=contains&value=b";
    assert_eq!(href(again), "/companies/?name__contains=b");
}

#[test]
fn checkboxes_lead_to_the_columns_that_they_choose() {
    let at = Forwarded::of(&HeaderMap::new());
    let href = |query: &str| {
        let uri = format!("/companies/?{query}").parse().unwrap();
        match ListAddress::read_records("/companies/", &uri, &LISTING).unwrap() {
            Asked::Elsewhere(address) => address.href(&at),
            Asked::List(address) => panic!("{address:?}"),
        }
    };
    let chosen = "q=a&sort=name&choose=columns&show.name=1&show.email_system=1";
    let wanted = "/companies/?q=a&sort=name&columns=name%2Cemail_system";
    assert_eq!(href(chosen), wanted);
    assert_eq!(href("columns=name&choose=columns"), "/companies/");
    // A list of no records has none of these.
    assert!(read("columns=name").is_err() && read("restore=1").is_err());
}

#[test]
fn filter_of_a_list_ends_only_where_there_is_one() {
    let filtered = |query: &str| {
        let uri = format!("/companies/?{query}").parse().unwrap();
        ListAddress::read_records("/companies/", &uri, &LISTING)
    };
    let Ok(Asked::List(all)) = filtered("all=true&name=a") else {
        panic!("the address is refused");
    };
    assert!(all.all && !all.with_all(false).all);
    assert!(filtered("all=maybe").is_err());
    assert!(read("all=true").is_err());
}

#[test]
fn files_have_the_filters_and_the_order_of_the_list() {
    let at = Forwarded::of(&HeaderMap::new());
    let file = |query: &str| {
        let uri = format!("/companies/?{query}").parse().unwrap();
        match ListAddress::read_records("/companies/", &uri, &LISTING).unwrap() {
            Asked::List(address) => address.file(&at, "export.csv"),
            Asked::Elsewhere(address) => panic!("{address:?}"),
        }
    };
    assert_eq!(file(""), "/companies/export.csv");
    assert_eq!(
        file("q=a&sort=-name&columns=name&total=true&cursor=313a3d61&name__ne=b"),
        "/companies/export.csv?q=a&sort=-name&name__ne=b"
    );
}

#[test]
fn saved_queries_lose_what_the_list_does_not_know() {
    let mut list = companies();
    list.has_all = true;
    let read = |query: &str| {
        let (address, dropped) = ListAddress::read_saved(&list, query);
        (address.saved_query(), dropped.join(" "))
    };
    for query in [
        "",
        "q=a%26b",
        "sort=-name&name__contains=a",
        "columns=name%2Ctags&all=true",
    ] {
        assert_eq!(read(query), (query.to_owned(), String::new()));
    }
    let old = "colour=red&name__contains=a&name__like=b&sort=colour&cursor=zz&total=true&done=saved&restore=1\
        &columns=name,size";
    let dropped = "colour name__like sort cursor total done restore size";
    assert_eq!(
        read(old),
        ("columns=name&name__contains=a".into(), dropped.into())
    );
    let (whole, dropped) = ListAddress::read_saved(&companies(), "all=true");
    assert_eq!((whole.saved_query().as_str(), dropped.len()), ("", 1));
}

#[test]
fn whole_list_is_reached_beside_the_view_that_it_opens_with() {
    let at = Forwarded::of(&HeaderMap::new());
    let (mut address, _) = ListAddress::read_saved(&companies(), "name__contains=a");
    assert_eq!(address.cleared().href(&at), "/companies/");
    address.has_default = true;
    assert_eq!(address.href(&at), "/companies/?name__contains=a");
    for whole in [
        address.cleared(),
        address.whole(),
        address.without("name__contains"),
    ] {
        assert_eq!(whole.href(&at), "/companies/?view=all");
    }
    assert_eq!(
        address.whole().file(&at, "export.csv"),
        "/companies/export.csv"
    );
}

#[test]
fn unknown_parameters_are_refused_by_name() {
    for (query, says) in [
        ("nam=a", "did you mean `name`?"),
        ("nam__contain=a", "did you mean `name__contains`?"),
        ("colour=red", "unknown parameter `colour`"),
        ("field=colour&op=eq&value=red", "unknown parameter `colour`"),
        ("field=name&op=like&value=a", "op: "),
        ("field=name&op=eq&value=", "value: "),
        ("total=maybe", "total: "),
        ("q=%00", "NUL"),
    ] {
        let refused = read(query).unwrap_err();
        assert_eq!(refused.status(), 400, "{query}");
        assert!(
            refused.detail().contains(says),
            "{query}: {}",
            refused.detail()
        );
    }
}

#[test]
fn sorting_by_the_sorted_column_turns_it_round() {
    let address = ListAddress::default();
    assert_eq!(address.direction("name", "name"), Some("ascending"));
    let turned = address.sorted("name", "name");
    assert_eq!(turned.direction("name", "name"), Some("descending"));
    assert_eq!(
        turned.sorted("name", "name"),
        address.sorted("name", "number")
    );
    assert_eq!(turned.direction("number", "name"), None);
}

#[test]
fn every_operator_has_words() {
    assert!(Op::all().eq(OPERATORS.into_iter().map(|(op, _)| op)));
    assert_eq!(
        in_words("name__contains", "a"),
        "Name contains \u{201c}a\u{201d}"
    );
    assert_eq!(
        in_words("email_system__isnull", "true"),
        "E-mail system is unknown"
    );
    assert!(in_words("name__in", "a,b").starts_with("Name is one of \u{201c}"));
}
