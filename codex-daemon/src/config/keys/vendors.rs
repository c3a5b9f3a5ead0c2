//! Settings of the systems around Codex: where records come from, and what may be written there.

use crate::config::setting::{
    Kind::{Boolean, Host, Ips, Numbers, Text, Url},
    number, section,
};

section! {
    PSA = "psa" {
        /// Where companies, contacts and tickets come from.
        default_provider = "freshservice", Text;
        /// Minutes that a ticket counts when its details were read and no time is recorded on it. The Flask service
        /// counted 15, which changes bills.
        unworked_ticket_minutes = "0", number("a number of minutes", 0, 1_440), restart();
        /// Id of the PSA's help desk group.
        helpdesk_group = "", number("the id of a group", 1, i64::MAX);
        /// Id of the PSA's professional services group. Beacon shows it in a view of its own. The default is the only id
        /// that the Flask service knew.
        professional_services_group = "19000234009", number("the id of a group", 1, i64::MAX);
    }
}

section! {
    FRESHSERVICE = "freshservice" {
        /// your-domain.freshservice.com, or a full URL such as http://127.0.0.1:8080 for a simulator.
        domain = "", Host;
        /// API key.
        api_key = "", Text, secret();
        /// Host of links in pages. When not set: the domain.
        web_domain = "", Host;
        /// How many days the first sync of tickets goes back. Later syncs go on where the last one ended.
        first_ticket_days = "365", number("a number of days", 0, 36_500);
        /// Whether tickets of all workspaces are read, not only those of the primary one. Of the others Freshservice
        /// shows only the fields that all workspaces share.
        all_workspaces = "false", Boolean;
    }
}

section! {
    RMM = "rmm" {
        /// Where devices come from.
        default_provider = "datto", Text;
    }
}

section! {
    DATTO = "datto" {
        /// API URL of the account's platform.
        api_endpoint = "https://zinfandel-api.centrastage.net", Url;
        /// API key.
        public_key = "", Text, older(&["api_key"]), secret();
        /// API secret key.
        secret_key = "", Text, older(&["api_secret"]), secret();
        /// Numbers of the user-defined fields that hold secrets. The default covers BitLocker and Windows keys.
        secret_udfs = "2,9", Numbers { min: 1, max: 300 };
        /// Whether the sites Managed and OnDemand may belong to a customer.
        map_pseudo_sites = "false", Boolean;
        /// Most calls in any 60 seconds, of all processes together. The account as a whole has 600. Syncs leave a
        /// twentieth of them to people who wait.
        calls_per_minute = "540", number("a number of calls", 1, 1_000_000);
    }
}

section! {
    KEYCLOAK = "keycloak" {
        /// The server whose users are the agents, such as http://localhost:8080, with /auth at the end before
        /// version 17. When not set, Keycloak is not asked.
        server_url = "", Url, env("KEYCLOAK_SERVER_URL");
        /// Another address of the same server, for calls from this host. Goes before server_url.
        backend_url = "", Url, env("KEYCLOAK_BACKEND_URL");
        /// Realm of the users.
        realm = "hivematrix", Text, env("KEYCLOAK_REALM");
        /// A confidential client of the realm whose service account has the role view-users of the client
        /// realm-management. Tried first when its secret is set too: it needs no person's password.
        client_id = "", Text, env("KEYCLOAK_CLIENT_ID");
        /// Secret of that client.
        client_secret = "", Text, env("KEYCLOAK_CLIENT_SECRET"), secret();
        /// Realm of the administrator.
        admin_realm = "master", Text;
        /// An administrator of the server, tried when there is no client or it is refused.
        admin_user = "admin", Text, env("KEYCLOAK_ADMIN_USER");
        /// Password of the administrator. The default is that of a new server in today's installations.
        admin_password = "admin", Text, env("KEYCLOAK_ADMIN_PASS"), secret();
        /// Whether Keycloak's certificate is checked.
        verify_ssl = "true", Boolean, env("VERIFY_SSL");
    }
}

section! {
    UPSTREAM = "upstream" {
        /// Whether Codex may write to Freshservice and Datto: on or off. When off it shows what it would do.
        write = "off", Boolean;
    }
}

section! {
    /// Which value wins, field by field: kind.field = policy. The policies are
    ///   manual_wins           the manual value, until it is released (the default)
    ///   source_wins           the value of a source
    ///   write_if_empty        the first value
    ///   manual_until_changed  the manual value, until the sources change theirs (the default for tickets)
    /// Kinds: company, contact, asset, location, site_link, psa_agent, ticket, agent. A policy applies from the next
    /// change of a record on. For example:
    ///   contact.job_title = source_wins
    POLICIES = "policies" {}
}

section! {
    /// Words for the PSA's status numbers, as modules and pages use them: number = word. Only 2 open, 3 pending,
    /// 4 resolved and 5 closed are the same in every account. A status without a word here has the account's label.
    /// Tickets in closed, resolved, job_complete_bill and billing_complete are not active.
    ///   15 = job_complete_bill
    TICKET_STATUSES = "ticket_statuses" {}
}

section! {
    /// POST /webhooks/freshservice/ticket, for the vendor's Workflow Automator.
    WEBHOOKS = "webhooks" {
        /// Whether webhooks are accepted.
        enabled = "false", Boolean;
        /// What the sender puts into the header X-Webhook-Secret, or signs with. See docs/operations.md.
        secret = "", Text, secret();
        /// Whether only signed webhooks are accepted.
        require_signature = "false", Boolean;
        /// Addresses that may send webhooks, separated by commas. When not set: any.
        allowed_ips = "", Ips;
        /// Whether bodies go to the log. They name people.
        log_payloads = "false", Boolean;
    }
}
