//! The lists that people work in all day.

use std::str::FromStr;

words! {
    /// A list with facets and saved views.
    pub enum ListedResource {
        /// Assets.
        Assets = "assets",
        /// Companies.
        Companies = "companies",
        /// Contacts.
        Contacts = "contacts",
        /// Tickets.
        Tickets = "tickets",
    }
}

impl FromStr for ListedResource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|list| list.name() == text);
        known.ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("must be one of {all}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_by_the_name_that_they_have_in_json() {
        for list in ListedResource::ALL {
            assert_eq!(list.name().parse(), Ok(list));
            assert_eq!(serde_json::to_value(list).unwrap(), list.name());
        }
        let refused = "planets".parse::<ListedResource>().unwrap_err();
        assert!(refused.contains("assets, companies"), "{refused}");
    }
}
