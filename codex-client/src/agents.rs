//! Agents, the people who log in, and their settings.

use codex_core::agents::wire::{
    AgentIn, AgentOut, AgentSaved, AgentSettingsChanged, AgentsOut, AgentsSynced, HomePageOut,
    MySettingsChanged, MySettingsOut, SettingsIn, ThemeOut,
};

use serde::de::DeserializeOwned;

use crate::{Result, request::Requester};

/// Calls about agents.
#[derive(Debug)]
pub struct Agents<'c>(pub(crate) &'c Requester);

impl Agents<'_> {
    /// All agents, disabled ones too, by login name. For administrators and services.
    pub async fn list(&self) -> Result<Vec<AgentOut>> {
        let answer: AgentsOut = self.0.get(&["api", "agents"], &[]).await?;
        Ok(answer.agents)
    }

    /// One agent, by Keycloak's user id.
    pub async fn get(&self, keycloak_id: &str) -> Result<AgentOut> {
        self.0.get(&["api", "agents", keycloak_id], &[]).await
    }

    /// Makes an agent of a user of Keycloak, and says whether Keycloak could be asked.
    pub async fn create(&self, agent: &AgentIn) -> Result<AgentSaved> {
        self.0.post_json(&["api", "agents"], agent).await
    }

    /// Corrects an agent by hand; gives it as it is now.
    pub async fn update(&self, keycloak_id: &str, edit: &AgentIn) -> Result<AgentOut> {
        self.0.put(&["api", "agents", keycloak_id], edit).await
    }

    /// Sets the themes of an agent; gives it as it is now. View and home page are the agent's own choice.
    pub async fn update_settings(
        &self,
        keycloak_id: &str,
        settings: &SettingsIn,
    ) -> Result<AgentOut> {
        let path = ["api", "agents", keycloak_id, "settings"];
        let answer: AgentSettingsChanged = self.0.put(&path, settings).await?;
        Ok(answer.agent)
    }

    /// The themes of the person with an e-mail address; the defaults for somebody whom Codex does not know.
    pub async fn theme(&self, email: &str) -> Result<ThemeOut> {
        self.public(email, "theme").await
    }

    /// The page that the person with an e-mail address begins with; the default as above.
    pub async fn home_page(&self, email: &str) -> Result<HomePageOut> {
        self.public(email, "home-page").await
    }

    async fn public<T: DeserializeOwned>(&self, email: &str, what: &str) -> Result<T> {
        let query = [("email", email.to_owned())];
        self.0.get(&["api", "public", "user", what], &query).await
    }

    /// Pulls the users of Keycloak and waits for the end; a large realm needs a client with patience.
    pub async fn sync(&self) -> Result<AgentsSynced> {
        self.0.post(&["api", "agents", "sync"]).await
    }
}

/// Calls about the settings of the person whose token is used; services have none.
#[derive(Debug)]
pub struct MySettings<'c>(pub(crate) &'c Requester);

impl MySettings<'_> {
    /// The settings; the defaults for somebody whom Codex does not know.
    pub async fn get(&self) -> Result<MySettingsOut> {
        self.0.get(&["api", "my", "settings"], &[]).await
    }

    /// Changes what is stated.
    pub async fn update(&self, settings: &SettingsIn) -> Result<MySettingsChanged> {
        self.0.put(&["api", "my", "settings"], settings).await
    }
}
