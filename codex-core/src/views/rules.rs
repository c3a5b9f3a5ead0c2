//! Rules of views: who sees and who changes one, and what its query may hold.

use super::{View, ViewAudience, ViewFields, query::listing};
use crate::{
    Access, Fault, RecordKind, Result, Scope,
    fold::SearchKey,
    list::{Filter, ListedResource, Listing, Sort},
    nearest::hint,
    records::{Resource, reserve_ids},
    store::Sql,
};

impl Resource for View {
    const RECORD_KIND: RecordKind = RecordKind::View;
    const IS_PERSONAL: bool = true;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[super::query::STATEMENTS];
    const RESERVE: Sql = reserve_ids!("saved_views");
    const READ_BY: Access = Access::Staff;
    /// Through the doors for records of all kinds, such as the list of deleted ones: those do not know whose a personal
    /// view is. [`require_change`] says who changes which view.
    const WRITTEN_BY: Access = Access::Admins;
    const UNIQUE: &'static [&'static str] = &["default_key"];
    type Fields = ViewFields;
    type Status = ();

    fn keys(fields: &mut ViewFields) {
        fields.name_fold = SearchKey::new(&fields.name);
        let role = fields.role.as_deref();
        let role = role.filter(|_| fields.audience() == ViewAudience::RoleDefault);
        fields.default_key = role.map(|role| format!("{}/{role}", fields.resource));
    }
}

/// Whether a member of the staff sees a view.
pub(crate) fn is_seen(fields: &ViewFields, actor: &str) -> bool {
    fields.audience() != ViewAudience::Personal || fields.owner == actor
}

/// Refuses those who may not create, update or delete such a view.
///
/// # Errors
/// [`crate::Error::Forbidden`].
pub fn require_change(scope: &Scope, fields: &ViewFields, actor: &str) -> Result<()> {
    match fields.audience() {
        ViewAudience::Personal if fields.owner == actor => scope.require_staff("saving views"),
        // Nobody but its owner would see what became of it.
        ViewAudience::Personal => Err(crate::Error::Forbidden("changing somebody else's view")),
        ViewAudience::Shared => scope.require_technician("changing shared views"),
        ViewAudience::RoleDefault => scope.require_admin("changing the default of a role"),
    }
}

/// What is wrong with a view as a whole.
pub(crate) fn faults(fields: &ViewFields, parameters: &[(String, String)]) -> Vec<Fault> {
    let mut faults = Vec::new();
    match (fields.audience(), &fields.role) {
        (ViewAudience::RoleDefault, None) => {
            faults.push(Fault::at("role", "is required for the default of a role"));
        }
        (ViewAudience::Personal | ViewAudience::Shared, Some(_)) => {
            let detail = "goes with the audience `role_default` alone";
            faults.push(Fault::at("role", detail));
        }
        _ => {}
    }
    if let Some(list) = fields.list() {
        let wrong = parameters
            .iter()
            .filter_map(|(name, value)| misfit(list, name, value));
        faults.extend(wrong.map(|detail| Fault::at("query", detail)));
    }
    faults
}

/// Parameters of a list's page besides filters. A place in the list is part of no view.
const PARAMETERS: [&str; 4] = ["q", "sort", "columns", "all"];

/// Why a parameter cannot be part of a view; `None` when it can.
fn misfit(list: ListedResource, name: &str, value: &str) -> Option<String> {
    let listing = listing(list);
    if value.contains('\0') || name.contains('\0') {
        return Some("must not hold the character NUL".to_owned());
    }
    if name == "sort" {
        let column = Sort::new(value).name;
        let wrong = || format!("`sort`: the list has no order by `{column}`");
        return (!is_order(listing, value)).then(wrong);
    }
    (!PARAMETERS.contains(&name) && !is_filter(listing, name)).then(|| {
        let filters = listing.filters();
        let names = filters.iter().map(String::as_str).chain(PARAMETERS);
        let hint = hint(name, names);
        format!("unknown parameter `{name}`{hint}")
    })
}

/// Whether a list can be sorted so, as in `-name`.
pub fn is_order(listing: &Listing, sort: &str) -> bool {
    let column = Sort::new(sort).name;
    let mut columns = listing.columns();
    columns.any(|known| known.name == column && known.has_order())
}

/// Whether a parameter such as `name__contains` filters a list.
pub fn is_filter(listing: &Listing, parameter: &str) -> bool {
    let filter = Filter::new(parameter, "");
    let mut columns = listing.columns();
    let column = columns.find(|column| column.name == filter.name);
    column.is_some_and(|column| column.operators().any(|op| op == filter.op))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;

    fn view(audience: ViewAudience, role: Option<&str>) -> ViewFields {
        ViewFields {
            resource: "assets".to_owned(),
            audience: audience.name().to_owned(),
            role: role.map(str::to_owned),
            owner: "ann".to_owned(),
            ..ViewFields::default()
        }
    }

    #[test]
    fn audience_decides_who_sees_and_changes_a_view() {
        let roles = [Role::Admin, Role::Technician, Role::Billing, Role::Client];
        let may = |fields: &ViewFields, actor: &str| {
            roles.map(|role| require_change(&Scope::staff(role), fields, actor).is_ok())
        };
        let personal = view(ViewAudience::Personal, None);
        assert!(is_seen(&personal, "ann") && !is_seen(&personal, "ben"));
        assert_eq!(may(&personal, "ann"), [true, true, true, false]);
        assert_eq!(may(&personal, "ben"), [false; 4]);
        let shared = view(ViewAudience::Shared, None);
        assert!(is_seen(&shared, "ben"));
        assert_eq!(may(&shared, "ben"), [true, true, false, false]);
        let default = view(ViewAudience::RoleDefault, Some("billing"));
        assert!(is_seen(&default, "ben"));
        assert_eq!(may(&default, "ann"), [true, false, false, false]);
    }

    #[test]
    fn only_defaults_of_roles_have_a_default_key() {
        let key = |audience, role| {
            let mut fields = view(audience, role);
            View::keys(&mut fields);
            fields.default_key
        };
        let default = key(ViewAudience::RoleDefault, Some("billing"));
        assert_eq!(default.as_deref(), Some("assets/billing"));
        assert_eq!(key(ViewAudience::Shared, Some("billing")), None);
    }

    #[test]
    fn queries_name_what_their_list_has() {
        let reason = |name: &str, value: &str| {
            let fields = view(ViewAudience::Personal, None);
            let faults = faults(&fields, &[(name.to_owned(), value.to_owned())]);
            faults.into_iter().next().map(|fault| fault.detail)
        };
        for (name, value) in [
            ("q", "pc"),
            ("sort", "-last_seen"),
            ("hostname__contains", "pc"),
            ("tag", "VIP"),
            ("columns", "hostname"),
            ("all", "true"),
        ] {
            assert_eq!(reason(name, value), None, "{name}");
        }
        for (name, value, says) in [
            ("hostnam", "x", "did you mean `hostname`?"),
            (
                "hostnam__contain",
                "x",
                "did you mean `hostname__contains`?",
            ),
            (
                "online__contains",
                "x",
                "unknown parameter `online__contains`",
            ),
            ("cursor", "x", "unknown parameter `cursor`"),
            ("sort", "tag", "no order by `tag`"),
            ("q", "a\0", "NUL"),
        ] {
            let reason = reason(name, value).unwrap_or_default();
            assert!(reason.contains(says), "{name}: {reason}");
        }
    }

    #[test]
    fn roles_go_with_their_audience() {
        for (audience, role, is_fine) in [
            (ViewAudience::RoleDefault, Some("admin"), true),
            (ViewAudience::RoleDefault, None, false),
            (ViewAudience::Shared, Some("admin"), false),
            (ViewAudience::Shared, None, true),
        ] {
            let faults = faults(&view(audience, role), &[]);
            assert_eq!(faults.is_empty(), is_fine, "{audience:?} {role:?}");
        }
    }
}
