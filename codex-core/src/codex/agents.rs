//! Agents and what they prefer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::Codex;
use crate::{
    Error, Fault, Result, Scope,
    agents::{
        self, Agent, query,
        wire::{self, AgentCompanies, Whose},
    },
    changes::Author,
    companies, contacts,
    fold::fold,
    ids::AgentId,
};

/// How long Keycloak may take to say whether it has a user.
const PATIENCE: Duration = Duration::from_secs(5);
const NUL: &str = "must not hold the character NUL";

impl Codex {
    /// The people who log in, disabled ones too, by login name.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn agents(&self, scope: &Scope) -> Result<Vec<Agent>> {
        query::list(&self.0.db, scope).await
    }

    /// The agent of a Keycloak user.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn agent(&self, scope: &Scope, keycloak_id: &str) -> Result<Option<Agent>> {
        query::find(&self.0.db, scope, keycloak_id).await
    }

    /// The agent that a person is: the Keycloak user `sub`, else the only one with the e-mail address.
    pub async fn own_agent(&self, sub: &str, email: Option<&str>) -> Result<Option<Agent>> {
        query::own(&self.0.db, sub, email).await
    }

    /// The agent with an e-mail address; `None` when it names nobody, or several.
    pub async fn agent_of_email(&self, email: &str) -> Result<Option<Agent>> {
        query::of_email(&self.0.db, email).await
    }

    /// When Keycloak was last read to its end, if it ever was.
    pub async fn agents_synced_at(&self) -> Result<Option<DateTime<Utc>>> {
        query::last_synced(&self.0.db).await
    }

    /// Sets what an agent prefers: themes, for an administrator; `None` when there is no such agent.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming the setting, [`crate::Error::Forbidden`].
    pub async fn set_agent_settings(
        &self,
        scope: &Scope,
        author: &Author,
        keycloak_id: &str,
        settings: &Map<String, Value>,
    ) -> Result<Option<Agent>> {
        scope.require_admin("changing the settings of others")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let stated = wire::stated(settings, Whose::Others)?;
        self.prefer(author, &agent, stated).await
    }

    /// Sets what a person prefers; everybody may, for the agent that they are. `None` when Codex knows none;
    /// see [`Codex::own_agent`].
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] naming the setting.
    pub async fn set_own_settings(
        &self,
        author: &Author,
        sub: &str,
        email: Option<&str>,
        settings: &Map<String, Value>,
    ) -> Result<Option<Agent>> {
        let Some(agent) = query::own(&self.0.db, sub, email).await? else {
            return Ok(None);
        };
        let stated = wire::stated(settings, Whose::Own)?;
        self.prefer(author, &agent, stated).await
    }

    /// Makes an agent of a Keycloak user; tells whether Keycloak was asked and knows the user. One that it does
    /// not know is refused; one that could not be asked about is made, and is no longer than the next sync.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming what another agent has,
    /// [`Error::Forbidden`], [`Error::DryRun`].
    pub async fn create_agent(
        &self,
        scope: &Scope,
        author: &Author,
        body: Map<String, Value>,
    ) -> Result<(Agent, bool)> {
        scope.require_admin("making agents")?;
        let fields = wire::stated_agent(body, true)?;
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        let id = text("keycloak_id").to_owned();
        if query::find(&self.0.db, scope, &id).await?.is_some() {
            return Err(Error::conflict(format!("agent {id} is there already")));
        }
        self.require_free_names(&fields, None).await?;
        let verified = match &self.0.users {
            Some(users) => match timeout(PATIENCE, users.has(&self.0.db, &self.0.clock, &id)).await
            {
                Ok(Ok(true)) => true,
                Ok(Ok(false)) => {
                    let fault = Fault::at("keycloak_id", "Keycloak has no such user");
                    return Err(Error::Unprocessable(vec![fault]));
                }
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = error.chain(),
                        "Keycloak could not be asked about a user"
                    );
                    false
                }
                Err(_) => {
                    tracing::warn!("Keycloak took too long to say whether it has a user");
                    false
                }
            },
            None => false,
        };
        let mut tx = self.0.db.begin().await?;
        let (_, outcome) = self
            .door(&mut tx, author)
            .create::<Agent>(vec![fields])
            .await?;
        Self::conclude(tx, author, outcome).await?;
        let agent = query::find(&self.0.db, scope, &id).await?;
        let gone = || Error::conflict("the agent was deleted meanwhile");
        Ok((agent.ok_or_else(gone)?, verified))
    }

    /// Corrects an agent; `None` when there is no such agent.
    ///
    /// # Errors
    /// As [`Codex::create_agent`], and [`Error::Changed`].
    pub async fn update_agent(
        &self,
        scope: &Scope,
        author: &Author,
        keycloak_id: &str,
        body: Map<String, Value>,
    ) -> Result<Option<Agent>> {
        scope.require_admin("changing agents")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let fields = wire::stated_agent(body, false)?;
        self.require_free_names(&fields, Some(agent.id)).await?;
        self.prefer(author, &agent, fields).await
    }

    /// The companies that are opened to an agent; `None` when there is no such agent.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for all but administrators and services.
    pub async fn agent_companies(
        &self,
        scope: &Scope,
        keycloak_id: &str,
    ) -> Result<Option<(AgentCompanies, DateTime<Utc>)>> {
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let company_account_numbers = agents::companies::numbers(&self.0.db, &agent).await?;
        let opened = AgentCompanies {
            company_account_numbers,
        };
        Ok(Some((opened, agent.updated_at)))
    }

    /// Opens just these companies to an agent: they are what it sees as a client user. Gives what is opened now;
    /// `None` when there is no such agent.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a company that is not there, [`Error::Forbidden`], [`Error::Changed`],
    /// [`Error::DryRun`].
    pub async fn open_companies(
        &self,
        scope: &Scope,
        author: &Author,
        keycloak_id: &str,
        wanted: &AgentCompanies,
    ) -> Result<Option<AgentCompanies>> {
        scope.require_admin("opening companies to users")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let numbers = &wanted.company_account_numbers;
        if numbers.iter().any(|number| number.contains('\0')) {
            let fault = Fault::at("company_account_numbers", NUL);
            return Err(Error::Unprocessable(vec![fault]));
        }
        let mut tx = self.0.db.begin().await?;
        // Locks the agent, and holds it against what its author has seen.
        let mut door = self.door(&mut tx, author);
        if door.edit::<Agent>(agent.id.0, Map::new()).await?.is_none() {
            return Ok(None);
        }
        let each = numbers.iter().map(String::as_str);
        let held = companies::rules::holders(&mut tx, each, false).await?;
        let named = contacts::companies::named(&held, numbers)?;
        let outcome = agents::companies::open(&mut tx, author, &agent, &named).await?;
        Self::conclude(tx, author, outcome).await?;
        let opened = self.agent_companies(scope, keycloak_id).await?;
        Ok(opened.map(|(opened, _)| opened))
    }

    /// Refuses a login name or an e-mail address that another agent has: people pick agents by them.
    async fn require_free_names(
        &self,
        fields: &Map<String, Value>,
        own: Option<AgentId>,
    ) -> Result<()> {
        let text = |key: &str| fields.get(key).and_then(Value::as_str).map(fold);
        let (name, email) = (text("username"), text("email"));
        let others = query::with_name(&self.0.db, name.as_deref(), email.as_deref()).await?;
        match others.into_iter().find(|other| Some(other.id) != own) {
            Some(other) => {
                let what = if Some(&other.fields.username_fold) == name.as_ref() {
                    format!("username `{}`", other.fields.username)
                } else {
                    "this e-mail address".to_owned()
                };
                let holder = other.fields.keycloak_id;
                Err(Error::conflict(format!(
                    "agent {holder} has {what} already"
                )))
            }
            None => Ok(()),
        }
    }

    /// States what an agent prefers. Nothing but a person says so, which is why it outlives every sync.
    async fn prefer(
        &self,
        author: &Author,
        agent: &Agent,
        stated: Map<String, Value>,
    ) -> Result<Option<Agent>> {
        let mut tx = self.0.db.begin().await?;
        let mut door = self.door(&mut tx, author);
        let outcome = door.edit::<Agent>(agent.id.0, stated).await?;
        Self::conclude(tx, author, outcome.unwrap_or_default()).await?;
        query::own(&self.0.db, &agent.fields.keycloak_id, None).await
    }
}
