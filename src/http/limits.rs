//! The rate limit: one token bucket per caller (principal, else address), in memory and bounded.
//!
//! The header fields follow draft-ietf-httpapi-ratelimit-headers; their syntax stands in [`Verdict::describe`] alone,
//! because it may still change.

use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use actix_web::{
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::problem::Error;
use crate::ids::PrincipalId;

/// Requests per window.
pub const QUOTA: u32 = 600;
/// The window in seconds.
pub const WINDOW: u64 = 60;
/// Buckets held at the most; above it, the oldest idle ones go first.
const MAX_BUCKETS: usize = 200_000;

/// Who a bucket belongs to. Only a token that has been verified before gives its principal a bucket: forged tokens
/// count against the address they come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Principal(PrincipalId),
}

type Buckets = RateLimiter<Key, DefaultKeyedStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// The limiter; `None` inside when it is switched off for a load test.
#[derive(Clone)]
pub struct Limits(Option<Arc<Buckets>>);

/// What the limiter says of one request.
#[derive(Debug)]
pub struct Verdict {
    remaining: u32,
    wait: Option<u64>,
}

impl Limits {
    /// A limiter, or none.
    #[must_use]
    pub fn new(on: bool) -> Self {
        let quota = NonZeroU32::new(QUOTA).and_then(|burst| {
            let period = Duration::from_secs(WINDOW) / QUOTA;
            Quota::with_period(period).map(|quota| quota.allow_burst(burst))
        });
        Self(
            quota
                .filter(|_| on)
                .map(|quota| Arc::new(RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>())),
        )
    }

    /// Counts one request. Health checks are not counted.
    #[must_use]
    pub fn check(&self, req: &ServiceRequest, principal: Option<PrincipalId>) -> Option<Verdict> {
        let buckets = self.0.as_ref()?;
        if matches!(req.path(), "/livez" | "/readyz") {
            return None;
        }
        if buckets.len() > MAX_BUCKETS {
            buckets.retain_recent();
        }
        Some(match buckets.check_key(&principal.map_or_else(|| address(req), Key::Principal)) {
            Ok(state) => Verdict { remaining: state.remaining_burst_capacity(), wait: None },
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Verdict { remaining: 0, wait: Some(wait.as_secs() + 1) }
            }
        })
    }

    /// Forgets the buckets that are full again.
    pub fn tidy(&self) {
        if let Some(buckets) = &self.0 {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

fn address(req: &ServiceRequest) -> Key {
    Key::Address(match req.peer_addr().map(|peer| peer.ip()) {
        // One household or host has a /64.
        Some(IpAddr::V6(v6)) => {
            let s = v6.segments();
            IpAddr::from([s[0], s[1], s[2], s[3], 0, 0, 0, 0])
        }
        Some(v4) => v4,
        None => IpAddr::from([0, 0, 0, 0]),
    })
}

impl Verdict {
    /// The error for a request over the limit.
    #[must_use]
    pub fn refusal(&self) -> Option<Error> {
        self.wait.map(Error::TooManyRequests)
    }

    /// Writes the header fields.
    pub fn describe(&self, headers: &mut HeaderMap) {
        let until = self.wait.unwrap_or(WINDOW);
        let fields = [
            ("ratelimit-policy", format!("\"default\";q={QUOTA};w={WINDOW}")),
            ("ratelimit", format!("\"default\";r={};t={until}", self.remaining)),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}
