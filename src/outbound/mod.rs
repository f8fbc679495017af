//! Calls to addresses that come from outside or from the configuration: keys of outside identity providers.
//!
//! One client, which cannot be turned against the network that the service stands in (SSRF): it resolves names itself,
//! refuses a name when any of its addresses is not public, connects to exactly the addresses that were checked, and
//! follows no redirect and no proxy. What the other side says never enters an error.

pub mod model;

use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};

use model::{Policy, Refused, check_url, is_public};
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a call may take, its answer included.
const TOTAL: Duration = Duration::from_secs(10);

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The address may not be called.
    #[error("the address is refused: {0}")]
    Refused(#[from] Refused),
    /// The client could not be made; there are no trusted certificates, for example.
    #[error("the HTTP client cannot be made; are there trusted root certificates on this machine?")]
    Setup,
    /// No connection: name, network or certificate.
    #[error("no connection could be made")]
    Connection,
    /// It took too long.
    #[error("the answer did not come in time")]
    Timeout,
    /// The answer has another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// The answer is larger than asked for.
    #[error("the answer is too large")]
    TooLarge,
    /// The answer broke off, or is not HTTP.
    #[error("the answer broke off")]
    Broken,
}

/// The HTTP client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    policy: Policy,
}

impl Client {
    /// A client that asks the system for addresses.
    pub fn new(policy: Policy) -> Result<Self, Failure> {
        Self::with_resolver(policy, Arc::new(System))
    }

    /// A client that asks `resolver` for addresses; they are checked all the same.
    pub fn with_resolver(policy: Policy, resolver: Arc<dyn Resolve>) -> Result<Self, Failure> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("preceptor/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Guarded { resolver, policy })
            .https_only(policy == Policy::Public)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            // A connection that is kept would be used again without a look at the name's addresses.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .build()
            .map_err(|_| Failure::Setup)?;
        Ok(Self { http, policy })
    }

    /// Reads the JSON document at `url`, of `cap` bytes at the most.
    pub async fn get_json(&self, url: &str, cap: usize) -> Result<Vec<u8>, Failure> {
        let url = check_url(url, self.policy)?;
        let request = self.http.get(url).header(header::ACCEPT, "application/json, application/jwk-set+json");
        let mut answer = request.send().await.map_err(|error| cause(&error))?;
        if answer.status() != 200 {
            return Err(Failure::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
            if body.len() + chunk.len() > cap {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Sorts an error without its text, which may hold what the other side sent.
fn cause(error: &reqwest::Error) -> Failure {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(one) = next {
        if let Some(refused) = one.downcast_ref::<Refused>() {
            return Failure::Refused(*refused);
        }
        next = one.source();
    }
    if error.is_timeout() {
        Failure::Timeout
    } else if error.is_connect() {
        Failure::Connection
    } else {
        Failure::Broken
    }
}

/// The system's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 is replaced by the address's own.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Lets through what another resolver found when all of it is public. The client connects to these addresses and
/// asks no further, so there is no moment between the check and the use.
struct Guarded {
    resolver: Arc<dyn Resolve>,
    policy: Policy,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, policy) = (self.resolver.resolve(name), self.policy);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            if policy == Policy::Public && !found.iter().all(|one| is_public(one.ip())) {
                return Err(Refused("the name stands for an address that is not public").into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
