//! Settings of the daemon itself: how it listens, what it stores, whose tokens count, what it logs.

use crate::config::setting::{
    Kind::{Boolean, BooleanOrAuto, Ip, LogLevel, Origins, Text, Url},
    PERCENT, number, seconds, section,
};

section! {
    SERVER = "server" {
        /// Address to listen on. Nexus and the other modules run on the same host, so loopback is enough.
        bind = "127.0.0.1", Ip, restart();
        /// Port to listen on. 0 takes any free port, which `codexd serve` prints.
        port = "5010", number("a port number", 0, 65_535), restart();
        /// Whether /docs and /openapi.json answer without a token. `auto`: on loopback only.
        docs_public = "auto", BooleanOrAuto;
        /// Origins whose pages may call the API from a browser (CORS), such as https://intranet.example, with commas
        /// between; `*` allows every origin. When not set, none. Calls still need a token.
        cors_origins = "", Origins;
        /// Requests answered at the same time. Further requests wait for up to five seconds and then get 503.
        /// /health is always answered. An idle connection makes room for a new one.
        max_connections = "1024", number("a whole number", 1, 1_000_000), restart();
        /// How many of these one address may have. Behind a proxy on this machine it is the address that the proxy
        /// names in X-Forwarded-For. Nexus and the modules on this machine, which name none, count as one address.
        connections_per_address = "512", number("a whole number", 1, 1_000_000), restart();
        /// Calls per minute of one caller, a person or a module. Further calls get 429. 0 sets no limit.
        /// Ledger makes 1,200 calls in ten seconds.
        calls_per_minute = "30000", number("a number of calls", 0, 10_000_000);
        /// Largest request body.
        body_limit = "16777216", number("a number of bytes", 1, 1_073_741_824);
        /// How long a client may take to send a request head, and how long an idle connection is kept.
        header_timeout_seconds = "30", seconds(1, 3_600), restart();
        /// How long a shutdown waits for requests in flight. Helm kills what has not ended after ten seconds.
        drain_seconds = "3", seconds(0, 3_600), restart();
        /// How long the reader of an answer or the sender of a body may pause before its connection is cut.
        stall_seconds = "30", seconds(1, 3_600), restart();
        /// How long a whole request body may take.
        body_timeout_seconds = "120", seconds(1, 86_400), restart();
        /// How long a download waits while two downloads of everything, or eight of single companies, are running.
        /// Then it gets 503. Nexus gives up after 30 seconds without a byte.
        download_wait_seconds = "20", seconds(0, 3_600), restart();
    }
}

section! {
    HEALTH = "health" {
        /// From how much of the disk in use /health reports `degraded`, with 503.
        disk_degraded_percent = "85", PERCENT;
        /// From how much of the disk in use /health reports `unhealthy`, with 503.
        disk_unhealthy_percent = "95", PERCENT;
    }
}

section! {
    DATABASE = "database" {
        /// postgresql://user:password@host:port/name (password URL-encoded), sqlite://relative/path or
        /// sqlite:///absolute/path. When not set: SQLite in instance/codex.db.
        connection_string = "", Text, connection(), restart();
    }
}

section! {
    SERVICE = "service" {
        /// Name of this service in service tokens.
        name = "codex", Text, env("SERVICE_NAME"), restart();
    }
}

section! {
    CORE = "core" {
        /// Base URL of HiveMatrix Core, whose keys sign the tokens.
        url = "http://localhost:5000", Url, env("CORE_SERVICE_URL"), restart();
    }
}

section! {
    HELM = "helm" {
        /// Base URL of HiveMatrix Helm, which keeps the log of all modules, and creates and changes the users of
        /// Keycloak for the agents page.
        url = "http://localhost:5004", Url, env("HELM_SERVICE_URL");
    }
}

section! {
    AUTH = "auth" {
        /// Whether service tokens that were made for another service are refused. Today's modules send such tokens.
        check_target_service = "false", Boolean, restart();
        /// Whether Core is asked if a user's session was revoked, so that its token is refused before it expires.
        /// While Core cannot be asked, the token counts.
        check_revocation = "false", Boolean, restart();
        /// How long Core's answer to that is kept.
        revocation_cache_seconds = "30", seconds(0, 86_400), restart();
        /// How long Core's keys are used before they are read again. A key that Core withdraws ends within this time.
        jwks_cache_seconds = "300", seconds(1, 86_400), restart();
        /// How long an address that had Core asked for an unknown key waits until it may have it asked again.
        jwks_cooldown_seconds = "10", seconds(0, 3_600), restart();
        /// Whether tokens of a key of our own are accepted beside Core's, for trials and stand-alone use.
        /// `codexd token` makes them; the key is in instance/local-issuer.pem. Refused on an address that others can
        /// reach, unless `codexd serve` runs with --insecure.
        local_issuer = "false", Boolean, restart();
    }
}

section! {
    METRICS = "metrics" {
        /// Bearer token that may read /metrics, as an administrator may. A call without any token reads /metrics
        /// from this machine only, and not through a proxy (X-Forwarded-*).
        token = "", Text, secret();
    }
}

section! {
    LOGGING = "logging" {
        /// Least serious level that is logged.
        level = "INFO", LogLevel, env("LOG_LEVEL"), restart();
        /// Whether lines are JSON objects. `auto`: text on a terminal, else JSON.
        json = "auto", BooleanOrAuto, env("ENABLE_JSON_LOGGING"), restart();
        /// Whether lines go to Helm's log instead of standard error. Lines that Helm does not take go to standard
        /// error. `auto`: when HELM_SERVICE_URL or services.json says where Helm is, and standard error is not a terminal.
        helm = "auto", BooleanOrAuto, restart();
    }
}

section! {
    /// Traces for OpenTelemetry. Only a codexd that was built with the feature `otel` sends them.
    TELEMETRY = "telemetry" {
        /// The collector that gets traces by OTLP over HTTP, such as http://localhost:4318. They are sent to /v1/traces
        /// below it. When not set, none are sent.
        endpoint = "", Url, restart();
    }
}
