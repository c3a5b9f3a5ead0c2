//! The one list of the kinds of record. It uses none of their types, so that every layer may use [`RecordKind`].

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// `each_kind!(then [arguments])` is `then! { [arguments] <the list> }`.
///
/// Each line is a kind: its type, its name in claims, change log and JSON, the type of its ids, its module. `claims of`
/// adds a [`ClaimedResource`], whose claims people may see, and its name in paths of the API; `tagged as` adds a
/// [`TaggedKind`], on whose records tags are put. The most used kinds come first, in lists for people too.
macro_rules! each_kind {
    ($then:ident $arguments:tt) => {
        $then! { $arguments
            Company "company" CompanyId in companies, claims of Companies "companies", tagged as Company;
            Contact "contact" ContactId in contacts, claims of Contacts "contacts", tagged as Contact;
            Asset "asset" AssetId in assets, claims of Assets "assets", tagged as Asset;
            Ticket "ticket" TicketId in tickets, claims of Tickets "tickets";
            Location "location" LocationId in locations, claims of Locations "locations";
            BillingPlan "billing_plan" BillingPlanId in billing_plans, claims of BillingPlans "billing-plans";
            FeatureOption "feature_option" FeatureOptionId in feature_options;
            Override "override" OverrideId in overrides;
            Tag "tag" TagId in tags;
            Agent "agent" AgentId in agents, claims of Agents "agents";
            PsaAgent "psa_agent" PsaAgentId in psa_agents;
            SiteLink "site_link" SiteLinkId in site_links;
            View "view" ViewId in views;
        }
    };
}

/// Does something with the type of a kind of record.
///
/// `by_kind!(RecordKind::Asset, R => work::<R>().await)` is `work::<Asset>().await`.
#[cfg(feature = "store")]
macro_rules! by_kind {
    ($kind:expr, $r:ident => $work:expr) => {
        each_kind!(match_kind [$kind, $r => $work])
    };
}

#[cfg(feature = "store")]
macro_rules! match_kind {
    (
        [$kind:expr, $r:ident => $work:expr]
        $($variant:ident $name:literal $id:ident in $module:ident $(, claims of $claimed:ident $path:literal)?
        $(, tagged as $tagged:ident)?;)+
    ) => {
        match $kind {
            $($crate::RecordKind::$variant => {
                type $r = $crate::$module::$variant;
                $work
            })+
        }
    };
}

/// Does something with the type of a kind of record that tags are put on, as `by_kind!` does.
#[cfg(feature = "sync")]
macro_rules! by_tagged_kind {
    ($kind:expr, $r:ident => $work:expr) => {
        each_kind!(match_tagged_kind [$kind, $r => $work])
    };
}

#[cfg(feature = "sync")]
macro_rules! match_tagged_kind {
    (
        [$kind:expr, $r:ident => $work:expr]
        $($variant:ident $name:literal $id:ident in $module:ident $(, claims of $claimed:ident $path:literal)?
        $(, tagged as $tagged:ident)?;)+
    ) => {
        match $kind {
            $($($crate::kinds::TaggedKind::$tagged => {
                type $r = $crate::$module::$tagged;
                $work
            })?)+
        }
    };
}

macro_rules! declare {
    (
        []
        $($variant:ident $name:literal $id:ident in $module:ident $(, claims of $claimed:ident $path:literal)?
        $(, tagged as $tagged:ident)?;)+
    ) => {
        words! {
            /// A kind of record. The most used kinds come first.
            #[derive(PartialOrd, Ord, Hash)]
            pub enum RecordKind {
                $(#[doc = concat!("`", $name, "`.")] $variant = $name,)+
            }
        }

        impl RecordKind {
            /// The name under which changes of its claims are counted.
            #[cfg(feature = "store")]
            pub(crate) const fn count_of_claims(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("claims of ", $name),)+
                }
            }
        }

        /// The resources whose claims people may look at. A path names a company by its account number, an agent by its
        /// Keycloak id, a ticket by its number, and others by their id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum ClaimedResource {
            $($(#[doc = concat!("`", $path, "`.")] $claimed,)?)+
        }

        /// The kinds of record that tags are put on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum TaggedKind {
            $($(#[doc = concat!("`", $name, "`.")] $tagged,)?)+
        }

        impl ClaimedResource {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($(Self::$claimed,)?)+];

            /// The name in paths of the API.
            pub fn path(self) -> &'static str {
                match self {
                    $($(Self::$claimed => $path,)?)+
                }
            }

            /// The kind of its records.
            pub fn kind(self) -> RecordKind {
                match self {
                    $($(Self::$claimed => RecordKind::$variant,)?)+
                }
            }
        }
    };
}
each_kind!(declare []);

impl RecordKind {
    /// Its name in a sentence, such as `billing plan`.
    pub fn in_words(self) -> String {
        self.name().replace('_', " ")
    }

    /// The same behind its article, such as `an asset`.
    pub fn with_article(self) -> String {
        let words = self.in_words();
        let vowel = words.starts_with(['a', 'e', 'i', 'o', 'u']);
        format!("{} {words}", if vowel { "an" } else { "a" })
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RecordKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| format!("there is no kind of record `{name}`"))
    }
}

impl PartialEq<str> for RecordKind {
    fn eq(&self, name: &str) -> bool {
        self.name() == name
    }
}

impl PartialEq<&str> for RecordKind {
    fn eq(&self, name: &&str) -> bool {
        self.name() == *name
    }
}

impl ClaimedResource {
    /// The names in paths of the API, sorted.
    pub fn paths() -> Vec<&'static str> {
        let mut paths: Vec<&str> = Self::ALL.iter().map(|one| one.path()).collect();
        paths.sort_unstable();
        paths
    }
}

impl FromStr for ClaimedResource {
    type Err = String;

    /// Reads a path's name or a kind's, such as `companies` or `company`.
    fn from_str(text: &str) -> Result<Self, String> {
        let is = |one: &&Self| {
            one.path() == text || one.kind().name().replace('_', "-") == text.replace('_', "-")
        };
        Self::ALL.iter().find(is).copied().ok_or_else(|| {
            let all = Self::paths().join(", ");
            format!("`{text}` is none of {all}")
        })
    }
}

impl PartialSchema for ClaimedResource {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let about = "The resources whose fields come from claims.";
        schema
            .description(Some(about))
            .enum_values(Some(Self::paths()))
            .into()
    }
}

impl ToSchema for ClaimedResource {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ClaimedResource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_their_names() {
        for kind in RecordKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        let unknown = "planet".parse::<RecordKind>().unwrap_err();
        assert!(unknown.contains("no kind of record `planet`"));
    }

    #[test]
    fn kinds_have_their_article() {
        for (kind, words) in [
            (RecordKind::Asset, "an asset"),
            (RecordKind::Override, "an override"),
            (RecordKind::BillingPlan, "a billing plan"),
        ] {
            assert_eq!(kind.with_article(), words);
        }
    }

    #[test]
    fn resources_are_read_from_path_and_kind() {
        for resource in ClaimedResource::ALL {
            assert_eq!(resource.path().parse(), Ok(*resource));
            assert_eq!(resource.kind().name().parse(), Ok(*resource));
            let json = serde_json::to_value(resource).unwrap();
            assert_eq!(json, resource.path());
        }
        let unknown = "planets".parse::<ClaimedResource>().unwrap_err();
        assert!(unknown.contains("agents, assets, billing-plans, companies, contacts"));
    }
}
