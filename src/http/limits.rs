//! Rate limits: quotas per caller, most of them token buckets in memory, bounded in number; the daily ones are counted
//! in the database and hold across restarts.
//!
//! The header fields follow draft-ietf-httpapi-ratelimit-headers; their syntax stands in [`Counted::describe`] alone,
//! because it may still change.

use std::{
    fmt::Write,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use actix_web::{
    dev::ServiceRequest,
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use ipnet::IpNet;
use quick_cache::sync::Cache;

use super::{client_address::client_address, problem::Error};
use crate::{
    ids::{ClientId, PrincipalId},
    text_enum::text_enum,
    time::Timestamp,
};

text_enum! {
    /// The name of a quota policy.
    pub enum PolicyName {
        /// Every request.
        Default = "default",
        /// The OAuth endpoints.
        Token = "token",
        /// Redeeming a participation code.
        Redeem = "redeem",
        /// Signing in with an e-mailed code.
        SignIn = "sign_in",
        /// Search and facet counts.
        Search = "search",
        /// Writing reviews.
        Review = "review",
        /// Reporting red flags.
        Report = "report",
        /// Taking out one's own data.
        Export = "export",
        /// Asking a university for a confirmation.
        Confirmation = "confirmation",
    }
}

/// A quota.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Its name in header fields.
    pub name: PolicyName,
    /// Requests per window.
    pub quota: u32,
    /// Seconds.
    pub window: u32,
    /// What a request that is answered 4xx takes beyond the one that every request takes.
    pub failure: u32,
    /// What it is for, as the documentation says it.
    pub about: &'static str,
}

const fn policy(name: PolicyName, quota: u32, window: u32, failure: u32, about: &'static str) -> Policy {
    Policy { name, quota, window, failure, about }
}

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// Every policy, in the order of [`PolicyName`].
pub const POLICIES: [Policy; 9] = [
    policy(PolicyName::Default, 600, MINUTE, 0, "every request but health checks"),
    policy(PolicyName::Token, 30, MINUTE, 3, "`POST /oauth/token`, `/oauth/introspect`, `/oauth/revoke`"),
    policy(PolicyName::Redeem, 10, MINUTE, 3, "`POST /v1/participation-codes/redemption`"),
    policy(
        PolicyName::SignIn,
        10,
        MINUTE,
        3,
        "`POST /v1/sign-in`, `/v1/sign-in/verify`; setting and confirming an address for notices",
    ),
    policy(PolicyName::Search, 120, MINUTE, 0, "lists with `q`, and facets"),
    policy(PolicyName::Review, 20, DAY, 0, "reviews that one participant writes"),
    policy(PolicyName::Report, 20, DAY, 0, "red-flag reports that one participant makes"),
    policy(PolicyName::Export, 5, HOUR, 0, "`GET /v1/me/export`"),
    policy(PolicyName::Confirmation, 5, DAY, 0, "`POST /v1/me/confirmation-requests`"),
];

impl PolicyName {
    /// The policy of this name.
    #[must_use]
    pub const fn policy(self) -> &'static Policy {
        &POLICIES[self as usize]
    }

    /// The policy that an operation has beside the default. `path` is percent-decoded, as the router reads it.
    fn of(method: &Method, path: &str, query: &str) -> Option<Self> {
        let searches = || query.split('&').any(|part| matches!(part.split('=').next(), Some("q" | "%71")));
        let is_notices = |last| {
            let below_provider = path.strip_prefix("/v1/providers/").and_then(|rest| rest.split_once('/'));
            path.strip_prefix("/v1/me/").or(below_provider.map(|(_, below)| below)) == Some(last)
        };
        let below_program = |last| path.starts_with("/v1/programs/") && path.ends_with(last);
        match *method {
            Method::POST => match path {
                "/oauth/token" | "/oauth/introspect" | "/oauth/revoke" => Some(Self::Token),
                "/v1/participation-codes/redemption" => Some(Self::Redeem),
                "/v1/sign-in" | "/v1/sign-in/verify" => Some(Self::SignIn),
                "/v1/me/confirmation-requests" => Some(Self::Confirmation),
                _ if is_notices("notices/confirmation") => Some(Self::SignIn),
                _ if below_program("/reviews") => Some(Self::Review),
                _ if below_program("/red-flag-reports") => Some(Self::Report),
                _ => None,
            },
            Method::PUT if is_notices("notices") => Some(Self::SignIn),
            Method::GET if path == "/v1/me/export" => Some(Self::Export),
            Method::GET if path.ends_with("/facets") || searches() => Some(Self::Search),
            _ => None,
        }
    }

    /// Whether it bounds attempts to get in.
    const fn is_for_getting_in(self) -> bool {
        matches!(self, Self::Token | Self::Redeem | Self::SignIn)
    }

    /// Buckets held at the most; above that, those that were asked for least go.
    const fn capacity(self) -> usize {
        if matches!(self, Self::Default) { 200_000 } else { 50_000 }
    }
}

/// What is left of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    policy: PolicyName,
    remaining: u32,
    /// Seconds until the quota is whole again; when nothing is left, until there is something.
    reset: u64,
    refused: bool,
}

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// A token bucket as one number (GCRA): the moment, in nanoseconds, at which it will be full again.
#[derive(Debug, Default)]
struct Bucket(AtomicU64);

impl Bucket {
    /// Takes `cost` at `now` if it is there, or as much as there is if `all`.
    fn take(&self, policy: &Policy, now: u64, cost: u32, all: bool) -> Reading {
        let window = u64::from(policy.window) * SECOND;
        let each = window / u64::from(policy.quota);
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            let full = before.max(now);
            let wanted = full + each * u64::from(cost);
            let after = if all { wanted.min((now + window).max(full)) } else { wanted };
            let missing = (after - now).saturating_sub(window);
            if missing > 0 {
                return Reading { policy: policy.name, remaining: 0, reset: missing.div_ceil(SECOND), refused: true };
            }
            if let Err(other) = self.0.compare_exchange_weak(before, after, Ordering::Relaxed, Ordering::Relaxed) {
                before = other;
                continue;
            }
            let remaining = u32::try_from((now + window - after) / each).unwrap_or(u32::MAX);
            let until = if remaining == 0 { (after + each).saturating_sub(now + window) } else { after - now };
            let reset = until.div_ceil(SECOND).max(1);
            return Reading { policy: policy.name, remaining, reset, refused: false };
        }
    }
}

/// Who a bucket belongs to. Only a token that has been verified before gives its principal a bucket: forged tokens
/// count against the address they come from. So do attempts to get in, whatever token they carry: tokens cost nothing
/// to whoever has one door open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Principal(PrincipalId),
    Client(ClientId),
}

struct Buckets {
    start: Instant,
    /// In the order of [`POLICIES`].
    of: Vec<Cache<Key, Arc<Bucket>>>,
    trusted: Vec<IpNet>,
}

impl Buckets {
    fn new(trusted: Vec<IpNet>) -> Self {
        let of = POLICIES.iter().map(|policy| Cache::new(policy.name.capacity())).collect();
        Self { start: Instant::now(), of, trusted }
    }

    fn take(&self, key: &Key, policy: &Policy, cost: u32, all: bool) -> Reading {
        let made = self.of[policy.name as usize].get_or_insert_with(key, || Ok::<_, Error>(Arc::default()));
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX / 2);
        made.unwrap_or_default().take(policy, now, cost, all)
    }
}

/// The limiter; `None` inside when it is switched off for a load test.
#[derive(Clone)]
pub struct Limits(Option<Arc<Buckets>>);

impl Limits {
    /// A limiter, or none. `trusted` are the proxies that are believed when they name a client's address.
    #[must_use]
    pub fn new(on: bool, trusted: &[IpNet]) -> Self {
        Self(on.then(|| Arc::new(Buckets::new(trusted.to_vec()))))
    }

    /// Counts one request. Health checks are not counted.
    #[must_use]
    pub fn count(&self, req: &ServiceRequest, principal: Option<PrincipalId>) -> Option<Counted> {
        let buckets = self.0.as_ref()?;
        // The router's reading of the path, so that no spelling of it goes by another quota.
        let path = req.match_info().as_str();
        if matches!(path, "/livez" | "/readyz") {
            return None;
        }
        let second = PolicyName::of(req.method(), path, req.query_string());
        let by_address = second.is_some_and(PolicyName::is_for_getting_in);
        let principal = principal.filter(|_| !by_address);
        let key = principal.map_or_else(|| address(req, &buckets.trusted), Key::Principal);
        let default = buckets.take(&key, PolicyName::Default.policy(), 1, false);
        let own = second.filter(|name| !name.is_daily()).map(|name| buckets.take(&key, name.policy(), 1, false));
        Some(Counted { buckets: Arc::clone(buckets), key, second, default, own })
    }

    /// Counts a token for a client that has proven itself, wherever it asks from. Only then: attempts that fail would
    /// let others use up what is the client's.
    pub fn count_client(&self, id: ClientId) -> Result<(), Error> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        buckets.take(&Key::Client(id), PolicyName::Token.policy(), 1, false).check()
    }

    /// The daily quota of this name, unless limits are off.
    #[must_use]
    pub fn daily(&self, name: PolicyName) -> Option<Daily> {
        self.0.as_ref().map(|_| Daily(name.policy()))
    }
}

fn address(req: &ServiceRequest, trusted: &[IpNet]) -> Key {
    let peer = req.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
    // A byte that is no text must not hide the addresses beside it.
    let forwarded: Vec<_> =
        req.headers().get_all("x-forwarded-for").map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let forwarded = forwarded.iter().map(AsRef::as_ref);
    Key::Address(match client_address(peer, forwarded, trusted) {
        // One household or host has a /64.
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::from([s[0], s[1], s[2], s[3], 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    })
}

/// What was counted for one request.
pub struct Counted {
    buckets: Arc<Buckets>,
    key: Key,
    /// The policy beside the default.
    second: Option<PolicyName>,
    default: Reading,
    own: Option<Reading>,
}

impl Counted {
    /// The error for a request over a quota.
    #[must_use]
    pub fn refusal(&self) -> Option<Error> {
        let refused: Vec<_> = [Some(self.default), self.own].into_iter().flatten().filter(|one| one.refused).collect();
        let wait = refused.iter().map(|one| one.reset).max()?;
        Some(exceeded(wait, refused.iter().map(|one| one.policy).collect()))
    }

    /// Takes what a request costs that was answered 4xx.
    pub fn failed(&mut self) {
        if let Some(own) = self.own.as_mut().filter(|own| !own.refused && own.policy.policy().failure > 0) {
            let policy = own.policy.policy();
            *own = self.buckets.take(&self.key, policy, policy.failure, true);
        }
    }

    /// Writes the header fields; `daily` is what the handler has read of a daily quota.
    pub fn describe(&self, daily: Option<Reading>, headers: &mut HeaderMap) {
        let policies = [Some(PolicyName::Default), self.second].into_iter().flatten().map(|name| {
            let Policy { quota, window, .. } = name.policy();
            format!("\"{name}\";q={quota};w={window}")
        });
        let readings = [Some(self.default), self.own, daily].into_iter().flatten();
        let readings = readings.map(|one| format!("\"{}\";r={};t={}", one.policy, one.remaining, one.reset));
        let lists = [("ratelimit-policy", joined(policies)), ("ratelimit", joined(readings))];
        for (name, list) in lists {
            if let Ok(value) = HeaderValue::from_str(&list) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

fn joined(members: impl Iterator<Item = String>) -> String {
    members.collect::<Vec<_>>().join(", ")
}

/// A little is added to the wait, so that those who were refused together do not come back together.
fn exceeded(wait: u64, policies: Vec<PolicyName>) -> Error {
    Error::TooManyRequests(wait + fastrand::u64(0..=(wait / 10).clamp(1, 30)), policies)
}

/// A quota that is counted in the database.
#[derive(Debug, Clone, Copy)]
pub struct Daily(&'static Policy);

impl Daily {
    /// What was made after this moment counts at `now`.
    #[must_use]
    pub fn since(self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-i64::from(self.0.window))
    }

    /// As many rows need to be counted.
    #[must_use]
    pub fn quota(self) -> i64 {
        i64::from(self.0.quota)
    }

    /// What is left once one more is made; `made` are the moments that count, latest first.
    #[must_use]
    pub fn after_one_more(self, made: &[Timestamp], now: Timestamp) -> Reading {
        let policy = self.0;
        let used = u32::try_from(made.len()).unwrap_or(u32::MAX);
        let refused = used >= policy.quota;
        let remaining = policy.quota.saturating_sub(used + 1);
        let oldest = made.last().copied().unwrap_or(now).as_micros();
        let until =
            if remaining == 0 { oldest - self.since(now).as_micros() } else { i64::from(policy.window) * 1_000_000 };
        let reset = u64::try_from(until).unwrap_or_default().div_ceil(1_000_000).max(1);
        Reading { policy: policy.name, remaining, reset, refused }
    }
}

impl Reading {
    /// The error, if the quota has nothing left for the request.
    pub fn check(self) -> Result<(), Error> {
        if self.refused { Err(exceeded(self.reset, vec![self.policy])) } else { Ok(()) }
    }
}

impl PolicyName {
    /// Whether the database counts it.
    const fn is_daily(self) -> bool {
        matches!(self, Self::Review | Self::Report)
    }
}

/// The policies as the table of the documentation.
#[must_use]
pub fn policy_table() -> String {
    let mut rows =
        "| policy | quota | window, s | a 4xx takes | for |\n| --- | ---: | ---: | ---: | --- |\n".to_owned();
    for Policy { name, quota, window, failure, about } in &POLICIES {
        let _ = writeln!(rows, "| `{name}` | {quota} | {window} | {} | {about} |", failure + 1);
    }
    rows
}

#[cfg(test)]
mod tests;
