//! Reading, writing and renumbering companies.

use std::collections::HashMap;

use serde_json::{Map, json};

use crate::{
    Error, Outcome, Result, Scope,
    bulk::{Companies, changed_fields, name_people},
    codex::Codex,
    companies::{
        self, COMPANY_ID, Company, CompanyIn,
        cockpit::{self, Cockpit},
        wire::{CompanyAndOverridesIn, CompanyRow, Renumbered, is_account_number},
    },
    ids::CompanyId,
    list::{Page, PageRequest, TablePage, TableRows},
    overrides::{self, Override},
    records::{Author, RecordBody as _, Resource as _, WriteSummary, patch::both},
    store::Tx,
    tags,
};

const CHANGING: &str = "changing companies";

impl Codex {
    /// All companies with an account number that the caller sees, by name.
    pub async fn companies(&self, scope: &Scope) -> Result<Vec<Company>> {
        companies::query::list(&self.0.db, scope).await
    }

    /// A page of the companies with an account number, by name.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming what cannot be listed by.
    pub async fn companies_page(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Company>> {
        companies::query::page(&self.0.db, scope, page).await
    }

    /// A page of the companies without an account number, by name.
    ///
    /// # Errors
    /// As [`Codex::companies_page`].
    pub async fn unnumbered_companies_page(
        &self,
        scope: &Scope,
        page: &PageRequest,
    ) -> Result<Page<Company>> {
        companies::query::unnumbered(&self.0.db, scope, page).await
    }

    /// A page of the table of companies.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a number of rows out of range.
    pub async fn company_table(
        &self,
        scope: &Scope,
        page: &TablePage,
    ) -> Result<TableRows<CompanyRow>> {
        companies::query::table(&self.0.db, scope, page).await
    }

    /// The company with an account number.
    pub async fn company(&self, scope: &Scope, account_number: &str) -> Result<Option<Company>> {
        companies::query::find(&self.0.db, scope, account_number).await
    }

    /// The company with a row id.
    pub async fn company_by_id(&self, scope: &Scope, id: CompanyId) -> Result<Option<Company>> {
        companies::query::find_by_id(&self.0.db, scope, id).await
    }

    /// What somebody needs to know first of a company.
    pub async fn cockpit(&self, scope: &Scope, company: &Company) -> Result<Cockpit> {
        let statuses = self.ticket_statuses().await?;
        cockpit::read(&self.0.db, scope, company.id, &statuses, self.now()).await
    }

    /// Fills in the names of a company's tags. Clients get none.
    pub async fn with_tags(&self, scope: &Scope, company: Company) -> Result<Company> {
        let mut one = [company];
        tags::query::load_tags(&self.0.db, scope, &mut one).await?;
        let [company] = one;
        Ok(company)
    }

    /// What a client user may see: companies that an administrator opened to `sub`, else those of exactly
    /// one active contact with the e-mail address.
    pub async fn client_scope(&self, sub: &str, email: Option<&str>) -> Result<Scope> {
        Ok(Scope::client(
            companies::query::of_client(&self.0.db, sub, email).await?,
        ))
    }

    /// Creates a company; it gets a free account number unless `company` states one.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming the company that has the number
    /// or had it, [`Error::Forbidden`].
    pub async fn create_company(
        &self,
        scope: &Scope,
        author: &Author,
        company: &CompanyIn,
    ) -> Result<Outcome<Company>> {
        scope.require(Company::WRITTEN_BY, "making companies")?;
        let stated = company.stated()?;
        let created = self.make(author, Companies::default(), stated).await?;
        let company = |id| async move {
            let company = self.company_by_id(scope, CompanyId(id)).await?;
            company.ok_or_else(|| Error::conflict("the company was deleted meanwhile"))
        };
        created.then(company).await
    }

    /// How many companies have no account number, and how many there are. Those without one are in none of the
    /// lists that other modules read.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for clients.
    pub async fn companies_without_number(&self, scope: &Scope) -> Result<(i64, i64)> {
        scope.require_staff("counting companies")?;
        companies::query::without_number(&self.0.db).await
    }

    /// Updates a company; `None` when there is none that the caller may see.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Forbidden`], [`Error::Changed`].
    pub async fn update_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
        edit: &CompanyIn,
    ) -> Result<Option<Outcome<Company>>> {
        match self.company(scope, account_number).await? {
            Some(company) => {
                self.update_this_company(scope, author, &company, edit)
                    .await
            }
            None => Ok(None),
        }
    }

    /// Updates a company that was read, which may have no account number; `None` when it was deleted meanwhile.
    ///
    /// # Errors
    /// As [`Codex::update_company`].
    pub async fn update_this_company(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        edit: &CompanyIn,
    ) -> Result<Option<Outcome<Company>>> {
        scope.require(Company::WRITTEN_BY, CHANGING)?;
        let (kind, stated) = (Companies::one(company), edit.stated()?);
        let Some(updated) = self.correct(author, kind, company.id.0, stated).await? else {
            return Ok(None);
        };
        let updated = updated.then(|()| self.company_by_id(scope, company.id));
        Ok(updated.await?.transpose())
    }

    /// Updates a company and replaces all its overrides, all or nothing. Overrides whose keys are absent are deleted.
    ///
    /// # Errors
    /// As [`Codex::update_company`].
    pub async fn update_company_and_overrides(
        &self,
        scope: &Scope,
        author: &Author,
        company: &Company,
        edit: &CompanyAndOverridesIn,
    ) -> Result<Outcome> {
        scope.require(Company::WRITTEN_BY, CHANGING)?;
        scope.require(Override::WRITTEN_BY, "agreeing prices and features")?;
        let stated = edit.company.stated()?;
        let fields = if stated.is_empty() {
            Ok(stated)
        } else {
            let own = company.fields.account_number.as_deref();
            changed_fields(stated, own)
        };
        let wanted = overrides::wire::all_stated(&edit.overrides);
        let (mut fields, mut wanted) = both(fields, wanted)?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Override::KIND).await?;
        let rows = overrides::query::of_company_now(&mut tx, company.id).await?;
        name_people(&mut tx, std::iter::once(&mut fields)).await?;
        let mut writer = self.writer(&mut tx, author);
        let mut summary = WriteSummary::default();
        if !fields.is_empty() {
            let edited = writer.edit::<Company>(company.id.0, fields).await?;
            summary.add(edited.unwrap_or_default());
        }
        let (mut ended, mut edits) = (Vec::new(), HashMap::new());
        for row in rows {
            match wanted.remove(&row.fields.key) {
                Some(stated) => drop(edits.insert(row.id.0, stated)),
                None => ended.push(row.id.0),
            }
        }
        let new = wanted.into_values().map(|mut stated| {
            stated.insert(COMPANY_ID.into(), json!(company.id));
            stated
        });
        summary.add(writer.delete::<Override>(&ended).await?.1);
        summary.add(writer.edit_all::<Override>(edits).await?.1);
        summary.add(writer.create::<Override>(new.collect()).await?.1);
        Self::conclude(tx, author, summary, ()).await
    }

    /// Deletes a company for the people; `None` when there is none that the caller sees.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::Changed`].
    pub async fn delete_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
    ) -> Result<Option<Outcome>> {
        match self.company(scope, account_number).await? {
            Some(company) => self.delete::<Company>(scope, author, company.id.0).await,
            None => Ok(None),
        }
    }

    /// Gives a company another account number; the old one leads to it for ever. `None` when there is no
    /// such company.
    ///
    /// Neither vendors nor Ledger's own tables follow.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number that has not six digits, [`Error::Conflict`] naming the company
    /// that has it or had it, [`Error::Forbidden`].
    pub async fn renumber_company(
        &self,
        scope: &Scope,
        author: &Author,
        account_number: &str,
        wanted: &str,
    ) -> Result<Option<Outcome<Renumbered>>> {
        scope.require_admin("renumbering companies")?;
        let Some(company) = self.company(scope, account_number).await? else {
            return Ok(None);
        };
        if !is_account_number(wanted) {
            let message = format!("`{wanted}` has not six digits");
            return Err(Error::invalid("account_number", message));
        }
        let mut tx = self.0.db.begin().await?;
        companies::rules::advisory_lock(&mut tx).await?;
        require_free(&mut tx, company.id, wanted).await?;
        let mut writer = self.writer(&mut tx, author);
        let mut rows = writer.lock::<Company>(&[company.id.0]).await?;
        let row = rows.remove(&company.id.0);
        let Some(row) = row.filter(|row| row.deleted_at.is_none()) else {
            return Ok(None);
        };
        let before = row.fields.account_number;
        let mut summary = WriteSummary::default();
        if before.as_deref() != Some(wanted) {
            let fields = Map::from_iter([("account_number".to_owned(), json!(wanted))]);
            let edited = writer.edit::<Company>(company.id.0, fields).await?;
            summary = edited.unwrap_or_default();
            // A sync takes no turn.
            require_free(&mut tx, company.id, wanted).await?;
            let (at, actor) = (author.at, author.actor.as_str());
            companies::aliases::swap(&mut tx, company.id, before.as_deref(), wanted, actor, at)
                .await?;
        }
        let renumbered = Self::conclude(tx, author, summary, ()).await?;
        let numbers = |()| async {
            Ok(Renumbered {
                account_number: wanted.to_owned(),
                previous: companies::aliases::of_company(&self.0.db, company.id).await?,
            })
        };
        renumbered.then(numbers).await.map(Some)
    }
}

/// Refuses a number that another company has or had.
async fn require_free(tx: &mut Tx, company: CompanyId, number: &str) -> Result<()> {
    let held = companies::rules::holders(tx, std::iter::once(number), true).await?;
    match held.get(number) {
        Some(holder) if *holder != company.0 => {
            let taken = companies::rules::taken(tx, number, *holder).await?;
            Err(Error::conflict(taken))
        }
        _ => Ok(()),
    }
}
