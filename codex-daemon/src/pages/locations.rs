//! Pages of locations.

use codex_core::{
    Error,
    claims::ClaimedResource,
    companies::{COMPANY_NUMBER, CompanyRef},
    ids::LocationId,
    list::{Page, PageRequest},
    locations::{Location, LocationFields, query::LISTING, wire::LocationIn},
    records::{Author, FieldDef, Intent, RecordBody as _},
};
use serde_json::{Map, Value};

use super::{
    PageSet,
    address::ListAddress,
    fields::values,
    form::InputView,
    record::{self, BesideColumn, BesideInput, PageRecord, RecordPages, ResourceDef},
    visit::{Visit, applied},
};

/// Pages of locations.
pub(super) struct Locations;

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::records::<Locations>(record::routes::<Locations>);

impl RecordPages for Locations {
    type Record = Location;
    type Found = (Location, Option<CompanyRef>);

    const DEF: &'static ResourceDef = &ResourceDef {
        path: "/locations/",
        key: "id",
        noun: "location",
        title: "Locations",
        listing: &LISTING,
        form: LocationFields::FIELDS,
        beside: &[BesideInput {
            name: COMPANY_NUMBER,
            label: "Company",
            help: "Account number of the company that the location belongs to.",
            is_list: false,
            is_new: true,
            is_required: true,
        }],
        columns: &["name", "company", "address", "phone_number"],
        beside_columns: &[BesideColumn::COMPANY],
        apart: &[],
        at_first: None,
        claims: Some(ClaimedResource::Locations),
        listed: None,
        export: Some("locations"),
        tabs: &[],
        empty: (
            "There are no locations yet. They come with the first sync of the PSA, or are created here.",
            "No location is open to you yet. Ask your service desk to open your company.",
        ),
        deleting: "disappears from its company, and no sync brings it back. An administrator or technician can \
            restore it.",
    };

    fn shown((location, company): &Self::Found) -> PageRecord {
        let id = location.id.to_string();
        PageRecord {
            id: location.id.0,
            name: location.fields.name.clone(),
            values: values(&location.fields),
            updated_at: location.updated_at,
            companies: company.iter().cloned().collect(),
            claims_key: Some(id.clone()),
            key: id,
            ..PageRecord::default()
        }
    }

    async fn list(
        visit: &Visit,
        _asked: &ListAddress,
        request: &PageRequest,
    ) -> codex_core::Result<Page<Self::Found>> {
        let codex = &visit.call.codex;
        codex.locations_page(visit.scope(), request).await
    }

    async fn find(visit: &Visit, key: &str) -> codex_core::Result<Option<Self::Found>> {
        let Ok(id) = key.parse() else { return Ok(None) };
        let codex = &visit.call.codex;
        codex
            .location_with_company(visit.scope(), LocationId(id))
            .await
    }

    async fn create(visit: &Visit, mut stated: Map<String, Value>) -> codex_core::Result<String> {
        let (codex, scope, author) = (&visit.call.codex, visit.scope(), &visit.call.author);
        let number = stated.remove(COMPANY_NUMBER).unwrap_or_default();
        let company = match number.as_str() {
            Some(number) => codex.company(scope, number).await?,
            None => return Err(Error::invalid(COMPANY_NUMBER, "is required")),
        };
        let unknown = || Error::invalid(COMPANY_NUMBER, "is of no company");
        let company = company.ok_or_else(unknown)?;
        let location = LocationIn::read(stated, Intent::Create)?;
        let created = codex.create_location(scope, author, &company, &location);
        Ok(applied(created.await?)?.id.to_string())
    }

    async fn update(
        visit: &Visit,
        author: &Author,
        (location, _): &Self::Found,
        stated: Map<String, Value>,
    ) -> codex_core::Result<bool> {
        let edit = LocationIn::read(stated, Intent::Update)?;
        let (codex, scope) = (&visit.call.codex, visit.scope());
        let updated = codex.update_location_by_id(scope, author, location.id, &edit);
        Ok(updated.await?.map(applied).transpose()?.is_some())
    }

    fn input(field: &FieldDef, input: InputView) -> InputView {
        match field.name {
            "address" => input.in_lines(),
            _ => input,
        }
    }
}

/// What templates are tested with.
#[cfg(test)]
pub(super) fn samples() -> Vec<(&'static str, (Location, Option<CompanyRef>))> {
    use super::{
        parts::samples::now,
        record::samples::{company, hostile},
        tests::HOSTILE,
    };

    let location = |fields: Value| Location {
        id: LocationId(7),
        fields: serde_json::from_value(fields).unwrap(),
        created_at: now(),
        updated_at: now(),
        deleted_at: None,
    };
    let usual = serde_json::json!({"name": "Main Office", "address": "1 High Street\nLondon"});
    let attack = location(hostile(LocationFields::FIELDS));
    vec![
        (
            "empty",
            (location(serde_json::json!({"name": "Depot"})), None),
        ),
        (
            "usual",
            (
                location(usual),
                Some(company(Some("100002"), "Blue Heron GmbH")),
            ),
        ),
        ("hostile", (attack, Some(company(Some("1"), HOSTILE)))),
    ]
}
