//! Agents and what they prefer.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Codex;
use crate::{
    Result, Scope,
    agents::{
        Agent, query,
        wire::{self, Whose},
    },
    changes::Author,
};

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

    /// States what an agent prefers. Nothing but a person says so, which is why it outlives every sync.
    async fn prefer(
        &self,
        author: &Author,
        agent: &Agent,
        stated: Map<String, Value>,
    ) -> Result<Option<Agent>> {
        let mut tx = self.0.db.begin().await?;
        let mut door = self.door(&mut tx, author);
        door.edit::<Agent>(agent.id.0, stated).await?;
        tx.commit().await?;
        query::own(&self.0.db, &agent.fields.keycloak_id, None).await
    }
}
