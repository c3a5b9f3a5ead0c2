//! Agents and what they prefer.

use std::{collections::HashMap, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::{
    Error, Fault, Outcome, Result, Scope,
    agents::{
        self, Agent, AgentIn, DIRECTORY, query,
        wire::{AgentCompanies, AgentOut, SettingsIn, SettingsOwner},
    },
    codex::Codex,
    companies::{self, COMPANY_NUMBERS},
    contacts,
    fold::IdentityKey,
    idempotency::step_done,
    list::{Page, PageRequest},
    records::{Author, Intent, Patch, RecordBody as _, Resource as _, patch::NUL},
    store::{Q, Tx},
};

/// How long Keycloak may take to say whether it has a user.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);

impl Codex {
    /// The people who log in, disabled ones too, by login name.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn agents(&self, scope: &Scope) -> Result<Vec<Agent>> {
        query::list(&self.0.db, scope).await
    }

    /// A page of them, by login name unless another order is asked for.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its
    /// column; [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn agents_page(&self, scope: &Scope, page: &PageRequest) -> Result<Page<Agent>> {
        query::page(&self.0.db, scope, page).await
    }

    /// The agent of a Keycloak user.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for all but administrators and services.
    pub async fn agent(&self, scope: &Scope, keycloak_id: &str) -> Result<Option<Agent>> {
        query::find(&self.0.db, scope, keycloak_id).await
    }

    /// What people call those who did something: names of users by Keycloak id. Actors who are no users, such as
    /// services and syncs, and users who are unknown are left out.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] for clients.
    pub async fn actor_names<'a>(
        &self,
        scope: &Scope,
        actors: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashMap<String, String>> {
        query::actor_names(&self.0.db, scope, actors).await
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
        settings: &SettingsIn,
    ) -> Result<Option<Outcome<Agent>>> {
        scope.require_admin("changing the settings of others")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let stated = settings.stated(SettingsOwner::Others)?;
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
        settings: &SettingsIn,
    ) -> Result<Option<Outcome<Agent>>> {
        let Some(agent) = query::own(&self.0.db, sub, email).await? else {
            return Ok(None);
        };
        let stated = settings.stated(SettingsOwner::Own)?;
        self.prefer(author, &agent, stated).await
    }

    /// Creates an agent for a Keycloak user; returns whether Keycloak was asked and knows the user. A user that
    /// Keycloak does not know is refused. If Keycloak cannot be asked, the agent is created, and the next sync that
    /// does not find the user disables it.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] with every fault, [`Error::Conflict`] naming what another agent has,
    /// [`Error::Forbidden`].
    pub async fn create_agent(
        &self,
        scope: &Scope,
        author: &Author,
        agent: &AgentIn,
    ) -> Result<Outcome<(Agent, bool)>> {
        scope.require(Agent::WRITTEN_BY, "making agents")?;
        let fields = agent.checked(Intent::Create)?;
        let id = text(&fields, "keycloak_id").unwrap_or_default().to_owned();
        let created = if let Some(verified) = step_done(0)? {
            Outcome::Applied(verified)
        } else {
            require_free(self.0.db.query(query::RIVALS), &fields, None).await?;
            let verified = self.user_exists(&id).await?;
            let mut tx = self.begin_step(0).await?;
            tx.advisory_lock(Agent::KIND).await?;
            require_free(tx.query(query::RIVALS), &fields, None).await?;
            let (_, summary) = self
                .writer(&mut tx, author)
                .create::<Agent>(vec![fields])
                .await?;
            Self::conclude_step(tx, author, summary, 0, verified).await?
        };
        let agent = |verified| async move {
            let agent = query::find(&self.0.db, scope, &id).await?;
            let gone = || Error::conflict("the agent was deleted meanwhile");
            Ok((agent.ok_or_else(gone)?, verified))
        };
        created.then(agent).await
    }

    /// Whether Keycloak says that it has a user; `false` when it does not say.
    ///
    /// # Errors
    /// [`Error::Unprocessable`] when it says that it has none such.
    async fn user_exists(&self, id: &str) -> Result<bool> {
        let Some(users) = self.vendors().users.clone() else {
            return Ok(false);
        };
        match timeout(WAIT_TIMEOUT, users.has(self.call_context(), id)).await {
            Ok(Ok(true)) => Ok(true),
            Ok(Ok(false)) => {
                let detail = format!("{DIRECTORY} has no such user");
                let fault = Fault::at("keycloak_id", detail);
                Err(Error::Unprocessable(vec![fault]))
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = Error::from(error).chain(),
                    "{DIRECTORY} could not be asked about a user"
                );
                Ok(false)
            }
            Err(_) => {
                tracing::warn!("{DIRECTORY} took too long to say whether it has a user");
                Ok(false)
            }
        }
    }

    /// Updates an agent; `None` when there is no such agent. What people do not say of agents may be stated as
    /// it is.
    ///
    /// # Errors
    /// As [`Codex::create_agent`], and [`Error::Changed`].
    pub async fn update_agent(
        &self,
        scope: &Scope,
        author: &Author,
        keycloak_id: &str,
        edit: &AgentIn,
    ) -> Result<Option<Outcome<Agent>>> {
        scope.require(Agent::WRITTEN_BY, "changing agents")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let now = AgentOut::new(&agent, self.agents_synced_at().await?);
        let mut edit = AgentIn::read_change(edit.stated()?, &now)?;
        edit.keycloak_id = Patch::Absent;
        let fields = edit.stated()?;
        let mut tx = self.0.db.begin().await?;
        tx.advisory_lock(Agent::KIND).await?;
        require_free(tx.query(query::RIVALS), &fields, Some(&agent)).await?;
        self.edit_agent(tx, author, &agent, fields).await
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
    /// [`Error::Invalid`] naming a company that is not there, [`Error::Forbidden`], [`Error::Changed`].
    pub async fn open_companies(
        &self,
        scope: &Scope,
        author: &Author,
        keycloak_id: &str,
        wanted: &AgentCompanies,
    ) -> Result<Option<Outcome<AgentCompanies>>> {
        scope.require_admin("opening companies to users")?;
        let Some(agent) = query::find(&self.0.db, scope, keycloak_id).await? else {
            return Ok(None);
        };
        let numbers = &wanted.company_account_numbers;
        if numbers.iter().any(|number| number.contains('\0')) {
            let fault = Fault::at(COMPANY_NUMBERS, NUL);
            return Err(Error::Unprocessable(vec![fault]));
        }
        let mut tx = self.0.db.begin().await?;
        // Locks the agent, and holds it against what its author has seen.
        let mut writer = self.writer(&mut tx, author);
        if writer
            .edit::<Agent>(agent.id.0, Map::new())
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let each = numbers.iter().map(String::as_str);
        let held = companies::rules::holders(&mut tx, each, false).await?;
        let named = contacts::companies::named(&held, numbers)?;
        let summary = agents::companies::open(&mut tx, author, &agent, &named).await?;
        let opened = Self::conclude(tx, author, summary, ()).await?;
        let opened = opened.then(|()| self.agent_companies(scope, keycloak_id));
        let opened = opened.await?.transpose();
        Ok(opened.map(|opened| opened.map(|(companies, _)| companies)))
    }

    /// States what an agent prefers. Nothing but a person says so, which is why it outlives every sync.
    async fn prefer(
        &self,
        author: &Author,
        agent: &Agent,
        stated: Map<String, Value>,
    ) -> Result<Option<Outcome<Agent>>> {
        let tx = self.0.db.begin().await?;
        self.edit_agent(tx, author, agent, stated).await
    }

    async fn edit_agent(
        &self,
        mut tx: Tx,
        author: &Author,
        agent: &Agent,
        stated: Map<String, Value>,
    ) -> Result<Option<Outcome<Agent>>> {
        let mut writer = self.writer(&mut tx, author);
        let summary = writer.edit::<Agent>(agent.id.0, stated).await?;
        let updated = Self::conclude(tx, author, summary.unwrap_or_default(), ()).await?;
        let id = &agent.fields.keycloak_id;
        let updated = updated.then(|()| query::own(&self.0.db, id, None));
        Ok(updated.await?.transpose())
    }
}

fn text<'f>(fields: &'f Map<String, Value>, key: &str) -> Option<&'f str> {
    fields.get(key)?.as_str()
}

/// Refuses a Keycloak id, a login name or an e-mail address that another agent has: people pick agents by them.
async fn require_free(
    conflicting: Q<'_>,
    fields: &Map<String, Value>,
    own: Option<&Agent>,
) -> Result<()> {
    let id = text(fields, "keycloak_id");
    let stated = |key: &str| text(fields, key).and_then(IdentityKey::of);
    // What an agent has already it may keep: Keycloak lets several share an address.
    let name = stated("username")
        .filter(|name| own.is_none_or(|own| own.fields.username_key.as_ref() != Some(name)));
    let email = stated("email")
        .filter(|email| own.is_none_or(|own| own.fields.email_key.as_ref() != Some(email)));
    let conflicting = conflicting.bind_text(id).bind(name.clone()).bind(email);
    let others: Vec<Agent> = conflicting.all().await?;
    let Some(other) = others
        .into_iter()
        .find(|other| own.is_none_or(|own| own.id != other.id))
    else {
        return Ok(());
    };
    let holder = &other.fields.keycloak_id;
    let message = if id == Some(holder) {
        format!("agent {holder} is there already")
    } else if name.is_some() && other.fields.username_key == name {
        let username = &other.fields.username;
        format!("agent {holder} has username `{username}` already")
    } else {
        format!("agent {holder} has this e-mail address already")
    };
    Err(Error::conflict(message))
}
