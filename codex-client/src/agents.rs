//! Agents, the people who log in, and their settings.

use codex_core::agents::wire::{
    AgentCompanies, AgentIn, AgentOut, AgentSaved, AgentSettingsChanged, AgentsOut, AgentsSynced,
    HomePageOut, MySettingsChanged, MySettingsOut, SettingsIn, ThemeOut,
};

use serde::de::DeserializeOwned;

use crate::{
    Creation, Edit, ListOptions, Reading, Records, Result, Start,
    request::{Requester, json},
};

/// Calls about agents.
#[derive(Debug)]
pub struct Agents<'c>(pub(crate) &'c Requester);

impl Agents<'_> {
    /// All agents, disabled ones too, by login name. For administrators and services.
    pub async fn list(&self) -> Result<Vec<AgentOut>> {
        let answer: AgentsOut = self.0.get(&["api", "agents"], &[]).await?;
        Ok(answer.agents)
    }

    /// Every agent that `options` let through, by login name unless they say otherwise, page after page as they are
    /// asked for.
    pub fn stream(&self, options: &ListOptions) -> Records<AgentOut> {
        let call = options
            .in_order("username")
            .call(self.0, &["api", "agents"]);
        self.0.stream(call, |body| {
            let part: AgentsOut = json(body)?;
            Ok(part.agents)
        })
    }

    /// One agent, by Keycloak's user id.
    pub fn get(&self, keycloak_id: &str) -> Reading<AgentOut> {
        self.0.read(&["api", "agents", keycloak_id])
    }

    /// An agent's settings, as the agent sees them.
    pub fn settings(&self, keycloak_id: &str) -> Reading<MySettingsOut> {
        self.0.read(&["api", "agents", keycloak_id, "settings"])
    }

    /// Creates an agent for a user of Keycloak; the answer says whether Keycloak could be asked.
    pub fn create(&self, agent: &AgentIn) -> Creation<AgentSaved> {
        self.0.create(&["api", "agents"], agent)
    }

    /// Updates an agent; returns it as it is now.
    pub fn update(&self, keycloak_id: &str, edit: &AgentIn) -> Edit<AgentOut> {
        self.0.put(&["api", "agents", keycloak_id], edit)
    }

    /// Sets the themes of an agent; returns it as it is now. View and home page are the agent's own choice.
    pub fn update_settings(&self, keycloak_id: &str, settings: &SettingsIn) -> Edit<AgentOut> {
        let path = ["api", "agents", keycloak_id, "settings"];
        self.0.put(&path, settings).decoded(|body| {
            let answer: AgentSettingsChanged = json(body)?;
            Ok(answer.agent)
        })
    }

    /// The companies that an agent may see as a client.
    pub fn companies(&self, keycloak_id: &str) -> Reading<AgentCompanies> {
        self.0.read(&["api", "agents", keycloak_id, "companies"])
    }

    /// Sets the companies that an agent may see as a client; returns them.
    pub fn open_companies(
        &self,
        keycloak_id: &str,
        companies: &AgentCompanies,
    ) -> Edit<AgentCompanies> {
        let path = ["api", "agents", keycloak_id, "companies"];
        self.0.put(&path, companies)
    }

    /// The themes of the person with an e-mail address; the defaults for an unknown user.
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

    /// Syncs the users of Keycloak and waits for the end; a large realm needs a client with a long timeout.
    pub fn sync(&self) -> Start<AgentsSynced> {
        self.0.start(&["api", "agents", "sync"])
    }
}

/// Calls about the settings of the person whose token is used; services have none.
#[derive(Debug)]
pub struct MySettings<'c>(pub(crate) &'c Requester);

impl MySettings<'_> {
    /// The settings; the defaults for an unknown user.
    pub fn get(&self) -> Reading<MySettingsOut> {
        self.0.read(&["api", "my", "settings"])
    }

    /// Updates the settings that are sent.
    pub fn update(&self, settings: &SettingsIn) -> Edit<MySettingsChanged> {
        self.0.put(&["api", "my", "settings"], settings)
    }
}
