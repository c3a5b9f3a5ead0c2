//! Which records were chosen in a list, and what is to become of them.

use axum::http::Uri;
use codex_core::{
    bulk::{SelectedBy, SelectionChange, settable},
    ids::TagId,
    tags::TaggedKind,
};

use super::BulkList;
use crate::{
    http::{extract::without_nul, problem::Problem},
    pages::{
        address::{Asked, ListAddress},
        form::{SentForm, value},
        record::request,
    },
};

/// The prefix of the checkbox of a record.
pub(super) const SELECT: &str = "select.";
/// The member with the ids of chosen records.
const IDS: &str = "ids";
/// The member with the query of a list, all records of which are chosen.
const QUERY: &str = "query";
/// The parameter that chooses all records which the others leave, and its value.
const ALL: (&str, &str) = ("select", "all");
/// The same as it stands in addresses.
pub(super) const SELECT_ALL: &str = "select=all";
/// The most records that are chosen one by one.
const MOST_IDS: usize = 500;

/// Records that were chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    pub by: SelectedBy,
    /// The member of forms that says so.
    pub member: (&'static str, String),
    /// Whether all records of a list were chosen.
    pub is_all: bool,
}

/// What the address of step 1 leads to.
#[derive(Debug)]
pub(super) enum Wanted {
    Here(Chosen),
    /// The same with the ids in one parameter: a proxy may keep the first of several alone.
    Elsewhere(String),
}

impl Chosen {
    /// Reads the address of step 1: checkboxes, ids, or `select=all` with the query of the list.
    ///
    /// # Errors
    /// 400 when no record was chosen, or naming what cannot be read.
    pub fn of_query(list: &BulkList, query: &str) -> Result<Wanted, Problem> {
        let (mut boxes, mut ids, mut is_all) = (Vec::new(), None, false);
        let mut rest = url::form_urlencoded::Serializer::new(String::new());
        for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
            without_nul(&name, &text)?;
            match &*name {
                IDS => ids = Some(text.into_owned()),
                name if name == ALL.0 => is_all = *text == *ALL.1,
                name if name.starts_with(SELECT) => boxes.push(name[SELECT.len()..].to_owned()),
                _ => {
                    rest.append_pair(&name, &text);
                }
            }
        }
        if !boxes.is_empty() {
            let ids = boxes.join(",");
            read_ids(&ids)?;
            return Ok(Wanted::Elsewhere(format!(
                "/bulk/{}/?{IDS}={ids}",
                list.name()
            )));
        }
        match ids {
            Some(ids) => Self::of_ids(&ids).map(Wanted::Here),
            None if is_all => Self::of_list(list, &rest.finish()).map(Wanted::Here),
            None => Err(Problem::bad_request(
                "No record was selected. Select records in the list first.",
            )),
        }
    }

    /// Reads what a form of step 1 or 2 says.
    ///
    /// # Errors
    /// 400 naming what cannot be read.
    pub fn of_form(list: &BulkList, sent: &SentForm) -> Result<Self, Problem> {
        match sent.text(IDS) {
            "" => Self::of_list(list, sent.text(QUERY)),
            ids => Self::of_ids(ids),
        }
    }

    fn of_ids(text: &str) -> Result<Self, Problem> {
        Ok(Self {
            by: SelectedBy::Ids(read_ids(text)?),
            member: (IDS, text.to_owned()),
            is_all: false,
        })
    }

    fn of_list(list: &BulkList, query: &str) -> Result<Self, Problem> {
        let def = list.def;
        let uri: Uri = format!("{}?{query}", def.path)
            .parse()
            .map_err(|_| Problem::bad_request(format!("{QUERY}: is not the query of a list")))?;
        let (Asked::List(asked) | Asked::Elsewhere(asked)) =
            ListAddress::read_records(def.path, &uri, def.listing)?;
        let asked = asked.first();
        Ok(Self {
            by: SelectedBy::Request(Box::new(request(def, &asked)?)),
            member: (QUERY, asked.saved_query()),
            is_all: true,
        })
    }
}

fn read_ids(text: &str) -> Result<Vec<i64>, Problem> {
    let ids: Option<Vec<i64>> = text.split(',').map(|id| id.parse().ok()).collect();
    match ids {
        Some(ids) if ids.len() <= MOST_IDS => Ok(ids),
        Some(_) => Err(Problem::bad_request(format!(
            "{IDS}: names more than {MOST_IDS} records"
        ))),
        None => Err(Problem::bad_request(format!(
            "{IDS}: must be ids with commas between"
        ))),
    }
}

/// What a form says is to become of the records; or what is wrong with it, in a sentence.
pub(super) fn change(kind: TaggedKind, sent: &SentForm) -> Result<SelectionChange, String> {
    match sent.text("action") {
        "set" => {
            let name = sent.text("field");
            let field = settable(kind).find(|field| field.name == name);
            let field = field.ok_or("Choose the field to set.")?;
            let read = value(field, sent.text("value"));
            let value = read.map_err(|wrong| format!("The value {wrong}."))?;
            if value.is_null() && field.required {
                return Err("The value must not be empty.".to_owned());
            }
            Ok(SelectionChange::Set {
                field: name.to_owned(),
                value,
            })
        }
        "delete" => Ok(SelectionChange::Delete),
        tagging @ ("add_tag" | "remove_tag") => {
            let tag = sent.text("tag").parse().map(TagId);
            let tag = tag.map_err(|_| "Choose the tag.")?;
            Ok(if tagging == "add_tag" {
                SelectionChange::AddTag(tag)
            } else {
                SelectionChange::RemoveTag(tag)
            })
        }
        _ => Err("Choose what to change.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::bulk_edit::COMPANIES;

    fn read<const N: usize>(members: [(&str, &str); N]) -> Result<SelectionChange, String> {
        change(TaggedKind::Contact, &members.into())
    }

    fn list_of_contacts() -> &'static BulkList {
        BulkList::at("/contacts/").unwrap()
    }

    #[test]
    fn checkboxes_lead_to_an_address_with_all_ids() {
        let wanted = Chosen::of_query(&COMPANIES, "select.3=on&select.7=on");
        let Ok(Wanted::Elsewhere(path)) = wanted else {
            panic!("{wanted:?}");
        };
        assert_eq!(path, "/bulk/companies/?ids=3,7");
        let Ok(Wanted::Here(chosen)) = Chosen::of_query(&COMPANIES, "ids=3,7") else {
            panic!("ids are read");
        };
        assert_eq!(chosen.by, SelectedBy::Ids(vec![3, 7]));
    }

    #[test]
    fn all_records_are_chosen_by_the_filters_of_their_list() {
        let query = "select=all&name__contains=a&cursor=313a3d61";
        let Ok(Wanted::Here(chosen)) = Chosen::of_query(&COMPANIES, query) else {
            panic!("the query is read");
        };
        assert_eq!(chosen.member, (QUERY, "name__contains=a".to_owned()));
        let SelectedBy::Request(request) = chosen.by else {
            panic!("filters choose");
        };
        assert!(request.cursor.is_none() && request.filters.len() == 1);
        // What the list leaves out at first is not chosen either, unless it is shown.
        let filters = |query: &str| match Chosen::of_query(list_of_contacts(), query) {
            Ok(Wanted::Here(Chosen {
                by: SelectedBy::Request(request),
                ..
            })) => request.filters.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(filters("select=all"), 1);
        assert_eq!(filters("select=all&all=true"), 0);
        // Without `select=all`, nothing chooses every record.
        for query in [
            "",
            "name__contains=a",
            "select=none",
            "ids=x",
            "select=all&colour=red",
            "select=all&all=true",
            "select.x=on",
        ] {
            let refused = Chosen::of_query(&COMPANIES, query);
            assert_eq!(refused.unwrap_err().status(), 400, "{query}");
        }
    }

    #[test]
    fn changes_are_read_with_their_values() {
        let set = read([("action", "set"), ("field", "active"), ("value", "no")]);
        let wanted = SelectionChange::Set {
            field: "active".to_owned(),
            value: json!(false),
        };
        assert_eq!(set, Ok(wanted));
        let tagged = read([("action", "remove_tag"), ("tag", "7")]);
        assert_eq!(tagged, Ok(SelectionChange::RemoveTag(TagId(7))));
        for (refused, says) in [
            (
                read([("action", "set"), ("field", "id")]),
                "Choose the field",
            ),
            (
                read([("action", "set"), ("field", "name")]),
                "must not be empty",
            ),
            (
                read([("action", "set"), ("field", "active"), ("value", "x")]),
                "yes or no",
            ),
            (read([("action", "add_tag")]), "Choose the tag"),
            (read([]), "Choose what"),
        ] {
            let refused = refused.unwrap_err();
            assert!(refused.contains(says), "{refused}");
        }
    }
}
