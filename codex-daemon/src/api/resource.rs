//! What a file of the API registers. The table of all is in [`super`].

use std::{collections::HashMap, pin::Pin};

use codex_core::list::{Listing, StaffFields};
use utoipa_axum::router::OpenApiRouter;

use super::writers::Writer;
use crate::{app::App, auth::Call, http::problem::Problem, openapi::partial::Further};

/// What a file of the API registers.
pub(crate) struct ApiResource {
    /// Its routes with their description.
    pub routes: fn() -> OpenApiRouter<App>,
    /// Its tag in the API description, and what the description says of it; files that share a tag state it once.
    pub tag: Option<(&'static str, &'static str)>,
    /// Operations with a body whose callers are not all who have a token.
    pub writers: &'static [Writer],
    /// Records that paths of operations with a body name.
    pub named: &'static [NamedRecord],
    /// Lists, and records of which callers may ask for a part.
    pub lists: &'static [ApiList],
}

impl ApiResource {
    /// Routes, and nothing else.
    pub const fn of(routes: fn() -> OpenApiRouter<App>) -> Self {
        Self {
            routes,
            tag: None,
            writers: &[],
            named: &[],
            lists: &[],
        }
    }
}

/// A record that paths name.
pub(crate) struct NamedRecord {
    /// The part of a path's template that names it.
    pub part: &'static str,
    /// Refuses a call for a record that is not there.
    pub check: Check,
}

/// A check of what a path names.
pub(crate) type Check = for<'c> fn(&'c Call, &'c Names) -> Checked<'c>;
/// What comes of a check.
pub(crate) type Checked<'c> = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send + 'c>>;

/// The parameters of a path by name.
pub(crate) struct Names(pub HashMap<String, String>);

impl Names {
    /// A parameter; empty where the path has none of the name.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The parameter `id`; `None` when it is no number.
    pub fn id(&self) -> Option<i64> {
        self.text("id").parse().ok()
    }
}

/// A list, or a record of which callers may ask for a part.
pub(crate) struct ApiList {
    pub path: &'static str,
    /// What its columns filter; `None` for one record.
    pub listing: Option<&'static Listing>,
    /// What callers may ask for beside the keys of a record; `None` where they get no parts.
    pub further: Option<Further>,
}

impl ApiList {
    /// A list of records with fields for staff, and the name of what is neither of them nor a key.
    pub const fn of<R: StaffFields>(
        path: &'static str,
        listing: &'static Listing,
        name: Option<&'static str>,
    ) -> Self {
        Self {
            path,
            listing: Some(listing),
            further: Some(Further::of::<R>(name)),
        }
    }

    /// A list of records without fields for staff.
    pub const fn plain(path: &'static str, listing: &'static Listing) -> Self {
        Self {
            path,
            listing: Some(listing),
            further: Some(Further::NONE),
        }
    }

    /// An answer about a list that columns filter, such as its facets.
    pub const fn filtered(path: &'static str, listing: &'static Listing) -> Self {
        Self {
            path,
            listing: Some(listing),
            further: None,
        }
    }

    /// One record with fields for staff.
    pub const fn one<R: StaffFields>(path: &'static str, name: Option<&'static str>) -> Self {
        Self {
            path,
            listing: None,
            further: Some(Further::of::<R>(name).of_one()),
        }
    }
}
