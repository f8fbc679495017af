//! The operator's settings: one table of variables, each with its default and its meaning. An unknown `PRECEPTOR_`
//! variable is an error, because a misspelt one would otherwise be a setting silently not made.

use std::{collections::BTreeMap, fmt::Write, net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use lettre::message::Mailbox;

use crate::{
    auth::outside::model::{IssuerConfig, parse_issuers},
    db::Engine,
    http::client_address::read_networks,
    mail,
    outbound::model::Policy,
    reviews::cohort,
};

/// One environment variable.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What counts when it is not set; empty means off or none.
    pub default: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether its value may hold a password.
    pub secret: bool,
}

const fn variable(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable { name, default, about, secret: false }
}

const fn secret(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable { name, default, about, secret: true }
}

/// Every variable that is read.
pub const VARIABLES: &[Variable] = &[
    secret("DATABASE_URL", "sqlite://data/preceptor.db", "The database: sqlite://PATH or postgres://…"),
    secret("DATABASE_REPLICA_URL", "", "A PostgreSQL server that reads go to."),
    variable("PRECEPTOR_BIND", "127.0.0.1:8080", "Address and port to listen on."),
    variable("PRECEPTOR_DATA_DIR", "data", "Directory of the keys, made with owner-only rights."),
    variable("PRECEPTOR_METRICS_BIND", "", "Address and port for Prometheus metrics; off unless set."),
    variable("PRECEPTOR_PUBLIC_URL", "", "Where clients reach the service; http://PRECEPTOR_BIND unless set."),
    variable("PRECEPTOR_RATE_LIMITS", "on", "on, or off for load tests only."),
    variable(
        "PRECEPTOR_TRUSTED_PROXIES",
        "",
        "Networks (CIDR) whose X-Forwarded-For is believed, separated by commas.",
    ),
    variable("PRECEPTOR_CORS_ORIGINS", "*", "Origins whose pages may call the API, separated by commas."),
    variable("PRECEPTOR_LOG", "info", "Log filter, for example warn or info,preceptor::access=off."),
    variable("PRECEPTOR_LOG_FORMAT", "text", "text or json."),
    variable("PRECEPTOR_WORKERS", "", "Worker threads; as many as processors unless set."),
    variable("PRECEPTOR_POOL_SIZE", "16", "Database connections per pool, 1 to 200."),
    secret(
        "PRECEPTOR_SMTP_URL",
        "",
        "The mail server: smtps://…; mail becomes files in the data directory unless set.",
    ),
    variable("PRECEPTOR_MAIL_FROM", "Preceptor <preceptor@localhost>", "Whom mail is from."),
    variable("PRECEPTOR_MIGRATE_ON_START", "on", "on, or off to refuse to start on an older schema."),
    variable("PRECEPTOR_BODY_TIMEOUT_SECONDS", "15", "Seconds within which a body must have arrived."),
    variable(
        "PRECEPTOR_OIDC_ISSUERS",
        "",
        "Identity providers whose tokens are taken: JSON, see docs/outside-identity.md.",
    ),
    variable("PRECEPTOR_OUTBOUND_INSECURE", "off", "on to call http:// and private addresses, for development only."),
    variable("PRECEPTOR_DISK_RESERVE_MIB", "256", "Free MiB on the disk below which readiness says degraded."),
    variable("PRECEPTOR_DRAIN_SECONDS", "5", "Seconds between SIGTERM and the end of accepting connections."),
    variable(
        "PRECEPTOR_SMALL_COHORT",
        "3",
        "Verified reviews of one program and half-year that become public together, 1 to 20; 1 publishes each at once.",
    ),
    variable(
        "PRECEPTOR_RETENTION_DAYS",
        "365",
        "Days after which texts of what was refused, removed or taken back are erased; 0 keeps them.",
    ),
    variable("PRECEPTOR_REVIEW_BURST", "5", "Reviews of a program or provider in a day that are never too many."),
];

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The primary database.
    pub database: Engine,
    /// A server that reads may go to.
    pub replica: Option<Engine>,
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where keys are kept.
    pub data_dir: PathBuf,
    /// Where metrics are served.
    pub metrics_bind: Option<SocketAddr>,
    /// Where clients reach the service, without a trailing slash; also the tokens' issuer.
    pub public_url: String,
    /// Whether requests are counted against the rate limit.
    pub rate_limits: bool,
    /// Proxies that are believed when they name a client's address.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins that browsers may call from; `*` for any.
    pub cors_origins: Vec<String>,
    /// The log filter.
    pub log: String,
    /// Whether log lines are JSON.
    pub log_json: bool,
    /// Worker threads.
    pub workers: usize,
    /// The mail server; without one, mail becomes files.
    pub smtp: Option<mail::Smtp>,
    /// Whom mail is from.
    pub mail_from: Mailbox,
    /// Connections per pool.
    pub pool_size: u32,
    /// Whether `serve` migrates.
    pub migrate_on_start: bool,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// Free bytes on the disk below which readiness says degraded.
    pub disk_reserve: u64,
    /// How long to go on serving after SIGTERM.
    pub drain: Duration,
    /// Verified reviews of one program and half-year that become public together; 1 publishes each at once.
    pub small_cohort: u32,
    /// Reviews of a program or provider in a day that are never too many.
    pub review_burst: u32,
    /// Days after which texts of what was refused, removed or taken back are erased; 0 keeps them.
    pub retention_days: u32,
    /// Identity providers whose tokens are taken.
    pub oidc_issuers: Vec<IssuerConfig>,
    /// Which addresses the service may call.
    pub outbound: Policy,
}

/// Settings that do not hold, one sentence each.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

struct Reader<'a> {
    given: &'a BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> String {
        let default = VARIABLES.iter().find(|known| known.name == name).map_or("", |known| known.default);
        self.given.get(name).filter(|value| !value.is_empty()).map_or(default, String::as_str).to_owned()
    }

    fn parsed<T>(&mut self, name: &str, form: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name);
        let value = parse(&text);
        if value.is_none() {
            self.faults.push(format!("{name}: {form}"));
        }
        value
    }

    fn switch(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "on or off", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })
    }

    fn number(&mut self, name: &str, least: u32, most: u32) -> Option<u32> {
        let form = format!("a whole number from {least} to {most}");
        self.parsed(name, &form, |text| text.parse().ok().filter(|n| (least..=most).contains(n)))
    }
}

impl Reader<'_> {
    /// What may be called outside, and whose tokens are taken; `own` is where this service is reached.
    fn issuers(&mut self, own: Option<&str>) -> (Policy, Option<Vec<IssuerConfig>>) {
        let insecure = self.switch("PRECEPTOR_OUTBOUND_INSECURE");
        let outbound = if insecure == Some(true) { Policy::Insecure } else { Policy::Public };
        let issuers = match parse_issuers(&self.text("PRECEPTOR_OIDC_ISSUERS"), outbound) {
            Ok(issuers) if issuers.iter().any(|one| own == Some(one.issuer.as_str())) => {
                Err("PRECEPTOR_PUBLIC_URL is this service's own issuer".to_owned())
            }
            read => read,
        };
        match issuers {
            Ok(issuers) => (outbound, Some(issuers)),
            Err(fault) => {
                self.faults.push(format!("PRECEPTOR_OIDC_ISSUERS: {fault}"));
                (outbound, None)
            }
        }
    }
}

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_map(&relevant())
    }

    /// Reads settings from a map; all faults at once.
    pub fn from_map(given: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut read = Reader { given, faults: Vec::new() };
        for name in given.keys().filter(|name| name.starts_with("PRECEPTOR_")) {
            if !VARIABLES.iter().any(|known| known.name == name) {
                read.faults.push(format!("{name}: there is no such variable"));
            }
        }
        let database = match Engine::parse(&read.text("DATABASE_URL")) {
            Ok(engine) => Some(engine),
            Err(fault) => {
                read.faults.push(format!("DATABASE_URL: {fault}"));
                None
            }
        };
        let replica = Some(read.text("DATABASE_REPLICA_URL")).filter(|url| !url.is_empty());
        let replica = replica.and_then(|url| {
            let engine = Engine::parse(&url).ok().filter(|engine| engine.path().is_none());
            if engine.is_none() || matches!(database, Some(Engine::Sqlite(_))) {
                read.faults
                    .push("DATABASE_REPLICA_URL: a postgres:// URL beside a postgres:// DATABASE_URL".to_owned());
            }
            engine
        });
        let bind = read.parsed("PRECEPTOR_BIND", "address:port", |text| text.parse::<SocketAddr>().ok());
        let metrics_bind = read.parsed("PRECEPTOR_METRICS_BIND", "address:port", |text| {
            if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
        });
        let public_url = read.parsed("PRECEPTOR_PUBLIC_URL", "an http:// or https:// URL", |text| {
            let known = text.starts_with("http://") || text.starts_with("https://");
            (known || text.is_empty()).then(|| text.trim_end_matches('/').to_owned())
        });
        let rate_limits = read.switch("PRECEPTOR_RATE_LIMITS");
        let trusted_proxies =
            read.parsed("PRECEPTOR_TRUSTED_PROXIES", "networks such as 10.0.0.0/8,2001:db8::/32", read_networks);
        let migrate_on_start = read.switch("PRECEPTOR_MIGRATE_ON_START");
        let log_json = read.parsed("PRECEPTOR_LOG_FORMAT", "text or json", |text| match text {
            "text" => Some(false),
            "json" => Some(true),
            _ => None,
        });
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let workers = read.parsed("PRECEPTOR_WORKERS", "a whole number from 1 to 256", |text| {
            if text.is_empty() { Some(processors) } else { text.parse().ok().filter(|n| (1..=256).contains(n)) }
        });
        let pool_size = read.number("PRECEPTOR_POOL_SIZE", 1, 200);
        let body_timeout = read.number("PRECEPTOR_BODY_TIMEOUT_SECONDS", 1, 600);
        let disk_reserve = read.number("PRECEPTOR_DISK_RESERVE_MIB", 0, u32::MAX);
        let drain = read.number("PRECEPTOR_DRAIN_SECONDS", 0, 600);
        let small_cohort = read.number("PRECEPTOR_SMALL_COHORT", 1, cohort::SMALL_MAX);
        let review_burst = read.number("PRECEPTOR_REVIEW_BURST", 1, 1_000_000);
        let retention_days = read.number("PRECEPTOR_RETENTION_DAYS", 0, 36_500);
        let cors_origins = read.text("PRECEPTOR_CORS_ORIGINS");
        let cors_origins = cors_origins.split(',').map(|origin| origin.trim().to_owned()).collect();
        let log = read.parsed("PRECEPTOR_LOG", "a log filter such as info or info,preceptor::access=off", |text| {
            tracing_subscriber::EnvFilter::try_new(text).ok().map(|_| text.to_owned())
        });
        let smtp = read.parsed(
            "PRECEPTOR_SMTP_URL",
            "smtps://user:password@host, or smtp://host without a password",
            |text| {
                if text.is_empty() { Some(None) } else { mail::Smtp::parse(text).map(Some) }
            },
        );
        let mail_from = read.parsed("PRECEPTOR_MAIL_FROM", "name@domain or Name <name@domain>", mail::sender);
        let (outbound, oidc_issuers) = read.issuers(public_url.as_deref());
        let data_dir = PathBuf::from(read.text("PRECEPTOR_DATA_DIR"));

        let whole = || {
            let bind = bind?;
            let public_url = public_url?;
            Some(Self {
                database: database?,
                replica,
                bind,
                data_dir,
                metrics_bind: metrics_bind?,
                public_url: if public_url.is_empty() { format!("http://{bind}") } else { public_url },
                rate_limits: rate_limits?,
                trusted_proxies: trusted_proxies?,
                cors_origins,
                log: log?,
                log_json: log_json?,
                workers: workers?,
                smtp: smtp?,
                mail_from: mail_from?,
                pool_size: pool_size?,
                migrate_on_start: migrate_on_start?,
                body_timeout: Duration::from_secs(body_timeout?.into()),
                disk_reserve: u64::from(disk_reserve?) * 1024 * 1024,
                drain: Duration::from_secs(drain?.into()),
                small_cohort: small_cohort?,
                review_burst: review_burst?,
                retention_days: retention_days?,
                oidc_issuers: oidc_issuers?,
                outbound,
            })
        };
        match whole() {
            Some(config) if read.faults.is_empty() => Ok(config),
            _ => Err(ConfigError(read.faults)),
        }
    }
}

/// The variables of this process that concern us.
#[must_use]
pub fn relevant() -> BTreeMap<String, String> {
    let ours = |name: &str| name.starts_with("PRECEPTOR_") || name == "DATABASE_URL" || name == "DATABASE_REPLICA_URL";
    std::env::vars().filter(|(name, _)| ours(name)).collect()
}

/// A table of every variable with the value in force; secrets are masked.
#[must_use]
pub fn describe(given: &BTreeMap<String, String>) -> String {
    let read = Reader { given, faults: Vec::new() };
    let mut out = String::new();
    for known in VARIABLES {
        let value = read.text(known.name);
        let value = if known.secret { masked(&value) } else { value };
        let _ = writeln!(out, "{}={value}\n    {}", known.name, known.about);
    }
    out
}

/// Hides user and password of a URL, and whatever a query may hold.
fn masked(url: &str) -> String {
    let without_query = url.split('?').next().unwrap_or_default();
    match without_query.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://***@{host}"),
            None => without_query.to_owned(),
        },
        None => without_query.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faults = Config::from_map(&given(&[
            ("PRECEPTOR_BIND", "nowhere"),
            ("PRECEPTOR_BNID", "127.0.0.1:1"),
            ("PRECEPTOR_TRUSTED_PROXIES", "10.0.0.0/8,somewhere"),
            ("DATABASE_URL", "mysql://x"),
        ]));
        let faults = faults.unwrap_err().0;
        assert_eq!(faults.len(), 4, "{faults:?}");
    }

    #[test]
    fn an_outside_issuer_is_not_this_service_and_http_needs_the_switch() {
        let issuers = r#"[{"issuer":"http://id.test:9000","audience":"preceptor","algorithms":["ES256"]}]"#;
        let set = ("PRECEPTOR_OIDC_ISSUERS", issuers);
        let switch = ("PRECEPTOR_OUTBOUND_INSECURE", "on");
        let faults = Config::from_map(&given(&[set])).unwrap_err().0;
        assert!(faults[0].starts_with("PRECEPTOR_OIDC_ISSUERS: "), "{faults:?}");
        assert_eq!(Config::from_map(&given(&[set, switch])).unwrap().oidc_issuers.len(), 1);
        let own = ("PRECEPTOR_PUBLIC_URL", "http://id.test:9000/");
        assert_eq!(Config::from_map(&given(&[set, switch, own])).unwrap_err().0.len(), 1);
    }

    #[test]
    fn the_defaults_hold() {
        let config = Config::from_map(&BTreeMap::new()).unwrap();
        assert_eq!(config.public_url, "http://127.0.0.1:8080");
        assert!(config.rate_limits && config.trusted_proxies.is_empty());
    }

    #[test]
    fn a_password_is_never_shown() {
        let text = describe(&given(&[("DATABASE_URL", "postgres://user:geheim@host/db?password=geheim")]));
        assert!(text.contains("postgres://***@host/db") && !text.contains("geheim"));
    }
}
